#include "platform/hal/linux/message_lanes.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/system_calls.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {

Result<MessageLanes, Refusal> MessageLanes::create(u32 workers) {
  MessageLanes lanes;
  for (u32 i = 0; i < workers; ++i) {
    auto memory = Mapping::shared(pair_room + 2 * ring_size);
    if (!memory.has_value()) return fail(Refusal(ExitCode::unavailable, "no memory for messages: ", SystemError{}));
    lanes.pairs_.push_back(::new (memory->bytes().data()) Pair);
    lanes.memory_.push_back(std::move(*memory));
  }
  return lanes;
}

Lane MessageLanes::to_worker(u32 worker) {
  return {&pairs_[worker]->to_worker, memory_[worker].bytes().subspan(pair_room, ring_size)};
}

Lane MessageLanes::to_loader(u32 worker) {
  return {&pairs_[worker]->to_loader, memory_[worker].bytes().subspan(pair_room + ring_size, ring_size)};
}

Mailbox MessageLanes::loader_side(u32 worker, MutableBytes scratch) {
  return {to_loader(worker), to_worker(worker), scratch};
}

Mailbox MessageLanes::worker_side(u32 worker, MutableBytes scratch) {
  return {to_worker(worker), to_loader(worker), scratch};
}

void MessageLanes::keep_only(u32 worker) {
  for (u32 i = 0; i < memory_.size(); ++i) {
    if (i != worker) memory_[i] = Mapping();
  }
}

Result<void, Refusal> make_loader_wake() {
  Descriptor made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made.open() || (made.get() != loader_wake_fd && ::dup3(made.get(), loader_wake_fd, O_CLOEXEC) < 0)) {
    return fail(Refusal(ExitCode::unavailable, "eventfd: ", SystemError{}));
  }
  if (made.get() == loader_wake_fd) made.release();
  return {};
}

}  // namespace samara::hal
