// UDP of a host (RFC 768, RFC 1122 section 4.1, RFC 8200 section 8.1).
#include <algorithm>

#include "platform/net/stack/host.h"
#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/icmp.h"
#include "platform/net/wire/udp.h"

namespace samara::net {

std::optional<UdpDatagram> Stack::Host::on_udp(Instant now, const IpPacket& packet) {
  ++counters_.udp_in;
  const Result<UdpHeader, WireError> parsed = UdpHeader::parse(packet.payload);
  if (!parsed.ok() || parsed.value().source == Port(0) || parsed.value().destination == Port(0)) {
    ++counters_.udp_malformed;
    return std::nullopt;
  }
  const UdpHeader& header = parsed.value();
  const MutableBytes datagram = packet.payload.first(header.length);
  if (!packet.checksum_known) {
    bool good = header.checksum == 0 && packet.source.is_v4();  // RFC 8200 section 8.1: not in IPv6
    if (header.checksum != 0) {
      ChecksumSum sum;
      sum.add_pseudo_header(packet.source, packet.destination, static_cast<u8>(Protocol::udp), header.length);
      sum.add(datagram);
      good = sum.finish() == 0;
    }
    if (!good) {
      ++counters_.udp_bad_checksum;
      return std::nullopt;
    }
  }
  const Endpoint local{packet.destination, header.destination};
  if (!packet.unicast || !ports_.is_open(local)) {
    ++counters_.udp_no_port;
    tell_port_unreachable(now, packet);
    return std::nullopt;
  }
  return UdpDatagram{{packet.source, header.source}, local, datagram.subspan(UdpHeader::size)};
}

Result<void, UdpError> Stack::Host::udp_open(const Endpoint& local) {
  if (ports_.has(local)) return fail(UdpError::port_in_use);
  if (!ports_.add(local)) return fail(UdpError::table_full);
  return {};
}

bool Stack::Host::udp_finish(Instant now, const UdpDatagram& to, FrameSlot& slot) {
  if (slot.size() > max_ip_payload - UdpHeader::size - (to.peer.address.is_v4() ? Ipv4Header::size : 0)) {
    ++counters_.out_too_long;
    return false;
  }
  ++counters_.udp_out;
  write_udp_header(to.local, to.peer, slot);
  OutgoingPacket packet;
  packet.source = to.local.address;
  packet.destination = to.peer.address;
  packet.protocol = Protocol::udp;
  return egress_.finish(now, packet, slot) == SendOutcome::ready;
}

void Stack::Host::write_udp_header(const Endpoint& local, const Endpoint& peer, FrameSlot& slot) const {
  const Bytes payload = slot.octets();
  const u16 length = static_cast<u16>(payload.size() + UdpHeader::size);
  UdpHeader fields{local.port, peer.port, length, 0};
  ChecksumSum sum;
  sum.add_pseudo_header(local.address, peer.address, static_cast<u8>(Protocol::udp), length);
  if (config_.checksum_offload) {
    fields.checksum = sum.folded();
    fields.write(slot.prepend(UdpHeader::size));
    slot.request_checksum(UdpHeader::checksum_offset);
    return;
  }
  sum.add_u16(local.port.value());
  sum.add_u16(peer.port.value());
  sum.add_u16(length);
  sum.add(payload);
  const u16 checksum = sum.finish();
  fields.checksum = checksum == 0 ? u16{0xffff} : checksum;  // zero would say "none"
  fields.write(slot.prepend(UdpHeader::size));
}

Result<void, UdpError> Stack::Host::udp_send(Instant now, const Endpoint& local, const Endpoint& peer, Bytes payload) {
  OutgoingPacket packet;
  packet.source = local.address;
  packet.destination = peer.address;
  packet.protocol = Protocol::udp;
  if (local.address.is_unspecified()) {
    const std::optional<IpAddress> source = addresses_.source_to_begin(peer.address);
    if (!source.has_value()) return fail(UdpError::no_address);
    packet.source = *source;
  } else if (addresses_.find_usable(local.address) == nullptr || local.address.family() != peer.address.family()) {
    return fail(UdpError::no_address);
  }
  if (!is_peer_unicast(peer.address) || !egress_.has_route(now, peer.address)) return fail(UdpError::no_route);
  const size_t size = payload.size() + UdpHeader::size;
  if (size > max_ip_payload - (peer.address.is_v4() ? Ipv4Header::size : 0)) return fail(UdpError::too_long);
  return send_datagram(packet, local.port, peer.port, payload);
}

Result<void, UdpError> Stack::Host::send_datagram(const OutgoingPacket& packet, Port from, Port to, Bytes payload,
                                                  std::optional<MacAddress> mac) {
  const size_t size = payload.size() + UdpHeader::size;
  const std::optional<WaitingPacket> id = egress_.compose(packet, size);
  if (!id.has_value()) return fail(UdpError::no_memory);
  const MutableBytes datagram = egress_.octets(*id);
  UdpHeader{from, to, static_cast<u16>(size), 0}.write(datagram);
  std::ranges::copy(payload, datagram.subspan(UdpHeader::size).begin());
  ChecksumSum sum;
  sum.add_pseudo_header(packet.source, packet.destination, static_cast<u8>(Protocol::udp), static_cast<u32>(size));
  sum.add(datagram);
  const u16 checksum = sum.finish();
  store_be16(datagram, UdpHeader::checksum_offset, checksum == 0 ? u16{0xffff} : checksum);
  egress_.commit(*id, mac);
  ++counters_.udp_out;
  return {};
}

}  // namespace samara::net
