// ECDSA (FIPS 186-5 section 6) on the curves P-256 and P-384, from hogweed. Keys and signatures are in DNSSEC's form (RFC 6605
// section 4): a public key is x | y, a signature r | s, a private key the scalar; each number 32 or 48 octets, big-endian.
#pragma once

#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/rng.h"
#include "platform/crypto/hash.h"
#include "platform/crypto/signature.h"

namespace samara::crypto {

enum class EcdsaCurve : u8 { p256, p384 };
constexpr size_t scalar_size(EcdsaCurve curve) {
  return curve == EcdsaCurve::p256 ? 32 : 48;
}

Result<void, VerifyError> ecdsa_verify(EcdsaCurve curve, Bytes public_key, HashAlgorithm hash, Bytes message, Bytes signature);
// The nonce comes from the key, the message and `rng` together: a poor or repeating `rng` does not give the key away.
Result<void, SignError> ecdsa_sign(EcdsaCurve curve, Bytes private_key, HashAlgorithm hash, Bytes message, Rng& rng,
                                   ByteWriter& out);
Result<void, SignError> ecdsa_public_key(EcdsaCurve curve, Bytes private_key, ByteWriter& out);

}  // namespace samara::crypto
