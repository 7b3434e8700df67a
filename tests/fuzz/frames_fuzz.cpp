// A whole host on its link. The input is a list of steps: frames (raw, or with headers made good so that the depths are
// reached), jumps of time, answers and datagrams of our own, changes of ports. Whatever comes in, frames out are well formed,
// memory does not grow, and the host never says that it is busy without an end.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "platform/net/stack/stack.h"
#include "platform/net/wire/arp.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/ipv6.h"

using namespace samara;
using namespace samara::net;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

class CountingRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      octet = static_cast<u8>(state_ >> 56);
    }
  }

 private:
  u64 state_ = 1;
};

constexpr MacAddress our_mac{{2, 0, 0, 0, 0, 1}};

StackConfig config_of(u8 choice) {
  StackConfig config;
  config.mac = our_mac;
  config.mtu = (choice & 1) != 0 ? 1280 : 1500;
  config.addresses = {{IpAddress::v4({192, 0, 2, 1}), 24}, {*IpAddress::parse("2001:db8::1"), 64}};
  config.routes = {{IpPrefix(), IpAddress::v4({192, 0, 2, 254}), 0}, {IpPrefix(), IpAddress::v4({192, 0, 2, 253}), 1}};
  config.dhcp = (choice & 2) != 0;
  config.probe_addresses = (choice & 4) != 0;
  config.mirror_neighbors = (choice & 8) != 0;
  config.checksum_offload = (choice & 16) != 0;
  config.ipv6 = (choice & 32) == 0;
  config.neighbors = 16;
  config.reassembly_octets = 1 << 17;
  config.waiting_packets = 16;
  config.large_packets = 2;
  config.tcp = {.connections = 8,
                .half_open = 4,
                .time_wait = 4,
                .listeners = 4,
                .blocks = 64,
                .send_limit = 16384,
                .receive_limit = 16384};
  return config;
}

// Everything that leaves can be read by the rules, and has lengths that agree.
void check_frame(Bytes frame, size_t mtu) {
  require(frame.size() >= EthernetHeader::size && frame.size() <= EthernetHeader::size + mtu);
  const auto link = EthernetHeader::parse(frame);
  require(link.ok() && link.value().source == our_mac);
  const Bytes packet = frame.subspan(EthernetHeader::size);
  switch (link.value().type) {
    case EtherType::arp: require(ArpMessage::parse(packet).ok()); return;
    case EtherType::ipv4: {
      const auto header = Ipv4Header::parse(packet);
      require(header.ok() && header.value().total_length == packet.size());
      if (header.value().protocol == Protocol::icmp && !header.value().is_fragment()) {
        require(internet_checksum(packet.subspan(Ipv4Header::size)) == 0);
      }
      return;
    }
    case EtherType::ipv6: {
      const auto header = Ipv6Header::parse(packet);
      require(header.ok() && header.value().payload_length + Ipv6Header::size == packet.size());
      const auto walked = walk_extension_headers(packet, header.value().next_header, Ipv6Header::size, 6);
      require(walked.ok());
      if (walked.value().protocol == Protocol::icmpv6) {
        const Bytes message = packet.subspan(walked.value().offset);
        ChecksumSum sum;
        sum.add_pseudo_header(header.value().source, header.value().destination, 58, static_cast<u32>(message.size()));
        sum.add(message);
        require(sum.finish() == 0);
      }
      return;
    }
  }
  require(false);
}

