#include "tests/sim/strangers.h"

#include <algorithm>

#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/ipv6.h"

namespace samara::sim {
namespace {

using namespace net;

constexpr MacAddress stranger{{2, 0, 0, 0, 0x66, 0x66}};

IpAddress neighbour_of(hal::sim::SeededRng& rng, const IpAddress& victim) {
  if (victim.is_v4()) {
    std::array<u8, 4> octets{};
    std::ranges::copy(victim.octets(), octets.begin());
    octets[3] = static_cast<u8>(100 + rng.next() % 100);
    return IpAddress::v4(octets);
  }
  std::array<u8, 16> octets{};
  std::ranges::copy(victim.octets(), octets.begin());
  octets[14] = static_cast<u8>(1 + rng.next() % 200);
  octets[15] = static_cast<u8>(rng.next());
  return IpAddress::v6(octets);
}

// A frame to the victim around `payload`, whose checksum at `checksum_at` is made good.
std::vector<u8> frame_around(hal::sim::SeededRng& rng, const Victim& victim, Protocol protocol, std::vector<u8> payload,
                             size_t checksum_at) {
  const IpAddress source = neighbour_of(rng, victim.at.address);
  const bool v4 = source.is_v4();
  if (payload.size() >= checksum_at + 2) {
    store_be16(payload, checksum_at, 0);
    ChecksumSum sum;
    sum.add_pseudo_header(source, victim.at.address, static_cast<u8>(protocol), static_cast<u32>(payload.size()));
    sum.add(payload);
    store_be16(payload, checksum_at, sum.finish());
  }
  std::vector<u8> frame(EthernetHeader::size + (v4 ? Ipv4Header::size : Ipv6Header::size));
  EthernetHeader{{victim.mac}, stranger, v4 ? EtherType::ipv4 : EtherType::ipv6}.write(frame);
  const MutableBytes header = MutableBytes(frame).subspan(EthernetHeader::size);
  if (v4) {
    Ipv4Header{.total_length = static_cast<u16>(Ipv4Header::size + payload.size()),
               .protocol = protocol,
               .source = source,
               .destination = victim.at.address}
        .write(header);
  } else {
    Ipv6Header{.payload_length = static_cast<u16>(payload.size()),
               .next_header = protocol,
               .source = source,
               .destination = victim.at.address}
        .write(header);
  }
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

std::vector<u8> random_octets(hal::sim::SeededRng& rng, size_t size) {
  std::vector<u8> octets(size);
  rng.fill(octets);
  return octets;
}

}  // namespace

std::vector<u8> stray_syn(hal::sim::SeededRng& rng, const Victim& victim) {
  std::vector<u8> syn = random_octets(rng, 20);
  syn[0] |= 0x80;  // from no port below 32768
  store_be16(syn, 2, victim.at.port.value());
  store_be32(syn, 8, 0);
  store_be16(syn, 12, 0x5002);  // 20 octets of header, SYN
  store_be16(syn, 18, 0);
  return frame_around(rng, victim, Protocol::tcp, std::move(syn), 16);
}

std::vector<u8> junk(hal::sim::SeededRng& rng, const Victim& victim) {
  std::vector<u8> octets = random_octets(rng, rng.next() % 600);
  switch (rng.next() % 5) {
    case 0: {
      std::vector<u8> frame(victim.mac.begin(), victim.mac.end());
      frame.insert(frame.end(), stranger.octets.begin(), stranger.octets.end());
      frame.insert(frame.end(), octets.begin(), octets.end());
      if (frame.size() < EthernetHeader::size) frame.resize(EthernetHeader::size);
      return frame;
    }
    case 1: {
      octets.resize(octets.size() + 8);
      store_be16(octets, 2, victim.at.port.value());
      store_be16(octets, 4, static_cast<u16>(octets.size()));
      return frame_around(rng, victim, Protocol::udp, std::move(octets), 6);
    }
    case 2: {
      octets.resize(octets.size() + 20);
      store_be16(octets, 2, victim.at.port.value());
      octets[12] = 0x50;
      return frame_around(rng, victim, Protocol::tcp, std::move(octets), 16);
    }
    case 3: return frame_around(rng, victim, victim.at.address.is_v4() ? Protocol::icmp : Protocol::icmpv6, octets, 2);
    default: return frame_around(rng, victim, static_cast<Protocol>(rng.next()), octets, octets.size());
  }
}

}  // namespace samara::sim
