// Other servers in a manifest, and what a zone or a catalog has of its own: whom it notifies, who may do what, how much of its
// past is kept.
#pragma once

#include <map>
#include <string>

#include "ops/yaml/reading.h"
#include "server/config/service_config.h"

namespace samara::ops::yaml {

// Lists of servers that have a name, so that zones can share them.
using PeerGroups = std::map<std::string, server::PeerList>;

// A list of `ADDRESS:PORT`, {address: ADDRESS:PORT, key: NAME}, or names of groups where there are some; a name of a group
// alone does as well.
server::PeerList read_peers(const Value& value, const Reading& reading, const server::ServiceConfig& config,
                            const PeerGroups* groups);
// The section `primaries`.
PeerGroups read_peer_groups(const Value& value, const Reading& reading, const server::ServiceConfig& config);

server::HistoryConfig read_history(const Value& value, const Reading& reading);
// What is not said is as in `limits`.
server::ZoneLimits read_zone_limits(const Value& value, std::string_view section, const Reading& reading,
                                    server::ZoneLimits limits);
// The keys `acl`, `notify`, `notify-ns-records`, `history` and `zone-limits` of a zone or a catalog.
server::ZoneOverrides read_overrides(Fields& fields, const Reading& reading, const server::ServiceConfig& config);

}  // namespace samara::ops::yaml
