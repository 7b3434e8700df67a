// What a zone says, in a number: a short digest, to know it again, and its size. The digest is equal for zones with the same
// records in whatever order and form they came, and for others with a chance of 2^-64. It is no proof against somebody who
// seeks two zones with one digest; ZONEMD (zonemd.h) is. The storage keeps it (store/zone_index.h), so it stays as it is.
#pragma once

#include "zone/pause.h"
#include "zone/zone.h"

namespace samara::zone {

// Of the apex below its name, the owners and the records, SOA included; letter case of names in record data counts.
u64 content_digest(const Zone& zone, const Pause& pause = {});
// Octets of all records, each with its owner, uncompressed.
u64 content_octets(const Zone& zone);

}  // namespace samara::zone
