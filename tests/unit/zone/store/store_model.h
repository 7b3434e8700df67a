// What a store of zones should hold, kept beside it; and what it does hold, read back.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "crashing_storage.h"
#include "zone/store/zone_store.h"

namespace samara::zone::store {

inline dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

// A zone's content: the batches of each group put together.
struct ModelZone {
  u32 serial = 0;
  std::vector<std::vector<u8>> groups;  // the snapshot, then each difference
  std::optional<ZoneState> state;
  friend bool operator==(const ModelZone&, const ModelZone&) = default;
};
using Model = std::map<std::string, ModelZone>;

class Collector final : public ZoneVisitor {
 public:
  bool on_batch(const RecordBatch& batch) override {
    open.insert(open.end(), batch.records.begin(), batch.records.end());
    dns::RecordImages images(batch.records);
    while (images.next().has_value()) ++records;
    whole_records = whole_records && !images.bad();
    if (batch.last) groups.push_back(std::exchange(open, {}));
    return true;
  }
  std::vector<u8> open;
  std::vector<std::vector<u8>> groups;
  size_t records = 0;
  bool whole_records = true;
};

inline std::string text_of(const dns::Name& name) {
  TextBuffer<dns::max_name_text> text;
  name.write_text(text.writer());
  return std::string(text.view());
}

// Everything the store has. Zones whose restore says that they are damaged are left out and counted.
struct Content {
  Model zones;
  size_t damaged = 0;
};
inline Content content_of(ZoneStore& store) {
  Content content;
  std::vector<ZoneSummary> all;
  store.each([&](const ZoneSummary& zone) { all.push_back(zone); });
  for (const ZoneSummary& zone : all) {
    Collector found;
    const auto restored = store.restore(zone.name, found);
    if (!restored.ok()) {
      EXPECT_EQ(restored.error(), StoreError::damaged);
      ++content.damaged;
      continue;
    }
    EXPECT_TRUE(found.whole_records);
    if (restored.value().damaged) ++content.damaged;
    content.zones[text_of(zone.name)] = {restored.value().serial.value(), found.groups, zone.state};
  }
  return content;
}

inline std::vector<u8> record_of(const dns::Name& owner, size_t rdata_size, u8 fill) {
  std::vector<u8> image(dns::max_record_image);
  ByteWriter out(image);
  dns::write_record_image(owner, dns::RrType::TXT, dns::Ttl(300), std::vector<u8>(rdata_size, fill), out);
  image.resize(out.size());
  return image;
}

// `octets` of records, unlike those of every other serial: a part of one is never the part that another lacks. What was
// written, or the error.
inline Result<std::vector<u8>, StoreError> write_records(ZoneWriter writer, const dns::Name& owner, size_t octets, u32 serial) {
  std::vector<u8> all;
  std::mt19937 random(serial);
  while (all.size() < octets) {
    auto record = record_of(owner, std::min<size_t>(octets - all.size(), 500), 0);
    for (u8& octet : std::span(record).last(std::min<size_t>(octets - all.size(), 500))) octet = static_cast<u8>(random());
    TRY(writer.add(record));
    all.insert(all.end(), record.begin(), record.end());
  }
  TRY(writer.commit());
  return all;
}

inline Result<void, StoreError> put_snapshot(ZoneStore& store, Model& model, const std::string& zone, u32 serial,
                                             size_t octets) {
  auto writer = TRY(store.begin_snapshot(name_of(zone), dns::Serial(serial)));
  auto records = TRY(write_records(std::move(writer), name_of(zone), octets, serial));
  ModelZone& there = model[zone];
  there.serial = serial;
  there.groups = {std::move(records)};
  return {};
}

inline Result<void, StoreError> put_difference(ZoneStore& store, Model& model, const std::string& zone, u32 serial,
                                               size_t octets) {
  ModelZone& there = model.at(zone);
  auto writer = TRY(store.begin_difference(name_of(zone), dns::Serial(there.serial), dns::Serial(serial)));
  there.groups.push_back(TRY(write_records(std::move(writer), name_of(zone), octets, serial)));
  there.serial = serial;
  return {};
}

inline Result<void, StoreError> put_state(ZoneStore& store, Model& model, const std::string& zone, u32 seconds) {
  ZoneState state{.refreshed = {seconds}, .expires = {seconds + 1000}, .file = {}};
  if (seconds % 2 == 0) {
    state = {.refreshed = {}, .expires = {}, .file = FileMark{.serial = dns::Serial(seconds / 2), .digest = seconds * 3}};
  }
  if (seconds % 10 == 4) state.file->digest.reset();  // as earlier builds wrote it
  if (seconds % 10 == 5) state.member = MemberMark(name_of("cat.example."), std::vector<u8>(1 + seconds % 63, 'm'));
  TRY(store.put_state(name_of(zone), state));
  model.at(zone).state = state;
  return {};
}

}  // namespace samara::zone::store
