// Damage on the medium: it is noticed wherever it is, and costs no more than what it hits.
#include <gtest/gtest.h>

#include "store_model.h"

namespace samara::zone::store {
namespace {

constexpr u64 small = min_store_size;
constexpr int zones = 12;

// A store with zones of every kind, a compaction behind it.
struct Made {
  std::vector<u8> medium;
  Model model;
  std::map<std::string, std::vector<ModelZone>> versions;  // all there ever were
};
const Made& made() {
  static const Made all = [] {
    Made result;
    CrashingStorage storage(small);
    SeededRng rng(1);
    const auto store = MUST(ZoneStore::open(storage, rng));
    const auto fill = [&](u32 serial) {
      for (int i = 0; i < zones; ++i) {
        const std::string zone = "z" + std::to_string(i) + ".example.";
        std::vector<ModelZone>& versions = result.versions[zone];
        MUST(put_snapshot(*store, result.model, zone, serial, i % 5 == 0 ? 20'000 : 700));
        versions.push_back(result.model[zone]);
        MUST(put_difference(*store, result.model, zone, serial + 1, 600));
        versions.push_back(result.model[zone]);
        MUST(put_difference(*store, result.model, zone, serial + 2, 900));
        versions.push_back(result.model[zone]);
        MUST(put_state(*store, result.model, zone, serial));
      }
      MUST(store->sync());
    };
    for (u32 round = 0; round < 5; ++round) fill(10 * (round + 1));
    result.medium = storage.content();
    return result;
  }();
  return all;
}

bool is_older_version(const std::string& name, const ModelZone& found) {
  return std::ranges::any_of(made().versions.at(name),
                             [&](const ModelZone& version) { return version.groups == found.groups; });
}

struct Loss {
  size_t zones = 0;   // gone, or an older version
  size_t states = 0;  // older
};
Loss loss_in(const Content& content) {
  Loss loss;
  for (const auto& [name, zone] : made().model) {
    const auto found = content.zones.find(name);
    if (found == content.zones.end() || found->second.groups != zone.groups) {
      ++loss.zones;
      if (found != content.zones.end()) EXPECT_TRUE(is_older_version(name, found->second)) << name;
    } else if (found->second.state != zone.state) {
      ++loss.states;
    }
  }
  return loss;
}

TEST(ZoneStoreDamage, AFlippedBitCostsAtMostOneZoneAndIsReported) {
  std::mt19937_64 random(5);
  size_t zones_lost = 0;
  for (u64 at = 0; at < small; at += 1 + random() % 499) {
    CrashingStorage storage(made().medium, 512);
    storage.content()[at] ^= static_cast<u8>(1U << random() % 8);
    SeededRng rng(1);
    const auto store = ZoneStore::open(storage, rng);
    ASSERT_TRUE(store.ok()) << at;
    const Content content = content_of(*store.value());
    const Loss loss = loss_in(content);
    ASSERT_LE(loss.zones, 1U) << at;
    if (loss.zones + loss.states != 0) {
      EXPECT_GT(content.damaged + store.value()->report().damaged_places, 0U) << at;
    }
    zones_lost += loss.zones;
  }
  EXPECT_GT(zones_lost, 20U);
}

TEST(ZoneStoreDamage, ALostBlockCostsNoMoreThanWhatLiesThere) {
  for (u64 at = 0; at < small; at += 512) {
    for (const bool unreadable : {false, true}) {
      CrashingStorage storage(made().medium, 512);
      if (unreadable) {
        storage.unreadable = at;
      } else {
        std::fill_n(storage.content().begin() + static_cast<std::ptrdiff_t>(at), 512, u8{0});
      }
      SeededRng rng(1);
      const auto store = ZoneStore::open(storage, rng);
      ASSERT_TRUE(store.ok()) << at;
      const Content content = content_of(*store.value());
      const Loss loss = loss_in(content);
      ASSERT_LE(loss.zones, 1U) << at;
      if (loss.zones + loss.states != 0) {
        EXPECT_GT(content.damaged + store.value()->report().damaged_places, 0U) << at;
      }
    }
  }
}

// A file that was cut and made as long as before has zeros where entries were: whatever is lost is reported, however little,
// and nothing is where nothing is lost.
TEST(ZoneStoreDamage, an_end_that_is_gone_is_told_from_the_zeros_behind_the_end) {
  size_t whole = 0;
  size_t cut = 0;
  for (u64 from = 512 * 4; from < small; from += 512) {
    CrashingStorage storage(made().medium, 512);
    std::fill(storage.content().begin() + static_cast<std::ptrdiff_t>(from), storage.content().end(), u8{0});
    SeededRng rng(1);
    const auto store = ZoneStore::open(storage, rng);
    if (!store.ok()) continue;  // the half in use began there: foreign, or a store in which nothing is
    const Loss loss = loss_in(content_of(*store.value()));
    const OpenReport& report = store.value()->report();
    if (loss.zones + loss.states != 0 && !report.made) {
      EXPECT_EQ(report.damaged_places, 1U) << from;
      EXPECT_GE(report.lost_octets, 512U) << from;
      EXPECT_EQ(report.lost_octets % 512, 0U) << from;
      ++cut;
    }
    if (loss.zones + loss.states == 0) {
      EXPECT_EQ(report.damaged_places, 0U) << from;
      EXPECT_EQ(report.lost_octets, 0U) << from;
      ++whole;
    }
  }
  EXPECT_GT(cut, 100U);
  EXPECT_GT(whole, 100U);
}

// The last one is acknowledged, and nothing comes after it.
TEST(ZoneStoreDamage, the_very_last_change_is_missed_when_it_is_gone) {
  CrashingStorage storage(small);
  SeededRng rng(1);
  Model model;
  const auto store = MUST(ZoneStore::open(storage, rng));
  ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 1, 5000).ok());
  ASSERT_TRUE(store->sync().ok());
  std::vector<u8> before = storage.content();
  ASSERT_TRUE(put_difference(*store, model, "a.example.", 2, 400).ok());
  ASSERT_TRUE(store->sync().ok());
  for (size_t at = 1024; at < small; ++at) {  // what was there before it, but for the headers
    if (before[at] != storage.content()[at]) storage.content()[at] = before[at];
  }
  const auto again = MUST(ZoneStore::open(storage, rng));
  EXPECT_EQ(again->report().damaged_places, 1U);
  EXPECT_EQ(again->report().lost_octets, 512U);
  EXPECT_EQ(again->find(name_of("a.example."))->serial, dns::Serial(1));
  // It goes on behind the hole, and the hole stays known.
  ASSERT_TRUE(put_snapshot(*again, model, "b.example.", 1, 300).ok());
  ASSERT_TRUE(again->sync().ok());
  const auto third = MUST(ZoneStore::open(storage, rng));
  EXPECT_EQ(third->report().damaged_places, 1U);
  EXPECT_TRUE(third->find(name_of("b.example.")).has_value());
}

TEST(ZoneStoreDamage, AfterItTheStoreGoesOn) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 300; ++i) {
    CrashingStorage storage(made().medium, 512);
    for (int flips = 0; flips < 3; ++flips) storage.content()[random() % small] ^= static_cast<u8>(1U << random() % 8);
    SeededRng rng(random());
    Model model;
    {
      const auto store = ZoneStore::open(storage, rng);
      ASSERT_TRUE(store.ok());
      model = content_of(*store.value()).zones;
      for (u32 n = 0; n < 40; ++n) {
        const std::string zone = "z" + std::to_string(random() % zones) + ".example.";
        if (n % 3 != 0 && model.contains(zone)) {
          ASSERT_TRUE(put_difference(*store.value(), model, zone, 1000 + n, 700).ok());
        } else {
          ASSERT_TRUE(put_snapshot(*store.value(), model, zone, 1000 + n, 6000).ok());
        }
        ASSERT_TRUE(put_state(*store.value(), model, zone, n).ok());
      }
      ASSERT_TRUE(store.value()->sync().ok());
      EXPECT_EQ(content_of(*store.value()).zones, model);
    }
    const auto again = ZoneStore::open(storage, rng);
    ASSERT_TRUE(again.ok());
    Model found = content_of(*again.value()).zones;
    // States of zones that were not touched may have been in damaged entries, and be in none any more; content is all there.
    for (auto& [name, zone] : found) zone.state.reset();
    for (auto& [name, zone] : model) zone.state.reset();
    ASSERT_EQ(found, model) << i;
  }
}

