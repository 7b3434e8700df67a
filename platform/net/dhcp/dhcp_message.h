// DHCP messages (RFC 2131 section 2) and the options a client uses (RFC 2132, RFC 3442, RFC 4361). Reading is bounded: what
// does not fit into the lists here is left out, options that are unknown or have a length theirs never has are skipped, options
// that were split are joined (RFC 3396), and the fields `file` and `sname` are read where option 52 says that options go on
// there.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "platform/base/result.h"
#include "platform/net/wire/address_fields.h"
#include "platform/net/wire/wire_error.h"

namespace samara::net::dhcp {

constexpr Port server_port{67};
constexpr Port client_port{68};

enum class MessageType : u8 { discover = 1, offer, request, decline, ack, nak, release, inform };

// Up to N values of an option.
template <class T, size_t N>
struct Values {
  std::array<T, N> items{};
  size_t count = 0;
  void add(const T& value) {
    if (count < N) items[count++] = value;
  }
  std::span<const T> all() const { return std::span<const T, N>(items).first(count); }
  friend bool operator==(const Values& a, const Values& b) { return std::ranges::equal(a.all(), b.all()); }
};

// Option 121 (RFC 3442), and what option 3 means. The unspecified gateway: the destination is on the link.
struct ClasslessRoute {
  IpPrefix destination;
  IpAddress gateway;
  friend bool operator==(const ClasslessRoute&, const ClasslessRoute&) = default;
};

// A message from a server.
struct Reply {
  u32 transaction = 0;
  IpAddress your_address;
  MacAddress client_mac;
  MessageType type{};
  std::optional<IpAddress> server;       // 54
  std::optional<u32> lease_seconds;      // 51; 0xffffffff: for ever
  std::optional<u32> renewal_seconds;    // 58, T1
  std::optional<u32> rebinding_seconds;  // 59, T2
  std::optional<u8> prefix_length;       // 1
  bool usable_mask = true;               // false: 1 has holes, or covers every address
  std::optional<u16> mtu;                // 26
  std::optional<IpAddress> broadcast;    // 28
  Values<IpAddress, 8> routers;          // 3
  Values<IpAddress, 8> name_servers;     // 6
  Values<ClasslessRoute, 32> routes;     // 121; where there are some, routers do not count (RFC 3442)

  // Checks operation, hardware type, lengths, magic number; and that it is one of offer, ack, nak.
  static Result<Reply, WireError> parse(Bytes message);
};

// A message to a server.
struct Request {
  u32 transaction = 0;
  u16 seconds = 0;           // since the client began
  bool broadcast = false;    // answers are to be broadcast
  IpAddress client_address;  // in use; else unspecified
  MacAddress client_mac;
  MessageType type = MessageType::discover;
  std::optional<IpAddress> requested;  // 50
  std::optional<IpAddress> server;     // 54
  u16 largest_message = 576;           // 57
  std::string_view host_name;          // 12; not longer than 63
};
constexpr size_t max_request_size = 548;  // what every server takes

// Octets written, padded to what a BOOTP relay expects (RFC 1542 section 2.1).
size_t write(const Request& request, MutableBytes out);

}  // namespace samara::net::dhcp
