// A crash at every boundary of a write and within writes: what is there afterwards is the store as it was after one of the
// commands since the last sync(), and it goes on from there.
#include <gtest/gtest.h>

#include "store_model.h"

namespace samara::zone::store {
namespace {

constexpr u64 small = min_store_size;

// The store as it was after each command since the last sync().
class History {
 public:
  void add(const Model& model) { states_.push_back(model); }
  void synced() { states_.erase(states_.begin(), states_.end() - 1); }
  bool has(const Model& found) const { return std::ranges::find(states_, found) != states_.end(); }
  size_t size() const { return states_.size(); }

 private:
  std::vector<Model> states_{{}};
};

// A storage that keeps what a crash may leave behind each write.
class WatchedStorage final : public hal::Storage {
 public:
  WatchedStorage(CrashingStorage& storage, std::mt19937_64& random) : storage_(storage), random_(random) {}
  std::vector<std::vector<u8>> crashes;
  u32 one_in = 1;

  u64 size() const override { return storage_.size(); }
  u32 block_size() const override { return storage_.block_size(); }
  Result<void, hal::StorageError> read(u64 offset, MutableBytes into) override { return storage_.read(offset, into); }
  Result<void, hal::StorageError> write(u64 offset, Bytes from) override {
    auto result = storage_.write(offset, from);
    if (random_() % one_in == 0) crashes.push_back(storage_.crashed(random_));
    return result;
  }
  Result<void, hal::StorageError> flush() override {
    if (random_() % one_in == 0) crashes.push_back(storage_.crashed(random_));
    return storage_.flush();
  }

 private:
  CrashingStorage& storage_;
  std::mt19937_64& random_;
};

// States are written by sync() only, several commands later than the content they belong to: they are compared apart.
Model without_states(Model model) {
  for (auto& [name, zone] : model) zone.state.reset();
  return model;
}

class Play {
 public:
  explicit Play(u64 seed) : random_(seed), rng_(seed) {}

  // Some commands on the store that `medium` holds. Stops at a crash now and then and gives what it left; `model_` is then what
  // that is.
  std::vector<u8> run(std::vector<u8> medium, int commands, bool first) {
    CrashingStorage storage(std::move(medium), 512);
    WatchedStorage watched(storage, random_);
    watched.one_in = 3;
    auto opened = ZoneStore::open(watched, rng_);
    EXPECT_TRUE(opened.ok());
    if (!opened.ok()) return storage.medium;
    ZoneStore& store = *opened.value();
    Model found = content_of(store).zones;
    EXPECT_TRUE(history_.has(without_states(found))) << "the store is no state it ever was in";
    if (first) EXPECT_TRUE(found.empty());
    Model model = found;
    history_ = History();
    history_.add(without_states(model));
    history_.synced();
    const auto stop_at = static_cast<u64>(commands) * (1 + random_() % 100) / 100;
    for (u64 i = 0; i < stop_at; ++i) {
      const u64 what = random_() % 100;
      command(store, model, what);
      check_crashes(watched);
      if (std::exchange(synced_, false)) history_.synced();
      if (::testing::Test::HasFailure()) break;
    }
    return storage.crashed(random_);
  }

  int crashes_checked = 0;

