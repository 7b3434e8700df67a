// UNSAFE: calls into nettle, whose contexts live in Hash's own memory.
#include "platform/crypto/hash.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "platform/crypto/nettle_hash.h"

namespace samara::crypto {
const nettle_hash& nettle_table(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1: return nettle_sha1;
    case HashAlgorithm::sha224: return nettle_sha224;
    case HashAlgorithm::sha256: return nettle_sha256;
    case HashAlgorithm::sha384: return nettle_sha384;
    case HashAlgorithm::sha512: return nettle_sha512;
  }
  return nettle_sha256;
}

Hash::Hash(HashAlgorithm algorithm) : algorithm_(algorithm) {
  static_assert(sizeof(sha1_ctx) <= state_size && sizeof(sha256_ctx) <= state_size && sizeof(sha512_ctx) <= state_size);
  static_assert(alignof(sha1_ctx) <= 8 && alignof(sha256_ctx) <= 8 && alignof(sha512_ctx) <= 8);
  nettle_table(algorithm_).init(state_.data());
}

void Hash::update(Bytes octets) {
  nettle_table(algorithm_).update(state_.data(), octets.size(), octets.data());
}

Digest Hash::finish() {
  Digest digest;
  digest.size_ = static_cast<u8>(digest_size(algorithm_));
  nettle_table(algorithm_).digest(state_.data(), digest.size_, digest.octets_.data());
  return digest;
}

Digest Hash::of(HashAlgorithm algorithm, Bytes message) {
  Hash hash(algorithm);
  hash.update(message);
  return hash.finish();
}

}  // namespace samara::crypto
