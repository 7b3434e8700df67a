// A stack with hand-made frames on its other side: what a test sends in, and what it sees come out, in plain octets.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string_view>
#include <vector>

#include "platform/net/stack/stack.h"
#include "platform/net/wire/arp.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/icmp.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/udp.h"
#include "seeded_rng.h"

namespace samara::net {

using Octets = std::vector<u8>;

inline IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value();
}
inline Endpoint at(std::string_view text) {
  const auto endpoint = Endpoint::parse(text);
  EXPECT_TRUE(endpoint.has_value()) << text;
  return endpoint.value();
}
inline IpPrefix block(std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  EXPECT_TRUE(prefix.has_value()) << text;
  return prefix.value();
}
inline Octets counted(size_t size, u8 first = 0) {
  Octets octets(size);
  for (size_t i = 0; i < size; ++i) octets[i] = static_cast<u8>(first + i * 7 + i / 251);
  return octets;
}
inline Octets joined(Bytes a, Bytes b) {
  Octets whole(a.begin(), a.end());
  whole.insert(whole.end(), b.begin(), b.end());
  return whole;
}

constexpr MacAddress our_mac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress peer_mac{{2, 0, 0, 0, 0, 0x99}};
constexpr MacAddress router_mac{{2, 0, 0, 0, 0, 0xfe}};

inline Octets ethernet(EtherType type, Bytes packet, const MacAddress& to = our_mac, const MacAddress& from = peer_mac) {
  Octets frame(EthernetHeader::size);
  EthernetHeader{to, from, type}.write(frame);
  return joined(frame, packet);
}
inline Octets arp_frame(ArpMessage::Operation operation, const MacAddress& sender_mac, std::string_view sender,
                        const MacAddress& target_mac, std::string_view target, const MacAddress& to) {
  Octets message(ArpMessage::size);
  ArpMessage{operation, sender_mac, ip(sender), target_mac, ip(target)}.write(message);
  return ethernet(EtherType::arp, message, to, sender_mac);
}

struct V4 {
  std::string_view from = "192.0.2.9";
  std::string_view to = "192.0.2.1";
  Protocol protocol = Protocol::udp;
  u16 identification = 7;
  u16 offset = 0;
  bool more = false;
  u8 hop_limit = 64;
};
inline Octets ipv4(const V4& v, Bytes payload) {
  Ipv4Header h;
  h.total_length = static_cast<u16>(Ipv4Header::size + payload.size());
  h.identification = v.identification;
  h.fragment_offset = v.offset;
  h.more_fragments = v.more;
  h.hop_limit = v.hop_limit;
  h.protocol = v.protocol;
  h.source = ip(v.from);
  h.destination = ip(v.to);
  Octets packet(Ipv4Header::size);
  h.write(packet);
  return joined(packet, payload);
}
inline Octets udp(const IpAddress& from, u16 from_port, const IpAddress& to, u16 to_port, Bytes payload) {
  Octets datagram(UdpHeader::size);
  UdpHeader{Port(from_port), Port(to_port), static_cast<u16>(UdpHeader::size + payload.size()), 0}.write(datagram);
  datagram = joined(datagram, payload);
  ChecksumSum sum;
  sum.add_pseudo_header(from, to, 17, static_cast<u32>(datagram.size()));
  sum.add(datagram);
  const u16 checksum = sum.finish();
  store_be16(datagram, 6, checksum == 0 ? u16{0xffff} : checksum);
  return datagram;
}
inline Octets icmp(u8 type, u8 code, u32 rest, Bytes body) {
  Octets message(IcmpHeader::size);
  IcmpHeader{type, code, rest}.write(message);
  message = joined(message, body);
  store_be16(message, 2, internet_checksum(message));
  return message;
}

inline StackConfig one_address() {
  StackConfig config;
  config.mac = our_mac;
  config.addresses = {{ip("192.0.2.1"), 24}};
  config.routes = {{block("0.0.0.0/0"), ip("192.0.2.254"), 0}};
  config.ipv6 = false;
  return config;
}

class WirePeer {
 public:
  explicit WirePeer(const StackConfig& config = one_address(), bool settle = true) : stack(config, rng_) {
    stack.start(now);
    if (!settle) return;
    wait(Duration::seconds(3));  // announcements
    sent();
  }

  // The next frame out; empty when there is none.
  Octets next() {
    std::vector<u8> room(FrameSlot::headroom + 4096);
    FrameSlot slot{room};
    if (!stack.poll_frame(now, slot)) return {};
    if (slot.checksum_request().start != 0) ADD_FAILURE() << "a checksum is asked for";
    return Octets(slot.octets().begin(), slot.octets().end());
  }
  std::vector<Octets> sent() {
    std::vector<Octets> frames;
    for (Octets frame = next(); !frame.empty(); frame = next()) frames.push_back(frame);
    return frames;
  }
  std::optional<UdpDatagram> give(const Octets& frame, FrameChecksum checksum = FrameChecksum::unchecked) {
    frames_.push_back(frame);
    if (frames_.size() > 4) frames_.pop_front();
    return stack.on_frame(now, {frames_.back(), checksum});
  }
  std::optional<UdpDatagram> give_ipv4(const V4& v, Bytes payload) { return give(ethernet(EtherType::ipv4, ipv4(v, payload))); }
  void wait(Duration duration) {
    const Instant end = now + duration;
    while (stack.next_deadline() <= end) {
      now = std::max(now, stack.next_deadline());
      stack.on_deadline(now);
    }
    now = end;
  }
  // Makes the peer's link-layer address known, as asking us for ours does.
  void introduce(std::string_view address = "192.0.2.9", const MacAddress& mac = peer_mac) {
    give(arp_frame(ArpMessage::Operation::request, mac, address, {}, "192.0.2.1", MacAddress::broadcast()));
    ASSERT_EQ(sent().size(), 1U);
  }
  std::vector<StackEvent> events() {
    std::vector<StackEvent> all;
    while (const auto event = stack.poll_event()) all.push_back(*event);
    return all;
  }
  const StackCounters& counters() const { return stack.counters(); }

 private:
  SeededRng rng_;
  std::deque<Octets> frames_;

 public:
  Instant now = Instant::since_boot(Duration::seconds(1));
  Stack stack;
};

// Parts of a frame that came out.
inline ArpMessage arp_in(const Octets& frame) {
  const auto header = EthernetHeader::parse(frame);
  EXPECT_TRUE(header.ok() && header.value().type == EtherType::arp);
  const auto message = ArpMessage::parse(Bytes(frame).subspan(EthernetHeader::size));
  EXPECT_TRUE(message.ok());
  return message.value();
}
struct Ipv4Out {
  EthernetHeader link;
  Ipv4Header header;
  Octets payload;
};
inline Ipv4Out ipv4_in(const Octets& frame) {
  const auto link = EthernetHeader::parse(frame);
  EXPECT_TRUE(link.ok() && link.value().type == EtherType::ipv4);
  const auto header = Ipv4Header::parse(Bytes(frame).subspan(EthernetHeader::size));
  EXPECT_TRUE(header.ok());
  EXPECT_EQ(header.value().total_length, frame.size() - EthernetHeader::size);
  return {link.value(), header.value(), Octets(frame.begin() + 34, frame.end())};
}
inline bool udp_checksum_good(const Ipv4Out& out) {
  ChecksumSum sum;
  sum.add_pseudo_header(out.header.source, out.header.destination, 17, static_cast<u32>(out.payload.size()));
  sum.add(out.payload);
  return sum.finish() == 0;
}

}  // namespace samara::net
