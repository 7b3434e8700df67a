// HMAC (RFC 2104, FIPS 198-1) over any of the hashes.
#pragma once

#include "platform/crypto/hash.h"

namespace samara::crypto {

class Hmac {
 public:
  Hmac(HashAlgorithm algorithm, Bytes key);
  static Digest of(HashAlgorithm algorithm, Bytes key, Bytes message);
  Hmac(const Hmac&) = default;
  Hmac& operator=(const Hmac&) = default;
  ~Hmac();

  void update(Bytes octets) { running_.update(octets); }
  // The code of all octets since the last finish(); afterwards a new message under the same key begins.
  Digest finish();

 private:
  Hash inner_;  // having taken the key's inner pad
  Hash outer_;  // having taken the key's outer pad
  Hash running_;
};

}  // namespace samara::crypto
