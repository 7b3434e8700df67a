// Rng, strong types and time.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "platform/base/rng.h"
#include "platform/base/strong.h"
#include "platform/base/time.h"

namespace samara {
namespace {

// Gives out the octets of a list of 32-bit values, in order.
class ListedRng : public Rng {
 public:
  explicit ListedRng(std::vector<u32> values) : values_(std::move(values)) {}
  void fill(MutableBytes out) override {
    for (size_t i = 0; i < out.size(); i += 4) {
      std::array<u8, 4> word{};
      store_be32(word, 0, values_.at(used_++));
      for (size_t j = 0; j < 4 && i + j < out.size(); ++j) out[i + j] = word[j];
    }
  }
  size_t used() const { return used_; }

 private:
  std::vector<u32> values_;
  size_t used_ = 0;
};

TEST(Rng, GivesIntegersOfEachSize) {
  ListedRng rng({0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10});
  EXPECT_EQ(rng.u16_value(), 0x0102);
  EXPECT_EQ(rng.u32_value(), 0x05060708u);
  EXPECT_EQ(rng.u64_value(), 0x090a0b0c0d0e0f10u);
}

TEST(Rng, BelowDrawsAgainWhatWouldBeBiased) {
  // 2^32 mod 3 = 1, so that only the value 0 is drawn again.
  ListedRng three({0, 0, 5, 1});
  EXPECT_EQ(three.below(3), 2u);
  EXPECT_EQ(three.used(), 3u);
  EXPECT_EQ(three.below(3), 1u);
  // 2^32 mod (2^31 + 1) = 2^31 - 1: nearly half of all values are drawn again.
  ListedRng half({0x7ffffffe, 0x7fffffff});
  EXPECT_EQ(half.below(0x80000001), 0x7fffffffu);
  EXPECT_EQ(half.used(), 2u);
}

TEST(Rng, BelowReachesTheEdges) {
  ListedRng one({0, 0xffffffff});
  EXPECT_EQ(one.below(1), 0u);
  EXPECT_EQ(one.below(1), 0u);
  ListedRng power({0, 0xffffffff});
  EXPECT_EQ(power.below(16), 0u);
  EXPECT_EQ(power.below(16), 15u);
  ListedRng largest({0, 1, 0xffffffff});  // 2^32 mod (2^32 - 1) = 1
  EXPECT_EQ(largest.below(0xffffffff), 1u);
  EXPECT_EQ(largest.below(0xffffffff), 0u);
}

TEST(Strong, KnowsWhatItCounts) {
  using Apples = Strong<struct ApplesTag, int>;
  using Pears = Strong<struct PearsTag, int>;
  static_assert(!std::is_convertible_v<Apples, Pears> && !std::is_convertible_v<int, Apples> &&
                !std::is_convertible_v<Apples, int>);
  EXPECT_EQ(Apples(3), Apples(3));
  EXPECT_LT(Apples(2), Apples(3));
  EXPECT_EQ(Apples().value(), 0);
}

TEST(Time, AddsAndSubtracts) {
  const Instant start = Instant::since_boot(Duration::seconds(5));
  const Instant later = start + Duration::milliseconds(1500);
  EXPECT_EQ(later - start, Duration::microseconds(1'500'000));
  EXPECT_EQ((later - start).seconds(), 1);
  EXPECT_EQ((start - later).milliseconds(), -1500);
  EXPECT_EQ(Duration::seconds(2) * 3 - Duration::seconds(1), Duration::nanoseconds(5'000'000'000));
  EXPECT_LT(later, Instant::never());
  EXPECT_LT(UnixTime{1}, UnixTime{2});
}

}  // namespace
}  // namespace samara
