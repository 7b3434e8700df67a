#include "tests/sim/router.h"

#include <algorithm>

#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ipv6.h"

namespace samara::sim {
namespace {

using namespace net;

constexpr u8 router_solicitation = 133, router_advertisement = 134, neighbor_solicitation = 135, neighbor_advertisement = 136;
const IpAddress all_nodes = *IpAddress::parse("ff02::1");

void put_mac(std::vector<u8>& message, u8 option, const MacAddress& mac) {
  message.push_back(option);
  message.push_back(1);
  message.insert(message.end(), mac.octets.begin(), mac.octets.end());
}

}  // namespace

IpAddress Router::address() const {
  std::array<u8, 16> octets{0xfe, 0x80};
  octets[15] = number_;
  return IpAddress::v6(octets);
}

void Router::on_deadline(Instant now) {
  advertise();
  next_advertisement_ = now + advertised_.interval;
}

void Router::on_packet(Instant, const EthernetHeader& link, Bytes packet) {
  const auto header = Ipv6Header::parse(packet);
  if (link.type != EtherType::ipv6 || !header.ok()) return;
  const Bytes payload = packet.subspan(Ipv6Header::size, header.value().payload_length);
  const IpAddress& to = header.value().destination;
  if (header.value().next_header == Protocol::icmpv6 && !payload.empty()) {
    if (payload[0] == router_solicitation) advertise();
    const IpAddress own = address();
    const bool asks_for_us =
        payload[0] == neighbor_solicitation && payload.size() >= 24 && std::ranges::equal(payload.subspan(8, 16), own.octets());
    if (asks_for_us && !header.value().source.is_unspecified()) answer_solicitation(header.value().source, link.source);
  } else if (link.destination == mac() && to != address()) {
    ++forwarded_;
  }
}

void Router::advertise() {
  std::vector<u8> message(16);
  message[0] = router_advertisement;
  message[4] = 64;
  store_be16(message, 6, advertised_.router_lifetime);
  put_mac(message, 1, mac());
  const size_t prefix = message.size();
  message.resize(prefix + 32);
  message[prefix] = 3;
  message[prefix + 1] = 4;
  message[prefix + 2] = 64;
  message[prefix + 3] = 0xc0;  // on-link, autonomous
  store_be32(message, prefix + 4, advertised_.valid);
  store_be32(message, prefix + 8, advertised_.preferred);
  store_be32(message, prefix + 16, 0x20010db8);
  message[prefix + 23] = subnet_;
  send_message(all_nodes, MacAddress::multicast(all_nodes), message);
}

void Router::answer_solicitation(const IpAddress& from, const MacAddress& from_mac) {
  std::vector<u8> message(8);
  message[0] = neighbor_advertisement;
  message[4] = 0xe0;  // router, solicited, override
  const IpAddress own = address();
  message.insert(message.end(), own.octets().begin(), own.octets().end());
  put_mac(message, 2, mac());
  send_message(from, from_mac, message);
}

void Router::send_message(const IpAddress& to, const MacAddress& to_mac, Bytes message) {
  std::vector<u8> packet(Ipv6Header::size);
  Ipv6Header{.payload_length = static_cast<u16>(message.size()),
             .next_header = Protocol::icmpv6,
             .hop_limit = 255,
             .source = address(),
             .destination = to}
      .write(packet);
  packet.insert(packet.end(), message.begin(), message.end());
  ChecksumSum sum;
  sum.add_pseudo_header(address(), to, static_cast<u8>(Protocol::icmpv6), static_cast<u32>(message.size()));
  sum.add(message);
  store_be16(packet, Ipv6Header::size + 2, sum.finish());
  send(to_mac, EtherType::ipv6, packet);
}

}  // namespace samara::sim
