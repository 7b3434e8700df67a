// EDNS(0) (RFC 6891): the numbers of options and extended errors, and what a query's OPT record says.
#pragma once

#include <array>
#include <optional>

#include "dns-core/types.h"
#include "platform/base/byte_order.h"

namespace samara::dns {

// Option codes (IANA "DNS EDNS0 Option Codes").
enum class EdnsOption : u16 {
  nsid = 3,             // RFC 5001
  client_subnet = 8,    // RFC 7871
  expire = 9,           // RFC 7314
  cookie = 10,          // RFC 7873
  tcp_keepalive = 11,   // RFC 7828
  padding = 12,         // RFC 7830
  extended_error = 15,  // RFC 8914
  zoneversion = 19,     // RFC 9660
};
constexpr u16 code(EdnsOption o) {
  return static_cast<u16>(o);
}

// Extended DNS errors (RFC 8914 section 4) that we send.
enum class ExtendedError : u16 {
  other = 0,
  stale_answer = 3,
  not_ready = 14,
  blocked = 15,
  filtered = 17,
  prohibited = 18,
  not_authoritative = 20,
  not_supported = 21,
  no_reachable_authority = 22,
  invalid_data = 24,
};
constexpr u16 code(ExtendedError e) {
  return static_cast<u16>(e);
}

// Octets of an OPT record without options: root owner, type, class, TTL, length.
constexpr size_t opt_fixed_size = 11;

// One option of an OPT record (RFC 6891 section 6.1.2).
struct EdnsOptionView {
  u16 code = 0;
  Bytes data;
};
// Octets in front of an option's data: its code and size.
constexpr size_t option_head_size = 4;

// The first of `options`, which are not empty and go on behind it. Nothing: it ends too late.
constexpr std::optional<EdnsOptionView> next_option(Bytes& options) {
  if (options.size() < option_head_size) return std::nullopt;
  const size_t size = load_be16(options, 2);
  if (options.size() - option_head_size < size) return std::nullopt;
  const EdnsOptionView option{.code = load_be16(options), .data = options.subspan(option_head_size, size)};
  options = options.subspan(option_head_size + size);
  return option;
}

// What a client's cookie option held (RFC 7873 section 4): 8 octets of its own, then 0 or 8 to 32 of ours.
struct CookieOption {
  std::array<u8, 8> client;
  std::array<u8, 32> server;
  u8 server_size = 0;
};

// A query's OPT record, options we do not know left out.
struct Edns {
  u16 udp_payload_size = 512;  // at least 512 (RFC 6891 section 6.2.3)
  u8 version = 0;
  bool dnssec_ok = false;  // DO (RFC 3225)
  bool nsid = false;       // asked for
  bool expire = false;     // asked for
  bool tcp_keepalive = false;
  bool zoneversion = false;
  bool padding = false;
  bool malformed = false;  // an option breaks its own rule: FORMERR
  std::optional<CookieOption> cookie;
};

}  // namespace samara::dns
