// Drbg: the random source of an image. ChaCha20 (RFC 8439 section 2.3) in counter mode with fast key erasure: each refill
// spends its first 32 octets on the next key and what was handed out is wiped, so that memory seen later tells nothing about
// numbers given earlier.
//
// It knows nothing but its seed: 32 octets with full entropy, from the platform. Two processes that forked from one Drbg, and
// two machines that were started from one snapshot, give the same numbers until each has called reseed() or stir_all() with
// octets of its own.
#pragma once

#include <array>
#include <span>

#include "platform/base/rng.h"
#include "platform/crypto/chacha20.h"

namespace samara::crypto {

class Drbg final : public Rng {
 public:
  static constexpr size_t seed_size = 32;
  explicit Drbg(std::span<const u8, seed_size> seed);
  Drbg(const Drbg&) = delete;
  Drbg& operator=(const Drbg&) = delete;
  ~Drbg();

  void fill(MutableBytes out) override;
  // Mixes `octets` into the key, whatever they are worth; what was there stays in it.
  void reseed(Bytes octets);
  // The same for all generators of the process: each mixes them in before it gives anything more.
  static void stir_all(Bytes octets);

 private:
  static constexpr size_t blocks_per_refill = 8;
  void refill();

  std::array<u8, 32> key_;
  std::array<u8, blocks_per_refill * chacha20_block_size> pool_;
  size_t used_;  // octets of pool_ that were given out or spent
  // What all generators were told, mixed, and how often that was; and how often when this one last took it.
  static inline constinit std::array<u8, 32> stirred{};
  static inline constinit u64 times_stirred = 0;
  u64 taken_ = times_stirred;
};

}  // namespace samara::crypto
