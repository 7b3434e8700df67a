// LocalLoader: the loader's side of hal.h where loader and worker are one process and take turns: a machine of its own, a
// simulated host. What a target adds is its memory and its clocks.
//
//   attach(now, handler)      once, after Role::load and before the worker's first turn
//   turn(now, role)           between two turns of the worker: messages, deadlines, publications, memory given back
//
// LoaderAndWorker makes one FrameHandler of a loader and its worker, so that a loop that knows of handlers drives both.
//
// The worker may take turns of its own while the role waits for its storage. So what the role makes of a message is in a buffer
// of the loader's.
//
// Messages need two rings and two buffers (some 400 KiB), taken only for a worker that has a use for them; to any other, send()
// says no.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "platform/hal/hal.h"
#include "platform/hal/mailbox.h"

namespace samara::hal {

class LocalLoader : public Loader {
  // Two of the longest messages a lane: one is worked on while the next comes.
  static constexpr size_t ring_size = 2 * min_ring;

 public:
  static constexpr size_t memory_for_messages = 2 * (ring_size + runtime::max_message);

  u64 publish(u64 root) override;
  u64 generation() const override { return publication_.generation; }
  u64 oldest_in_use() const override;
  bool send(u32 worker, Bytes message) override;
  u32 workers() const override { return 1; }
  SocketCounters counters(u32 /*worker*/) const override { return {}; }

  Publication publication() const { return publication_; }
  void attach(Instant now, FrameHandler& handler);
  // True: the worker should take a turn now.
  bool turn(Instant now, Role& role);

 protected:
  ~LocalLoader() = default;

 private:
  struct Lanes {
    // Not filled: nothing is read that was not written, and the machine starts sooner.
    using Ring = std::array<u8, ring_size>;
    using Scratch = std::array<u8, runtime::max_message>;
    std::unique_ptr<Ring> to_worker_ring = std::make_unique_for_overwrite<Ring>();
    std::unique_ptr<Ring> to_loader_ring = std::make_unique_for_overwrite<Ring>();
    std::unique_ptr<Scratch> workers_scratch = std::make_unique_for_overwrite<Scratch>();
    std::unique_ptr<Scratch> loaders_scratch = std::make_unique_for_overwrite<Scratch>();
    LaneIndices to_worker;
    LaneIndices to_loader;
    Mailbox worker{{&to_worker, *to_worker_ring}, {&to_loader, *to_loader_ring}, *workers_scratch};
    Mailbox loader{{&to_loader, *to_loader_ring}, {&to_worker, *to_worker_ring}, *loaders_scratch};
  };
  void tell_publication(Instant now);

  Publication publication_;
  FrameHandler* handler_ = nullptr;
  std::unique_ptr<Lanes> lanes_;
  u64 told_ = 0;      // the generation the worker was told last
  u64 released_ = 1;  // what Role::on_released was told last
};

class LoaderAndWorker final : public FrameHandler {
 public:
  // All outlive it. `loader` has loaded.
  LoaderAndWorker(Role& role, LocalLoader& loader, FrameHandler& worker) : role_(role), loader_(loader), worker_(worker) {}

  void prepare(const LinkDescription& link) override { worker_.prepare(link); }
  void start(Instant now, UnixTime wall, Link& link) override {
    loader_.attach(now, worker_);
    worker_.start(now, wall, link);
  }
  bool turn(Instant now, UnixTime wall, Link& link) override {
    const bool more = worker_.turn(now, wall, link);
    return loader_.turn(now, role_) || more;
  }
  void on_link_change(Instant now, bool up) override { worker_.on_link_change(now, up); }
  void on_gap(Instant now) override { worker_.on_gap(now); }
  void renew_secrets() override { worker_.renew_secrets(); }
  void stop(Instant now, Link& link) override { worker_.stop(now, link); }
  Instant next_deadline() const override { return std::min(worker_.next_deadline(), role_.next_deadline()); }
  void on_publication(Instant now, u64 generation, u64 root) override { worker_.on_publication(now, generation, root); }
  u64 oldest_generation() const override { return worker_.oldest_generation(); }
  bool poll_ready(TextWriter& out) override { return worker_.poll_ready(out); }
  bool poll_trouble(TextWriter& out) override { return worker_.poll_trouble(out); }

 private:
  Role& role_;
  LocalLoader& loader_;
  FrameHandler& worker_;
};

}  // namespace samara::hal
