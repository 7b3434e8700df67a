#include "platform/net/wire/ipv6.h"

namespace samara::net {
namespace {

using Tell = Ipv6HeaderProblem::Tell;

// Codes of ICMPv6 parameter problems (RFC 4443 section 3.4).
constexpr u8 erroneous_field = 0;
constexpr u8 unknown_next_header = 1;
constexpr u8 unknown_option = 2;

Failure<Ipv6HeaderProblem> problem(Tell tell, u8 code, size_t pointer) {
  return fail(Ipv6HeaderProblem{tell, code, static_cast<u32>(pointer)});
}
Failure<Ipv6HeaderProblem> silently() {
  return problem(Tell::nobody, 0, 0);
}

constexpr u8 option_pad1 = 0;
constexpr u8 option_padn = 1;
constexpr u8 option_router_alert = 5;  // RFC 2711: for routers; MLD messages carry it

// RFC 8200 section 4.2. `start` is where the options begin in the packet.
Result<void, Ipv6HeaderProblem> check_options(Bytes options, size_t start) {
  size_t seen = 0;
  for (size_t at = 0; at < options.size();) {
    const u8 kind = options[at];
    if (kind == option_pad1) {
      ++at;
      continue;
    }
    if (options.size() - at < 2 || options.size() - at - 2 < options[at + 1]) return silently();
    if (kind != option_padn) {
      if (++seen > max_extension_options) return silently();
      if (kind != option_router_alert) {
        switch (kind >> 6) {
          case 0: break;  // skip it
          case 1: return silently();
          case 2: return problem(Tell::source_always, unknown_option, start + at);
          default: return problem(Tell::source, unknown_option, start + at);
        }
      }
    }
    at += size_t{2} + options[at + 1];
  }
  return {};
}

}  // namespace

Result<Ipv6Header, WireError> Ipv6Header::parse(Bytes packet) {
  if (packet.size() < size) return fail(WireError::truncated);
  if (packet[0] >> 4 != 6) return fail(WireError::version);
  Ipv6Header h;
  const u32 first = load_be32(packet, 0);
  h.traffic_class = static_cast<u8>(first >> 20);
  h.flow_label = first & 0xfffff;
  h.payload_length = load_be16(packet, 4);
  if (h.payload_length > packet.size() - size) return fail(WireError::truncated);
  h.next_header = Protocol{packet[6]};
  h.hop_limit = packet[7];
  h.source = load_v6(packet, 8);
  h.destination = load_v6(packet, 24);
  return h;
}

void Ipv6Header::write(MutableBytes into) const {
  const MutableBytes out = into.first(size);
  store_be32(out, 0, (u32{6} << 28) | (u32{traffic_class} << 20) | (flow_label & 0xfffff));
  store_be16(out, 4, payload_length);
  out[6] = static_cast<u8>(next_header);
  out[7] = hop_limit;
  store_address(out, 8, source);
  store_address(out, 24, destination);
}

Result<Ipv6FragmentHeader, WireError> Ipv6FragmentHeader::parse(Bytes header) {
  if (header.size() < size) return fail(WireError::truncated);
  const u16 field = load_be16(header, 2);
  return Ipv6FragmentHeader{Protocol{header[0]}, static_cast<u16>(field & 0xfff8), (field & 1) != 0, load_be32(header, 4)};
}

void Ipv6FragmentHeader::write(MutableBytes into) const {
  const MutableBytes out = into.first(size);
  out[0] = static_cast<u8>(next_header);
  out[1] = 0;
  store_be16(out, 2, static_cast<u16>((offset & 0xfff8) | (more ? 1 : 0)));
  store_be32(out, 4, identification);
}

Result<Ipv6Payload, Ipv6HeaderProblem> walk_extension_headers(Bytes packet, Protocol first, size_t from, size_t field) {
  Ipv6Payload at{first, from, field, false};
  for (size_t headers = 0;; ++headers) {
    const bool options = at.protocol == Protocol::hop_by_hop || at.protocol == Protocol::destination_options;
    if (!options && at.protocol != Protocol::routing) return at;
    // RFC 8200 section 4: hop-by-hop options stand right behind the IPv6 header or are an unknown next header.
    if (at.protocol == Protocol::hop_by_hop) {
      if (at.offset != Ipv6Header::size) return problem(Tell::source, unknown_next_header, at.next_header_field);
      at.hop_by_hop = true;
    }
    if (headers == max_extension_headers) return silently();
    const Bytes rest = packet.subspan(at.offset);
    if (rest.size() < 8) return silently();
    const size_t length = (size_t{rest[1]} + 1) * 8;
    if (length > rest.size() || at.offset + length - from > max_extension_octets) return silently();
    if (options) {
      TRY(check_options(rest.subspan(2, length - 2), at.offset + 2));
    } else if (rest[3] != 0) {
      // RFC 8200 section 4.4: we know no routing type (RFC 5095 took type 0 away), and segments are left.
      return problem(Tell::source, erroneous_field, at.offset + 2);
    }
    at.protocol = Protocol{rest[0]};
    at.next_header_field = at.offset;
    at.offset += length;
  }
}

}  // namespace samara::net