// Makes the sums of a frame right, so that what is behind them is reached.
void make_good(std::vector<u8>& frame) {
  if (frame.size() < EthernetHeader::size) return;
  const MutableBytes packet = MutableBytes(frame).subspan(EthernetHeader::size);
  std::copy_n(our_mac.octets.begin(), 6, frame.begin());
  frame[6] &= 0xfe;
  MutableBytes transport;
  IpAddress source;
  IpAddress destination;
  u8 protocol = 0;
  if (load_be16(frame, 12) == 0x0800 && packet.size() >= Ipv4Header::size) {
    const size_t length = std::max<size_t>(20, (packet[0] & 15U) * 4);
    if (packet.size() < length) return;
    packet[0] = static_cast<u8>(0x40 | (length / 4));
    store_be16(packet, 2, static_cast<u16>(packet.size()));
    packet[6] &= 0x7f;
    store_be16(packet, 10, 0);
    store_be16(packet, 10, internet_checksum(packet.first(length)));
    source = IpAddress::v4({packet[12], packet[13], packet[14], packet[15]});
    destination = IpAddress::v4({packet[16], packet[17], packet[18], packet[19]});
    protocol = packet[9];
    transport = packet.subspan(length);
  } else if (load_be16(frame, 12) == 0x86dd && packet.size() >= Ipv6Header::size) {
    packet[0] = static_cast<u8>(0x60 | (packet[0] & 15));
    store_be16(packet, 4, static_cast<u16>(packet.size() - Ipv6Header::size));
    std::array<u8, 16> address{};
    std::copy_n(packet.subspan(8).begin(), 16, address.begin());
    source = IpAddress::v6(address);
    std::copy_n(packet.subspan(24).begin(), 16, address.begin());
    destination = IpAddress::v6(address);
    protocol = packet[6];
    transport = packet.subspan(Ipv6Header::size);
  }
  const size_t offset = protocol == 17 ? 6 : protocol == 6 ? 16 : 2;
  if (transport.size() < 8 || transport.size() < offset + 2) return;
  if (protocol == 17) store_be16(transport, 4, static_cast<u16>(transport.size()));
  store_be16(transport, offset, 0);
  ChecksumSum sum;
  if (protocol != 1) sum.add_pseudo_header(source, destination, protocol, static_cast<u32>(transport.size()));
  sum.add(transport);
  store_be16(transport, offset, sum.finish());
}

class Driver {
 public:
  explicit Driver(u8 choice) : config_(config_of(choice)), stack_(config_, rng_), room_(FrameSlot::headroom + 4096) {
    stack_.start(now_);
    (void)stack_.udp_open({IpAddress(), Port(53)});
    (void)stack_.udp_open({IpAddress::v6({}), Port(53)});
    drain();
  }

  void frame(std::vector<u8> octets, bool good, u8 checksum) {
    if (good) make_good(octets);
    const auto datagram = stack_.on_frame(now_, {octets, static_cast<FrameChecksum>(checksum % 3)});
    if (datagram.has_value()) {
      FrameSlot slot{room_};
      slot.set_payload(std::min<size_t>(datagram->payload.size() * 8, 4096));
      if (stack_.udp_finish(now_, *datagram, slot)) check_frame(slot.octets(), config_.mtu);
    }
    drain();
  }
  void wait(Duration duration) {
    const Instant end = now_ + duration;
    for (int steps = 0; stack_.next_deadline() <= end; ++steps) {
      require(steps < 20'000);
      now_ = std::max(now_, stack_.next_deadline());
      stack_.on_deadline(now_);
      drain();
    }
    now_ = end;
  }
  void send(bool v4, u8 to, size_t size) {
    const std::vector<u8> payload(size);
    const IpAddress peer = v4 ? IpAddress::v4({192, 0, static_cast<u8>(to & 3), to}) : *IpAddress::parse("2001:db8::9");
    (void)stack_.udp_send(now_, {v4 ? IpAddress() : IpAddress::v6({}), Port(53)}, {peer, Port(1024)}, payload);
    drain();
  }

 private:
  void drain() {
    for (int frames = 0;; ++frames) {
      require(frames < 5000);
      FrameSlot slot{room_};
      if (!stack_.poll_frame(now_, slot)) break;
      check_frame(slot.octets(), config_.mtu);
    }
    for (int events = 0; stack_.poll_event().has_value(); ++events) require(events < 200);
    while (stack_.tcp().poll_event().has_value()) continue;
  }

  CountingRng rng_;
  StackConfig config_;
  Stack stack_;
  std::vector<u8> room_;
  Instant now_ = Instant::since_boot(Duration::seconds(1));
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size < 1) return 0;
  Bytes rest(data, size);
  Driver driver(rest[0]);
  rest = rest.subspan(1);
  for (int steps = 0; rest.size() >= 3 && steps < 64; ++steps) {
    const u8 what = rest[0];
    const size_t value = load_be16(rest, 1);
    rest = rest.subspan(3);
    switch (what % 6) {
      case 0:
      case 1:
      case 2: {
        const Bytes octets = rest.first(std::min(value % 1600, rest.size()));
        rest = rest.subspan(octets.size());
        driver.frame(std::vector<u8>(octets.begin(), octets.end()), what % 6 != 0, static_cast<u8>(what >> 6));
        break;
      }
      case 3: driver.wait(Duration::milliseconds(static_cast<i64>(value))); break;
      case 4: driver.wait(Duration::seconds(static_cast<i64>(value % 256))); break;
      case 5: driver.send((value & 1) != 0, static_cast<u8>(value >> 1), value % 5000); break;
    }
  }
  driver.wait(Duration::seconds(1));
  return 0;
}
