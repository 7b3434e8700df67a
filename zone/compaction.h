// Compaction: a zone's present version copied together into extents of its own, without what earlier versions left behind. A
// copy, because nothing is read or sorted again: a third of the work of building.
#pragma once

#include "platform/base/result.h"
#include "zone/build_error.h"
#include "zone/growth.h"
#include "zone/history.h"
#include "zone/zone.h"

namespace samara::zone {

// Into `copy`, which is empty. `history` is what is kept of it, and on success lies there as well. The copy has no extent of
// its own in its header. Errors: out_of_memory, no_heap; all is as before then.
Result<Zone, BuildError> compact(const Zone& zone, Growth& copy, HistoryKeeper& history);

}  // namespace samara::zone
