// Compaction: a zone's present version copied together into an extent of its own, without what earlier versions left behind. A
// copy, because nothing is read or sorted again: a third of the work of building.
#pragma once

#include "platform/base/result.h"
#include "zone/build_error.h"
#include "zone/history.h"
#include "zone/zone.h"

namespace samara::zone {

// `expected` octets: about what the copy needs, which is seldom more than the zone and its versions take now. `history` is what
// is kept of it, and on success lies in the same extent. Errors: out_of_memory, no_heap; all is as before
// then.
Result<Zone, BuildError> compact(const Zone& zone, size_t expected, ZoneMemory& memory, HistoryKeeper& history);

}  // namespace samara::zone
