// A keeper of a secondary's zones as a test has it, catalogs and restarts included: zones come as texts, and what it publishes
// and tells the workers is at hand.
#pragma once

#include <gtest/gtest.h>

#include "../zone/master_file_zone.h"
#include "../zone/store/crashing_storage.h"
#include "platform/runtime/application.h"
#include "secondary/zone_keeper.h"
#include "server/loader_messages.h"

namespace samara::secondary {

using Kind = AgentMessageKind;
using zone::name_of;

const server::PeerList one_primary{{*Endpoint::parse("192.0.2.1:53"), std::nullopt}};
const server::PeerList other_primary{{*Endpoint::parse("192.0.2.2:53"), u16{0}}};

// Records as a primary would send them, from a master file's lines.
struct Zone {
  explicit Zone(std::string_view apex, std::string text) : apex(name_of(apex)), text(std::move(text)) {}
  template <class F>
  void for_each(F&& f) const {
    const zone::SourceFile file{"test.zone", text};
    zone::MasterFile reader(std::span(&file, 1), apex);
    zone::Record record;
    for (auto more = reader.next(record); more.ok() && more.value(); more = reader.next(record)) f(record);
  }
  dns::Name apex;
  std::string text;
};

inline std::string zone_text(u32 serial, std::string_view more = "") {
  return "@ 60 SOA ns host " + std::to_string(serial) + " 7200 900 604800 300\n@ 60 NS ns\n" + std::string(more);
}

inline void write_record(ItemTag tag, const zone::Record& record, ByteWriter& out) {
  out.u8(static_cast<u8>(tag));
  out.bytes(record.owner->wire());
  out.u16(dns::code(record.type));
  out.u16(1);
  out.u32(record.ttl.seconds());
  out.u16(static_cast<u16>(record.rdata.size()));
  out.bytes(record.rdata);
}

// A keeper, what it publishes and what it tells the workers.
struct Keeper {
  zone::TestRegion region{size_t{64} << 20};
  size_t zone_memory = size_t{64} << 20;  // as much of it as there is
  server::SecondaryConfig config;
  zone::store::SeededRng rng{1};
  std::unique_ptr<ZoneArchive> archive;
  std::optional<ZoneKeeper> keeper;
  std::optional<zone::ZoneSet> set;
  u64 generation = 0;
  Moment at{.now = Instant::since_boot(Duration::seconds(100)), .wall = {1'000'000}};
  std::vector<AgentMessage> told;         // worker 0
  std::vector<AgentMessage> told_others;  // worker 1
  std::vector<std::string> changed;
  server::ReloadedSettings<server::SecondaryConfig> settings{server::read_secondary_config};
  std::optional<size_t> settings_came_behind;  // so many messages
  u32 transfers = 0;
  bool publishes = true;  // and does the work that is left
  bool works = true;

