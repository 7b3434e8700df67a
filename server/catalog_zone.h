// Catalog zones (RFC 9432) that a primary makes of the names of its zones, for secondaries that learn from them what to serve.
#pragma once

#include "platform/base/time.h"
#include "server/config/primary_config.h"
#include "zone/builder.h"

namespace samara::server {

// The catalog as the configuration has it, with this serial. A group holds for those of its zones that are members; a zone in
// several groups has the first one's.
Result<zone::Zone, zone::BuildError> build_catalog(zone::ZoneMemory& memory, const PrimaryConfig& config,
                                                   const ProducedCatalog& catalog, dns::Serial serial);

// The serial of a catalog that has changed: when its configuration was written (or `wall`, where that is not known), in seconds
// since 1970. The serial therefore goes up with each change, over restarts too, and stays where a restart is all that has
// happened. After `before` when that is not less (RFC 1982).
dns::Serial catalog_serial(const ProducedCatalog& catalog, std::optional<dns::Serial> before, UnixTime wall);

}  // namespace samara::server
