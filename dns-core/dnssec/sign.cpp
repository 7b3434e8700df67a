#include "dns-core/dnssec/sign.h"

#include <array>
#include <optional>
#include <utility>

#include "dns-core/dnssec/ds.h"
#include "dns-core/dnssec/signed_data.h"
#include "platform/crypto/ecdsa.h"
#include "platform/crypto/eddsa.h"

namespace samara::dns {
namespace {

using crypto::SecretBytes;
using crypto::SignError;

constexpr u8 dnssec_protocol = 3;  // RFC 4034 section 2.1.2
// The longest: an RSA modulus and its exponent with two length octets more than usual.
constexpr size_t max_dnskey_size = 4 + 3 + crypto::max_rsa_exponent_bits / 8 + 1 + crypto::max_rsa_bits / 8 + 1;

constexpr crypto::RsaHash rsa_hash(DnssecAlgorithm algorithm) {
  return algorithm == DnssecAlgorithm::RSASHA256 ? crypto::RsaHash::sha256 : crypto::RsaHash::sha512;
}

Result<void, SignError> sign_ecc(DnssecAlgorithm algorithm, Bytes private_key, Bytes data, Rng& rng, ByteWriter& out) {
  using enum DnssecAlgorithm;
  switch (algorithm) {
    case ECDSAP256SHA256:
      return crypto::ecdsa_sign(crypto::EcdsaCurve::p256, private_key, crypto::HashAlgorithm::sha256, data, rng, out);
    case ECDSAP384SHA384:
      return crypto::ecdsa_sign(crypto::EcdsaCurve::p384, private_key, crypto::HashAlgorithm::sha384, data, rng, out);
    case ED25519: return crypto::eddsa_sign(crypto::EddsaCurve::ed25519, private_key, data, out);
    case ED448: return crypto::eddsa_sign(crypto::EddsaCurve::ed448, private_key, data, out);
    case RSASHA256:
    case RSASHA512: break;
  }
  return fail(SignError::bad_key);
}

Result<void, SignError> write_public_key(DnssecAlgorithm algorithm, Bytes private_key, ByteWriter& out) {
  using enum DnssecAlgorithm;
  switch (algorithm) {
    case ECDSAP256SHA256: return crypto::ecdsa_public_key(crypto::EcdsaCurve::p256, private_key, out);
    case ECDSAP384SHA384: return crypto::ecdsa_public_key(crypto::EcdsaCurve::p384, private_key, out);
    case ED25519: return crypto::eddsa_public_key(crypto::EddsaCurve::ed25519, private_key, out);
    case ED448: return crypto::eddsa_public_key(crypto::EddsaCurve::ed448, private_key, out);
    case RSASHA256:
    case RSASHA512: break;
  }
  return fail(SignError::bad_key);
}

void write_dnskey_fields(u16 flags, DnssecAlgorithm algorithm, ByteWriter& out) {
  out.u16(flags);
  out.u8(dnssec_protocol);
  out.u8(code(algorithm));
}

Bytes without_leading_zeros(Bytes number) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  return number;
}

constexpr SigningError as_signing_error(SignError error) {
  return error == SignError::bad_key ? SigningError::bad_key : SigningError::no_room;
}

}  // namespace

SigningKey::SigningKey(const Name& zone, DnssecAlgorithm algorithm, std::vector<u8> dnskey, std::variant<SecretBytes, Rsa> key)
    : zone_(zone), algorithm_(algorithm), tag_(key_tag(dnskey)), dnskey_(std::move(dnskey)), private_key_(std::move(key)) {}

crypto::RsaPrivateKeyView SigningKey::Rsa::view() const {
  return {{modulus.bytes(), exponent.bytes()},
          prime1.bytes(),
          prime2.bytes(),
          exponent1.bytes(),
          exponent2.bytes(),
          coefficient.bytes()};
}

Result<SigningKey, SigningError> SigningKey::create(const Name& zone, DnssecAlgorithm algorithm, u16 flags, Bytes private_key) {
  std::vector<u8> dnskey(max_dnskey_size);
  ByteWriter out(dnskey);
  write_dnskey_fields(flags, algorithm, out);
  TRY(write_public_key(algorithm, private_key, out).map_error([](SignError) { return SigningError::bad_key; }));
  dnskey.resize(out.size());
  return SigningKey(zone, algorithm, std::move(dnskey), SecretBytes(private_key));
}

Result<SigningKey, SigningError> SigningKey::create_rsa(const Name& zone, DnssecAlgorithm algorithm, u16 flags,
                                                        const crypto::RsaPrivateKeyView& key) {
  if (!is_rsa(algorithm)) return fail(SigningError::bad_key);
  const Bytes modulus = without_leading_zeros(key.public_key.modulus);
  const Bytes exponent = without_leading_zeros(key.public_key.exponent);
  std::vector<u8> dnskey(max_dnskey_size);
  ByteWriter out(dnskey);
  write_dnskey_fields(flags, algorithm, out);
  // RFC 3110 section 2; the limit on exponents keeps the length in one octet.
  if (exponent.empty() || exponent.size() > 255) return fail(SigningError::bad_key);
  out.u8(static_cast<u8>(exponent.size()));
  out.bytes(exponent);
  out.bytes(modulus);
  if (out.overflowed()) return fail(SigningError::bad_key);
  dnskey.resize(out.size());
  return SigningKey(zone, algorithm, std::move(dnskey),
                    Rsa{SecretBytes(modulus), SecretBytes(exponent), SecretBytes(key.prime1), SecretBytes(key.prime2),
                        SecretBytes(key.exponent1), SecretBytes(key.exponent2), SecretBytes(key.coefficient)});
}

Result<void, SignError> SigningKey::sign(Bytes data, Rng& rng, ByteWriter& out) const {
  if (const Rsa* rsa = std::get_if<Rsa>(&private_key_)) {
    return crypto::rsa_sign(rsa->view(), rsa_hash(algorithm_), data, rng, out);
  }
  return sign_ecc(algorithm_, std::get_if<SecretBytes>(&private_key_)->bytes(), data, rng, out);
}

Result<void, SigningError> sign_rrset(const RrsetView& rrset, Ttl ttl, const SigningKey& key, SigningPeriod period, Rng& rng,
                                      std::vector<u8>& memory, ByteWriter& out) {
  if (!rrset.owner.is_at_or_below(key.zone())) return fail(SigningError::not_in_zone);
  const RrsigView rrsig{
      .covered = rrset.type,
      .algorithm = key.algorithm(),
      .labels = rrsig_labels(rrset.owner),
      .original_ttl = ttl.seconds(),
      .expiration = static_cast<u32>(period.expiration.seconds),
      .inception = static_cast<u32>(period.inception.seconds),
      .key_tag = key.tag(),
      .signer = key.zone(),
      .signature = {},
  };
  const Bytes data =
      TRY(write_signed_data(rrsig, rrset, memory).map_error([](SignedDataError) { return SigningError::too_large; }));
  // The data begins with the RRSIG's own fields.
  out.bytes(data.first(rrsig_fixed_size + rrsig.signer.size()));
  return key.sign(data, rng, out).map_error([](SignError error) { return as_signing_error(error); });
}

}  // namespace samara::dns
