#include "platform/hal/linux/shared_state.h"

#include <algorithm>

#include "platform/hal/linux/system_error.h"

namespace samara::hal {

static_assert(std::atomic<u64>::is_always_lock_free, "the control page is shared between processes");

SocketCounters SharedCounters::read() const {
  const auto value = [](const std::atomic<u64>& counter) { return counter.load(std::memory_order_relaxed); };
  return {.datagrams_in = value(datagrams_in),
          .datagrams_out = value(datagrams_out),
          .datagrams_cut = value(datagrams_cut),
          .datagrams_unsent = value(datagrams_unsent),
          .streams_opened = value(streams_opened),
          .streams_refused = value(streams_refused),
          .accepts_failed = value(accepts_failed)};
}

bool ControlPage::all_serve(u64 generation, u32 workers) const {
  return std::ranges::all_of(std::span(rows_).first(workers), [generation](const WorkerRow& row) {
    return row.serving.load(std::memory_order_acquire) >= generation;
  });
}

u64 ControlPage::oldest_in_use(u32 workers) const {
  u64 oldest = generation();
  for (const WorkerRow& row : std::span(rows_).first(workers)) {
    oldest = std::min(oldest, row.oldest.load(std::memory_order_acquire));
  }
  return oldest;
}

bool ControlPage::all_ended(u32 workers) const {
  return std::ranges::all_of(std::span(rows_).first(workers),
                             [](const WorkerRow& row) { return row.ended.load(std::memory_order_acquire); });
}

Result<SharedState, Refusal> SharedState::create(u64 region_size) {
  auto region = Mapping::shared(region_size);
  if (!region.has_value()) {
    return fail(Refusal(ExitCode::unavailable, "cannot reserve ", region_size >> 20,
                        " MiB of address space for zones: ", SystemError{}, " (see ulimit -v and vm.overcommit_memory)"));
  }
  auto memory = Mapping::shared(sizeof(ControlPage));
  if (!memory.has_value()) return fail(Refusal(ExitCode::unavailable, "no shared memory: ", SystemError{}));
  ControlPage* control = ::new (memory->bytes().data()) ControlPage;
  return SharedState(std::move(*region), std::move(*memory), control);
}

}  // namespace samara::hal
