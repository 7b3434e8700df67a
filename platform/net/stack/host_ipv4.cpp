// Receiving IPv4 (RFC 791, RFC 1122 section 3.2), and what both families do with a whole packet.
#include <algorithm>

#include "platform/net/stack/host.h"
#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/icmp.h"

namespace samara::net {
namespace {

constexpr u8 congestion_experienced = 3;  // RFC 3168 section 5, in the low two bits of the traffic class

}  // namespace

std::optional<UdpDatagram> Stack::Host::on_ipv4(Instant now, MutableBytes packet, const Arrival& arrival) {
  ++counters_.ipv4_in;
  const Result<Ipv4Header, WireError> parsed = Ipv4Header::parse(packet);
  if (!parsed.ok()) {
    count_malformed(parsed.error());
    return std::nullopt;
  }
  const Ipv4Header& header = parsed.value();
  if (dhcp_.has_value()) {
    const Bytes datagram = packet.first(header.total_length).subspan(header.header_length);
    if (on_dhcp(now, header, datagram, arrival.source)) return std::nullopt;
  }
  // RFC 1122 section 3.2.1.3: sources that no other host can have. RFC 5961 and others rely on it.
  if (!is_peer_unicast(header.source) || addresses_.is_broadcast(header.source) || addresses_.find(header.source) != nullptr) {
    ++counters_.ip_martian;
    return std::nullopt;
  }
  const bool to_unicast = addresses_.find_usable(header.destination) != nullptr;
  if (!to_unicast && !is_multicast(header.destination) && !addresses_.is_broadcast(header.destination)) {
    ++counters_.ip_not_ours;
    return std::nullopt;
  }
  // RFC 1122 section 3.3.6: a unicast packet in a link-layer broadcast is somebody's mistake, or a trick.
  if (!to_unicast || !arrival.unicast) {
    ++counters_.ip_not_unicast;
    return std::nullopt;
  }
  if (config_.mirror_neighbors) egress_.neighbors.mirror(now, header.source, arrival.source);

  const MutableBytes whole = packet.first(header.total_length);
  IpPacket up;
  up.source = header.source;
  up.destination = header.destination;
  up.protocol = header.protocol;
  up.hop_limit = header.hop_limit;
  up.congestion_experienced = (header.traffic_class & 3) == congestion_experienced;
  up.checksum_known = arrival.checksum != FrameChecksum::unchecked;
  up.payload = whole.subspan(header.header_length);
  up.quotable = whole;
  if (header.is_fragment()) return on_ipv4_fragment(now, header, up);
  return on_packet(now, up, {});
}

std::optional<UdpDatagram> Stack::Host::on_ipv4_fragment(Instant now, const Ipv4Header& header, IpPacket packet) {
  ++counters_.fragments_in;
  Fragment fragment;
  fragment.source = packet.source;
  fragment.destination = packet.destination;
  fragment.protocol = packet.protocol;
  fragment.identification = header.identification;
  fragment.offset = header.fragment_offset;
  fragment.more = header.more_fragments;
  fragment.congestion_experienced = packet.congestion_experienced;
  fragment.unicast = packet.unicast;
  fragment.hop_limit = packet.hop_limit;
  fragment.payload = packet.payload;
  fragment.packet = packet.quotable;
  const Reassembler::Verdict verdict = reassembler_.on_fragment(now, fragment);
  count_fragment(verdict);
  if (verdict != Reassembler::Verdict::complete) return std::nullopt;
  packet.payload = reassembler_.completed().payload;
  packet.congestion_experienced = reassembler_.completed().congestion_experienced;
  packet.checksum_known = false;  // what the card knows is about fragments
  return on_packet(now, packet, {.reassembled = true});
}

std::optional<UdpDatagram> Stack::Host::on_packet(Instant now, const IpPacket& packet, const Received& how) {
  switch (packet.protocol) {
    case Protocol::udp: return on_udp(now, packet);
    case Protocol::tcp:
      if (packet.unicast && tcp_.on_segment(now, packet)) egress_.on_progress(now, packet.source);
      return std::nullopt;
    case Protocol::icmp:
      if (!packet.source.is_v4()) break;
      on_icmp(now, packet);
      return std::nullopt;
    case Protocol::icmpv6:
      if (packet.source.is_v4()) break;
      on_icmpv6(now, packet, how.reassembled);
      return std::nullopt;
    case Protocol::none:
      if (!packet.source.is_v4()) return std::nullopt;  // RFC 8200 section 4.7: nothing follows
      break;
    case Protocol::hop_by_hop:
    case Protocol::routing:
    case Protocol::fragment:
    case Protocol::destination_options: break;
  }
  ++counters_.unknown_protocols;
  if (packet.source.is_v4()) {
    send_icmp_error(now, packet, icmp4::unreachable, icmp4::unreachable_protocol);  // RFC 1122 section 3.2.2.1
  } else {
    tell_header_problem(now, packet, {Ipv6HeaderProblem::Tell::source, 1, how.next_header_field});  // RFC 8200 section 4
  }
  return std::nullopt;
}

void Stack::Host::count_malformed(WireError error) {
  switch (error) {
    case WireError::truncated: ++counters_.ip_truncated; break;
    case WireError::checksum: ++counters_.ip_bad_checksum; break;
    case WireError::version:
    case WireError::length:
    case WireError::value: ++counters_.ip_malformed; break;
  }
}

void Stack::Host::count_fragment(Reassembler::Verdict verdict) {
  using Verdict = Reassembler::Verdict;
  switch (verdict) {
    case Verdict::waits: break;
    case Verdict::complete: ++counters_.reassembled; break;
    case Verdict::duplicate: ++counters_.fragments_duplicate; break;
    case Verdict::overlap: ++counters_.fragments_overlapping; break;
    case Verdict::too_long: ++counters_.fragments_too_long; break;
    case Verdict::malformed: ++counters_.fragments_malformed; break;
    case Verdict::first_too_short: ++counters_.fragments_too_short; break;
    case Verdict::no_room: ++counters_.fragments_no_room; break;
  }
  counters_.reassembly_evicted = reassembler_.evicted();
}

}  // namespace samara::net