 private:
  std::string any_zone() { return std::string(1, static_cast<char>('a' + random_() % 6)) + ".example."; }
  size_t any_size() { return random_() % 10 == 0 ? random_() % 90'000 : random_() % 3000; }

  void command(ZoneStore& store, Model& model, u64 what) {
    const std::string zone = any_zone();
    const u32 serial = ++serial_;
    const Model before = model;
    Result<void, StoreError> done;
    if (what < 35) {
      done = put_snapshot(store, model, zone, serial, any_size());
    } else if (what < 60 && model.contains(zone)) {
      done = put_difference(store, model, zone, serial, any_size());
    } else if (what < 75 && model.contains(zone)) {
      done = put_state(store, model, zone, serial);
    } else if (what < 80 && model.contains(zone)) {
      done = store.remove(name_of(zone));
      if (done.ok()) model.erase(zone);
    } else if (what < 85) {
      const auto more = store.maintain(20'000);
      EXPECT_TRUE(more.ok());
    } else if (what < 90) {
      auto writer = store.begin_snapshot(name_of(zone), dns::Serial(serial));
      for (int i = 0; i < 200 && writer.value().add(record_of(name_of(zone), 500, 1)).ok(); ++i) continue;
    } else if (what < 97) {
      EXPECT_TRUE(store.sync().ok());
      synced_ = true;
    } else {
      EXPECT_EQ(content_of(store).zones, model);
    }
    if (!done.ok()) {
      EXPECT_EQ(done.error(), StoreError::full);
      model = before;
    }
    history_.add(without_states(model));
  }

  void check_crashes(WatchedStorage& watched) {
    for (std::vector<u8>& left : std::exchange(watched.crashes, {})) {
      CrashingStorage storage(std::move(left), 512);
      SeededRng rng(7);
      const auto store = ZoneStore::open(storage, rng);
      ASSERT_TRUE(store.ok()) << describe(store.error());
      const Content content = content_of(*store.value());
      EXPECT_EQ(content.damaged, 0U);
      EXPECT_EQ(store.value()->report().damaged_places, 0U);
      ASSERT_TRUE(history_.has(without_states(content.zones))) << "of " << history_.size() << " states";
      ++crashes_checked;
    }
  }

  std::mt19937_64 random_;
  SeededRng rng_;
  History history_;
  u32 serial_ = 0;
  bool synced_ = false;
};

TEST(ZoneStoreCrash, LeavesTheStoreAsItWasAfterACommandSinceTheLastSync) {
  int checked = 0;
  for (u64 seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Play play(seed);
    std::vector<u8> medium(small);
    for (int run = 0; run < 6 && !::testing::Test::HasFailure(); ++run) medium = play.run(std::move(medium), 120, run == 0);
    checked += play.crashes_checked;
  }
  EXPECT_GT(checked, 5000);
}

// Writers and the other half take numbers too. That all numbers so far were durable says nothing of an entry that came later.
TEST(ZoneStoreCrash, a_write_that_was_lost_is_no_damage_when_a_later_one_survived) {
  CrashingStorage storage(small);
  SeededRng rng(1);
  Model model;
  const auto store = MUST(ZoneStore::open(storage, rng));
  ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 1, 300).ok());
  const auto writer = store->begin_snapshot(name_of("b.example."), dns::Serial(1));
  ASSERT_TRUE(store->sync().ok());
  const Model synced = model;
  ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 2, 300).ok());
  ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 3, 300).ok());
  std::vector<u8> left = storage.medium;
  const CrashingStorage::Write& last = storage.unflushed.back();
  std::ranges::copy(last.octets, left.begin() + static_cast<std::ptrdiff_t>(last.offset));
  CrashingStorage crashed(std::move(left), 512);
  const auto again = MUST(ZoneStore::open(crashed, rng));
  EXPECT_EQ(content_of(*again).zones, synced);
  EXPECT_EQ(again->report().damaged_places, 0U);
}

