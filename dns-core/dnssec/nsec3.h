// NSEC3 arithmetic (RFC 5155): hashed owner names, and what the gap between two hashes says about a third.
#pragma once

#include <array>
#include <optional>

#include "dns-core/dnssec/records.h"
#include "dns-core/name.h"

namespace samara::dns {

// RFC 9276 section 3.2: what a validator still follows before it treats a zone as unsigned.
constexpr u16 max_validated_nsec3_iterations = 50;
// RFC 5155 section 10.3 allows the longest keys 2,500. A zone of our own operator may go that far, nothing further.
constexpr u16 max_served_nsec3_iterations = 2'500;

using Nsec3Hash = std::array<u8, 20>;

enum class Nsec3Error : u8 {
  unknown_algorithm,    // not SHA-1
  too_many_iterations,  // above the limit given
};

// Whether records with these parameters belong to one chain; flags do not matter (RFC 5155 section 7.1).
bool same_chain(const Nsec3ParameterView& a, const Nsec3ParameterView& b);
// Whether denials can be served from the chain an NSEC3PARAM record tells of: flags 0, or it is not for use (RFC 5155 section
// 4.1.2), a hash that is known, and no more iterations than an answer may cost.
constexpr bool is_servable(const Nsec3ParameterView& parameters) {
  return parameters.flags == 0 && parameters.algorithm == Nsec3ParameterView::sha1 &&
         parameters.iterations <= max_served_nsec3_iterations;
}

// RFC 5155 section 5; `parameters.flags` do not matter.
Result<Nsec3Hash, Nsec3Error> nsec3_hash(const Name& name, const Nsec3ParameterView& parameters, u16 max_iterations);

// The owner name of the hash's NSEC3 record in the zone; fails for an apex of more than 222 octets.
Result<Name, NameError> nsec3_owner(const Nsec3Hash& hash, const Name& apex);
// The hash in an NSEC3 record's owner name; nothing if its first label is not one.
std::optional<Nsec3Hash> nsec3_owner_hash(const Name& owner);

// Whether `hash` lies in the gap between `owner` and `next`, both excluded. The last NSEC3 of a zone wraps around to the first;
// the only one of a zone covers everything but itself.
bool nsec3_covers(const Nsec3Hash& owner, const Nsec3Hash& next, const Nsec3Hash& hash);

// The `next_hash` of a record as a hash; nothing if it has another length.
std::optional<Nsec3Hash> nsec3_next_hash(const Nsec3View& record);

}  // namespace samara::dns
