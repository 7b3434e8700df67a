// TCP segments in IPv4 packets in Ethernet frames, to and from the card of memory_card.h.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "platform/net/tcp/segment.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/ipv4.h"

namespace samara::runtime {

inline const IpAddress server_address = IpAddress::v4({192, 0, 2, 1});
constexpr Port server_port{53};

inline std::vector<u8> tcp_frame(const IpAddress& from, const net::tcp::SegmentHeader& header, Bytes payload) {
  const size_t size = net::tcp::header_size(header.options);
  const size_t headers = net::EthernetHeader::size + net::Ipv4Header::size;
  std::vector<u8> frame(headers + size + payload.size());
  net::EthernetHeader{{{0x52, 0x54, 0, 0, 0, 1}}, {{0x52, 0x54, 0, 0, 0, 9}}, net::EtherType::ipv4}.write(frame);
  net::Ipv4Header{.total_length = static_cast<u16>(frame.size() - net::EthernetHeader::size),
                  .protocol = net::Protocol::tcp,
                  .source = from,
                  .destination = server_address}
      .write(MutableBytes(frame).subspan(net::EthernetHeader::size));
  net::tcp::write_header(header, MutableBytes(frame).subspan(headers));
  std::ranges::copy(payload, MutableBytes(frame).subspan(headers + size).begin());
  return frame;
}

struct TcpFrame {
  IpAddress to;
  net::tcp::Segment segment;  // lives as long as the frame
};

// Nothing: it carries no TCP over IPv4.
inline std::optional<TcpFrame> read_tcp_frame(Bytes frame) {
  const auto link = net::EthernetHeader::parse(frame);
  if (!link.ok() || link.value().type != net::EtherType::ipv4) return std::nullopt;
  const Bytes packet = frame.subspan(net::EthernetHeader::size);
  const auto ip = net::Ipv4Header::parse(packet);
  if (!ip.ok() || ip.value().protocol != net::Protocol::tcp) return std::nullopt;
  const auto segment = net::tcp::parse_segment(packet.first(ip.value().total_length).subspan(ip.value().header_length));
  if (!segment.ok()) return std::nullopt;
  return TcpFrame{ip.value().destination, segment.value()};
}

}  // namespace samara::runtime
