// What a person calls a name server: an address or a name, with or without a port. Names are looked up when they are needed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "platform/base/ip_address.h"
#include "platform/base/result.h"

namespace samara::ops {

constexpr std::string_view server_form =
    "ADDRESS, NAME or either with :PORT, such as 127.0.0.1:5353, [::1]:5353 or ns1.example.com";

struct ServerPlace {
  std::string host;  // as it was written
  Port port{53};
  std::vector<IpAddress> addresses;  // of a literal, or found already; empty: to be looked up

  // "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:53", "localhost:53". Nothing: it is none of these.
  static std::optional<ServerPlace> parse(std::string_view text);
  static ServerPlace at(const Endpoint& endpoint);
  // "192.0.2.1:53", "ns1.example.com:53"
  std::string text() const;
  // In the order in which they are to be tried (RFC 6724); a text for a person where there are none.
  Result<std::vector<Endpoint>, std::string> endpoints() const;

  friend bool operator==(const ServerPlace&, const ServerPlace&) = default;
};

// The primary of a zone as its SOA's MNAME has it, with the addresses it has (RFC 2136 section 4). Whom to ask: `resolver`, or
// without it those of /etc/resolv.conf. The error is a text for a person.
Result<ServerPlace, std::string> find_primary(const dns::Name& zone, const std::optional<ServerPlace>& resolver,
                                              std::chrono::milliseconds patience);

}  // namespace samara::ops
