// Where a signature's randomness comes from: random octets with the private key and the message's digest mixed in (the hedge
// of RFC 6979 section 3.6). An Rng that is poor or repeats itself does not give the key away.
#pragma once

#include "platform/crypto/drbg.h"

namespace samara::crypto {

class NonceSource {
 public:
  NonceSource(Bytes private_key, Bytes digest, Rng& rng) : drbg_(drawn(rng)) {
    drbg_.reseed(private_key);
    drbg_.reseed(digest);
  }
  Rng& rng() { return drbg_; }

 private:
  using Seed = std::array<u8, Drbg::seed_size>;
  static Seed drawn(Rng& rng) {
    Seed seed{};
    rng.fill(seed);
    return seed;
  }
  Drbg drbg_;
};

}  // namespace samara::crypto
