// What the loader and its workers share, reserved before they are forked: the region that holds the zones and one control
// page. The loader writes both; a worker maps the region read-only and writes only its own row of the control page.
#pragma once

#include <atomic>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/mapping.h"

namespace samara::hal {

// SocketCounters as a worker writes and the loader reads them.
struct SharedCounters {
  std::atomic<u64> datagrams_in{0};
  std::atomic<u64> datagrams_out{0};
  std::atomic<u64> datagrams_cut{0};
  std::atomic<u64> datagrams_unsent{0};
  std::atomic<u64> streams_opened{0};
  std::atomic<u64> streams_refused{0};
  std::atomic<u64> accepts_failed{0};
  SocketCounters read() const;
};

// One writer: no locked instruction is needed.
inline void count(std::atomic<u64>& counter, u64 more = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

struct alignas(128) WorkerRow {
  std::atomic<u64> serving{0};  // the generation this worker answers from
  std::atomic<u64> oldest{0};   // the oldest generation it still refers to
  std::atomic<bool> ended{false};
  SharedCounters counters;
};

// Publications: written by the loader, read by all workers, without a lock. A root is stored before its generation is, in
// one of two places in turn; a reader that was overtaken twice meanwhile sees it by the generation and reads again.
class ControlPage {
 public:
  void publish(u64 root) {
    const u64 next = generation_.load(std::memory_order_relaxed) + 1;
    roots_[next % 2].store(root, std::memory_order_release);
    generation_.store(next, std::memory_order_release);
  }
  u64 generation() const { return generation_.load(std::memory_order_acquire); }
  Publication latest() const {
    for (;;) {
      const u64 before = generation();
      const u64 root = roots_[before % 2].load(std::memory_order_acquire);
      if (generation() == before) return {before, root};
    }
  }
  void stop() { stop_.store(true, std::memory_order_release); }
  bool stopping() const { return stop_.load(std::memory_order_acquire); }

  WorkerRow& row(u32 worker) { return rows_[worker]; }
  const WorkerRow& row(u32 worker) const { return rows_[worker]; }

  // Whether workers 0 … workers-1 all answer from `generation` or a later one.
  bool all_serve(u64 generation, u32 workers) const;
  // The oldest generation any of them refers to.
  u64 oldest_in_use(u32 workers) const;
  bool all_ended(u32 workers) const;

 private:
  std::atomic<u64> generation_{0};
  std::array<std::atomic<u64>, 2> roots_{};
  std::atomic<bool> stop_{false};
  std::array<WorkerRow, max_workers> rows_{};
};

class SharedState {
 public:
  static Result<SharedState, Refusal> create(u64 region_size);

  Mapping& region() { return region_; }
  const Mapping& region() const { return region_; }
  ControlPage& control() const { return *control_; }

 private:
  SharedState(Mapping region, Mapping control_memory, ControlPage* control)
      : region_(std::move(region)), control_memory_(std::move(control_memory)), control_(control) {}
  Mapping region_;
  Mapping control_memory_;
  ControlPage* control_;
};

}  // namespace samara::hal
