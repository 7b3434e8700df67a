// RSA signatures, RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2), from hogweed. Verification is for public data; signing blinds the
// operation and checks its result before it leaves (a fault must not tell the factors).
#pragma once

#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/rng.h"
#include "platform/crypto/signature.h"

namespace samara::crypto {

// RFC 5702 sections 2.1 and 2.2 set the range. What lies above costs a verifier too much.
constexpr size_t min_rsa_bits = 512;
constexpr size_t max_rsa_bits = 4096;
// Keys in use have 3, 65537 or 2^32 + 1. The work grows with the exponent's length, which a signer could make 4096 bits.
constexpr size_t max_rsa_exponent_bits = 64;

enum class RsaHash : u8 { sha256, sha512 };

// Numbers, big-endian, leading zeros allowed. Views for the length of a call.
struct RsaPublicKeyView {
  Bytes modulus;
  Bytes exponent;
};
struct RsaPrivateKeyView {
  RsaPublicKeyView public_key;
  Bytes prime1;
  Bytes prime2;
  Bytes exponent1;    // d mod (prime1 - 1)
  Bytes exponent2;    // d mod (prime2 - 1)
  Bytes coefficient;  // 1 / prime2 mod prime1
};

Result<void, VerifyError> rsa_verify(const RsaPublicKeyView& key, RsaHash hash, Bytes message, Bytes signature);
// Writes as many octets as the modulus has.
Result<void, SignError> rsa_sign(const RsaPrivateKeyView& key, RsaHash hash, Bytes message, Rng& rng, ByteWriter& out);

}  // namespace samara::crypto