TEST(ZoneStoreCrash, WhatAnInterruptedRunLeftBehindTheEndDoesNotComeBack) {
  CrashingStorage first(small);
  SeededRng rng(1);
  Model model;
  {
    const auto store = MUST(ZoneStore::open(first, rng));
    ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 1, 100).ok());
    ASSERT_TRUE(put_snapshot(*store, model, "b.example.", 1, 100).ok());
  }
  // Behind the run's mark, of its two entries the first is lost.
  ASSERT_EQ(first.unflushed.size(), 2U);
  std::vector<u8> left = first.medium;
  const auto& last = first.unflushed.back();
  std::ranges::copy(last.octets, left.begin() + static_cast<std::ptrdiff_t>(last.offset));
  CrashingStorage second(std::move(left), 512);
  Model again;
  {
    const auto store = MUST(ZoneStore::open(second, rng));
    EXPECT_EQ(store->zone_count(), 0U);
    // The very same entry as in the run before.
    ASSERT_TRUE(put_snapshot(*store, again, "a.example.", 1, 100).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  EXPECT_EQ(content_of(*MUST(ZoneStore::open(second, rng))).zones, again);
}

// The last entry lies right behind the second run's end: that it names another one as the one before it, and its number, is all
// that is wrong with it.
TEST(ZoneStoreCrash, NothingOfAnInterruptedRunIsTakenForThisRunsNextEntry) {
  CrashingStorage first(small);
  SeededRng rng(1);
  Model model;
  {
    const auto store = MUST(ZoneStore::open(first, rng));
    // The second run begins behind the first one's mark, with a mark of its own and an entry of one block: so far the first
    // run's entries reach.
    const u64 marks = (EntryHeader{.kind = Kind::mark, .payload_size = max_payload}).total_size(512);
    ASSERT_TRUE(put_snapshot(*store, model, "b.example.", 1, 30'000).ok());
    while (first.unflushed.back().offset < Layout(small, 512).log_begin(0) + 2 * marks) {
      ASSERT_TRUE(put_snapshot(*store, model, "b.example.", 1, 100).ok());
    }
    ASSERT_TRUE(put_snapshot(*store, model, "c.example.", 1, 100).ok());
  }
  std::vector<u8> left = first.medium;
  const auto& last = first.unflushed.back();
  ASSERT_EQ(last.octets.size(), 512U);
  std::ranges::copy(last.octets, left.begin() + static_cast<std::ptrdiff_t>(last.offset));
  CrashingStorage second(std::move(left), 512);
  Model again;
  {
    const auto store = MUST(ZoneStore::open(second, rng));
    ASSERT_TRUE(put_snapshot(*store, again, "a.example.", 9, 100).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  EXPECT_GE(second.writes, 3U);
  const auto store = MUST(ZoneStore::open(second, rng));
  EXPECT_EQ(content_of(*store).zones, again);
  EXPECT_FALSE(store->find(name_of("c.example.")).has_value());
}

// A storage that sees both copies of the header of the half in use on their way at once. When the other half comes into use,
// the old one is good until both of its are there.
class HeaderWatch final : public hal::Storage {
 public:
  explicit HeaderWatch(CrashingStorage& storage) : storage_(storage) {}
  u32 headers = 0;
  u32 both = 0;

  u64 size() const override { return storage_.size(); }
  u32 block_size() const override { return storage_.block_size(); }
  Result<void, hal::StorageError> read(u64 offset, MutableBytes into) override { return storage_.read(offset, into); }
  Result<void, hal::StorageError> write(u64 offset, Bytes from) override {
    const u64 half = storage_.size() / 2;
    if (offset % half < 2 * u64{storage_.block_size()}) {
      const u64 block = storage_.block_size();
      const auto there = HalfHeader::read(Bytes(storage_.medium).subspan(offset / half * half, block));
      const bool in_use = there.has_value() && there->generation == HalfHeader::read(from)->generation;
      headers += in_use ? 1 : 0;
      const bool other = std::ranges::any_of(storage_.unflushed, [&](const CrashingStorage::Write& write) {
        return write.offset / half == offset / half && write.offset % half < 2 * block && write.offset != offset;
      });
      both += in_use && other ? 1 : 0;
    }
    return storage_.write(offset, from);
  }
  Result<void, hal::StorageError> flush() override { return storage_.flush(); }

 private:
  CrashingStorage& storage_;
};

TEST(ZoneStoreCrash, OneOfTheTwoHeadersIsGoodAtAnyTime) {
  CrashingStorage storage(u64{32} << 20);
  SeededRng rng(1);
  Model model;
  {
    ASSERT_TRUE(ZoneStore::open(storage, rng).ok());
  }
  HeaderWatch watch(storage);
  const auto store = MUST(ZoneStore::open(watch, rng));
  // Beyond what is announced twice, and into the other half.
  for (u32 serial = 1; serial <= 200; ++serial) ASSERT_TRUE(put_snapshot(*store, model, "a.example.", serial, 120'000).ok());
  EXPECT_GE(watch.headers, 6U);
  EXPECT_EQ(watch.both, 0U);
}

TEST(ZoneStoreCrash, StatesAreKeptBySync) {
  CrashingStorage storage(small);
  SeededRng rng(1);
  Model model;
  {
    const auto store = MUST(ZoneStore::open(storage, rng));
    ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 1, 100).ok());
    ASSERT_TRUE(put_state(*store, model, "a.example.", 77).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  CrashingStorage after(storage.medium, 512);
  EXPECT_EQ(content_of(*MUST(ZoneStore::open(after, rng))).zones, model);
}

TEST(ZoneStoreCrash, WhileTheStoreIsMadeLeavesNothingOrAStore) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 50; ++i) {
    CrashingStorage storage(small);
    WatchedStorage watched(storage, random);
    SeededRng rng(1);
    ASSERT_TRUE(ZoneStore::open(watched, rng).ok());
    for (std::vector<u8>& left : watched.crashes) {
      CrashingStorage again(std::move(left), 512);
      EXPECT_TRUE(ZoneStore::open(again, rng).ok());
    }
  }
}

}  // namespace
}  // namespace samara::zone::store
