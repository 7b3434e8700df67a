#include "zone/store/zone_store.h"

#include <gtest/gtest.h>

#include "store_model.h"
#include "store_version.h"

namespace samara::zone::store {
namespace {

constexpr u64 small = u64{1} << 20;

class ZoneStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<ZoneStore> open() {
    auto store = ZoneStore::open(storage_, rng_);
    EXPECT_TRUE(store.ok()) << describe(store.error());
    return std::move(store).value();
  }
  // Opened again from what is on the medium now.
  void expect_kept() {
    const auto store = MUST(ZoneStore::open(storage_, rng_, ZoneStore::Use::read));
    const Content content = content_of(*store);
    EXPECT_EQ(content.zones, model_);
    EXPECT_EQ(content.damaged, 0U);
    EXPECT_EQ(store->report().damaged_places, 0U);
    EXPECT_FALSE(store->report().tail_cut);
  }

  CrashingStorage storage_{small};
  SeededRng rng_{1};
  Model model_;
};

TEST_F(ZoneStoreTest, AnEmptyStorageBecomesAStore) {
  EXPECT_TRUE(open()->report().made);
  const auto again = open();
  EXPECT_FALSE(again->report().made);
  EXPECT_EQ(again->zone_count(), 0U);
}

TEST_F(ZoneStoreTest, KeepsSnapshotsDifferencesAndStates) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 300).ok());
    ASSERT_TRUE(put_snapshot(*store, model_, "b.example.", 7, 150'000).ok());
    ASSERT_TRUE(put_difference(*store, model_, "a.example.", 2, 100).ok());
    ASSERT_TRUE(put_difference(*store, model_, "a.example.", 3, 70'000).ok());
    ASSERT_TRUE(put_state(*store, model_, "a.example.", 1000).ok());
    ASSERT_TRUE(put_state(*store, model_, "b.example.", 1001).ok());
    ASSERT_TRUE(store->sync().ok());
    EXPECT_EQ(content_of(*store).zones, model_);
    const auto found = store->find(name_of("A.EXAMPLE."));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->serial, dns::Serial(3));
    EXPECT_EQ(found->differences, 2U);
    EXPECT_GT(found->difference_octets, 70'000U);
    EXPECT_EQ(found->state->file, (FileMark{.serial = dns::Serial(500), .digest = 3000}));
  }
  expect_kept();
}

TEST_F(ZoneStoreTest, ANewSnapshotReplacesTheOldOneAndItsDifferences) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 300).ok());
    ASSERT_TRUE(put_difference(*store, model_, "a.example.", 2, 100).ok());
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 9, 200).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  expect_kept();
}

TEST_F(ZoneStoreTest, ARemovedZoneIsGoneAndCanComeBack) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 300).ok());
    ASSERT_TRUE(put_state(*store, model_, "a.example.", 1000).ok());
    ASSERT_TRUE(put_snapshot(*store, model_, "b.example.", 1, 300).ok());
    ASSERT_TRUE(store->remove(name_of("a.example.")).ok());
    EXPECT_EQ(store->remove(name_of("a.example.")).error(), StoreError::not_there);
    ASSERT_TRUE(store->sync().ok());
    model_.erase("a.example.");
  }
  expect_kept();
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 5, 300).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  expect_kept();
}

TEST_F(ZoneStoreTest, WhatIsNotCommittedIsNotThere) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 300).ok());
    auto writer = store->begin_snapshot(name_of("a.example."), dns::Serial(2));
    ASSERT_TRUE(writer.ok());
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(writer.value().add(record_of(name_of("a.example."), 500, 1)).ok());
    ASSERT_TRUE(store->sync().ok());
    EXPECT_EQ(content_of(*store).zones, model_);
  }
  expect_kept();
}