  void start(hal::Storage* storage = nullptr) {
    if (storage != nullptr) archive = ZoneArchive::open(*storage, rng);
    keeper.emplace(config, region.bytes().first(zone_memory), archive.get(), rng);
    keeper->start(at);
    settle();
  }
  void settle() {
    if (publishes && keeper->is_changed()) {
      set = keeper->next_set();
      ASSERT_TRUE(set.has_value());
      size_t with_data = 0;
      set->for_each_zone([&](const zone::Zone&) { ++with_data; });
      EXPECT_EQ(keeper->zone_count() - keeper->zones_without_data(), with_data);
      keeper->published(++generation);
      keeper->release_before(generation, [](zone::Extent) {});
    }
    EXPECT_TRUE(keeper->send_all(2, [&](u32 worker, Bytes octets) {
      if (server::kind_of(octets) == server::LoaderMessage::zones_changed) {
        server::for_each_changed_zone(octets, [&](const dns::Name& name) { changed.push_back(zone::text_of(name)); });
        return true;
      }
      if (server::kind_of(octets) == server::LoaderMessage::zone_settings) {
        if (const auto* config = settings.on_message(octets); worker == 0 && config != nullptr) {
          settings_came_behind = told.size();
        }
        return true;
      }
      (worker == 0 ? told : told_others).push_back(MUST(read_message(octets)));
      return true;
    }));
    if (!works) return;
    for (int i = 0; keeper->has_work() && i < 1000; ++i) keeper->work(at);
    EXPECT_FALSE(keeper->has_work());
    if (publishes && keeper->is_changed()) settle();
  }
  // As the worker was told that the zone is followed; 0 when it was not.
  u32 following(const dns::Name& zone) const {
    u32 number = 0;
    for (const AgentMessage& message : told) {
      if (message.kind == Kind::follow && message.zone == zone) number = message.following;
    }
    return number;
  }
  void send(AgentMessage message, u32 worker = 0) {
    if (message.following == 0) message.following = following(message.zone);
    std::vector<u8> octets(runtime::max_message);
    ByteWriter out(octets);
    write_message(message, out);
    keeper->on_message(at, worker, out.written());
    settle();
  }
  void send_batch(const dns::Name& zone, u32 transfer, Bytes items) {
    send({.kind = Kind::batch, .transfer = transfer, .zone = zone, .items = items});
  }
  // A whole zone; the number of the transfer.
  u32 transfer(const Zone& zone, u32 serial) {
    std::vector<u8> octets(max_batch_size);
    ByteWriter out(octets);
    write_whole(dns::Serial(serial), out);
    zone.for_each([&](const zone::Record& record) { write_record(ItemTag::added, record, out); });
    write_end(std::nullopt, out);
    send_batch(zone.apex, ++transfers, out.written());
    return transfers;
  }
  // Steps from one serial to the next: the lines deleted and added, SOAs first.
  struct Step {
    std::string deleted;
    std::string added;
  };
  u32 differences(std::string_view apex, u32 from, u32 to, const std::vector<Step>& steps) {
    std::vector<u8> octets(max_batch_size);
    ByteWriter out(octets);
    write_steps(dns::Serial(from), dns::Serial(to), out);
    for (const Step& step : steps) {
      Zone(apex, step.deleted).for_each([&](const zone::Record& record) {
        write_record(record.type == dns::RrType::SOA ? ItemTag::old_soa : ItemTag::removed, record, out);
      });
      Zone(apex, step.added).for_each([&](const zone::Record& record) {
        write_record(record.type == dns::RrType::SOA ? ItemTag::new_soa : ItemTag::added, record, out);
      });
    }
    write_end(std::nullopt, out);
    send_batch(name_of(apex), ++transfers, out.written());
    return transfers;
  }
  std::optional<u32> served(std::string_view apex) const {
    const auto match = set->at(name_of(apex));
    if (!match.has_value() || !match->zone.has_value()) return std::nullopt;
    return match->zone->serial().value();
  }
  bool has(std::string_view apex, std::string_view name) const {
    return set->at(name_of(apex))->zone->find(name_of(name)).has_value();
  }
  bool is_followed(std::string_view apex) const { return set->at(name_of(apex)).has_value(); }
  std::optional<AgentMessage> last(Kind kind) const {
    std::optional<AgentMessage> found;
    for (const AgentMessage& message : told) {
      if (message.kind == kind) found = message;
    }
    return found;
  }
  size_t count(Kind kind) const { return static_cast<size_t>(std::ranges::count(told, kind, &AgentMessage::kind)); }
};

inline std::string soa_line(u32 serial) {
  return "@ 60 SOA ns host " + std::to_string(serial) + " 7200 900 604800 300\n";
}

struct OneZone : Keeper {
  OneZone() {
    config.zones.push_back({name_of("example."), one_primary, {}});
    start();
  }
};

inline std::string catalog_text(u32 serial, std::string_view members) {
  return "@ 0 SOA invalid. invalid. " + std::to_string(serial) + " 3600 600 604800 0\n@ 0 NS invalid.\nversion 0 TXT \"2\"\n" +
         std::string(members);
}

struct OneCatalog : Keeper {
  OneCatalog() {
    config.catalogs.push_back({.name = name_of("catalog."), .primaries = one_primary, .member_primaries = {}, .overrides = {}});
  }
};

struct Restarts {
  zone::store::CrashingStorage storage{u64{4} << 20};
  // A keeper on what is certain to be on the medium now.
  template <class K>
  void start(K& keeper) {
    storage = zone::store::CrashingStorage(storage.medium, 512);
    keeper.start(&storage);
  }
};

}  // namespace samara::secondary
