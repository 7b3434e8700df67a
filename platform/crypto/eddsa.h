// EdDSA (RFC 8032): Ed25519 and Ed448 with an empty context, from hogweed. The whole message must be in one piece.
#pragma once

#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/crypto/signature.h"

namespace samara::crypto {

enum class EddsaCurve : u8 { ed25519, ed448 };
// Of the public and of the private key.
constexpr size_t eddsa_key_size(EddsaCurve curve) {
  return curve == EddsaCurve::ed25519 ? 32 : 57;
}
constexpr size_t eddsa_signature_size(EddsaCurve curve) {
  return 2 * eddsa_key_size(curve);
}

Result<void, VerifyError> eddsa_verify(EddsaCurve curve, Bytes public_key, Bytes message, Bytes signature);
// Computes the public key too: signing under one that does not belong to the private key would give the latter away.
Result<void, SignError> eddsa_sign(EddsaCurve curve, Bytes private_key, Bytes message, ByteWriter& out);
Result<void, SignError> eddsa_public_key(EddsaCurve curve, Bytes private_key, ByteWriter& out);

}  // namespace samara::crypto
