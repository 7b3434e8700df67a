#include "platform/hal/linux/worker_process.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "platform/base/panic.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/entropy.h"
#include "platform/hal/linux/frame_worker.h"
#include "platform/hal/linux/kernel_sockets.h"
#include "platform/hal/linux/process_log.h"

namespace samara::hal {
namespace {

[[noreturn]] void refuse(const Refusal& refusal) {
  log(Level::error, refusal.text());
  ::_exit(static_cast<int>(refusal.code()));
}

// "[worker 3]", kept for the log.
void name_log_part(u32 index) {
  static TextBuffer<32> part;
  part.writer().put("[worker ");
  part.writer().put(index);
  part.writer().put(']');
  set_process_log_part(part.view());
}

// Sets apart what malloc() may need later: all of it from one heap, which has grown that far and is never trimmed.
bool set_heap_apart(u64 octets) {
  // free() must not give memory back by a call the filter forbids, nor malloc() ask for any.
  ::mallopt(M_TRIM_THRESHOLD, -1);
  if (octets == 0) return true;
  ::mallopt(M_MMAP_MAX, 0);
  void* const room = ::malloc(octets);
  const bool enough = ::malloc_usable_size(room) >= octets;  // 0 of nothing
  ::free(room);
  return enough;
}

}  // namespace

void WorkerProcess::live(Start start, Role& role) {
  name_log_part(start.index);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.loader) ::_exit(0);  // it died before we asked to be told
  if (!set_heap_apart(start.memory)) refuse(Refusal(ExitCode::unavailable, "no memory for a worker's tables"));
  if (!start.state->region().make_read_only()) panic("the shared region cannot be made read-only");
  start.lanes->keep_only(start.index);
  const auto entropy = take_entropy();
  if (!entropy.ok()) refuse(entropy.error());
  WorkerProcess worker(std::move(start), entropy.value());
  role.serve(worker);
  panic("Role::serve returned without running an application");
}

void WorkerProcess::run_application(WorkerApplicationRef app) {
  if (start_.device != nullptr) panic("a role serves sockets, and this worker has a card");
  ControlPage& control = start_.state->control();
  auto loop = KernelSockets::create({.sockets = std::move(start_.sockets),
                                     .wake = start_.wake,
                                     .max_streams = start_.max_streams,
                                     .worker = start_.index,
                                     .client_streams = app.app.is_client() ? start_.client_streams : 0,
                                     .client_datagrams = app.app.is_client() && start_.client_datagrams,
                                     .mailbox = open_mailbox(app.app.is_client()),
                                     .loader_wake = loader_wake_fd},
                                    app, control);
  if (!loop.ok()) refuse(loop.error());
  const auto confined = start_.client_streams != 0 ? install_filter(client_system_calls) : install_filter(worker_system_calls);
  if (!confined.ok()) refuse(confined.error());
  loop.value()->run();
  end(ExitCode::good);
}

void WorkerProcess::run_frames(FrameHandler& handler) {
  if (start_.device == nullptr) panic("a role serves frames, and this worker has sockets");
  Mailbox* mailbox = open_mailbox(handler.has_messages());
  const auto code = run_frame_worker(*start_.device, start_.wake, handler, start_.state->control(), start_.index, mailbox);
  if (!code.ok()) refuse(code.error());
  end(code.value());
}

Mailbox* WorkerProcess::open_mailbox(bool wanted) {
  if (!wanted) return nullptr;
  message_.resize(runtime::max_message);
  return &mailbox_.emplace(start_.lanes->worker_side(start_.index, message_));
}

void WorkerProcess::end(ExitCode code) {
  if (!instrumented_by().empty()) ::prctl(PR_SET_PDEATHSIG, 0);  // the tool writes its report on the way out
  if (code == ExitCode::good) start_.state->control().row(start_.index).ended.store(true, std::memory_order_release);
  ::_exit(static_cast<int>(code));
}

}  // namespace samara::hal
