// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words, and the pseudo headers it covers for TCP, UDP and
// ICMPv6 (RFC 9293 section 3.1, RFC 8200 section 8.1).
#pragma once

#include <bit>
#include <span>

#include "platform/base/byte_order.h"
#include "platform/base/ip_address.h"
#include "platform/base/types.h"

namespace samara::net {

// A sum under way. Parts are added in the order they stand on the wire; every part but the last has an even length.
class ChecksumSum {
 public:
  constexpr ChecksumSum() = default;
  void add(Bytes octets);
  // A header: its size is known to the compiler.
  template <size_t size>
    requires(size % 4 == 0 && size != std::dynamic_extent)
  constexpr void add(std::span<const u8, size> header) {
    for (size_t i = 0; i < size; i += 4) sum_ += load_be32(header, i);
  }
  constexpr void add_u16(u16 word) { sum_ += word; }
  constexpr void add_u32(u32 word) { sum_ += word; }
  void add_pseudo_header(const IpAddress& source, const IpAddress& destination, u8 protocol, u32 length);

  // The sum folded to 16 bits, not complemented: what a card that finishes the checksum expects in its place.
  constexpr u16 folded() const {
    // A number and the same with its halves exchanged: the upper half of their sum is that of the halves, carry included.
    const u32 half = static_cast<u32>((sum_ + std::rotl(sum_, 32)) >> 32);
    return static_cast<u16>((half + std::rotl(half, 16)) >> 16);
  }
  // What stands in a header's checksum field. Over octets that contain their own right checksum it is 0.
  constexpr u16 finish() const { return static_cast<u16>(~folded()); }

 private:
  constexpr explicit ChecksumSum(u64 sum) : sum_(sum) {}
  u64 sum_ = 0;
};

// The checksum of `octets` alone (IPv4 header, ICMPv4 message).
u16 internet_checksum(Bytes octets);

}  // namespace samara::net
