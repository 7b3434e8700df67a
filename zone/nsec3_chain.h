// Which NSEC3 chain of a zone is served. While its parameters change a zone has two (RFC 5155 section 7.3), and every answer
// must take its records from one that is whole: it is told by an NSEC3PARAM record at the apex (section 4.1.2). The records of
// all chains share one trie; where some are not of the chain that is served, it gets a trie of its own.
#pragma once

#include <optional>

#include "dns-core/dnssec/records.h"
#include "zone/node.h"
#include "zone/pause.h"
#include "zone/trie.h"

namespace samara::zone {

// NSEC3PARAM records looked at: one for a chain, two during a change.
constexpr u32 max_nsec3_chains = 8;

struct Nsec3Chain {
  u32 parameters;  // the place of its NSEC3PARAM record
  Twig root;       // its NSEC3 records' owners
};

struct Nsec3Choice {
  u32 place;  // of its NSEC3PARAM record in the set, from 0
  dns::Nsec3ParameterView parameters;
};

// Which chain to serve out of the NSEC3 owners in the trie `all`: the first with flags 0, a known hash and no more iterations
// than an answer may cost that has a record for the apex; where none has, the first of the others. Nothing when there is none,
// too.
std::optional<Nsec3Choice> choose_nsec3_parameters(MemoryView memory, const dns::Name& apex, const NodeView& apex_node,
                                                   Twig all);
// The same with the trie of its records' owners; nothing when it has none.
std::optional<Nsec3Chain> choose_nsec3_chain(ExtentWriter& out, const dns::Name& apex, const NodeView& apex_node, Twig all,
                                             Pace& pace);
// Whether an NSEC3 owner has a record of this chain.
bool in_nsec3_chain(const NodeView& node, const dns::Nsec3ParameterView& parameters);

}  // namespace samara::zone
