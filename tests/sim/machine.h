// Machine: a machine of the simulated world that an image boots on, main() and all: hal::run() of this target. It has a clock
// of its own, which may run fast or slow and show a wrong time of day, and may be switched off at any moment: what was in its
// memory is gone then.
//
//   Machine machine(world, mac, primary_image, seed);
//   machine.power_on(blob);
//   machine.power_off();          // as when the plug is pulled
//
// What the image's loader publishes and what loader and worker tell each other can be listened to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platform/hal/sim/random.h"
#include "platform/hal/sim/world.h"
#include "platform/runtime/frame_loop.h"
#include "zone/zone_set.h"

namespace samara::sim {

class Machine {
 public:
  using Main = int (*)(int, char**);
  // The time of day when a world begins.
  static constexpr UnixTime epoch{1'700'000'000};
  struct Clock {
    i64 drift = 0;   // parts in a million that it is faster
    Duration error;  // of the time of day
  };

  Machine(hal::sim::World& world, const std::array<u8, 6>& mac, Main image, u64 seed);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // Before power_on(). `storage` outlives the machine.
  void set_clock(const Clock& clock) { clock_ = clock; }
  void set_storage(hal::Storage* storage) { storage_ = storage; }
  bool has_storage() const { return storage_ != nullptr; }
  void listen(std::function<void(u64 root)> published, std::function<void(bool to_loader, Bytes)> said) {
    published_ = std::move(published);
    said_ = std::move(said);
  }
  // While it runs, too: somebody sets the time of day.
  void set_clock_error(Duration error) { clock_.error = error; }

  void power_on(std::vector<u8> blob);
  void power_off();

  bool is_on() const { return life_ != nullptr; }
  // Of a machine that has been switched on once.
  hal::sim::HostId id() const { return *id_; }
  // By its own clock.
  Instant now() const { return local(world_.now()); }
  UnixTime wall() const { return {epoch.seconds + (world_.now().since_boot() + clock_.error).seconds()}; }
  // Of a machine that is on.
  zone::ZoneSet zones() const;
  const net::Stack& stack() const;
  // Octets of zone memory that are not zero.
  size_t memory_in_use() const;
  // The most frames it has sent in a minute since this was last asked.
  u64 take_most_frames() { return std::exchange(most_frames_, 0); }
  // All of them since this was last asked.
  u64 take_frames() { return std::exchange(all_frames_, 0); }

  // For hal::run().
  static Machine& booting();
  int run(hal::Role& role);

 private:
  class Loader;
  class Worker;
  class EavesdroppedRole;
  class CountedLink;
  class Front;
  struct Life;

  Instant local(Instant world) const;
  Instant world_time(Instant local) const;
  i64 minute_now() const { return world_.now().since_boot().seconds() / 60; }
  void count_frame();

  hal::sim::World& world_;
  std::array<u8, 6> mac_;
  Main image_;
  hal::sim::SeededRng rng_;
  hal::Storage* storage_ = nullptr;
  Clock clock_;
  std::function<void(u64)> published_;
  std::function<void(bool, Bytes)> said_;
  std::optional<hal::sim::HostId> id_;
  Instant booted_;  // by the world's clock
  std::unique_ptr<Life> life_;
  i64 minute_ = 0;
  u64 frames_ = 0;
  u64 most_frames_ = 0;
  u64 all_frames_ = 0;
};

}  // namespace samara::sim
