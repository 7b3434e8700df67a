// Zones that change for months in little memory: what is taken for versions, sets and compacted zones comes from what others
// gave back, and the memory's end is never reached.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "zone/retired_extents.h"
#include "zone/revision.h"
#include "zone/zone_set.h"
#include "zone_model.h"

namespace samara::zone {
namespace {

using dns::RrType;

constexpr size_t zone_count = 3;
constexpr size_t memory_size = size_t{1} << 20;

// A loader without its texts and its workers, which take up a version three changes late.
class LongLifeTest : public testing::Test {
 protected:
  LongLifeTest() {
    for (size_t i = 0; i < zone_count; ++i) {
      apexes_.push_back(name_of("z" + std::to_string(i) + "."));
      ZoneBuilder builder(memory_, apexes_[i]);
      EXPECT_TRUE(builder.add(apexes_[i], RrType::SOA, dns::Ttl(60), soa(1)).ok());
      EXPECT_TRUE(builder.add(apexes_[i], RrType::NS, dns::Ttl(60), std::vector<u8>{1, 'n', 0}).ok());
      zones_.push_back(std::make_unique<VersionedZone>(memory_, HistoryLimits{.differences = 100, .octets = 20'000}));
      zones_[i]->adopt(MUST(builder.finish()));
      serials_.push_back(1);
    }
  }

  static std::vector<u8> soa(u32 serial) {
    std::vector<u8> rdata{1, 'm', 0, 1, 'r', 0};
    for (const u32 field : {serial, 2U, 3U, 4U, 5U}) {
      for (int shift = 24; shift >= 0; shift -= 8) rdata.push_back(static_cast<u8>(field >> shift));
    }
    return rdata;
  }

  // One record comes, and another goes that came `lasting` changes before.
  bool change(size_t which, u32 step) {
    VersionedZone& zone = *zones_[which];
    Patch patch;
    patch.delete_record(apexes_[which], RrType::SOA, soa(serials_[which]));
    patch.add_record(apexes_[which], RrType::SOA, dns::Ttl(60), soa(++serials_[which]));
    const dns::Name owner = MUST(dns::Name::parse("h" + std::to_string(step % lasting), apexes_[which]));
    const auto address = [](u32 number) {
      return std::vector<u8>{10, static_cast<u8>(number >> 16), static_cast<u8>(number >> 8), static_cast<u8>(number)};
    };
    if (step >= lasting) patch.delete_record(owner, RrType::A, address(step - lasting));
    patch.add_record(owner, RrType::A, dns::Ttl(60), address(step));
    if (!zone.apply(patch).ok()) return false;
    if (zone.compaction_due()) {
      ++compactions_;
      if (!zone.compact().ok()) return false;
    }
    return publish(zone);
  }

  bool publish(VersionedZone& changed) {
    std::vector<ZoneSetEntry> entries;
    for (size_t i = 0; i < zone_count; ++i) entries.push_back({.apex = apexes_[i], .zone = zones_[i]->zone()});
    const auto set = build_zone_set(memory_, entries);
    if (!set.ok()) return false;
    for (const Extent& extent : changed.take_retired()) retired_.add(extent, generation_);
    if (set_extent_.has_value()) retired_.add(*set_extent_, generation_);
    set_extent_ = set.value().extent();
    ++generation_;
    highest_ = std::max({highest_, set_extent_->offset + set_extent_->size, size_t{changed.zone()->header()} * 4});
    retired_.release_before(generation_ - std::min<u64>(generation_, 3), memory_, [](Extent) {});
    return true;
  }

  static constexpr u32 lasting = 40;
  std::vector<u8> region_ = std::vector<u8>(memory_size);
  ZoneMemory memory_{region_};
  std::vector<dns::Name> apexes_;
  std::vector<std::unique_ptr<VersionedZone>> zones_;
  std::vector<u32> serials_;
  RetiredExtents retired_;
  std::optional<Extent> set_extent_;
  u64 generation_ = 0;
  size_t compactions_ = 0;
  size_t highest_ = 0;
};

TEST_F(LongLifeTest, uses_again_what_was_given_back_before_it_touches_new_memory) {
  // 60 changes for each KiB of memory, as a million are for 16 MiB.
  size_t after_a_while = 0;
  for (u32 step = 0; step < 20'000; ++step) {
    for (size_t i = 0; i < zone_count; ++i) ASSERT_TRUE(change(i, step)) << "change " << step;
    if (step == 5'000) after_a_while = highest_;
  }
  EXPECT_GT(compactions_, 100U);
  EXPECT_LT(highest_, memory_size * 3 / 4);
  EXPECT_EQ(highest_, after_a_while);  // nothing walks upwards
}

}  // namespace
}  // namespace samara::zone
