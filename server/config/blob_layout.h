// The names in a boot blob, for its reader and its writer (docs/configuration.md describes the layout).
#pragma once

#include <array>
#include <string_view>

#include "platform/base/types.h"

namespace samara::server::layout {

using Words = std::string_view;

template <size_t A, size_t B>
constexpr std::array<Words, A + B> joined(const std::array<Words, A>& a, const std::array<Words, B>& b) {
  std::array<Words, A + B> both;
  for (size_t i = 0; i < A; ++i) both[i] = a[i];
  for (size_t i = 0; i < B; ++i) both[A + i] = b[i];
  return both;
}

// All roles have these, and each adds some.
inline constexpr std::array<Words, 11> root_properties{
    "compatible",        "role",    "workers", "user", "group", "log-level", "entropy-seed", "boot-time", "answer-rotation",
    "notify-ns-records", "checksum"};
inline constexpr std::array<Words, 12> service_children{"listen",  "key",     "acl",    "identity", "limits",      "rate-limit",
                                                        "cookies", "network", "notify", "history",  "zone-limits", "storage"};
inline constexpr auto primary_children =
    joined(service_children, std::array<Words, 4>{"zone", "catalog", "update-policy", "update-limits"});
inline constexpr std::array<Words, 1> secondary_properties{"forward-updates"};
inline constexpr auto secondary_children =
    joined(service_children, std::array<Words, 4>{"zone", "catalog", "transfers-in", "refresh"});

// A zone and a catalog of any role have these.
inline constexpr std::array<Words, 2> zone_properties{"name", "notify-ns-records"};
inline constexpr std::array<Words, 4> override_children{"acl", "notify", "history", "zone-limits"};
inline constexpr std::array<Words, 3> override_access_children{"transfer", "notify", "update"};
inline constexpr std::array<Words, 1> notify_children{"peer"};
inline constexpr std::array<Words, 2> peer_properties{"endpoint", "key"};
inline constexpr std::array<Words, 2> history_properties{"differences", "octets"};
inline constexpr std::array<Words, 3> rule_limits_properties{"max-records", "max-octets", "max-records-per-rrset"};
inline constexpr auto zone_limits_properties = joined(rule_limits_properties, std::array<Words, 1>{"max-types-per-name"});
inline constexpr std::array<Words, 2> storage_properties{"file", "size"};

// The primary's.
inline constexpr auto primary_zone_children = joined(override_children, std::array<Words, 1>{"file"});
inline constexpr auto primary_catalog_properties = joined(zone_properties, std::array<Words, 3>{"all", "members", "written"});
inline constexpr auto primary_catalog_children = joined(override_children, std::array<Words, 1>{"group"});
inline constexpr std::array<Words, 2> group_properties{"name", "members"};
inline constexpr std::array<Words, 1> update_policy_children{"rule"};
inline constexpr auto update_rule_properties =
    joined(std::array<Words, 9>{"from", "key", "add", "remove", "signed-zones", "zones", "match", "names", "types"},
           rule_limits_properties);

// The secondary's.
inline constexpr auto secondary_zone_properties = joined(zone_properties, secondary_properties);
inline constexpr auto secondary_zone_children = joined(override_children, std::array<Words, 1>{"primary"});
inline constexpr auto secondary_catalog_children = joined(override_children, std::array<Words, 2>{"primary", "member-primary"});
inline constexpr std::array<Words, 6> transfers_in_properties{"concurrent",   "per-primary",  "zone-octets",
                                                              "zone-records", "minimum-rate", "total-time"};
inline constexpr std::array<Words, 6> refresh_properties{"refresh-min", "refresh-max", "retry-min",
                                                         "retry-max",   "expire-min",  "expire-max"};

inline constexpr std::array<Words, 1> listen_properties{"endpoint"};
inline constexpr std::array<Words, 3> key_properties{"name", "algorithm", "secret"};
inline constexpr std::array<Words, 2> file_properties{"path", "text"};
inline constexpr std::array<Words, 4> access_children{"query", "transfer", "notify", "update"};
inline constexpr std::array<Words, 1> access_list_children{"rule"};
inline constexpr std::array<Words, 2> rule_properties{"from", "key"};
inline constexpr std::array<Words, 3> identity_properties{"server-id", "version", "nsid"};
inline constexpr std::array<Words, 12> limit_properties{"udp-payload-ipv4",
                                                        "udp-payload-ipv6",
                                                        "tcp-clients",
                                                        "tcp-clients-per-prefix",
                                                        "tcp-prefix-ipv4",
                                                        "tcp-prefix-ipv6",
                                                        "tcp-idle",
                                                        "tcp-queries",
                                                        "zone-memory",
                                                        "transfers",
                                                        "transfers-per-prefix",
                                                        "signature-warning"};
inline constexpr std::array<Words, 6> rate_limit_properties{"responses-per-second", "slip",        "window",
                                                            "prefix-ipv4",          "prefix-ipv6", "table-size"};
inline constexpr std::array<Words, 1> rate_limit_children{"exempt"};
inline constexpr std::array<Words, 1> exempt_properties{"from"};
inline constexpr std::array<Words, 4> cookie_properties{"enabled", "required", "current", "previous"};
inline constexpr std::array<Words, 9> network_properties{
    "mode", "interface", "mac", "mtu", "dhcp", "dhcp-address", "router-advertisements", "host-name", "address-secret"};
inline constexpr std::array<Words, 3> network_children{"address", "route", "listen"};
inline constexpr std::array<Words, 1> network_address_properties{"address"};
inline constexpr std::array<Words, 2> network_route_properties{"to", "via"};

// "key" of "key@0".
constexpr std::string_view kind_of(std::string_view node_name) {
  return node_name.substr(0, node_name.find('@'));
}

}  // namespace samara::server::layout
