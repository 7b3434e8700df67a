#include "tests/sim/dhcp_server.h"

#include <algorithm>
#include <optional>

#include "platform/net/wire/arp.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/udp.h"

namespace samara::sim {
namespace {

using namespace net;

const IpAddress own_address = IpAddress::v4({192, 0, 2, 254});
const IpAddress everybody = IpAddress::v4({255, 255, 255, 255});
constexpr size_t fixed_part = 240;  // RFC 2131 section 2, with the magic number
constexpr u32 magic = 0x63825363;
constexpr u8 discover = 1, offer = 2, request = 3, decline = 4, ack = 5, nak = 6, release = 7;
constexpr u8 option_requested = 50, option_lease = 51, option_type = 53, option_server = 54;

std::optional<Bytes> option(Bytes message, u8 code) {
  for (size_t at = fixed_part; at + 1 < message.size() && message[at] != 255;) {
    if (message[at] == 0) {
      ++at;
      continue;
    }
    const size_t size = message[at + 1];
    if (at + 2 + size > message.size()) return std::nullopt;
    if (message[at] == code) return message.subspan(at + 2, size);
    at += 2 + size;
  }
  return std::nullopt;
}

std::optional<IpAddress> address_option(Bytes message, u8 code) {
  const auto value = option(message, code);
  if (!value.has_value() || value->size() != 4) return std::nullopt;
  return load_v4(*value, 0);
}

}  // namespace

void DhcpServer::on_packet(Instant, const EthernetHeader& header, Bytes packet) {
  if (header.type == EtherType::arp) on_arp(packet);
  if (header.type != EtherType::ipv4) return;
  const auto ip = Ipv4Header::parse(packet);
  if (!ip.ok() || ip.value().protocol != Protocol::udp) return;
  if (deaf_to_unicast_ && ip.value().destination != everybody) return;
  const Bytes datagram = packet.first(ip.value().total_length).subspan(ip.value().header_length);
  const auto udp = UdpHeader::parse(datagram);
  if (udp.ok() && udp.value().destination == Port(67)) on_message(datagram.subspan(UdpHeader::size));
}

void DhcpServer::on_arp(Bytes packet) {
  const auto asked = ArpMessage::parse(packet);
  if (!asked.ok() || asked.value().operation != ArpMessage::Operation::request || asked.value().target != own_address) return;
  std::array<u8, ArpMessage::size> answer{};
  ArpMessage{ArpMessage::Operation::reply, mac(), own_address, asked.value().sender_mac, asked.value().sender}.write(answer);
  send(asked.value().sender_mac, EtherType::arp, answer);
}

IpAddress DhcpServer::address_for(const MacAddress& client) {
  if (const auto found = leases_.find(client); found != leases_.end()) return found->second;
  for (u8 number = first_free_;; ++number) {
    const bool taken = std::ranges::any_of(leases_, [&](const auto& lease) { return lease.second == pool(number); });
    if (taken || unusable_.contains(pool(number))) continue;
    return leases_[client] = pool(number);
  }
}

void DhcpServer::on_message(Bytes message) {
  const auto type = option(message, option_type);
  if (message.size() < fixed_part || load_be32(message, 236) != magic || !type.has_value() || type->size() != 1) return;
  const MacAddress client = load_mac(message, 28);
  const auto server = address_option(message, option_server);
  if (server.has_value() && *server != own_address) return;
  switch ((*type)[0]) {
    case discover:
      ++offers_;
      reply(message, offer, address_for(client));
      break;
    case request: {
      const IpAddress current = load_v4(message, 12);
      const IpAddress wanted =
          current.is_unspecified() ? address_option(message, option_requested).value_or(IpAddress()) : current;
      const bool good = wanted == address_for(client);
      ++(good ? acknowledged_ : refused_);
      reply(message, good ? ack : nak, good ? wanted : IpAddress());
      break;
    }
    case decline:
      ++declined_;
      if (const auto bad = address_option(message, option_requested)) unusable_.insert(*bad);
      leases_.erase(client);
      break;
    case release:
      ++released_;
      leases_.erase(client);
      break;
    default: break;
  }
}

void DhcpServer::reply(Bytes request_message, u8 type, const IpAddress& address) {
  std::vector<u8> packet(Ipv4Header::size + UdpHeader::size + fixed_part);
  const MutableBytes message = MutableBytes(packet).subspan(Ipv4Header::size + UdpHeader::size);
  message[0] = 2;
  message[1] = 1;
  message[2] = 6;
  std::ranges::copy(request_message.subspan(4, 4), message.subspan(4).begin());    // transaction
  std::ranges::copy(request_message.subspan(10, 2), message.subspan(10).begin());  // flags
  store_address(message, 16, address);
  std::ranges::copy(request_message.subspan(28, 16), message.subspan(28).begin());
  store_be32(message, 236, magic);
  const auto put = [&](u8 code, Bytes value) {
    packet.push_back(code);
    packet.push_back(static_cast<u8>(value.size()));
    packet.insert(packet.end(), value.begin(), value.end());
  };
  put(option_type, std::array<u8, 1>{type});
  put(option_server, own_address.octets());
  if (type != nak) {
    std::array<u8, 4> lease{};
    store_be32(lease, 0, lease_seconds_);
    put(option_lease, lease);
    put(1, std::array<u8, 4>{255, 255, 255, 0});
    put(3, own_address.octets());
  }
  packet.push_back(255);

  // RFC 2131 section 4.1.
  const IpAddress current = load_v4(request_message, 12);
  const bool broadcast = type == nak || (request_message[10] & 0x80) != 0;
  const IpAddress to = type != nak && !current.is_unspecified() ? current : broadcast ? everybody : address;
  Ipv4Header{
      .total_length = static_cast<u16>(packet.size()), .protocol = Protocol::udp, .source = own_address, .destination = to}
      .write(packet);
  const MutableBytes datagram = MutableBytes(packet).subspan(Ipv4Header::size);
  UdpHeader{Port(67), Port(68), static_cast<u16>(datagram.size()), 0}.write(datagram);
  ChecksumSum sum;
  sum.add_pseudo_header(own_address, to, static_cast<u8>(Protocol::udp), static_cast<u32>(datagram.size()));
  sum.add(datagram);
  store_be16(datagram, UdpHeader::checksum_offset, sum.finish());
  send(to == everybody ? MacAddress::broadcast() : load_mac(request_message, 28), EtherType::ipv4, packet);
}

}  // namespace samara::sim
