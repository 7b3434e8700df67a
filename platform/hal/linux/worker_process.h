// WorkerProcess: one of the processes that answer. Forked by process.cpp from the original process.
#pragma once

#include <sys/types.h>

#include "platform/hal/hal.h"
#include "platform/hal/linux/frame_device.h"
#include "platform/hal/linux/listen_sockets.h"
#include "platform/hal/linux/message_lanes.h"
#include "platform/hal/linux/shared_state.h"

namespace samara::hal {

class WorkerProcess final : public Worker {
 public:
  struct Start {
    u32 index;
    u32 max_streams;
    u32 client_streams;
    bool client_datagrams;
    u64 memory;  // Plan::worker_memory
    pid_t loader;
    int wake;
    ListenSockets sockets;                // none where there is a device
    std::unique_ptr<FrameDevice> device;  // none where there are sockets
    SharedState* state;
    MessageLanes* lanes;
  };

  // The whole life of the process: serves with `role` until told to stop.
  [[noreturn]] static void live(Start start, Role& role);

  u32 index() const override { return start_.index; }
  u32 max_streams() const override { return start_.max_streams; }
  u32 client_streams() const override { return start_.client_streams; }
  bool client_datagrams() const override { return start_.client_datagrams; }
  const Entropy& entropy() const override { return entropy_; }
  Bytes region() const override { return start_.state->region().bytes(); }
  bool has_link() const override { return start_.device != nullptr; }
  [[noreturn]] void run_frames(FrameHandler& handler) override;

 private:
  WorkerProcess(Start start, const Entropy& entropy) : start_(std::move(start)), entropy_(entropy) {}
  [[noreturn]] void run_application(WorkerApplicationRef app) override;
  Mailbox* open_mailbox(bool wanted);
  [[noreturn]] void end(ExitCode code);

  Start start_;
  Entropy entropy_;
  std::vector<u8> message_;  // one at a time, where the application has messages
  std::optional<Mailbox> mailbox_;
};

}  // namespace samara::hal
