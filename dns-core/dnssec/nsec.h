// NSEC arithmetic (RFC 4034 section 4, RFC 4035 section 5.4, RFC 6840 section 4): what the gap between two owner names says
// about a name. Type bits are read with type_bitmap_contains() (rdata/type_bitmap.h).
#pragma once

#include "dns-core/dnssec/records.h"
#include "dns-core/name.h"

namespace samara::dns {

// Whether `name` lies in the gap between `owner` and `next`, both excluded. The last NSEC of a zone has the apex as `next` and
// covers what follows in the zone; the only NSEC of a zone covers everything in it but its owner.
bool nsec_covers(const Name& owner, const Name& next, const Name& name);

// Whether a covered name exists all the same, without records of its own: `next` is below it (RFC 4592 section 2.2.2).
bool nsec_shows_empty_non_terminal(const Name& owner, const Name& next, const Name& name);

// The longest existing ancestor of a covered name: one of those it shares with either end of the gap.
Name nsec_closest_encloser(const Name& owner, const Name& next, const Name& name);

// RFC 6840 section 4.1: the parent side of a delegation (NS without SOA) and a DNAME say nothing about names below them.
bool nsec_may_deny_below(Bytes types);

}  // namespace samara::dns
