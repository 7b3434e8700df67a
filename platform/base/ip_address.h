// IP addresses, prefixes and endpoints as values, with their text forms: dotted quad for IPv4 (RFC 1123 section 2.1), RFC 4291
// section 2.2 read and RFC 5952 written for IPv6, `ADDRESS/LENGTH` for prefixes, `1.2.3.4:53` and `[2001:db8::1]:53` for
// endpoints. An IPv4 address is never an IPv4-mapped IPv6 one: the family is part of the value.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <optional>
#include <string_view>

#include "platform/base/byte_order.h"
#include "platform/base/strong.h"
#include "platform/base/text_writer.h"
#include "platform/base/types.h"

namespace samara {

enum class IpFamily : u8 { v4 = 4, v6 = 6 };

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static constexpr IpAddress v4(std::array<u8, 4> octets) {
    IpAddress a;
    std::copy_n(octets.begin(), 4, a.octets_.begin());
    return a;
  }
  static constexpr IpAddress v6(std::array<u8, 16> octets) {
    IpAddress a;
    a.family_ = IpFamily::v6;
    a.octets_ = octets;
    return a;
  }
  // Text to address; nothing when it is not one. Leading zeros in an IPv4 part ("010") are refused: readers disagree on them.
  static std::optional<IpAddress> parse(std::string_view text);
  static std::optional<IpAddress> parse_v4(std::string_view text);
  static std::optional<IpAddress> parse_v6(std::string_view text);

  constexpr IpFamily family() const { return family_; }
  constexpr bool is_v4() const { return family_ == IpFamily::v4; }
  // 4 or 16 octets, network order.
  constexpr Bytes octets() const { return Bytes(octets_).first(is_v4() ? 4 : 16); }
  // An IPv4 address as a number.
  constexpr u32 v4_number() const { return load_be32(octets_); }
  constexpr bool is_unspecified() const { return octets_ == std::array<u8, 16>{}; }
  void write_text(TextWriter& out) const;

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  IpFamily family_ = IpFamily::v4;
  std::array<u8, 16> octets_{};
};

struct Endpoint {
  IpAddress address;
  Port port;
  // "192.0.2.1:53", "[2001:db8::1]:53".
  static std::optional<Endpoint> parse(std::string_view text);
  void write_text(TextWriter& out) const;
  friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
};

// An address block. The bits after the prefix length are zero.
class IpPrefix {
 public:
  constexpr IpPrefix() = default;  // 0.0.0.0/0
  // Nothing when `length` is beyond the family's width or host bits are set.
  static std::optional<IpPrefix> create(IpAddress address, u8 length);
  // "192.0.2.0/24", "2001:db8::/32", or a lone address (a block of one).
  static std::optional<IpPrefix> parse(std::string_view text);
  constexpr const IpAddress& address() const { return address_; }
  constexpr u8 length() const { return length_; }
  bool contains(const IpAddress& address) const;
  void write_text(TextWriter& out) const;
  friend constexpr bool operator==(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  u8 length_ = 0;
};

// `address` with all bits after `length` cleared.
IpAddress masked(const IpAddress& address, u8 length);

// Unsigned decimal text without sign, blanks or leading zeros (but "0") up to `max`; nothing otherwise.
std::optional<u64> parse_decimal(std::string_view text, u64 max);

}  // namespace samara