TEST(ZoneStoreDamage, ADamagedDifferenceLeavesTheVersionInFrontOfIt) {
  CrashingStorage storage(small);
  SeededRng rng(1);
  Model model;
  const auto store = MUST(ZoneStore::open(storage, rng));
  ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 1, 5000).ok());
  ASSERT_TRUE(put_difference(*store, model, "a.example.", 2, 5000).ok());
  const u64 writes = storage.writes;
  ASSERT_TRUE(put_difference(*store, model, "a.example.", 3, 5000).ok());
  ASSERT_EQ(storage.writes, writes + 1);
  const CrashingStorage::Write third = storage.unflushed.back();
  ASSERT_TRUE(put_difference(*store, model, "a.example.", 4, 5000).ok());
  ASSERT_TRUE(store->sync().ok());
  storage.content()[third.offset + 1000] ^= 1;

  Collector found;
  const auto restored = store->restore(name_of("a.example."), found);
  ASSERT_TRUE(restored.ok());
  EXPECT_TRUE(restored.value().damaged);
  EXPECT_EQ(restored.value().serial, dns::Serial(2));
  model.at("a.example.").groups.resize(2);
  model.at("a.example.").serial = 2;
  EXPECT_EQ(found.groups, model.at("a.example.").groups);
  // The next difference begins there, in this run and after the next start.
  ASSERT_TRUE(put_difference(*store, model, "a.example.", 9, 800).ok());
  ASSERT_TRUE(store->sync().ok());
  EXPECT_EQ(content_of(*store).zones, model);
  EXPECT_EQ(content_of(*MUST(ZoneStore::open(storage, rng))).zones, model);
}

}  // namespace
}  // namespace samara::zone::store
