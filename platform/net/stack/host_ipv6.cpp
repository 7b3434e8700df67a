// Receiving IPv6 (RFC 8200), from its header to a whole packet.
#include <algorithm>

#include "platform/net/stack/host.h"
#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/ipv6.h"

namespace samara::net {
namespace {

constexpr u8 congestion_experienced = 3;  // RFC 3168 section 5
constexpr u32 payload_length_field = 4;

}  // namespace

std::optional<UdpDatagram> Stack::Host::on_ipv6(Instant now, MutableBytes packet, const Arrival& arrival) {
  ++counters_.ipv6_in;
  const Result<Ipv6Header, WireError> parsed = Ipv6Header::parse(packet);
  if (!parsed.ok()) {
    count_malformed(parsed.error());
    return std::nullopt;
  }
  const Ipv6Header& header = parsed.value();
  // The unspecified source is for discovery alone, which looks at it itself. A tentative address of ours may be another host's.
  if ((!is_peer_unicast(header.source) && !header.source.is_unspecified()) ||
      addresses_.find_usable(header.source) != nullptr) {
    ++counters_.ip_martian;
    return std::nullopt;
  }
  const bool to_group = is_multicast(header.destination);
  if (to_group ? !ipv6_.has_value() || !ipv6_->listens_to(header.destination)
               : addresses_.find_usable(header.destination) == nullptr) {
    ++counters_.ip_not_ours;
    return std::nullopt;
  }
  if (!to_group && !arrival.unicast) {
    ++counters_.ip_not_unicast;
    return std::nullopt;
  }
  if (config_.mirror_neighbors && !header.source.is_unspecified()) egress_.neighbors.mirror(now, header.source, arrival.source);

  IpPacket up;
  up.source = header.source;
  up.destination = header.destination;
  up.hop_limit = header.hop_limit;
  up.congestion_experienced = (header.traffic_class & 3) == congestion_experienced;
  up.unicast = !to_group;
  up.checksum_known = arrival.checksum != FrameChecksum::unchecked;
  const MutableBytes whole = packet.first(Ipv6Header::size + size_t{header.payload_length});
  up.quotable = whole;
  up.payload = whole;  // until the headers are walked over
  return on_ipv6_payload(now, up, header.next_header, Ipv6Header::size, 6);
}

// Walks on from `from`, where a header of `first` stands, named by the octet at `field`.
std::optional<UdpDatagram> Stack::Host::on_ipv6_payload(Instant now, IpPacket packet, Protocol first, size_t from,
                                                        size_t field) {
  const auto walked = walk_extension_headers(packet.payload, first, from, field);
  if (!walked.ok()) {
    ++counters_.ip_bad_extension;
    tell_header_problem(now, packet, walked.error());
    return std::nullopt;
  }
  packet.protocol = walked.value().protocol;
  const size_t offset = walked.value().offset;
  if (packet.protocol == Protocol::fragment) return on_ipv6_fragment(now, packet, walked.value());
  packet.payload = packet.payload.subspan(offset);
  return on_packet(now, packet,
                   {.reassembled = false, .next_header_field = static_cast<u32>(walked.value().next_header_field)});
}

std::optional<UdpDatagram> Stack::Host::on_ipv6_fragment(Instant now, IpPacket packet, const Ipv6Payload& at) {
  ++counters_.fragments_in;
  const auto parsed = Ipv6FragmentHeader::parse(packet.payload.subspan(at.offset));
  if (!parsed.ok()) {
    ++counters_.fragments_malformed;
    return std::nullopt;
  }
  const Ipv6FragmentHeader& header = parsed.value();
  const size_t start = at.offset + Ipv6FragmentHeader::size;
  if (header.is_atomic()) return on_atomic_fragment(now, packet, header.next_header, start, at.offset);
  if (header.offset == 0) {
    // RFC 7112 section 5: all headers, up to the transport's, are in the first fragment.
    const auto chain = walk_extension_headers(packet.payload, header.next_header, start, at.offset);
    const size_t needed = chain.ok() && chain.value().protocol == Protocol::tcp ? 20 : 8;
    if (!chain.ok() || packet.payload.size() - chain.value().offset < needed) {
      ++counters_.fragments_too_short;
      if (!chain.ok() && chain.error().tell != Ipv6HeaderProblem::Tell::nobody) {
        tell_header_problem(now, packet, chain.error());
      } else {
        tell_header_problem(now, packet, {Ipv6HeaderProblem::Tell::source, 3, 0});
      }
      return std::nullopt;
    }
  }
  Fragment fragment;
  fragment.source = packet.source;
  fragment.destination = packet.destination;
  fragment.protocol = header.next_header;
  fragment.identification = header.identification;
  fragment.offset = header.offset;
  fragment.more = header.more;
  fragment.congestion_experienced = packet.congestion_experienced;
  fragment.unicast = packet.unicast;
  fragment.hop_limit = packet.hop_limit;
  fragment.payload = packet.payload.subspan(start);
  fragment.packet = packet.quotable;
  const Reassembler::Verdict verdict = reassembler_.on_fragment(now, fragment);
  count_fragment(verdict);
  // RFC 8200 section 4.5: these two are told.
  if (verdict == Reassembler::Verdict::malformed && !fragment.payload.empty()) {
    tell_header_problem(now, packet, {Ipv6HeaderProblem::Tell::source, 0, payload_length_field});
  } else if (verdict == Reassembler::Verdict::too_long) {
    tell_header_problem(now, packet, {Ipv6HeaderProblem::Tell::source, 0, static_cast<u32>(at.offset + 2)});
  }
  if (verdict != Reassembler::Verdict::complete) return std::nullopt;
  const Reassembler::Datagram& datagram = reassembler_.completed();
  packet.payload = datagram.payload;
  packet.congestion_experienced = datagram.congestion_experienced;
  packet.unicast = datagram.unicast;
  packet.hop_limit = datagram.hop_limit;
  packet.checksum_known = false;
  // What is wrong from here on has no place in one packet that could be pointed to: it is only counted.
  const auto walked = walk_extension_headers(packet.payload, datagram.protocol, 0, 0);
  if (!walked.ok() || walked.value().protocol == Protocol::fragment) {
    ++counters_.ip_bad_extension;
    return std::nullopt;
  }
  packet.protocol = walked.value().protocol;
  packet.payload = packet.payload.subspan(walked.value().offset);
  return on_packet(now, packet, {.reassembled = true, .next_header_field = static_cast<u32>(at.offset)});
}

// RFC 6946: a fragment that is the whole packet is taken as such, whatever else waits.
std::optional<UdpDatagram> Stack::Host::on_atomic_fragment(Instant now, IpPacket packet, Protocol first, size_t from,
                                                           size_t field) {
  const auto walked = walk_extension_headers(packet.payload, first, from, field);
  if (!walked.ok() || walked.value().protocol == Protocol::fragment) {
    ++counters_.ip_bad_extension;
    if (!walked.ok()) tell_header_problem(now, packet, walked.error());
    return std::nullopt;
  }
  packet.protocol = walked.value().protocol;
  packet.payload = packet.payload.subspan(walked.value().offset);
  // It had a fragment header, which discovery refuses (RFC 6980).
  return on_packet(now, packet, {.reassembled = true, .next_header_field = static_cast<u32>(walked.value().next_header_field)});
}

}  // namespace samara::net
