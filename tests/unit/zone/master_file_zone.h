// Zones from master file text, for the tests of what is done with zones.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zone/builder.h"
#include "zone/master_file.h"
#include "zone/record_index.h"

namespace samara::zone {

inline dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::parse(text, dns::Name());
  EXPECT_TRUE(name.ok()) << text;
  return name.value();
}

template <class T>
std::string text_of(const T& piece) {
  std::vector<char> memory(size_t{1} << 20);
  TextWriter out(memory);
  piece.write_text(out);
  EXPECT_FALSE(out.overflowed());
  return std::string(out.view());
}

// A region of zone memory that costs nothing until it is used.
class TestRegion {
 public:
  explicit TestRegion(size_t size = size_t{1} << 30) : size_(size) {
    at_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT_NE(at_, MAP_FAILED);
  }
  ~TestRegion() { munmap(at_, size_); }
  TestRegion(const TestRegion&) = delete;
  TestRegion& operator=(const TestRegion&) = delete;
  MutableBytes bytes() { return {static_cast<u8*>(at_), size_}; }

 private:
  void* at_;
  size_t size_;
};

// Zones of one apex, each built from a text; they live as long as this.
class TestZones {
 public:
  explicit TestZones(std::string_view apex = "example.") : apex_(name_of(apex)) {}

  Zone build(std::string_view text) { return build(text, apex_); }
  // A zone of another apex in the same memory.
  Zone build(std::string_view text, const dns::Name& apex) {
    index_.emplace();
    const SourceFile file{"test.zone", text};
    MasterFile source(std::span(&file, 1), apex);
    ZoneBuilder builder(memory_, apex);
    Record record;
    for (;;) {
      const auto more = source.next(record);
      if (!more.ok()) {
        ADD_FAILURE() << text_of(more.error());
        continue;
      }
      if (!more.value()) break;
      index_->add(record);
      EXPECT_TRUE(builder.add(*record.owner, record.type, record.ttl, record.rdata).ok());
    }
    index_->finish();
    auto zone = builder.finish();
    EXPECT_TRUE(zone.ok()) << (zone.ok() ? "" : describe(zone.error()));
    return zone.value();
  }
  ZoneMemory& memory() { return memory_; }
  // Of the zone built last.
  const RecordIndex& index() const { return *index_; }

 private:
  dns::Name apex_;
  TestRegion region_;
  ZoneMemory memory_{region_.bytes()};
  std::optional<RecordIndex> index_;
};

}  // namespace samara::zone
