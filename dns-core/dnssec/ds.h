// What a parent says about a child's key: the key tag (RFC 4034 appendix B) and the DS digest (RFC 4034 section 5.1.4).
#pragma once

#include <optional>

#include "dns-core/dnssec/algorithm.h"
#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/crypto/hash.h"

namespace samara::dns {

// Of a DNSKEY's stored form. Not unique: a hint to try this key first.
KeyTag key_tag(Bytes dnskey);

// The digest over owner and DNSKEY data; nothing for a digest type we do not know.
std::optional<crypto::Digest> ds_digest(const Name& owner, Bytes dnskey, DsDigest type);

// Whether the DS record names this key: tag, algorithm and digest (RFC 4035 section 5.2). False too for unknown digest types.
bool ds_matches(Bytes ds, const Name& owner, Bytes dnskey);

}  // namespace samara::dns
