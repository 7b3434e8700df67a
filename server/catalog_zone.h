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

// The serial of a catalog that has changed: the time, in seconds since 1970, so that it goes up over restarts too; after
// `before` when the clock has not moved on, or went back.
dns::Serial catalog_serial(std::optional<dns::Serial> before, UnixTime wall);

}  // namespace samara::server
