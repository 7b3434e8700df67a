#include "platform/net/wire/ipv4.h"

#include "platform/net/wire/checksum.h"

namespace samara::net {
namespace {

constexpr u16 flag_reserved = 0x8000;
constexpr u16 flag_dont_fragment = 0x4000;
constexpr u16 flag_more_fragments = 0x2000;

constexpr u8 option_end = 0;
constexpr u8 option_no_operation = 1;
constexpr u8 option_loose_source_route = 131;
constexpr u8 option_strict_source_route = 137;

Result<void, WireError> check_options(Bytes options) {
  while (!options.empty()) {
    const u8 kind = options[0];
    if (kind == option_end) return {};
    if (kind == option_no_operation) {
      options = options.subspan(1);
      continue;
    }
    if (kind == option_loose_source_route || kind == option_strict_source_route) return fail(WireError::value);
    // RFC 1122 section 3.2.1.8: others are skipped by their length, which covers kind and length themselves.
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return fail(WireError::length);
    options = options.subspan(options[1]);
  }
  return {};
}

}  // namespace

Result<Ipv4Header, WireError> Ipv4Header::parse(Bytes packet) {
  if (packet.size() < size) return fail(WireError::truncated);
  if (packet[0] >> 4 != 4) return fail(WireError::version);
  Ipv4Header h;
  h.header_length = static_cast<u8>((packet[0] & 15) * 4);
  h.total_length = load_be16(packet, 2);
  if (h.header_length < size || h.total_length < h.header_length) return fail(WireError::length);
  if (h.total_length > packet.size()) return fail(WireError::truncated);
  const Bytes header = packet.first(h.header_length);
  if (internet_checksum(header) != 0) return fail(WireError::checksum);
  if (h.header_length > size) TRY(check_options(header.subspan(size)));
  h.traffic_class = packet[1];
  h.identification = load_be16(packet, 4);
  const u16 flags = load_be16(packet, 6);
  if ((flags & flag_reserved) != 0) return fail(WireError::value);
  h.dont_fragment = (flags & flag_dont_fragment) != 0;
  h.more_fragments = (flags & flag_more_fragments) != 0;
  h.fragment_offset = static_cast<u16>((flags & 0x1fff) * 8);
  h.hop_limit = packet[8];
  h.protocol = Protocol{packet[9]};
  h.source = load_v4(packet, 12);
  h.destination = load_v4(packet, 16);
  return h;
}

void Ipv4Header::write(MutableBytes into) const {
  const MutableBytes out = into.first(size);
  out[0] = 0x45;
  out[1] = traffic_class;
  store_be16(out, 2, total_length);
  store_be16(out, 4, identification);
  u16 flags = fragment_offset / 8;
  if (dont_fragment) flags |= flag_dont_fragment;
  if (more_fragments) flags |= flag_more_fragments;
  store_be16(out, 6, flags);
  out[8] = hop_limit;
  out[9] = static_cast<u8>(protocol);
  store_be16(out, 10, 0);
  store_address(out, 12, source);
  store_address(out, 16, destination);
  store_be16(out, 10, internet_checksum(out));
}

}  // namespace samara::net
