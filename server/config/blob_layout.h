// The names in a boot blob, for its reader and its writer (docs/configuration.md describes the layout).
#pragma once

#include <array>
#include <string_view>

#include "platform/base/types.h"

namespace samara::server::layout {

using Words = std::string_view;

inline constexpr std::array<Words, 9> root_properties{"compatible", "role",         "workers",   "user",           "group",
                                                      "log-level",  "entropy-seed", "boot-time", "answer-rotation"};
inline constexpr std::array<Words, 9> root_children{"listen", "key",        "zone",    "acl",    "identity",
                                                    "limits", "rate-limit", "cookies", "network"};
inline constexpr std::array<Words, 1> listen_properties{"endpoint"};
inline constexpr std::array<Words, 3> key_properties{"name", "algorithm", "secret"};
inline constexpr std::array<Words, 1> zone_properties{"name"};
inline constexpr std::array<Words, 1> zone_children{"file"};
inline constexpr std::array<Words, 2> file_properties{"path", "text"};
inline constexpr std::array<Words, 4> access_children{"query", "transfer", "notify", "update"};
inline constexpr std::array<Words, 1> access_list_children{"rule"};
inline constexpr std::array<Words, 2> rule_properties{"from", "key"};
inline constexpr std::array<Words, 3> identity_properties{"server-id", "version", "nsid"};
inline constexpr std::array<Words, 9> limit_properties{
    "udp-payload-ipv4", "udp-payload-ipv6", "tcp-clients", "tcp-clients-per-prefix", "tcp-prefix-ipv4", "tcp-prefix-ipv6",
    "tcp-idle",         "tcp-queries",      "zone-memory"};
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