TEST_F(ZoneStoreTest, WhatIsNotCommittedTakesNoRoomAfterARestart) {
  u64 empty = 0;
  {
    const auto store = open();
    empty = store->used();
    auto writer = store->begin_snapshot(name_of("a.example."), dns::Serial(1));
    for (int i = 0; i < 400; ++i) ASSERT_TRUE(writer.value().add(record_of(name_of("a.example."), 500, 1)).ok());
    EXPECT_GT(store->used(), empty + 65'536);
    ASSERT_TRUE(store->sync().ok());
    // The image ends here, before the writer does.
    storage_ = CrashingStorage(storage_.medium, 512);
  }
  EXPECT_EQ(open()->used(), empty);
}

TEST_F(ZoneStoreTest, WritersOfSeveralZonesMayTakeTurns) {
  {
    const auto store = open();
    auto a = store->begin_snapshot(name_of("a.example."), dns::Serial(1));
    auto b = store->begin_snapshot(name_of("b.example."), dns::Serial(1));
    ModelZone& zone_a = model_["a.example."];
    ModelZone& zone_b = model_["b.example."];
    zone_a = {1, {{}}, {}};
    zone_b = {1, {{}}, {}};
    for (int i = 0; i < 300; ++i) {
      const auto record_a = record_of(name_of("a.example."), 400, static_cast<u8>(i));
      const auto record_b = record_of(name_of("b.example."), 500, static_cast<u8>(i));
      ASSERT_TRUE(a.value().add(record_a).ok());
      ASSERT_TRUE(b.value().add(record_b).ok());
      zone_a.groups[0].insert(zone_a.groups[0].end(), record_a.begin(), record_a.end());
      zone_b.groups[0].insert(zone_b.groups[0].end(), record_b.begin(), record_b.end());
    }
    ASSERT_TRUE(a.value().commit().ok());
    ASSERT_TRUE(b.value().commit().ok());
    ASSERT_TRUE(store->sync().ok());
  }
  expect_kept();
}

TEST_F(ZoneStoreTest, OfTwoWritersOfAZoneTheLaterOneWrites) {
  const auto store = open();
  auto first = store->begin_snapshot(name_of("a.example."), dns::Serial(1));
  auto second = store->begin_snapshot(name_of("a.example."), dns::Serial(2));
  const auto record = record_of(name_of("a.example."), 60'000, 1);
  ASSERT_TRUE(first.value().add(record).ok());
  ASSERT_TRUE(first.value().add(record).ok());
  ASSERT_TRUE(second.value().add(record).ok());
  ASSERT_TRUE(second.value().add(record).ok());
  EXPECT_EQ(first.value().commit().error(), StoreError::superseded);
  ASSERT_TRUE(second.value().commit().ok());
  EXPECT_EQ(store->find(name_of("a.example."))->serial, dns::Serial(2));
}

TEST_F(ZoneStoreTest, ADifferenceMustBeginWhereTheZoneIs) {
  const auto store = open();
  EXPECT_EQ(store->begin_difference(name_of("a.example."), dns::Serial(1), dns::Serial(2)).error(), StoreError::not_there);
  ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 300).ok());
  EXPECT_EQ(store->begin_difference(name_of("a.example."), dns::Serial(2), dns::Serial(3)).error(), StoreError::not_next);
  auto late = store->begin_difference(name_of("a.example."), dns::Serial(1), dns::Serial(2));
  ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 5, 300).ok());
  EXPECT_EQ(late.value().commit().error(), StoreError::not_next);
  EXPECT_EQ(store->find(name_of("a.example."))->serial, dns::Serial(5));
}

