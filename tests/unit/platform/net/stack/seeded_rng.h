// A random source that gives the same numbers in every run.
#pragma once

#include "platform/base/rng.h"

namespace samara::net {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(u64 seed = 1) : state_(seed) {}
  void fill(MutableBytes out) override {
    for (u8& octet : out) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      octet = static_cast<u8>(state_ >> 56);
    }
  }

 private:
  u64 state_;
};

}  // namespace samara::net
