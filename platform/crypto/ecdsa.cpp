// UNSAFE: calls into hogweed.
#include "platform/crypto/ecdsa.h"

#include <nettle/dsa.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
// The names of nettle's functions are nettle_ecdsa_sign …; its short forms are macros and would rename ours.
#undef ecdsa_sign
#undef ecdsa_verify

#include "platform/crypto/integer.h"
#include "platform/crypto/nonce_source.h"

namespace samara::crypto {
namespace {

const ecc_curve* curve_of(EcdsaCurve curve) {
  return curve == EcdsaCurve::p256 ? nettle_get_secp_256r1() : nettle_get_secp_384r1();
}

class Point {
 public:
  explicit Point(EcdsaCurve curve) { ecc_point_init(&point_, curve_of(curve)); }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  ~Point() { ecc_point_clear(&point_); }
  // False for coordinates that are too large or not on the curve.
  bool set(Bytes x, Bytes y) { return ecc_point_set(&point_, Integer(x).get(), Integer(y).get()) == 1; }
  ecc_point* get() { return &point_; }

 private:
  ecc_point point_;
};

class Scalar {
 public:
  explicit Scalar(EcdsaCurve curve) { ecc_scalar_init(&scalar_, curve_of(curve)); }
  Scalar(const Scalar&) = delete;
  Scalar& operator=(const Scalar&) = delete;
  ~Scalar() {
    wipe_limbs(scalar_.p, (ecc_bit_size(scalar_.ecc) + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS);
    ecc_scalar_clear(&scalar_);
  }
  // False for zero and for what is not below the group's order.
  bool set(Bytes octets) { return ecc_scalar_set(&scalar_, Integer(octets).get()) == 1; }
  const ecc_scalar* get() const { return &scalar_; }

 private:
  ecc_scalar scalar_;
};

class Signature {
 public:
  Signature() { dsa_signature_init(&signature_); }
  Signature(const Signature&) = delete;
  Signature& operator=(const Signature&) = delete;
  ~Signature() { dsa_signature_clear(&signature_); }
  dsa_signature* get() { return &signature_; }

 private:
  dsa_signature signature_;
};

}  // namespace

Result<void, VerifyError> ecdsa_verify(EcdsaCurve curve, Bytes public_key, HashAlgorithm hash, Bytes message, Bytes signature) {
  const size_t size = scalar_size(curve);
  if (public_key.size() != 2 * size) return fail(VerifyError::bad_key);
  Point point(curve);
  if (!point.set(public_key.first(size), public_key.subspan(size))) return fail(VerifyError::bad_key);
  if (signature.size() != 2 * size) return fail(VerifyError::bad_signature);
  Signature numbers;
  import_number(numbers.get()->r, signature.first(size));
  import_number(numbers.get()->s, signature.subspan(size));
  const Digest digest = Hash::of(hash, message);
  if (nettle_ecdsa_verify(point.get(), digest.size(), digest.bytes().data(), numbers.get()) != 1) {
    return fail(VerifyError::bad_signature);
  }
  return {};
}

Result<void, SignError> ecdsa_sign(EcdsaCurve curve, Bytes private_key, HashAlgorithm hash, Bytes message, Rng& rng,
                                   ByteWriter& out) {
  const size_t size = scalar_size(curve);
  Scalar scalar(curve);
  if (private_key.size() != size || !scalar.set(private_key)) return fail(SignError::bad_key);
  const Digest digest = Hash::of(hash, message);
  NonceSource nonce(private_key, digest.bytes(), rng);
  Signature numbers;
  nettle_ecdsa_sign(scalar.get(), &nonce.rng(), draw_random, digest.size(), digest.bytes().data(), numbers.get());
  export_number(numbers.get()->r, size, out);
  export_number(numbers.get()->s, size, out);
  if (out.overflowed()) return fail(SignError::no_room);
  return {};
}

Result<void, SignError> ecdsa_public_key(EcdsaCurve curve, Bytes private_key, ByteWriter& out) {
  const size_t size = scalar_size(curve);
  Scalar scalar(curve);
  if (private_key.size() != size || !scalar.set(private_key)) return fail(SignError::bad_key);
  Point point(curve);
  ecc_point_mul_g(point.get(), scalar.get());
  Integer x;
  Integer y;
  ecc_point_get(point.get(), x.get(), y.get());
  export_number(x.get(), size, out);
  export_number(y.get(), size, out);
  if (out.overflowed()) return fail(SignError::no_room);
  return {};
}

}  // namespace samara::crypto