TEST_F(ZoneStoreTest, TakesRecordsOfEverySize) {
  {
    const auto store = open();
    auto writer = store->begin_snapshot(name_of("a.example."), dns::Serial(1));
    ModelZone& zone = model_["a.example."];
    zone = {1, {{}}, {}};
    for (const size_t size : {0, 65'535, 1, 65'000, 600, 65'535}) {
      const std::vector<u8> rdata(static_cast<size_t>(size), 9);
      ASSERT_TRUE(writer.value().add(name_of("a.example."), dns::RrType::TXT, dns::Ttl(300), rdata).ok());
      const auto image = record_of(name_of("a.example."), static_cast<size_t>(size), 9);
      zone.groups[0].insert(zone.groups[0].end(), image.begin(), image.end());
    }
    ASSERT_TRUE(writer.value().commit().ok());
    ASSERT_TRUE(store->sync().ok());
  }
  expect_kept();
}

TEST_F(ZoneStoreTest, OldContentMakesRoomForNew) {
  for (int run = 0; run < 3; ++run) {
    const auto store = open();
    for (u32 i = 0; i < 60; ++i) {
      const std::string zone = std::string(1, static_cast<char>('a' + i % 7)) + ".example.";
      ASSERT_TRUE(put_snapshot(*store, model_, zone, 100 * static_cast<u32>(run) + i, 30'000).ok()) << i;
      ASSERT_TRUE(put_state(*store, model_, zone, i).ok());
      ASSERT_TRUE(store->sync().ok());
    }
    EXPECT_EQ(content_of(*store).zones, model_);
  }
  expect_kept();
  EXPECT_GT(storage_.octets_written, 5 * small);
}

TEST_F(ZoneStoreTest, MaintenanceMakesRoomInSmallSteps) {
  auto store = open();
  for (u32 i = 0; i < 10; ++i) ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", i, 30'000).ok());
  ASSERT_TRUE(put_snapshot(*store, model_, "b.example.", 1, 100'000).ok());
  ASSERT_TRUE(put_state(*store, model_, "a.example.", 4).ok());
  int steps = 0;
  for (; MUST(store->maintain(10'000)); ++steps) {
    ASSERT_LT(steps, 100);
    if (steps == 1) ASSERT_TRUE(put_difference(*store, model_, "a.example.", 50, 2000).ok());
    if (steps == 1) ASSERT_TRUE(put_snapshot(*store, model_, "c.example.", 1, 2000).ok());
  }
  EXPECT_GE(steps, 2);
  ASSERT_TRUE(store->sync().ok());
  EXPECT_EQ(content_of(*store).zones, model_);
  store.reset();
  expect_kept();
}

TEST_F(ZoneStoreTest, WhenItIsFullTheOldStateStays) {
  const auto store = open();
  u32 zones = 0;
  Result<void, StoreError> put;
  while (put.ok()) {
    const std::string zone = "z" + std::to_string(zones++) + ".example.";
    Model before = model_;
    put = put_snapshot(*store, model_, zone, 1, 40'000);
    if (!put.ok()) model_ = std::move(before);
    ASSERT_LT(zones, 30U);
  }
  EXPECT_EQ(put.error(), StoreError::full);
  EXPECT_GT(zones, 9U);
  // States and removals still find room, however often.
  for (u32 i = 0; i < 2000; ++i) {
    ASSERT_TRUE(put_state(*store, model_, "z1.example.", i).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  ASSERT_TRUE(store->remove(name_of("z0.example.")).ok());
  model_.erase("z0.example.");
  ASSERT_TRUE(put_snapshot(*store, model_, "another.example.", 1, 40'000).ok());
  ASSERT_TRUE(store->sync().ok());
  expect_kept();
}

TEST_F(ZoneStoreTest, AfterAFailedWriteOrFlushNothingIsWrittenAndReadingGoesOn) {
  const auto store = open();
  ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 40'000).ok());
  ASSERT_TRUE(store->sync().ok());
  storage_.fail_after = 0;
  ASSERT_TRUE(put_state(*store, model_, "a.example.", 4).ok());
  EXPECT_EQ(store->sync().error(), StoreError::device);
  storage_.fail_after = UINT64_MAX;
  EXPECT_EQ(store->sync().error(), StoreError::device);
  EXPECT_EQ(store->begin_snapshot(name_of("a.example."), dns::Serial(2)).error(), StoreError::device);
  EXPECT_EQ(content_of(*store).zones, model_);
}

TEST_F(ZoneStoreTest, RefusesWhatIsNoStore) {
  std::vector<u8> other(small);
  other[100] = 1;
  CrashingStorage foreign(other, 512);
  EXPECT_EQ(ZoneStore::open(foreign, rng_).error(), OpenError::foreign);
  EXPECT_EQ(foreign.writes, 0U);
}

TEST_F(ZoneStoreTest, RefusesAnotherVersionsStoreAndLeavesItAsItIs) {
  // As a later build would leave it: its header in the half in use, an older one of ours in the other.
  HalfHeader header{.generation = 7, .instance = 1, .size = small, .block = 512, .reach = 4096, .solid = 1024, .key = {}};
  std::vector<u8> block(512);
  header.write(block);
  const std::vector<u8> ours = block;
  set_version(block, format_version + 1);
  EXPECT_EQ(HalfHeader::version_of(block), format_version + 1);
  for (const bool beside_ours : {false, true}) {
    std::vector<u8> content(small);
    if (beside_ours) std::ranges::copy(ours, content.begin());
    std::ranges::copy(block, content.begin() + static_cast<ptrdiff_t>(Layout(small, 512).begin(beside_ours ? 1 : 0)));
    CrashingStorage later(content, 512);
    EXPECT_EQ(ZoneStore::open(later, rng_).error(), OpenError::version);
    EXPECT_EQ(later.writes, 0U);
  }
  EXPECT_NE(describe(OpenError::version).find("samara storage export"), std::string_view::npos);
  EXPECT_EQ(describe(OpenError::foreign).find("zeros"), std::string_view::npos);
}

TEST_F(ZoneStoreTest, ReadsAStoreOfTheFormatBeforeAndMakesItItsOwnWithTheFirstWrite) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 40'000).ok());
    ASSERT_TRUE(put_state(*store, model_, "a.example.", 11).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  set_versions(storage_.content(), 2);
  storage_.medium = storage_.content();
  {
    CrashingStorage copy(storage_.medium, 512);
    const auto reading = ZoneStore::open(copy, rng_, ZoneStore::Use::read);
    ASSERT_TRUE(reading.ok());
    EXPECT_EQ(content_of(*reading.value()).zones, model_);
    EXPECT_EQ(copy.writes, 0U);
  }
  expect_kept();
  const auto store = open();
  EXPECT_EQ(versions_of(storage_.content()), (std::vector<u16>{2, 2}));
  ASSERT_TRUE(put_state(*store, model_, "a.example.", 15).ok());
  ASSERT_TRUE(store->sync().ok());
  EXPECT_EQ(versions_of(storage_.medium), (std::vector<u16>{format_version, format_version}));
  expect_kept();
}

TEST_F(ZoneStoreTest, KeepsWhoseMemberAZoneIsThatIsNotThere) {
  const ZoneState member{
      .refreshed = {}, .expires = {}, .member = MemberMark(name_of("Cat.Example."), std::vector<u8>{0xff}), .file = {}};
  const auto known = [&] {
    std::vector<std::string> names;
    open()->each_member([&](const dns::Name& name, const ZoneState& state, bool has_content) {
      EXPECT_EQ(text_of(state.member.catalog()), "cat.example.");
      names.push_back(text_of(name) + (has_content ? " content" : ""));
    });
    return names;
  };
  {
    const auto store = open();
    ASSERT_TRUE(store->put_state(name_of("a.example."), member).ok());
    ASSERT_TRUE(store->put_state(name_of("b.example."), member).ok());
    EXPECT_FALSE(store->find(name_of("a.example.")).has_value());
    EXPECT_EQ(store->zone_count(), 0U);
    // Compaction copies it, and a zone in the other half's place does not bring it back once it is removed.
    for (u32 serial = 1; serial < 40; ++serial) ASSERT_TRUE(put_snapshot(*store, model_, "z.example.", serial, 40'000).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  EXPECT_EQ(known(), (std::vector<std::string>{"a.example.", "b.example."}));
  {
    const auto store = open();
    ASSERT_TRUE(store->remove(name_of("a.example.")).ok());
    // A state that names no catalog is the end of it as well.
    ASSERT_TRUE(store->put_state(name_of("b.example."), ZoneState()).ok());
    EXPECT_EQ(store->put_state(name_of("b.example."), ZoneState()).error(), StoreError::not_there);
    ASSERT_TRUE(store->sync().ok());
  }
  EXPECT_EQ(known(), std::vector<std::string>());
  {
    const auto store = open();
    ASSERT_TRUE(store->put_state(name_of("z.example."), member).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  EXPECT_EQ(known(), std::vector<std::string>{"z.example. content"});
}

TEST_F(ZoneStoreTest, WhoseMemberZonesAreThatAreNotThereFillsNoStorage) {
  const auto store = open();
  const MemberMark mark(name_of("cat.example."), std::vector<u8>(63, 'm'));
  std::optional<StoreError> error;
  for (u32 i = 0; i < 20'000 && !error.has_value(); ++i) {
    const auto put = store->put_state(name_of("n" + std::to_string(i) + ".example."),
                                      {.refreshed = {}, .expires = {}, .member = mark, .file = {}});
    if (!put.ok()) error = put.error();
  }
  EXPECT_EQ(error, StoreError::full);
  EXPECT_LE(store->used(), store->usable());
  EXPECT_TRUE(store->sync().ok());
}

TEST_F(ZoneStoreTest, RefusesAStorageThatIsTooSmall) {
  CrashingStorage tiny(min_store_size - 512);
  EXPECT_EQ(ZoneStore::open(tiny, rng_).error(), OpenError::too_small);
}

TEST_F(ZoneStoreTest, AStorageMayGrowButNotShrinkOrChangeToLargerBlocks) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model_, "a.example.", 1, 400'000).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  std::vector<u8> grown = storage_.content();
  grown.resize(2 * small);
  CrashingStorage larger(grown, 512);
  const auto store = ZoneStore::open(larger, rng_);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(content_of(*store.value()).zones, model_);
  CrashingStorage coarse(storage_.content(), 4096);
  EXPECT_EQ(ZoneStore::open(coarse, rng_).error(), OpenError::changed);
  std::vector<u8> cut = storage_.content();
  cut.resize(small - 4096);
  CrashingStorage shorter(cut, 512);
  EXPECT_EQ(ZoneStore::open(shorter, rng_).error(), OpenError::changed);
}

TEST_F(ZoneStoreTest, WorksWithLargeBlocks) {
  CrashingStorage coarse(small, 4096);
  {
    const auto store = ZoneStore::open(coarse, rng_);
    for (u32 i = 0; i < 300; ++i) {
      ASSERT_TRUE(put_snapshot(*store.value(), model_, "z" + std::to_string(i % 20) + ".example.", i, 3000).ok());
    }
    ASSERT_TRUE(store.value()->sync().ok());
  }
  const auto store = ZoneStore::open(coarse, rng_);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(content_of(*store.value()).zones, model_);
}

}  // namespace
}  // namespace samara::zone::store
