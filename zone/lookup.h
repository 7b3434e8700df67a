// Lookup: what a zone says about a name and a type (RFC 1034 section 4.3.2 step 3, RFC 4592, RFC 6672). It finds; it composes
// nothing: the result names nodes of the snapshot, and server/query turns them into sections.
#pragma once

#include <optional>

#include "zone/zone.h"

namespace samara::zone {

enum class Finding : u8 {
  data,        // the node exists and is authoritative: look for the type there
  wildcard,    // the same for the node of the wildcard that matches (RFC 4592 section 3.3)
  delegation,  // at or below a zone cut: `node` is the cut
  dname,       // below a DNAME: `node` owns it
  nxdomain,    // no such name, no wildcard
};

struct Lookup {
  Finding finding;
  Ref node;               // see Finding; for nxdomain the closest encloser
  size_t encloser_depth;  // labels of the closest encloser (for wildcard, nxdomain) or of the node, counted from the root
  bool exists;            // the name itself is a node
};

// `name` is at or below the zone's apex, which has `apex_labels` labels. With `ds`, a name that is a zone cut
// is data: the parent side answers for DS (RFC 4035 section 3.1.4.1).
Lookup lookup(const Zone& zone, const SearchName& name, size_t apex_labels, bool ds);

}  // namespace samara::zone
