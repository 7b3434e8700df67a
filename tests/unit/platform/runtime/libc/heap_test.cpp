#include "platform/runtime/libc/heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace samara::runtime {
namespace {

// Memory that is handed out from its end downwards, as the bare machine's arena is.
alignas(4096) std::array<u8, 1 << 20> arena;
size_t arena_left = 0;
size_t step = 0;

MutableBytes grow(size_t size) {
  const size_t wanted = (size + step - 1) / step * step;
  if (wanted > arena_left) return {};
  arena_left -= wanted;
  return MutableBytes(arena).subspan(arena_left, wanted);
}

class HeapTest : public ::testing::Test {
 protected:
  HeapTest() {
    arena_left = arena.size();
    step = 4096;
    arena.fill(0xee);
  }
  Heap heap_{grow};
};

bool aligned(const void* block, size_t alignment) {
  return reinterpret_cast<size_t>(block) % alignment == 0;
}

TEST_F(HeapTest, BlocksAreApartAlignedAndWritable) {
  std::vector<void*> blocks;
  for (size_t size = 0; size < 200; ++size) {
    void* block = heap_.allocate(size);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(aligned(block, 16));
    EXPECT_GE(Heap::usable_size(block), size);
    std::memset(block, static_cast<int>(size), size);
    blocks.push_back(block);
  }
  for (size_t size = 0; size < blocks.size(); ++size) {
    const auto* octets = static_cast<const u8*>(blocks[size]);
    EXPECT_TRUE(std::all_of(octets, octets + size, [&](u8 o) { return o == static_cast<u8>(size); })) << size;
  }
}

TEST_F(HeapTest, KeepsEveryAlignmentAskedFor) {
  for (size_t alignment = 16; alignment <= 65536; alignment *= 2) {
    void* block = heap_.allocate(100, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(aligned(block, alignment)) << alignment;
    heap_.release(block);
  }
  EXPECT_EQ(heap_.gauges().in_use, 0U);
}

TEST_F(HeapTest, FreedNeighboursBecomeOneBlock) {
  void* first = heap_.allocate(1000);
  void* second = heap_.allocate(1000);
  void* third = heap_.allocate(1000);
  const size_t given = heap_.gauges().given;
  heap_.release(first);
  heap_.release(third);
  heap_.release(second);
  EXPECT_NE(heap_.allocate(3000), nullptr);
  EXPECT_EQ(heap_.gauges().given, given);
}

TEST_F(HeapTest, ChunksInFrontOfTheLastBecomePartOfIt) {
  step = 16;
  void* first = heap_.allocate(1000);
  heap_.release(first);
  EXPECT_NE(heap_.allocate(2000), nullptr);  // the free thousand and a chunk in front of it
  EXPECT_LT(heap_.gauges().given, 4000U);
}

TEST_F(HeapTest, SaysWhenNothingIsLeftAndGoesOn) {
  EXPECT_EQ(heap_.allocate(arena.size()), nullptr);
  EXPECT_EQ(heap_.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(heap_.allocate(SIZE_MAX - 15), nullptr);
  EXPECT_EQ(heap_.allocate(16, size_t{1} << 50), nullptr);
  void* block = heap_.allocate(arena.size() - 8192);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(heap_.allocate(16384), nullptr);
  heap_.release(block);
  EXPECT_NE(heap_.allocate(16384), nullptr);
}

TEST_F(HeapTest, DonatedMemoryIsUsed) {
  void* small = heap_.allocate(64);
  ASSERT_NE(small, nullptr);
  arena_left = 0;
  static std::array<u8, 10'000> text;
  EXPECT_EQ(heap_.allocate(9000), nullptr);
  heap_.donate(MutableBytes(text).subspan(1));
  void* block = heap_.allocate(9000);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(static_cast<u8*>(block), text.data());
  EXPECT_LE(static_cast<u8*>(block) + 9000, text.data() + text.size());
  heap_.release(block);
  heap_.release(small);
  heap_.donate({});
  heap_.donate(MutableBytes(text).first(0));
}

TEST_F(HeapTest, GaugesCountWhatIsInUseAndItsPeak) {
  void* block = heap_.allocate(1000);
  const size_t one = heap_.gauges().in_use;
  EXPECT_GE(one, 1000U);
  heap_.release(block);
  EXPECT_EQ(heap_.gauges().in_use, 0U);
  EXPECT_EQ(heap_.gauges().peak, one);
  heap_.release(nullptr);
}

TEST_F(HeapTest, FreeingTwiceIsNoticed) {
  void* block = heap_.allocate(100);
  heap_.release(block);
  EXPECT_DEATH(heap_.release(block), "");
}

TEST_F(HeapTest, AnOverwrittenHeaderIsNoticed) {
  auto* block = static_cast<u8*>(heap_.allocate(100));
  heap_.allocate(100);
  std::memset(block, 0, Heap::usable_size(block) + 16);
  EXPECT_DEATH(heap_.release(block), "");
}

TEST_F(HeapTest, SurvivesAnyOrderOfCalls) {
  std::mt19937 random(20'250'101);
  struct Held {
    u8* block;
    size_t size;
    u8 mark;
  };
  std::vector<Held> held;
  for (u32 round = 0; round < 20'000; ++round) {
    if (held.size() < 60 && random() % 2 == 0) {
      const size_t size = random() % 3 == 0 ? random() % 20'000 : random() % 300;
      const size_t alignment = random() % 8 == 0 ? size_t{16} << random() % 9 : 16;
      auto* block = static_cast<u8*>(heap_.allocate(size, alignment));
      if (block == nullptr) continue;
      ASSERT_TRUE(aligned(block, alignment));
      const u8 mark = static_cast<u8>(random());
      std::fill_n(block, size, mark);
      held.push_back({block, size, mark});
    } else if (!held.empty()) {
      const size_t at = random() % held.size();
      const Held gone = held[at];
      held[at] = held.back();
      held.pop_back();
      ASSERT_TRUE(std::all_of(gone.block, gone.block + gone.size, [&](u8 o) { return o == gone.mark; }));
      heap_.release(gone.block);
    }
  }
  for (const Held& left : held) heap_.release(left.block);
  EXPECT_EQ(heap_.gauges().in_use, 0U);
}

}  // namespace
}  // namespace samara::runtime
