// LoaderProcess: the original process after the workers were forked. It loads zones into the shared region, publishes them,
// takes requests and signals, and watches the workers.
//
// How it ends: SIGTERM, SIGINT or the end of the control stream stop the workers after their current turn and end the image
// with 0. A worker that ends by itself ends the image with 70 and a line that says how: whoever started the image starts it
// again, with every worker in a known state. Should the loader itself die, the kernel kills the workers.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "platform/hal/hal.h"
#include "platform/hal/linux/boot_blob.h"
#include "platform/hal/linux/control_stream.h"
#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/file_storage.h"
#include "platform/hal/linux/message_lanes.h"
#include "platform/hal/linux/shared_state.h"

namespace samara::hal {

class LoaderProcess final : public Loader {
 public:
  struct WorkerHandle {
    pid_t process;
    Descriptor wake;
  };
  struct Start {
    SharedState* state;
    MessageLanes* lanes;
    BootBlob* blob;
    std::vector<WorkerHandle> workers;
    std::vector<Endpoint> listen;  // for the ready lines
    Descriptor signals;
    std::optional<ControlStream> control;
    std::optional<FileStorage> storage;
    Entropy entropy;
  };

  // Prepares everything that needs calls the filter forbids.
  static Result<std::optional<LoaderProcess>, Refusal> create(Start start);

  // Confines the process, loads, publishes, and serves requests. Returns the image's exit code; the caller exits at once.
  ExitCode run(Role& role);

  MutableBytes region() override { return start_.state->region().bytes(); }
  void release(size_t offset, size_t length) override { start_.state->region().release(offset, length); }
  void forget(std::string_view part_of_blob) override { start_.blob->forget(part_of_blob); }
  u64 publish(u64 root) override;
  u64 generation() const override { return page().generation(); }
  u64 oldest_in_use() const override { return page().oldest_in_use(workers()); }
  bool send(u32 worker, Bytes message) override;
  void take_turn() override;
  Instant now() const override;
  UnixTime wall() const override;
  const Entropy& entropy() const override { return start_.entropy; }
  u32 workers() const override { return static_cast<u32>(start_.workers.size()); }
  SocketCounters counters(u32 worker) const override { return page().row(worker).counters.read(); }
  Storage* storage() override { return start_.storage.has_value() ? &*start_.storage : nullptr; }

 private:
  LoaderProcess(Start start, Descriptor epoll);
  ControlPage& page() const { return start_.state->control(); }
  void wake_workers();
  void wake(u32 worker);
  void wake_for_messages();
  void take_messages(Role& role);
  void tell_released(Role& role);
  int wait_ms(Role& role) const;
  std::optional<ExitCode> take_signals();
  std::optional<ExitCode> take_requests(Role& role);
  void announce();
  void stop_workers();

  Start start_;
  Descriptor epoll_;
  Role* role_ = nullptr;  // while it runs
  bool announced_ = false;
  u64 released_ = 1;              // what Role::on_released was told last
  std::optional<Reply> pending_;  // goes out when the workers serve what the request published:
  u64 pending_generation_ = 0;
  std::vector<u8> message_;         // the one that is looked at
  std::vector<Mailbox> mailboxes_;  // by worker
};

}  // namespace samara::hal
