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
  const auto fixed = packet.first<size>();
  if (fixed[0] >> 4 != 4) return fail(WireError::version);
  Ipv4Header h;
  h.header_length = static_cast<u8>((fixed[0] & 15) * 4);
  h.total_length = load_be16(fixed, 2);
  if (h.header_length < size || h.total_length < h.header_length) return fail(WireError::length);
  if (h.total_length > packet.size()) return fail(WireError::truncated);
  ChecksumSum sum;
  sum.add(fixed);
  const Bytes options = packet.subspan(size, h.header_length - size);
  if (!options.empty()) sum.add(options);
  if (sum.finish() != 0) return fail(WireError::checksum);
  if (!options.empty()) TRY(check_options(options));
  h.traffic_class = fixed[1];
  h.identification = load_be16(fixed, 4);
  const u16 flags = load_be16(fixed, 6);
  if ((flags & flag_reserved) != 0) return fail(WireError::value);
  h.dont_fragment = (flags & flag_dont_fragment) != 0;
  h.more_fragments = (flags & flag_more_fragments) != 0;
  h.fragment_offset = static_cast<u16>((flags & 0x1fff) * 8);
  h.hop_limit = fixed[8];
  h.protocol = Protocol{fixed[9]};
  h.source = load_v4(fixed, 12);
  h.destination = load_v4(fixed, 16);
  return h;
}

void Ipv4Header::write(MutableBytes into) const {
  constexpr u8 version_and_length = 0x45;
  const auto out = into.first<size>();
  out[0] = version_and_length;
  out[1] = traffic_class;
  store_be16(out, 2, total_length);
  store_be16(out, 4, identification);
  u16 flags = fragment_offset / 8;
  if (dont_fragment) flags |= flag_dont_fragment;
  if (more_fragments) flags |= flag_more_fragments;
  store_be16(out, 6, flags);
  out[8] = hop_limit;
  out[9] = static_cast<u8>(protocol);
  store_be32(out, 12, source.v4_number());
  store_be32(out, 16, destination.v4_number());
  // Of the values, and not of the octets just written: the processor would have to wait for those.
  ChecksumSum sum;
  sum.add_u16(static_cast<u16>(version_and_length << 8 | traffic_class));
  sum.add_u16(total_length);
  sum.add_u16(identification);
  sum.add_u16(flags);
  sum.add_u16(static_cast<u16>(hop_limit << 8 | static_cast<u8>(protocol)));
  sum.add_u32(source.v4_number());
  sum.add_u32(destination.v4_number());
  store_be16(out, 10, sum.finish());
}

}  // namespace samara::net
