// The octets an RRSIG is made over: the RRSIG's own fields and the RRset in canonical form (RFC 4034 sections 3.1.8.1, 6.2 and
// 6.3, RFC 4035 section 5.3.2).
#pragma once

#include <vector>

#include "dns-core/dnssec/records.h"
#include "dns-core/dnssec/rrset.h"

namespace samara::dns {

enum class SignedDataError : u8 {
  bad_labels,  // the RRSIG counts more labels than the owner has
  too_large,   // the RRset fits into no message
};

// Labels as an RRSIG counts them: without the root and without a leading `*` (RFC 4034 section 3.1.3).
u8 rrsig_labels(const Name& owner);

// Fills `memory`, which the caller keeps for the next call, and returns a view of it. `rrsig.signature` is not used.
Result<Bytes, SignedDataError> write_signed_data(const RrsigView& rrsig, const RrsetView& rrset, std::vector<u8>& memory);

}  // namespace samara::dns
