// Making RRSIGs (RFC 4035 section 2.2): a zone's private key with its DNSKEY record, and signing one RRset with it.
#pragma once

#include <variant>
#include <vector>

#include "dns-core/dnssec/records.h"
#include "dns-core/dnssec/rrset.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/crypto/rsa.h"
#include "platform/crypto/secret.h"

namespace samara::dns {

enum class SigningError : u8 {
  bad_key,      // the private numbers are out of range, do not belong together, or are another algorithm's
  not_in_zone,  // the owner is not at or below the key's zone
  too_large,    // the RRset fits into no message
  no_room,      // the RRSIG data does not fit
};

class SigningKey {
 public:
  // ECDSA: the scalar; EdDSA: the 32 or 57 octets of RFC 8032. `flags` are the DNSKEY's, 256 or 257.
  static Result<SigningKey, SigningError> create(const Name& zone, DnssecAlgorithm algorithm, u16 flags, Bytes private_key);
  static Result<SigningKey, SigningError> create_rsa(const Name& zone, DnssecAlgorithm algorithm, u16 flags,
                                                     const crypto::RsaPrivateKeyView& key);

  const Name& zone() const { return zone_; }
  DnssecAlgorithm algorithm() const { return algorithm_; }
  Bytes dnskey() const { return dnskey_; }  // stored form of the DNSKEY record
  KeyTag tag() const { return tag_; }

  Result<void, crypto::SignError> sign(Bytes data, Rng& rng, ByteWriter& out) const;

 private:
  struct Rsa {
    crypto::SecretBytes modulus, exponent, prime1, prime2, exponent1, exponent2, coefficient;
    crypto::RsaPrivateKeyView view() const;
  };
  SigningKey(const Name& zone, DnssecAlgorithm algorithm, std::vector<u8> dnskey, std::variant<crypto::SecretBytes, Rsa> key);

  Name zone_;
  DnssecAlgorithm algorithm_;
  KeyTag tag_;
  std::vector<u8> dnskey_;
  std::variant<crypto::SecretBytes, Rsa> private_key_;
};

struct SigningPeriod {
  UnixTime inception;
  UnixTime expiration;
};

// Writes the RRSIG's data (stored form) for the RRset. `memory` is scratch that the caller keeps for the next call.
Result<void, SigningError> sign_rrset(const RrsetView& rrset, Ttl ttl, const SigningKey& key, SigningPeriod period, Rng& rng,
                                      std::vector<u8>& memory, ByteWriter& out);

}  // namespace samara::dns
