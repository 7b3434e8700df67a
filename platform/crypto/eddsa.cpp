// UNSAFE: calls into hogweed.
#include "platform/crypto/eddsa.h"

#include <nettle/eddsa.h>

#include <array>

namespace samara::crypto {
namespace {

static_assert(ED25519_KEY_SIZE == 32 && ED448_KEY_SIZE == 57);
using PublicKey = std::array<u8, ED448_KEY_SIZE>;

PublicKey public_key_of(EddsaCurve curve, Bytes private_key) {
  PublicKey key{};
  const auto compute = curve == EddsaCurve::ed25519 ? ed25519_sha512_public_key : ed448_shake256_public_key;
  compute(key.data(), private_key.data());
  return key;
}

}  // namespace

Result<void, VerifyError> eddsa_verify(EddsaCurve curve, Bytes public_key, Bytes message, Bytes signature) {
  if (public_key.size() != eddsa_key_size(curve)) return fail(VerifyError::bad_key);
  if (signature.size() != eddsa_signature_size(curve)) return fail(VerifyError::bad_signature);
  // RFC 8032 section 5.2.7: the scalar is below the order, so its last octet is zero; hogweed does not look at that one.
  if (curve == EddsaCurve::ed448 && signature.back() != 0) return fail(VerifyError::bad_signature);
  const auto verify = curve == EddsaCurve::ed25519 ? ed25519_sha512_verify : ed448_shake256_verify;
  if (verify(public_key.data(), message.size(), message.data(), signature.data()) != 1) return fail(VerifyError::bad_signature);
  return {};
}

Result<void, SignError> eddsa_sign(EddsaCurve curve, Bytes private_key, Bytes message, ByteWriter& out) {
  if (private_key.size() != eddsa_key_size(curve)) return fail(SignError::bad_key);
  const PublicKey public_key = public_key_of(curve, private_key);
  std::array<u8, ED448_SIGNATURE_SIZE> signature{};
  const auto sign = curve == EddsaCurve::ed25519 ? ed25519_sha512_sign : ed448_shake256_sign;
  sign(public_key.data(), private_key.data(), message.size(), message.data(), signature.data());
  out.bytes(Bytes(signature).first(eddsa_signature_size(curve)));
  if (out.overflowed()) return fail(SignError::no_room);
  return {};
}

Result<void, SignError> eddsa_public_key(EddsaCurve curve, Bytes private_key, ByteWriter& out) {
  if (private_key.size() != eddsa_key_size(curve)) return fail(SignError::bad_key);
  const PublicKey public_key = public_key_of(curve, private_key);
  out.bytes(Bytes(public_key).first(eddsa_key_size(curve)));
  if (out.overflowed()) return fail(SignError::no_room);
  return {};
}

}  // namespace samara::crypto
