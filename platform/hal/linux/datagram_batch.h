// DatagramBatch: up to 64 datagrams in with one system call, their answers out with another. All headers the kernel wants are
// prepared once; per datagram only lengths change. One batch serves all UDP sockets of a worker in turn.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/listen_sockets.h"
#include "platform/hal/linux/mapping.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/hal/linux/socket_address.h"
#include "platform/runtime/application_ref.h"

namespace samara::hal {

class DatagramBatch {
 public:
  static constexpr size_t capacity = 64;

  // All memory is taken here.
  static Result<DatagramBatch, Refusal> create(SharedCounters& counters);

  // Receives one burst from `socket`, lets `app` answer, sends the answers. Returns how many came in; `capacity` means there
  // may be more.
  size_t exchange(const ListenSocket& socket, Instant now, runtime::ApplicationRef app);

 private:
  // No datagram is longer. Only the pages a datagram fills cost memory. Neighbours start a cache line apart: starts a power
  // of two apart would all compete for the same few lines of the cache.
  static constexpr size_t payload_room = 65'536;
  static constexpr size_t payload_stride = payload_room + 64;
  static constexpr size_t reply_room = 4096;
  static_assert(reply_room >= runtime::min_reply_room);
  static constexpr size_t reply_stride = reply_room + 64;
  static constexpr size_t control_room = CMSG_SPACE(sizeof(in6_pktinfo));

  struct Control {
    alignas(cmsghdr) std::array<u8, control_room> octets;
  };
  // The kernel keeps pointers into these: they stay where they are.
  struct Headers {
    std::array<mmsghdr, capacity> in;
    std::array<mmsghdr, capacity> out;
    std::array<iovec, capacity> payloads;
    std::array<iovec, capacity> replies;
    std::array<SocketAddress, capacity> peers;
    std::array<Control, capacity> controls_in;
    std::array<Control, capacity> controls_out;
  };

  DatagramBatch(Mapping payloads, Mapping replies, Mapping headers, SharedCounters& counters);
  void prepare();
  bool read_local(const msghdr& in, const ListenSocket& socket, msghdr& out);
  void send(int fd, size_t replies);

  Mapping payload_memory_;
  Mapping reply_memory_;
  Mapping header_memory_;
  Headers* headers_;
  SharedCounters* counters_;
  size_t control_size_ = 0;  // what the receive headers ask for now: only wildcard sockets need it
  Endpoint local_;           // of the datagram at hand, on a wildcard socket
};

}  // namespace samara::hal
