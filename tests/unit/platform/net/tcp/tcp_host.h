// What the TCP tests share: a seeded random source, a Tcp with its outputs drained, segments in and out by hand (in the manner
// of packetdrill), and two hosts on a link that loses, duplicates, reorders and delays what it is told to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/net/tcp/segment.h"
#include "platform/net/tcp/tcp.h"
#include "platform/net/wire/checksum.h"

namespace samara::net::tcp::test {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(u64 seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>(next() >> 32);
  }
  u64 next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  bool chance(u32 percent) { return next() % 100 < percent; }

 private:
  u64 state_;
};

inline const IpAddress host_a = IpAddress::v4({192, 0, 2, 1});
inline const IpAddress host_b = IpAddress::v4({192, 0, 2, 2});
inline const IpAddress host_a6 = *IpAddress::parse("2001:db8::1");
inline const IpAddress host_b6 = *IpAddress::parse("2001:db8::2");

// A segment with the addresses it travels between.
struct Packet {
  IpAddress source;
  IpAddress destination;
  std::vector<u8> octets;
  OutgoingPacket how;
};

inline u16 sum_of(const IpAddress& source, const IpAddress& destination, Bytes octets) {
  ChecksumSum sum;
  sum.add_pseudo_header(source, destination, 6, static_cast<u32>(octets.size()));
  sum.add(octets);
  return sum.finish();
}

inline Packet make_packet(const IpAddress& source, const IpAddress& destination, const SegmentHeader& header, Bytes payload) {
  Packet packet{source, destination, {}, {}};
  const size_t size = header_size(header.options);
  packet.octets.resize(size + payload.size());
  write_header(header, packet.octets);
  std::ranges::copy(payload, MutableBytes(packet.octets).subspan(size).begin());
  store_be16(packet.octets, checksum_offset, sum_of(source, destination, packet.octets));
  return packet;
}

constexpr Duration ms(i64 n) {
  return Duration::milliseconds(n);
}
constexpr Duration seconds(i64 n) {
  return Duration::seconds(n);
}

// One Tcp and a clock of its own that the tests move.
class Host {
 public:
  explicit Host(u64 seed = 1, const Capacity& capacity = small()) : rng(seed), tcp(capacity, rng) {}

