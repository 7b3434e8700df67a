// The registered keys of SVCB parameters (IANA "Service Parameter Keys (SvcParamKeys)").
#pragma once

#include <array>

#include "dns-core/rdata/numbers.h"

namespace samara::dns {

enum class SvcParamKey : u16 {
  mandatory = 0,
  alpn = 1,
  no_default_alpn = 2,
  port = 3,
  ipv4hint = 4,
  ech = 5,
  ipv6hint = 6,
  dohpath = 7,
  ohttp = 8,
  tls_supported_groups = 9,
  docpath = 10,
  pvd = 11,
  oots = 12,
};

inline constexpr auto svc_param_keys = std::to_array<NamedNumber>({
    {"mandatory", 0},
    {"alpn", 1},
    {"no-default-alpn", 2},
    {"port", 3},
    {"ipv4hint", 4},
    {"ech", 5},
    {"ipv6hint", 6},
    {"dohpath", 7},
    {"ohttp", 8},
    {"tls-supported-groups", 9},
    {"docpath", 10},
    {"pvd", 11},
    {"oots", 12},
});

// Keys up to here are written by name. named, nsd and knot of the long-lived distributions read no newer ones, but all of them
// read keyNNN.
inline constexpr u16 last_key_written_by_name = 7;
// RFC 9460 section 14.3.2: reserved as the key that is never valid.
inline constexpr u16 invalid_key = 65535;

// Whether `value` has the wire format of `key`; unknown keys have any.
bool is_service_parameter_value(u16 key, Bytes value);
// What makes valid parameters inconsistent (RFC 9460 sections 7.1.1 and 8, RFC 9461 section 5), or nothing.
std::string_view service_parameter_conflict(Bytes parameters);

}  // namespace samara::dns
