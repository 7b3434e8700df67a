// Hash functions (FIPS 180-4), from nettle. SHA-1 is here for what old formats need it for (NSEC3, DS type 1, HMAC-SHA1).
#pragma once

#include <array>

#include "platform/base/types.h"

namespace samara::crypto {

enum class HashAlgorithm : u8 { sha1, sha224, sha256, sha384, sha512 };

constexpr size_t max_digest_size = 64;
constexpr size_t digest_size(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1: return 20;
    case HashAlgorithm::sha224: return 28;
    case HashAlgorithm::sha256: return 32;
    case HashAlgorithm::sha384: return 48;
    case HashAlgorithm::sha512: return 64;
  }
  return 0;
}

constexpr size_t max_hash_block_size = 128;
constexpr size_t hash_block_size(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha384 || algorithm == HashAlgorithm::sha512 ? 128 : 64;
}

// What a hash or a MAC yields: 20 to 64 octets, held by value.
class Digest {
 public:
  Digest() = default;
  explicit Digest(size_t size) : size_(static_cast<u8>(size)) {}
  size_t size() const { return size_; }
  Bytes bytes() const { return Bytes(octets_).first(size_); }
  MutableBytes mutable_bytes() { return MutableBytes(octets_).first(size_); }  // for wiping

 private:
  friend class Hash;
  std::array<u8, max_digest_size> octets_{};
  u8 size_ = 0;
};

class Hash {
 public:
  explicit Hash(HashAlgorithm algorithm);
  static Digest of(HashAlgorithm algorithm, Bytes message);

  HashAlgorithm algorithm() const { return algorithm_; }
  void update(Bytes octets);
  // The digest of all octets since the last finish(); afterwards a new message begins.
  Digest finish();
  // Octets of the state, for wiping.
  MutableBytes state() { return state_; }

 private:
  // nettle's context of the largest algorithm; the size is checked in hash.cpp.
  static constexpr size_t state_size = 216;
  alignas(8) std::array<u8, state_size> state_;
  HashAlgorithm algorithm_;
};

}  // namespace samara::crypto
