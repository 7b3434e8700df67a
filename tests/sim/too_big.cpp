#include "tests/sim/too_big.h"

#include <algorithm>

#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/icmp.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/ipv6.h"

namespace samara::sim {
namespace {

using namespace net;

constexpr MacAddress router_mac{{2, 0, 0, 0, 0, 0xfe}};
constexpr size_t quoted_v4 = Ipv4Header::size + 8;
constexpr size_t quoted_v6 = 1280 - Ipv6Header::size - IcmpHeader::size;
constexpr u8 icmp6_packet_too_big = 2;

}  // namespace

void say_too_big(hal::sim::World& world, hal::sim::HostId sender, Bytes frame) {
  const auto link = EthernetHeader::parse(frame);
  if (!link.ok() || link.value().destination.is_group()) return;
  const Bytes packet = frame.subspan(EthernetHeader::size);
  std::vector<u8> answer(EthernetHeader::size);
  EthernetHeader{link.value().source, router_mac, link.value().type}.write(answer);
  const u16 mtu = world.wire().mtu;
  if (link.value().type == EtherType::ipv4) {
    const auto header = Ipv4Header::parse(packet);
    if (!header.ok() || !header.value().dont_fragment) return;
    const Bytes quoted = packet.first(std::min(packet.size(), quoted_v4));
    answer.resize(EthernetHeader::size + Ipv4Header::size + IcmpHeader::size);
    answer.insert(answer.end(), quoted.begin(), quoted.end());
    const MutableBytes out = MutableBytes(answer).subspan(EthernetHeader::size);
    Ipv4Header{.total_length = static_cast<u16>(out.size()),
               .protocol = Protocol::icmp,
               .source = IpAddress::v4({192, 0, 2, 254}),
               .destination = header.value().source}
        .write(out);
    const MutableBytes message = out.subspan(Ipv4Header::size);
    IcmpHeader{icmp4::unreachable, icmp4::unreachable_too_big, mtu}.write(message);
    store_be16(message, 2, internet_checksum(message));
  } else if (link.value().type == EtherType::ipv6) {
    const auto header = Ipv6Header::parse(packet);
    if (!header.ok()) return;
    const Bytes quoted = packet.first(std::min(packet.size(), quoted_v6));
    answer.resize(EthernetHeader::size + Ipv6Header::size + IcmpHeader::size);
    answer.insert(answer.end(), quoted.begin(), quoted.end());
    const MutableBytes out = MutableBytes(answer).subspan(EthernetHeader::size);
    const IpAddress router = *IpAddress::parse("2001:db8::fe");
    const MutableBytes message = out.subspan(Ipv6Header::size);
    Ipv6Header{.payload_length = static_cast<u16>(message.size()),
               .next_header = Protocol::icmpv6,
               .source = router,
               .destination = header.value().source}
        .write(out);
    IcmpHeader{icmp6_packet_too_big, 0, mtu}.write(message);
    ChecksumSum sum;
    sum.add_pseudo_header(router, header.value().source, static_cast<u8>(Protocol::icmpv6), static_cast<u32>(message.size()));
    sum.add(message);
    store_be16(message, 2, sum.finish());
  }
  world.inject(sender, answer);
}

}  // namespace samara::sim
