// KernelSockets: the loop of a worker over the kernel's UDP and TCP sockets. One epoll, level-triggered; datagrams in batches;
// one reading of the clock a turn. After run() begins it takes no memory, and makes no sockets.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <memory>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/client_datagrams.h"
#include "platform/hal/linux/clock.h"
#include "platform/hal/linux/datagram_batch.h"
#include "platform/hal/linux/listen_sockets.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/hal/linux/stream_table.h"
#include "platform/hal/mailbox.h"

namespace samara::hal {

class KernelSockets {
 public:
  struct Start {
    ListenSockets sockets;
    int wake;  // an event descriptor the loader writes to after it changed the control page or sent a message; outlives this
    u32 max_streams;
    u32 worker;
    // For a ClientApplication.
    u32 client_streams = 0;
    bool client_datagrams = false;
    Mailbox* mailbox = nullptr;  // to and from the loader; outlives this
    int loader_wake = -1;        // an event descriptor the loader waits for
  };
  static Result<std::unique_ptr<KernelSockets>, Refusal> create(Start start, WorkerApplicationRef app, ControlPage& control);

  // Waits for the first publication; then serves until the control page says stop, and closes all sockets. What arrives before
  // the first publication waits in the sockets' queues.
  void run();

 private:
  KernelSockets(Descriptor epoll, Start start, WorkerApplicationRef app, ControlPage& control, DatagramBatch batch,
                ClientSockets clients);
  void watch(int fd, u32 events, u64 tag);
  void wait_for_publication();
  void turn(Instant now, size_t events);
  void adopt(Instant now);
  void take_messages(Instant now);
  void speak(Instant now);
  void close_all();
  int sleep_ms(Instant now) const;

  Descriptor epoll_;
  ListenSockets sockets_;
  WorkerApplicationRef app_;
  const ControlPage* control_;
  WorkerRow* row_;
  DatagramBatch batch_;
  ClientSockets clients_;
  std::optional<ClientDatagrams> client_datagrams_;  // of a ClientApplication
  u32 client_streams_;
  StreamTable streams_;
  Mailbox* mailbox_;
  int loader_wake_;
  bool more_to_say_ = false;
  WallClock wall_;
  std::array<epoll_event, 64> events_;
  u64 serving_ = 0;
};

}  // namespace samara::hal
