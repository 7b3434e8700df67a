#include "dns-core/dnssec/verify.h"

#include "dns-core/dnssec/ds.h"
#include "dns-core/dnssec/signed_data.h"
#include "platform/base/byte_reader.h"
#include "platform/crypto/ecdsa.h"
#include "platform/crypto/eddsa.h"
#include "platform/crypto/rsa.h"

namespace samara::dns {
namespace {

using crypto::VerifyError;

constexpr u8 dnssec_protocol = 3;  // RFC 4034 section 2.1.2

// RFC 3110 section 2: one octet of exponent length, or a zero and two of them.
Result<crypto::RsaPublicKeyView, ReadError> rsa_key(Bytes public_key) {
  ByteReader at(public_key);
  size_t exponent_size = TRY(at.u8());
  if (exponent_size == 0) exponent_size = TRY(at.u16());
  crypto::RsaPublicKeyView key{};
  key.exponent = TRY(at.bytes(exponent_size));
  key.modulus = at.rest();
  return key;
}

Result<void, VerifyError> verify_rsa(crypto::RsaHash hash, Bytes public_key, Bytes data, Bytes signature) {
  const auto key = rsa_key(public_key);
  if (!key.ok()) return fail(VerifyError::bad_key);
  return crypto::rsa_verify(key.value(), hash, data, signature);
}

Result<void, VerifyError> verify_signature(DnssecAlgorithm algorithm, Bytes public_key, Bytes data, Bytes signature) {
  using enum DnssecAlgorithm;
  switch (algorithm) {
    case RSASHA256: return verify_rsa(crypto::RsaHash::sha256, public_key, data, signature);
    case RSASHA512: return verify_rsa(crypto::RsaHash::sha512, public_key, data, signature);
    case ECDSAP256SHA256:
      return crypto::ecdsa_verify(crypto::EcdsaCurve::p256, public_key, crypto::HashAlgorithm::sha256, data, signature);
    case ECDSAP384SHA384:
      return crypto::ecdsa_verify(crypto::EcdsaCurve::p384, public_key, crypto::HashAlgorithm::sha384, data, signature);
    case ED25519: return crypto::eddsa_verify(crypto::EddsaCurve::ed25519, public_key, data, signature);
    case ED448: return crypto::eddsa_verify(crypto::EddsaCurve::ed448, public_key, data, signature);
  }
  return fail(VerifyError::bad_key);
}

constexpr RrsigError as_rrsig_error(SignedDataError error) {
  return error == SignedDataError::bad_labels ? RrsigError::bad_labels : RrsigError::too_large;
}
constexpr RrsigError as_rrsig_error(VerifyError error) {
  return error == VerifyError::bad_key ? RrsigError::bad_key : RrsigError::bad_signature;
}

// RFC 4035 section 5.3.1, without the time.
Result<void, RrsigError> check_belongs(const RrsetView& rrset, const RrsigView& rrsig, const Name& key_owner,
                                       const DnskeyView& key, Bytes dnskey) {
  if (rrsig.covered != rrset.type) return fail(RrsigError::other_type);
  if (!rrset.owner.is_at_or_below(rrsig.signer)) return fail(RrsigError::out_of_zone);
  // What a wildcard may stand for is below the signer too.
  if (rrsig.labels > rrset.owner.label_count() || rrsig.labels < rrsig.signer.label_count())
    return fail(RrsigError::bad_labels);
  if (rrsig.signer != key_owner || rrsig.algorithm != key.algorithm || rrsig.key_tag != key_tag(dnskey)) {
    return fail(RrsigError::wrong_key);
  }
  if ((key.flags & DnskeyView::zone_key_flag) == 0 || key.protocol != dnssec_protocol) return fail(RrsigError::unusable_key);
  // RFC 5011 section 2.1: a revoked key proves nothing but its own revocation.
  if ((key.flags & DnskeyView::revoked_flag) != 0 && rrset.type != RrType::DNSKEY) return fail(RrsigError::unusable_key);
  if (!is_supported(key.algorithm)) return fail(RrsigError::unsupported_algorithm);
  return {};
}

}  // namespace

std::string_view describe(RrsigError error) {
  switch (error) {
    case RrsigError::malformed: return "the RRSIG or DNSKEY record is malformed";
    case RrsigError::other_type: return "the signature covers another type";
    case RrsigError::out_of_zone: return "the signer is not the zone of the record";
    case RrsigError::bad_labels: return "the signature's label count does not fit the owner name";
    case RrsigError::wrong_key: return "the signature was made by another key";
    case RrsigError::unusable_key: return "the key is not a zone key, or it is revoked";
    case RrsigError::unsupported_algorithm: return "the algorithm is not supported";
    case RrsigError::bad_key: return "the public key is malformed or its size is not supported";
    case RrsigError::bad_signature: return "the signature does not match the records";
    case RrsigError::not_yet_valid: return "the signature is not valid yet";
    case RrsigError::expired: return "the signature has expired";
    case RrsigError::too_large: return "the RRset fits into no message";
  }
  return "unknown signature error";
}

Result<void, RrsigError> check_validity(const RrsigView& rrsig, UnixTime now) {
  const Serial at(static_cast<u32>(now.seconds));
  const Serial::Order to_inception = at.compare(Serial(rrsig.inception));
  const Serial::Order to_expiration = at.compare(Serial(rrsig.expiration));
  if (to_inception != Serial::Order::equal && to_inception != Serial::Order::greater) return fail(RrsigError::not_yet_valid);
  if (to_expiration != Serial::Order::equal && to_expiration != Serial::Order::less) return fail(RrsigError::expired);
  return {};
}

Result<void, RrsigError> verify_rrsig(const RrsetView& rrset, Bytes rrsig, const Name& key_owner, Bytes dnskey,
                                      std::vector<u8>& memory) {
  const auto malformed = [](RdataError) { return RrsigError::malformed; };
  const RrsigView signature = TRY(RrsigView::parse(rrsig).map_error(malformed));
  const DnskeyView key = TRY(DnskeyView::parse(dnskey).map_error(malformed));
  TRY(check_belongs(rrset, signature, key_owner, key, dnskey));
  const Bytes data =
      TRY(write_signed_data(signature, rrset, memory).map_error([](SignedDataError error) { return as_rrsig_error(error); }));
  return verify_signature(key.algorithm, key.public_key, data, signature.signature).map_error([](VerifyError error) {
    return as_rrsig_error(error);
  });
}

}  // namespace samara::dns
