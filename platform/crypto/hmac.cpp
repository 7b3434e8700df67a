#include "platform/crypto/hmac.h"

#include <algorithm>

#include "platform/crypto/secret.h"

namespace samara::crypto {

Hmac::Hmac(HashAlgorithm algorithm, Bytes key) : inner_(algorithm), outer_(algorithm), running_(algorithm) {
  // RFC 2104 section 2: a key longer than a block is hashed, a shorter one is filled up with zeros.
  std::array<u8, max_hash_block_size> pad{};
  if (key.size() > hash_block_size(algorithm)) {
    Digest hashed = Hash::of(algorithm, key);
    std::ranges::copy(hashed.bytes(), pad.begin());
    wipe(hashed.mutable_bytes());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  const Bytes block = Bytes(pad).first(hash_block_size(algorithm));
  for (u8& octet : pad) octet ^= 0x36;
  inner_.update(block);
  for (u8& octet : pad) octet ^= 0x36 ^ 0x5c;
  outer_.update(block);
  wipe(pad);
  running_ = inner_;
}

Hmac::~Hmac() {
  wipe(inner_.state());
  wipe(outer_.state());
  wipe(running_.state());
}

Digest Hmac::finish() {
  const Digest inner = running_.finish();
  running_ = outer_;
  running_.update(inner.bytes());
  const Digest code = running_.finish();
  running_ = inner_;
  return code;
}

Digest Hmac::of(HashAlgorithm algorithm, Bytes key, Bytes message) {
  Hmac hmac(algorithm, key);
  hmac.update(message);
  return hmac.finish();
}

}  // namespace samara::crypto
