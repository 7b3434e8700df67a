// MessageLanes: the lanes between the loader and its workers (platform/hal/mailbox.h) in memory that is shared before the fork,
// and the descriptor that wakes the loader. A worker keeps its own lanes and unmaps those of the others.
#pragma once

#include <vector>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/mapping.h"
#include "platform/hal/mailbox.h"

namespace samara::hal {

class MessageLanes {
 public:
  // Of each lane; memory is used as messages come.
  static constexpr size_t ring_size = size_t{1} << 20;

  static Result<MessageLanes, Refusal> create(u32 workers);

  // Each may be asked for once, in its process. `scratch` of max_message octets.
  Mailbox loader_side(u32 worker, MutableBytes scratch);
  Mailbox worker_side(u32 worker, MutableBytes scratch);
  // Only this worker's are left.
  void keep_only(u32 worker);

 private:
  struct Pair {
    LaneIndices to_worker;
    LaneIndices to_loader;
  };
  static constexpr size_t pair_room = 4096;  // whole pages, so that the rings start at one
  static_assert(sizeof(Pair) <= pair_room);
  Lane to_worker(u32 worker);
  Lane to_loader(u32 worker);

  std::vector<Mapping> memory_;  // by worker
  std::vector<Pair*> pairs_;
};

// One eventfd for all workers, edge-triggered in the loader's epoll and never read. It has a number that workers' filters can
// name: everything else they may write to is their log (system_calls.h).
Result<void, Refusal> make_loader_wake();

}  // namespace samara::hal
