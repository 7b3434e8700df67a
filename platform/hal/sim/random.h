// A seeded source of random numbers for simulations: the same seed gives the same run. Not for secrets.
#pragma once

#include <algorithm>

#include "platform/base/rng.h"
#include "platform/base/time.h"

namespace samara::hal::sim {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(u64 seed) : state_(seed) {}

  // SplitMix64.
  u64 next() {
    state_ += 0x9e3779b97f4a7c15;
    u64 z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  void fill(MutableBytes out) override {
    for (size_t i = 0; i < out.size(); i += 8) {
      u64 word = next();
      for (size_t j = i; j < std::min(i + 8, out.size()); ++j, word >>= 8) out[j] = static_cast<u8>(word);
    }
  }
  // True `per_ten_thousand` times in 10,000.
  bool chance(u32 per_ten_thousand) { return per_ten_thousand != 0 && next() % 10'000 < per_ten_thousand; }
  // 0 up to and without `limit`; 0 for none.
  Duration up_to(Duration limit) {
    const i64 n = limit.nanoseconds();
    return Duration::nanoseconds(n <= 0 ? 0 : static_cast<i64>(next() % static_cast<u64>(n)));
  }

 private:
  u64 state_;
};

}  // namespace samara::hal::sim
