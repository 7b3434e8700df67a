// Verifying RRSIGs (RFC 4035 section 5.3). One signature, one key: which to try, and how often, is the validator's business;
// it has to bound both.
#pragma once

#include <string_view>
#include <vector>

#include "dns-core/dnssec/records.h"
#include "dns-core/dnssec/rrset.h"
#include "platform/base/time.h"

namespace samara::dns {

enum class RrsigError : u8 {
  malformed,              // the RRSIG or the DNSKEY cannot be read
  other_type,             // it covers another type
  out_of_zone,            // the owner is not at or below the signer
  bad_labels,             // it counts more labels than the owner has
  wrong_key,              // made by another key: owner, tag or algorithm differ
  unusable_key,           // no zone key, another protocol, or revoked
  unsupported_algorithm,  // not one of DnssecAlgorithm
  bad_key,                // the public key is no key of its algorithm, or outside the size limits
  bad_signature,          // made over other data or by other key material
  not_yet_valid,          // before its inception
  expired,                // after its expiration
  too_large,              // the RRset fits into no message
};
std::string_view describe(RrsigError error);

// Whether `now` is within inception and expiration, both included (RFC 4034 section 3.1.5: serial number arithmetic).
Result<void, RrsigError> check_validity(const RrsigView& rrsig, UnixTime now);

// Everything but the time. `rrsig` and `dnskey` are stored forms; `key_owner` is the DNSKEY's owner. `memory` is scratch that
// the caller keeps for the next call.
Result<void, RrsigError> verify_rrsig(const RrsetView& rrset, Bytes rrsig, const Name& key_owner, Bytes dnskey,
                                      std::vector<u8>& memory);

}  // namespace samara::dns
