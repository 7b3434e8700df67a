// What a store of zones has, as text in a folder, and back. For each zone NAME.zone is the zone as it is, in master file form;
// its first lines, comments to whoever else reads it, say what the store knows of it besides. NAME.changes lists the changes
// that the store still has, the oldest first, for people: what a primary's updates have done that the zone's file does not
// have.
#pragma once

#include <string>

#include "ops/diagnostics.h"
#include "ops/storage/open_store.h"

namespace samara::ops {

// Writes the store's zones to `folder`, which is made where it is not there. The number of zones written; what could not be
// read or written is reported.
size_t export_zones(OpenStore& from, const std::string& folder, Diagnostics& found);

// Reads every NAME.zone of `folder` into `to`, which has none of them. The number of zones taken; what is wrong is reported.
size_t import_zones(const std::string& folder, OpenStore& to, Diagnostics& found);

}  // namespace samara::ops
