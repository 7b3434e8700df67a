// One Tcp under an arbitrary stream of operations: segments made of what it last said or of raw octets, the user's calls, time
// that jumps, ICMP errors. Whatever happens: its memory keeps its bounds, what it sends parses and has the right checksum,
// every loop over its outputs ends, a stale handle finds nothing, and a stream that is delivered is the stream that was sent:
// the octet at sequence number n is n modulo 256, so streams count upwards in both directions.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <source_location>
#include <vector>

#include "platform/base/byte_order.h"
#include "platform/net/tcp/block_budget.h"
#include "platform/net/tcp/segment.h"
#include "platform/net/tcp/tcp.h"
#include "platform/net/wire/checksum.h"

using namespace samara;
using namespace samara::net;
using namespace samara::net::tcp;

namespace {

void require(bool good, std::source_location where = std::source_location::current()) {
  if (good) return;
  std::fprintf(stderr, "tcp_fuzz.cpp:%u does not hold\n", static_cast<unsigned>(where.line()));
  std::abort();
}

class CountingRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>((state_ = state_ * 6'364'136'223'846'793'005ULL + 1) >> 56);
  }

 private:
  u64 state_ = 1;
};

// The input, octet by octet; zeros at its end.
class Choices {
 public:
  explicit Choices(Bytes octets) : octets_(octets) {}
  bool empty() const { return octets_.empty(); }
  u8 next() {
    if (octets_.empty()) return 0;
    const u8 octet = octets_[0];
    octets_ = octets_.subspan(1);
    return octet;
  }
  u32 next32() { return (u32{next()} << 24) | (u32{next()} << 16) | (u32{next()} << 8) | next(); }
  // Mostly near zero, to both sides, sometimes anywhere.
  u32 offset() {
    const u8 octet = next();
    if (octet == 0xff) return next32();
    if (octet >= 0xc0) return static_cast<u32>(static_cast<i32>(octet) - 0xe0) * 1'460;
    return static_cast<u32>(static_cast<i32>(octet) - 0x40);
  }
  Bytes take(size_t count) {
    const Bytes taken = octets_.first(std::min(count, octets_.size()));
    octets_ = octets_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes octets_;
};

constexpr Capacity capacity{.connections = 6,
                            .half_open = 2,
                            .time_wait = 2,
                            .listeners = 2,
                            .blocks = 12,
                            .send_limit = 9'000,
                            .receive_limit = 9'000,
                            .first_window = 3'000};
const IpAddress ours = IpAddress::v4({192, 0, 2, 1});
const IpAddress theirs = IpAddress::v4({192, 0, 2, 2});

class World {
 public:
  explicit World(Choices& choices) : choices_(choices), tcp_(capacity, rng_), memory_(FrameSlot::headroom + 1'600) {
    (void)tcp_.listen({ours, Port(53)}, 3).ok();
  }

  void run() {
    for (u32 steps = 0; !choices_.empty() && steps < 2'000; ++steps) {
      step();
      check();
    }
    end();
  }

 private:
  // What our side last said to one of the peer's ports.
  struct Peer {
    u32 local_port = 53;
    SeqNumber seq, ack;
    std::optional<Timestamps> timestamps;
    std::vector<u8> octets;
  };
  struct Known {
    ConnectionId id;
    bool given_up = false;
    bool received_any = false;
    u8 next_in = 0;
    u8 next_out = 0;
    bool out_known = false;
  };

  void step() {
    switch (choices_.next() % 8) {
      case 0:
      case 1:
      case 2: return derived_segment();
      case 3: return raw_segment();
      case 4: return command();
      case 5: return time();
      case 6: return error();
      default: drain(choices_.next() % 4); return;
    }
  }

  void derived_segment() {
    const size_t which = choices_.next() % peers_.size();
    Peer& peer = peers_[which];
    const u8 mode = choices_.next();
    SegmentHeader header;
    header.source = port_of(which);
    header.destination = Port(static_cast<u16>(peer.local_port));
    header.flags = (mode & 1) != 0 ? u8{flag::ack} : static_cast<u8>(choices_.next() & 0x3f);
    header.seq = peer.ack + ((mode & 2) != 0 ? choices_.offset() : 0);
    header.ack = peer.seq + ((mode & 4) != 0 ? choices_.offset() : 0);
    header.window = (mode & 8) != 0 ? static_cast<u16>(choices_.next() * 40) : u16{0xffff};
    header.urgent = header.has(flag::urg) ? choices_.next() : u16{0};
    if ((mode & 16) != 0) {
      const u8 options = choices_.next();
      if ((options & 1) != 0) header.options.mss = static_cast<u16>(choices_.next() * 8);
      if ((options & 2) != 0) header.options.window_scale = choices_.next() % 15;
      if ((options & 4) != 0) header.options.sack_permitted = true;
      if ((options & 8) != 0 && (options & 7) == 0) {
        header.options.sack_count = static_cast<u8>(1 + choices_.next() % 3);
        for (SackBlock& block : std::span(header.options.sack).first(header.options.sack_count)) {
          block.begin = header.ack + choices_.offset();
          block.end = block.begin + choices_.offset();
        }
      }
    }
    if ((mode & 32) != 0 || peer.timestamps) {
      header.options.timestamps =
          Timestamps{++clock_ + ((mode & 64) != 0 ? choices_.offset() : 0), peer.timestamps.value_or(Timestamps{}).value};
    }
    const size_t length = (mode & 128) != 0 ? choices_.next() * size_t{7} : 0;
    std::vector<u8> octets(header_size(header.options) + length);
    write_header(header, octets);
    deliver(octets);
  }
  void raw_segment() {
    const Bytes raw = choices_.take(choices_.next() % 80);
    std::vector<u8> octets(raw.begin(), raw.end());
    if (octets.size() >= 20 && (octets[0] & 1) != 0) {
      store_be16(octets, 0, port_of(octets[1] % peers_.size()).value());
      store_be16(octets, 2, 53);
    }
    deliver(octets);
  }
  void deliver(std::vector<u8>& octets) {
    if (const auto parsed = parse_segment(octets); parsed.ok()) {
      const Segment& segment = parsed.value();
      u32 n = segment.header.seq.value() + (segment.has(flag::syn) ? 1 : 0);
      for (u8& octet : MutableBytes(octets).last(segment.payload.size())) octet = static_cast<u8>(n++);
    }
    tcp_.on_segment(now_, {.source = theirs,
                           .destination = ours,
                           .protocol = Protocol::tcp,
                           .hop_limit = 64,
                           .unicast = choices_.empty() || octets.size() % 64 != 63,
                           .checksum_known = true,
                           .payload = octets,
                           .quotable = {}});
  }
  static Port port_of(size_t which) { return Port(static_cast<u16>(1'000 + which)); }

  void command() {
    const u8 what = choices_.next();
    Known* known = known_.empty() ? nullptr : &known_[choices_.next() % known_.size()];
    switch (what % 12) {
      case 0: {
        const size_t which = choices_.next() % peers_.size();
        const Port local((what & 16) != 0 ? u16{0} : static_cast<u16>(2'000 + choices_.next() % 4));
        const auto id = tcp_.connect(now_, {ours, local}, {theirs, port_of(which)}, 1'500);
        if (id.ok()) known_.push_back({id.value()});
        return;
      }
      case 1:
      case 2:
      case 3: return known != nullptr ? send(*known, choices_.next() * size_t{40}, (what & 16) == 0) : void();
      case 4:
      case 5: return known != nullptr ? receive(*known, choices_.next() * size_t{40}) : void();
      case 6:
        if (known != nullptr) (void)tcp_.shutdown(now_, known->id).ok();
        return;
      case 7:
        if (known != nullptr) {
          known->given_up = true;
          tcp_.close(now_, known->id);
        }
        return;
      case 8:
        if (known != nullptr) {
          known->given_up = true;
          tcp_.abort(now_, known->id);
        }
        return;
      case 9:
        if (known != nullptr) {
          Options options;
          options.no_delay = (what & 16) != 0;
          options.keep_alive = (what & 32) != 0;
          options.keep_alive_idle = Duration::seconds(choices_.next());
          options.keep_alive_interval = Duration::seconds(choices_.next());
          (void)tcp_.set_options(known->id, options).ok();
        }
        return;
      case 10:
        if (known != nullptr) (void)tcp_.mark_urgent(now_, known->id).ok();
        return;
      default:
        if (listener_) tcp_.close(*listener_);
        const auto again = tcp_.listen({ours, Port(54)}, choices_.next() % 3);
        listener_ = again.ok() ? std::optional(again.value()) : std::nullopt;
        return;
    }
  }
  void send(Known& known, size_t size, bool push) {
    std::vector<u8> octets(size);
    u8 n = known.next_out;
    for (u8& octet : octets) octet = n++;
    const size_t room = tcp_.sendable(known.id);
    const auto taken = tcp_.send(now_, known.id, octets, push);
    if (!taken.ok()) return;
    require(taken.value() <= size && taken.value() <= room);
    known.next_out = static_cast<u8>(known.next_out + taken.value());
  }
  void receive(Known& known, size_t size) {
    std::vector<u8> octets(size);
    const size_t there = tcp_.receivable(known.id);
    const auto got = tcp_.receive(now_, known.id, octets);
    if (!got.ok()) return;
    require(got.value() == std::min(size, there));
    for (const u8 octet : Bytes(octets).first(got.value())) {
      if (known.received_any) require(octet == known.next_in);
      known.received_any = true;
      known.next_in = static_cast<u8>(octet + 1);
    }
  }

  void time() {
    const u8 what = choices_.next();
    now_ = now_ + Duration::microseconds(i64{1} << (what % 40));
    deadlines();
  }
  void deadlines() {
    for (int i = 0; tcp_.next_deadline() <= now_; ++i) {
      require(i < 100);
      tcp_.on_deadline(now_);
      drain(0);
    }
  }
  void error() {
    const Peer& peer = peers_[choices_.next() % peers_.size()];
    std::vector<u8> quoted = peer.octets;
    quoted.resize(choices_.next() % 28);
    if (quoted.size() >= 8) store_be32(quoted, 4, load_be32(quoted, 4) + choices_.offset());
    const u8 what = choices_.next();
    if (what % 5 == 4) {
      tcp_.on_path_mtu(now_, theirs, static_cast<u16>(what * 50));
    } else if (what == 0xf1) {
      tcp_.on_address_removed(now_, ours);
    } else {
      tcp_.on_delivery_error(now_, static_cast<DeliveryError>(what % 4), ours, theirs, quoted);
    }
  }

  // Takes outputs; `spare` segments at most are left for later when it is not 0.
  void drain(u32 limit) {
    for (u32 i = 0; limit == 0 || i < limit; ++i) {
      require(i < 5'000);
      FrameSlot slot(memory_);
      const auto packet = tcp_.poll_segment(now_, slot);
      if (!packet) break;
      on_output(*packet, slot.octets());
    }
    for (int i = 0;; ++i) {
      require(i < 100);
      const auto event = tcp_.poll_event();
      if (!event) break;
      on_event(*event);
    }
    while (tcp_.poll_suspect_path()) {
    }
  }
  void on_output(const OutgoingPacket& packet, Bytes octets) {
    require(packet.source == ours && packet.destination == theirs);
    ChecksumSum sum;
    sum.add_pseudo_header(ours, theirs, 6, static_cast<u32>(octets.size()));
    sum.add(octets);
    require(sum.finish() == 0);
    const auto parsed = parse_segment(octets);
    require(parsed.ok());
    const Segment& segment = parsed.value();
    // What was written reads back as the same.
    std::vector<u8> again(header_size(segment.header.options));
    require(again.size() + segment.payload.size() == octets.size());
    for (size_t i = 1; i < segment.payload.size(); ++i) {
      require(segment.payload[i] == static_cast<u8>(segment.payload[i - 1] + 1));
    }
    require(octets.size() + 20 <= 1'500);
    const size_t which = segment.header.destination.value() - size_t{1'000};
    if (which >= peers_.size()) return;
    Peer& peer = peers_[which];
    peer.local_port = segment.header.source.value();
    peer.seq = segment.header.seq + segment.length();
    if (segment.has(flag::ack)) peer.ack = segment.header.ack;
    peer.timestamps = segment.header.options.timestamps;
    peer.octets.assign(octets.begin(), octets.end());
  }
  void on_event(const Event& event) {
    const auto at = std::ranges::find_if(known_, [&](const Known& known) { return known.id == event.connection; });
    if (event.kind == Event::Kind::accepted) {
      require(at == known_.end());
      known_.push_back({event.connection});
      return;
    }
    require(at != known_.end());
    require(!at->given_up || event.kind == Event::Kind::closed);
    if (event.kind != Event::Kind::closed) return;
    require(!tcp_.state(event.connection) && tcp_.receivable(event.connection) == 0 && tcp_.sendable(event.connection) == 0);
    require(!tcp_.send(now_, event.connection, {}).ok());
    known_.erase(at);
  }

  void check() {
    require(tcp_.blocks_in_use() <= BlockBudget::blocks_for(capacity.blocks, capacity.connections));
    require(tcp_.connections() <= capacity.connections && tcp_.half_open() <= capacity.half_open);
    for (const Known& known : known_) {
      require(!known.given_up || !tcp_.state(known.id));
      require(tcp_.unacknowledged(known.id) <= capacity.send_limit && tcp_.receivable(known.id) <= capacity.receive_limit);
    }
  }
  // Everything is let go of: nothing may remain.
  void end() {
    drain(0);
    for (Known& known : known_) {
      known.given_up = true;
      tcp_.abort(now_, known.id);
    }
    drain(0);
    for (int i = 0; i < 400 && tcp_.next_deadline() != Instant::never(); ++i) {
      now_ = std::max(now_, tcp_.next_deadline());
      tcp_.on_deadline(now_);
      drain(0);
    }
    require(tcp_.next_deadline() == Instant::never() && known_.empty());
    require(tcp_.connections() == 0 && tcp_.half_open() == 0 && tcp_.blocks_in_use() == 0);
  }

  Choices& choices_;
  CountingRng rng_;
  Tcp tcp_;
  std::vector<u8> memory_;
  Instant now_ = Instant::since_boot(Duration::seconds(100));
  std::array<Peer, 4> peers_{};
  std::vector<Known> known_;
  std::optional<ListenerId> listener_;
  u32 clock_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  Choices choices(Bytes(data, size));
  World(choices).run();
  return 0;
}
