// World: many hosts in one process on one simulated Ethernet segment, with a virtual clock. Everything that happens is a
// function of the seed: what is lost, held up, doubled, spoilt. A host is a FrameHandler, the same that the real targets run.
//
//   World world(seed);
//   world.wire().loss = 100;                                  // 1 %
//   const HostId a = world.add(mac_a, loop_a);
//   const HostId b = world.add(mac_b, loop_b);
//   world.run_until([&] { return done; }, Duration::seconds(60));
//
// Between two events nothing happens: a day of silence costs nothing.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "platform/hal/link.h"
#include "platform/hal/sim/pcap.h"
#include "platform/hal/sim/random.h"

namespace samara::hal::sim {

using HostId = u32;

// What the segment does to frames. Chances are in 10,000.
struct Wire {
  u32 loss = 0;
  u32 duplication = 0;
  u32 corruption = 0;  // one bit turns
  u32 reordering = 0;  // held up by up to `hold` more than the others
  Duration delay = Duration::microseconds(100);
  Duration jitter;  // up to this much more delay, which alone reorders nothing
  Duration hold = Duration::milliseconds(10);
  u64 bits_per_second = 0;  // of each host's transmitter; 0: no limit
  u32 queue_frames = 1000;  // waiting in it; more are dropped
  u16 mtu = 9216;           // octets of an IP packet; larger frames are dropped, and nobody but on_too_long() hears of it
  bool checksums_trusted = false;  // cards say that every transport checksum is good, even of what was spoilt
};

struct WireCounters {
  u64 sent = 0, injected = 0, delivered = 0, lost = 0, duplicated = 0, corrupted = 0, held = 0, overflowed = 0, too_long = 0,
      partitioned = 0;
  u64 unaddressed = 0;  // to an address nobody has
  u64 powerless = 0;    // came to a machine that was switched off
};

class World {
 public:
  // `captured`: how many of the last frames pcap() holds.
  explicit World(u64 seed, size_t captured = 4096);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Getters
  Instant now() const { return now_; }
  UnixTime wall(HostId host) const;
  u64 seed() const { return seed_; }
  const WireCounters& counters() const { return counters_; }
  size_t frames_under_way() const;
  std::vector<u8> pcap() const { return capture_.file(); }
  // Of every frame sent and delivered, and when: two runs that differ in anything have different ones.
  u64 digest() const { return digest_; }

  // May be changed at any time; frames under way stay as they were.
  Wire& wire() { return wire_; }
  SeededRng& rng() { return rng_; }

  // The handler outlives the world, or its stop(). `mtu` of the card.
  HostId add(const std::array<u8, 6>& mac, FrameHandler& handler, u16 mtu = 1500);
  // Its frames go nowhere, what is on its way to it is lost: a machine without power.
  void stop(HostId host);
  // The machine comes up again, with a handler that knows nothing.
  void start(HostId host, FrameHandler& handler);
  // How far its idea of the time of day is off.
  void set_clock_error(HostId host, Duration error);
  // Nothing passes between the two, in either direction.
  void partition(HostId a, HostId b, bool cut);
  // A frame from nowhere, as if it came in at `host` now.
  void inject(HostId host, Bytes frame);
  // What a router there would do: is told of each frame that is too long for the wire, and who sent it.
  void on_too_long(std::function<void(HostId, Bytes)> action) { on_too_long_ = std::move(action); }
  // What a box on the way would do: may change each frame to a single host, but not its length, or drop it (false; it counts as
  // lost).
  void on_way(std::function<bool(HostId from, MutableBytes frame)> action) { on_way_ = std::move(action); }
  // Calls `action` when the time comes.
  void at(Instant when, std::function<void()> action);
  // The host's handler takes a turn now, although nothing came in: its owner has given it work.
  void poke(HostId host);

  void run_for(Duration time);
  // Until `done` says so (true) or the time is over (false). Asked after each event.
  bool run_until(const std::function<bool()>& done, Duration limit);

 private:
  class Card;
  struct Host;
  struct Event;

  void send(HostId from, Bytes frame);
  void deliver(HostId to, Duration delay, Bytes frame);
  void schedule(Event event);
  bool step(Instant limit);
  void take_turns(Host& host);
  Instant next_event() const;
  void note(HostId host, Bytes frame);

  u64 seed_;
  SeededRng rng_;
  Instant now_ = Instant::since_boot(Duration::seconds(1));
  Wire wire_;
  WireCounters counters_;
  Capture capture_;
  u64 digest_ = 0;
  std::function<void(HostId, Bytes)> on_too_long_;
  std::function<bool(HostId, MutableBytes)> on_way_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Event> events_;  // a heap, the earliest on top
  u64 order_ = 0;              // events of the same moment come in the order they were made
  std::set<std::pair<HostId, HostId>> cut_;
};

}  // namespace samara::hal::sim
