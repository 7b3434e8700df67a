// The notified servers of a zone are those the configuration names for it and, where it says so, the zone's own name servers
// but the one in the SOA's MNAME (RFC 1996 section 2.1), as far as our zones have their addresses.
#pragma once

#include <vector>

#include "dns-core/tsig/key.h"
#include "server/config/service_config.h"
#include "server/notify_out.h"
#include "zone/zone_set.h"

namespace samara::server {

// Addresses taken from one zone's NS records; a zone's owner must not be able to make us write to the world.
constexpr size_t max_ns_targets = 32;

struct NotifyRules {
  const PeerList& servers;
  bool ns_records;
};

// No zone has more.
constexpr size_t max_notify_targets = max_peers + max_ns_targets;

// Fills `targets`, which has room for max_notify_targets. `keys` are those of `config`, both outlive the targets. Addresses we
// listen on ourselves are left out.
void find_notify_targets(const ServiceConfig& config, const dns::TsigKeyring& keys, const NotifyRules& rules,
                         const zone::ZoneSet& zones, const zone::Zone& zone, std::vector<NotifyTarget>& targets);

}  // namespace samara::server
