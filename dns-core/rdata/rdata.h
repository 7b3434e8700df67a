// Record data by type: the wire side of the descriptor table (descriptor.h). Three forms exist.
//   message form    as it stands in a DNS message: names may be compressed where RFC 3597 section 4 allows
//   stored form     the same without compression: what zones hold; its length is RDLENGTH; 0 to 65,535 octets
//   canonical form  stored form with the names of RFC 4034 section 6.2 (as amended by RFC 6840 section 5.1) in lower case
#pragma once

#include <compare>
#include <optional>

#include "dns-core/name.h"
#include "dns-core/types.h"

namespace samara::dns {

enum class RdataError : u8 {
  truncated,  // a field goes past the end
  trailing,   // octets left after the last field
  bad_name,   // a name field that is not a name
  bad_value,  // a field breaks its own rule (bitmap order, SvcParam order, APL prefix, …)
  too_long,   // the stored form does not fit
};
std::string_view describe(RdataError error);

// What is asked of data: of what somebody publishes all rules of its type, of what is copied from another server only what it
// takes to find its names, to compress and order it and to put it in canonical form. Whoever publishes has to mend the rest; a
// copy that lacked it would be another zone.
enum class RdataRules : u8 { published, copied };

// Checks the rdata of a message and writes its stored form. `at.whole()` is the message; the rdata is the next `length`
// octets, and `at` moves past them. Types without a descriptor are copied (RFC 3597).
Result<void, RdataError> rdata_from_message(RrType type, ByteReader& at, u16 length, ByteWriter& stored,
                                            RdataRules rules = RdataRules::published);
// Checks a stored form by itself (no pointers allowed).
Result<void, RdataError> check_rdata(RrType type, Bytes stored);
// The same as far as RdataRules::copied goes: what passes may be given to every function below.
Result<void, RdataError> check_copied_rdata(RrType type, Bytes stored);
// The rule of its type that a stored form breaks, in words for an operator; empty when check_rdata accepts it.
std::string_view broken_rule(RrType type, Bytes stored);
// Writes the canonical form of a stored form that may at least be copied.
void write_canonical_rdata(RrType type, Bytes stored, ByteWriter& out);
// Canonical order within an RRset: the canonical forms compared as left-justified octet strings (RFC 4034 section 6.3).
std::strong_ordering canonical_compare_rdata(RrType type, Bytes a, Bytes b);

// Where the names of a valid stored form are, in order, each as (offset, size); at most two in every type that is compressed.
struct RdataName {
  u16 offset;
  u16 size;
  bool compressible;  // RFC 3597 section 4: types of RFC 1035 only
};
// The next name at or after `from` octets of walked fields: call with index 0, 1, 2 … until nothing.
std::optional<RdataName> rdata_name(RrType type, Bytes stored, size_t index);
// Where a type's compressible names stand in its stored form: `count` of them, one after the other from `offset` on. The count
// is 0 for types whose names a composer must leave as they are.
struct CompressibleNames {
  u8 offset;
  u8 count;
};
CompressibleNames compressible_names(RrType type);
// Whether a composer may compress this type's names (RFC 1035 types only); false for unknown types.
bool has_compressible_names(RrType type);

}  // namespace samara::dns
