// UNSAFE: calls into hogweed. Its functions assume well-formed numbers (an even modulus divides by zero, a zero exponent fails
// an assertion), so everything is checked here first.
#include "platform/crypto/rsa.h"

#include <nettle/rsa.h>

#include "platform/crypto/hash.h"
#include "platform/crypto/integer.h"
#include "platform/crypto/nonce_source.h"

namespace samara::crypto {
namespace {

constexpr HashAlgorithm algorithm_of(RsaHash hash) {
  return hash == RsaHash::sha256 ? HashAlgorithm::sha256 : HashAlgorithm::sha512;
}

// Longer inputs are refused before a number is made of them; some writers put a zero in front.
bool has_number_size(Bytes octets, size_t max_bits) {
  return !octets.empty() && octets.size() <= max_bits / 8 + 1;
}

class PublicKey {
 public:
  PublicKey() { rsa_public_key_init(&key_); }
  PublicKey(const PublicKey&) = delete;
  PublicKey& operator=(const PublicKey&) = delete;
  ~PublicKey() { rsa_public_key_clear(&key_); }

  bool set(const RsaPublicKeyView& from) {
    if (!has_number_size(from.modulus, max_rsa_bits) || !has_number_size(from.exponent, max_rsa_exponent_bits)) return false;
    import_number(key_.n, from.modulus);
    import_number(key_.e, from.exponent);
    const size_t bits = mpz_sizeinbase(key_.n, 2);
    if (bits < min_rsa_bits || bits > max_rsa_bits || mpz_odd_p(key_.n) == 0) return false;
    if (mpz_cmp_ui(key_.e, 3) < 0 || mpz_odd_p(key_.e) == 0 || mpz_sizeinbase(key_.e, 2) > max_rsa_exponent_bits) return false;
    return rsa_public_key_prepare(&key_) == 1;
  }
  const rsa_public_key* get() const { return &key_; }

 private:
  rsa_public_key key_;
};

class PrivateKey {
 public:
  PrivateKey() { rsa_private_key_init(&key_); }
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;
  ~PrivateKey() {
    for (const mpz_ptr number : {key_.p, key_.q, key_.a, key_.b, key_.c}) Integer::wipe_number(number);
    rsa_private_key_clear(&key_);
  }

  bool set(const RsaPrivateKeyView& from, const rsa_public_key& public_key) {
    for (const Bytes part : {from.prime1, from.prime2, from.exponent1, from.exponent2, from.coefficient}) {
      if (!has_number_size(part, max_rsa_bits)) return false;
    }
    import_number(key_.p, from.prime1);
    import_number(key_.q, from.prime2);
    import_number(key_.a, from.exponent1);
    import_number(key_.b, from.exponent2);
    import_number(key_.c, from.coefficient);
    if (mpz_cmp_ui(key_.p, 3) < 0 || mpz_odd_p(key_.p) == 0 || mpz_cmp_ui(key_.q, 3) < 0 || mpz_odd_p(key_.q) == 0)
      return false;
    // hogweed computes with both halves at one size; any generator makes them of equal length.
    const size_t p_bits = mpz_sizeinbase(key_.p, 2);
    const size_t q_bits = mpz_sizeinbase(key_.q, 2);
    if (std::max(p_bits, q_bits) - std::min(p_bits, q_bits) > 32) return false;
    if (!is_within(key_.a, key_.p) || !is_within(key_.b, key_.q) || !is_within(key_.c, key_.p)) return false;
    Integer product;
    mpz_mul(product.get(), key_.p, key_.q);
    if (mpz_cmp(product.get(), public_key.n) != 0) return false;
    return rsa_private_key_prepare(&key_) == 1;
  }
  const rsa_private_key* get() const { return &key_; }

 private:
  static bool is_within(mpz_srcptr number, mpz_srcptr bound) { return mpz_sgn(number) > 0 && mpz_cmp(number, bound) < 0; }
  rsa_private_key key_;
};

}  // namespace

Result<void, VerifyError> rsa_verify(const RsaPublicKeyView& key, RsaHash hash, Bytes message, Bytes signature) {
  PublicKey public_key;
  if (!public_key.set(key)) return fail(VerifyError::bad_key);
  // RFC 8017 section 8.2.2 step 1.
  if (signature.size() != public_key.get()->size) return fail(VerifyError::bad_signature);
  const Digest digest = Hash::of(algorithm_of(hash), message);
  const Integer number(signature);
  const auto verify = hash == RsaHash::sha256 ? rsa_sha256_verify_digest : rsa_sha512_verify_digest;
  if (verify(public_key.get(), digest.bytes().data(), number.get()) != 1) return fail(VerifyError::bad_signature);
  return {};
}

Result<void, SignError> rsa_sign(const RsaPrivateKeyView& key, RsaHash hash, Bytes message, Rng& rng, ByteWriter& out) {
  PublicKey public_key;
  PrivateKey private_key;
  if (!public_key.set(key.public_key) || !private_key.set(key, *public_key.get())) return fail(SignError::bad_key);
  const Digest digest = Hash::of(algorithm_of(hash), message);
  NonceSource blinding(key.prime1, digest.bytes(), rng);
  Integer number;
  const auto sign = hash == RsaHash::sha256 ? rsa_sha256_sign_digest_tr : rsa_sha512_sign_digest_tr;
  if (sign(public_key.get(), private_key.get(), &blinding.rng(), draw_random, digest.bytes().data(), number.get()) != 1) {
    return fail(SignError::bad_key);
  }
  export_number(number.get(), public_key.get()->size, out);
  if (out.overflowed()) return fail(SignError::no_room);
  return {};
}

}  // namespace samara::crypto
