#include "platform/crypto/drbg.h"

#include <algorithm>

#include "platform/crypto/hmac.h"
#include "platform/crypto/secret.h"

namespace samara::crypto {

Drbg::Drbg(std::span<const u8, seed_size> seed) : used_(0) {
  std::ranges::copy(seed, key_.begin());
  refill();
}

Drbg::~Drbg() {
  wipe(key_);
  wipe(pool_);
}

void Drbg::refill() {
  constexpr std::array<u8, 12> nonce{};  // no key is used for a second refill
  chacha20_stream(key_, 0, nonce, pool_);
  const MutableBytes next_key = MutableBytes(pool_).first(key_.size());
  std::ranges::copy(next_key, key_.begin());
  wipe(next_key);
  used_ = key_.size();
}

void Drbg::fill(MutableBytes out) {
  if (taken_ != times_stirred) [[unlikely]] {
    taken_ = times_stirred;
    reseed(stirred);
  }
  while (!out.empty()) {
    if (used_ == pool_.size()) refill();
    const size_t count = std::min(out.size(), pool_.size() - used_);
    const MutableBytes taken = MutableBytes(pool_).subspan(used_, count);
    std::ranges::copy(taken, out.begin());
    wipe(taken);
    used_ += count;
    out = out.subspan(count);
  }
}

namespace {

void mix(std::array<u8, Drbg::seed_size>& key, Bytes octets) {
  Digest mixed = Hmac::of(HashAlgorithm::sha256, key, octets);
  std::ranges::copy(mixed.bytes(), key.begin());
  wipe(mixed.mutable_bytes());
}

}  // namespace

void Drbg::reseed(Bytes octets) {
  mix(key_, octets);
  refill();
}

void Drbg::stir_all(Bytes octets) {
  mix(stirred, octets);
  ++times_stirred;
}

}  // namespace samara::crypto
