// KernelSockets: the loop of a worker over the kernel's UDP and TCP sockets. One epoll, level-triggered; datagrams in batches;
// one reading of the clock a turn. After run() begins it takes no memory.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <memory>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/clock.h"
#include "platform/hal/linux/datagram_batch.h"
#include "platform/hal/linux/listen_sockets.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/hal/linux/stream_table.h"

namespace samara::hal {

class KernelSockets {
 public:
  // `wake` is an event descriptor the loader writes to after it changed the control page; both outlive this object.
  static Result<std::unique_ptr<KernelSockets>, Refusal> create(ListenSockets sockets, int wake, u32 max_streams,
                                                                WorkerApplicationRef app, ControlPage& control, u32 worker);

  // Waits for the first publication; then serves until the control page says stop, and closes all sockets. What arrives before
  // the first publication waits in the sockets' queues.
  void run();

 private:
  KernelSockets(Descriptor epoll, ListenSockets sockets, u32 max_streams, WorkerApplicationRef app, ControlPage& control,
                u32 worker, DatagramBatch batch);
  void watch(int fd, u32 events, u64 tag);
  void wait_for_publication();
  void turn(Instant now, size_t events);
  void adopt(Instant now);
  void close_all();
  int sleep_ms(Instant now) const;

  Descriptor epoll_;
  ListenSockets sockets_;
  WorkerApplicationRef app_;
  const ControlPage* control_;
  WorkerRow* row_;
  DatagramBatch batch_;
  StreamTable streams_;
  WallClock wall_;
  std::array<epoll_event, 64> events_;
  u64 serving_ = 0;
};

}  // namespace samara::hal
