// Rng: where randomness comes from, given to the code that needs it. The real one is crypto's DRBG; tests use a seeded one.
#pragma once

#include <array>

#include "platform/base/byte_order.h"
#include "platform/base/types.h"

namespace samara {

class Rng {
 public:
  virtual void fill(MutableBytes out) = 0;

  u16 u16_value() {
    std::array<u8, 2> b{};
    fill(b);
    return load_be16(b);
  }
  u32 u32_value() {
    std::array<u8, 4> b{};
    fill(b);
    return load_be32(b);
  }
  u64 u64_value() {
    std::array<u8, 8> b{};
    fill(b);
    return load_be64(b);
  }
  // Uniform in [0, bound), bound > 0; without modulo bias (values below 2^32 mod bound are drawn again).
  u32 below(u32 bound) {
    const u32 reject = static_cast<u32>((u64{1} << 32) % bound);
    for (;;) {
      const u32 v = u32_value();
      if (v >= reject) return v % bound;
    }
  }

 protected:
  ~Rng() = default;
};

}  // namespace samara
