// One storage that two machines opened to write: who opened it last has it, the other notices and writes no more, and what
// either acknowledged is there.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "store_model.h"

namespace samara::zone::store {
namespace {

constexpr u64 small = u64{1} << 20;

struct TwoOwners : testing::Test {
  CrashingStorage storage{small};
  SeededRng rng{1};
  Model model;

  std::unique_ptr<ZoneStore> open(ZoneStore::Use use = ZoneStore::Use::write) {
    auto store = ZoneStore::open(storage, rng, use);
    EXPECT_TRUE(store.ok());
    return std::move(store).value();
  }
  void erase_mark(size_t block) {
    std::ranges::fill(MutableBytes(storage.content()).subspan(block + OwnerMark::place, OwnerMark::wire_size), u8{0});
  }
};

TEST_F(TwoOwners, TheSecondHasItAndTheFirstWritesNoMore) {
  const auto first = open();
  ASSERT_TRUE(put_snapshot(*first, model, "a.example.", 1, 1000).ok());
  ASSERT_TRUE(first->sync().ok());
  const auto second = open();
  EXPECT_EQ(content_of(*second).zones, model);
  const std::vector<u8> before = storage.content();
  Model none;
  EXPECT_EQ(put_snapshot(*first, none, "b.example.", 7, 1000).error(), StoreError::taken);
  EXPECT_EQ(first->sync().error(), StoreError::device) << "and it stays so";
  EXPECT_FALSE(first->maintain(100'000).ok());
  EXPECT_EQ(storage.content(), before) << "not an octet was written";
  EXPECT_EQ(content_of(*first).zones, model) << "it can be read on";
  ASSERT_TRUE(put_snapshot(*second, model, "a.example.", 2, 1000).ok());
  ASSERT_TRUE(second->sync().ok());
  EXPECT_EQ(content_of(*open()).zones, model);
}

TEST_F(TwoOwners, WhatIsOnlyReadTakesItFromNobody) {
  EXPECT_EQ(ZoneStore::open(storage, rng, ZoneStore::Use::read).error(), OpenError::nothing);
  const auto owner = open();
  ASSERT_TRUE(put_snapshot(*owner, model, "a.example.", 1, 1000).ok());
  ASSERT_TRUE(owner->sync().ok());
  const std::vector<u8> before = storage.content();
  const auto reader = open(ZoneStore::Use::read);
  EXPECT_EQ(content_of(*reader).zones, model);
  Model none;
  EXPECT_FALSE(put_snapshot(*reader, none, "b.example.", 1, 10).ok());
  EXPECT_EQ(storage.content(), before);
  ASSERT_TRUE(put_snapshot(*owner, model, "a.example.", 2, 1000).ok());
  EXPECT_TRUE(owner->sync().ok());
}

TEST_F(TwoOwners, AStoreOfABuildThatLeftNoMarkIsTakenAndKept) {
  {
    const auto store = open();
    ASSERT_TRUE(put_snapshot(*store, model, "a.example.", 1, 1000).ok());
    ASSERT_TRUE(store->sync().ok());
  }
  for (const size_t block : {0, 512}) erase_mark(block);
  const auto store = open();
  EXPECT_EQ(content_of(*store).zones, model);
  // And such a build is noticed when it comes second: the header it writes has no mark.
  erase_mark(512);
  Model none;
  EXPECT_EQ(put_snapshot(*store, none, "b.example.", 1, 10).error(), StoreError::taken);
}

TEST_F(TwoOwners, OpeningsAreCounted) {
  for (u64 i = 1; i <= 3; ++i) {
    open();
    const auto mark = OwnerMark::read(Bytes(storage.content()).first(512));
    ASSERT_TRUE(mark.has_value());
    EXPECT_EQ(mark->opening, i);
  }
}

TEST_F(TwoOwners, ADiskIsKnownWhileItsFirstHalfIsPrepared) {
  const auto store = open();
  std::set<bool> with_header;
  for (u32 serial = 1; serial < 400; ++serial) {
    ASSERT_TRUE(
        put_snapshot(*store, model, std::string(1, static_cast<char>('a' + serial % 3)) + ".example.", serial, 30'000).ok());
    const auto more = store->maintain(1'000);
    ASSERT_TRUE(more.ok());
    const Bytes block = Bytes(storage.content()).first(512);
    with_header.insert(HalfHeader::read(block).has_value());
    EXPECT_TRUE(
        std::ranges::equal(block.first(signature.size()), signature, {}, {}, [](char c) { return static_cast<u8>(c); }));
    EXPECT_TRUE(OwnerMark::read(block).has_value());
  }
  EXPECT_EQ(with_header.size(), 2U) << "the first half was given up and used again";
}

// Does something before the operation with a number, or behind it.
class Interrupted final : public hal::Storage {
 public:
  Interrupted(CrashingStorage& storage, std::function<void()> by) : storage_(storage), by_(std::move(by)) {}
  u64 at = UINT64_MAX;
  u64 operations = 0;
  bool before_a_write = false;

  u64 size() const override { return storage_.size(); }
  u32 block_size() const override { return storage_.block_size(); }
  Result<void, hal::StorageError> read(u64 offset, MutableBytes into) override {
    meanwhile(false);
    return storage_.read(offset, into);
  }
  Result<void, hal::StorageError> write(u64 offset, Bytes from) override {
    meanwhile(true);
    return storage_.write(offset, from);
  }
  Result<void, hal::StorageError> flush() override {
    meanwhile(false);
    return storage_.flush();
  }

 private:
  void meanwhile(bool write) {
    if (operations++ != at) return;
    before_a_write = write;
    by_();
  }
  CrashingStorage& storage_;
  std::function<void()> by_;
};

u32 serial_of(const Model& zones, const std::string& name) {
  const auto found = zones.find(name);
  return found == zones.end() ? 0 : found->second.serial;
}

// The other opens it, and changes a zone of its own, at each moment of the first one's life: reads are those of its mark, so a
// write that passed that look and then waited for so long is the one way to harm the other's, and it does not go unnoticed.
TEST(TwoOwnersAtAnyMoment, NothingAcknowledgedIsLostWithoutAWord) {
  u32 taken_over = 0;
  for (u64 at = 0;; ++at) {
    CrashingStorage storage(small);
    SeededRng rng(1);
    Model theirs;
    std::unique_ptr<ZoneStore> second;
    Interrupted wire(storage, [&] {
      second = MUST(ZoneStore::open(storage, rng));
      ASSERT_TRUE(put_snapshot(*second, theirs, "second.example.", 1, 700).ok());
      ASSERT_TRUE(second->sync().ok());
    });
    auto first = MUST(ZoneStore::open(wire, rng));
    wire.operations = 0;
    wire.at = at;
    u32 acknowledged = 0;
    std::optional<StoreError> refused;
    // Long enough for both halves to be used.
    for (u32 serial = 1; serial <= 40 && !refused.has_value(); ++serial) {
      Model ignored;
      auto done = put_snapshot(*first, ignored, "first.example.", serial, 40'000);
      if (done.ok()) done = first->sync();
      if (done.ok()) {
        acknowledged = serial;
      } else {
        refused = done.error();
      }
    }
    if (second == nullptr) break;
    ++taken_over;
    // Its very last write is one that nothing follows.
    if (wire.operations > at + 1) {
      ASSERT_TRUE(refused.has_value()) << "operation " << at << ": the first goes on as if nothing were";
      EXPECT_EQ(*refused, StoreError::taken) << "operation " << at;
    }
    const auto third = put_snapshot(*second, theirs, "third.example.", 1, 10);
    EXPECT_TRUE(third.ok() || wire.before_a_write) << "operation " << at;
    const auto after = MUST(ZoneStore::open(storage, rng, ZoneStore::Use::read));
    const Content found = content_of(*after);
    const bool said = after->report().damaged_places != 0 || found.damaged != 0 || after->report().tail_cut;
    EXPECT_TRUE(serial_of(found.zones, "first.example.") >= acknowledged || (wire.before_a_write && said))
        << "operation " << at;
    EXPECT_TRUE(serial_of(found.zones, "second.example.") == 1 || (wire.before_a_write && said)) << "operation " << at;
  }
  EXPECT_GT(taken_over, 100U);
}

}  // namespace
}  // namespace samara::zone::store