  static Capacity small() {
    return {.connections = 32,
            .half_open = 8,
            .time_wait = 16,
            .listeners = 4,
            .blocks = 512,
            .send_limit = 65'536,
            .receive_limit = 65'536,
            .first_window = 65'536};
  }

  void deliver(const Packet& packet) {
    std::vector<u8> copy = packet.octets;
    tcp.on_segment(now, {.source = packet.source,
                         .destination = packet.destination,
                         .protocol = Protocol::tcp,
                         .hop_limit = 64,
                         .payload = copy,
                         .quotable = {}});
  }
  std::optional<Packet> poll() {
    std::vector<u8> memory(FrameSlot::headroom + slot_size);
    FrameSlot slot(memory);
    const auto how = tcp.poll_segment(now, slot);
    if (!how) return std::nullopt;
    const Bytes octets = slot.octets();
    Packet packet{how->source, how->destination, {octets.begin(), octets.end()}, *how};
    EXPECT_EQ(sum_of(packet.source, packet.destination, packet.octets), 0) << "MUST-2: the checksum is right";
    return packet;
  }
  std::vector<Event> events() {
    std::vector<Event> all;
    while (const auto event = tcp.poll_event()) all.push_back(*event);
    return all;
  }
  // Lets time pass, deadlines included.
  void pass(Duration duration) {
    const Instant end = now + duration;
    while (tcp.next_deadline() <= end) {
      now = std::max(now, tcp.next_deadline());
      tcp.on_deadline(now);
      if (paused) break;
    }
    now = end;
  }

  SeededRng rng;
  Tcp tcp;
  Instant now = Instant::since_boot(Duration::seconds(1'000));
  size_t slot_size = 1'500;
  bool paused = true;  // pass() stops at the first deadline that was due
};

inline SegmentHeader syn_from(u16 port) {
  SegmentHeader header;
  header.source = Port(port);
  header.destination = Port(53);
  header.seq = SeqNumber(port * 1'000U);
  header.flags = flag::syn;
  header.window = 20'000;
  header.options.mss = 1'460;
  header.options.window_scale = 4;
  header.options.sack_permitted = true;
  header.options.timestamps = Timestamps{100, 0};
  return header;
}

// A host that listens and answers; poll() fills a frame of its own.
inline Segment answer_of(Host& host, std::optional<Packet>& packet) {
  packet = host.poll();
  EXPECT_TRUE(packet.has_value());
  return packet ? MUST(parse_segment(packet->octets)) : Segment{};
}

// Two hosts and what is between them.
struct LinkFaults {
  u32 loss_percent = 0;
  u32 duplicate_percent = 0;
  u32 reorder_percent = 0;
  Duration delay = Duration::milliseconds(10);
};

class Pair {
 public:
  explicit Pair(u64 seed = 1, const Capacity& a_capacity = Host::small(), const Capacity& b_capacity = Host::small())
      : a(seed, a_capacity), b(seed + 1'000'000, b_capacity), rng(seed + 7) {}

  // Runs until nothing is under way and no deadline falls before `limit`, or `done()`.
  template <class Done>
  bool run(Duration limit, Done&& done) {
    const Instant end = now() + limit;
    for (u64 steps = 0; steps < 4'000'000; ++steps) {
      transmit(a, b_address());
      transmit(b, a_address());
      if (done()) return true;
      Instant next = std::min(a.tcp.next_deadline(), b.tcp.next_deadline());
      if (!wire.empty()) next = std::min(next, wire.top().at);
      if (tick != Duration()) next = std::min(next, now() + tick);
      if (next > end) {
        a.now = b.now = end;
        return done();
      }
      next = std::max(next, now());
      a.now = b.now = next;
      if (a.tcp.next_deadline() <= next) a.tcp.on_deadline(next);
      if (b.tcp.next_deadline() <= next) b.tcp.on_deadline(next);
      while (!wire.empty() && wire.top().at <= next) {
        const Flight flight = wire.top();
        wire.pop();
        (flight.to_b ? b : a).deliver(*flight.packet);
      }
    }
    ADD_FAILURE() << "the two hosts do not come to rest";
    return false;
  }
  bool run(Duration limit) {
    return run(limit, [] { return false; });
  }
  Instant now() const { return a.now; }
  IpAddress a_address() const { return v6 ? host_a6 : host_a; }
  IpAddress b_address() const { return v6 ? host_b6 : host_b; }

  Host a;
  Host b;
  SeededRng rng;
  LinkFaults faults;
  bool v6 = false;
  Duration tick{};                                          // done() is asked at least this often
  size_t mtu = 9'000;                                       // larger packets vanish without a word
  std::function<bool(bool to_b, const Packet&)> swallow{};  // true: this one is lost

 private:
  struct Flight {
    Instant at;
    u64 order = 0;
    bool to_b = false;
    std::shared_ptr<Packet> packet;
    bool operator<(const Flight& other) const { return std::pair(other.at, other.order) < std::pair(at, order); }
  };
  void transmit(Host& from, const IpAddress&) {
    const bool to_b = &from == &a;
    while (auto packet = from.poll()) {
      if (packet->octets.size() + (v6 ? 40 : 20) > mtu) continue;
      if (swallow && swallow(to_b, *packet)) continue;
      if (rng.chance(faults.loss_percent)) continue;
      const auto shared = std::make_shared<Packet>(std::move(*packet));
      const u32 copies = rng.chance(faults.duplicate_percent) ? 2 : 1;
      for (u32 i = 0; i < copies; ++i) {
        const Duration extra = rng.chance(faults.reorder_percent) ? ms(static_cast<i64>(rng.next() % 20)) : Duration();
        wire.push({from.now + faults.delay + extra, order_++, to_b, shared});
      }
    }
  }
  std::priority_queue<Flight> wire;
  u64 order_ = 0;
};

inline std::vector<u8> pattern(size_t size, u64 seed = 3) {
  SeededRng rng(seed);
  std::vector<u8> octets(size);
  rng.fill(octets);
  return octets;
}

}  // namespace samara::net::tcp::test
