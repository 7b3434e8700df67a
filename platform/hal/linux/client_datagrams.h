// ClientDatagrams: what a worker's application sends of its own accord and what comes back. There are few of these beside the
// answers (datagram_batch.h), so each is a system call of its own.
//
// Late answers go out of the listen socket they were asked at, from the address that was asked.
#pragma once

#include <netinet/in.h>

#include "platform/base/result.h"
#include "platform/hal/linux/client_sockets.h"
#include "platform/hal/linux/mapping.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/hal/linux/socket_address.h"
#include "platform/runtime/application_ref.h"

namespace samara::hal {

class ClientDatagrams {
 public:
  // All memory is taken here. Sockets and counters outlive this.
  static Result<ClientDatagrams, Refusal> create(const ClientSockets& clients, const ListenSockets& listening,
                                                 SharedCounters& counters);

  // Takes what came in at clients.datagram[index], up to a turn's share.
  void receive(size_t index, Instant now, runtime::ApplicationRef app);
  // Sends what the application has to say. True: it has more, after a turn's share.
  bool send(Instant now, runtime::ApplicationRef app);

 private:
  struct Way {
    const ListenSocket* socket;
    const IpAddress* source;  // to be said to the kernel; none: it knows
  };
  struct Control {
    alignas(cmsghdr) std::array<u8, CMSG_SPACE(sizeof(in6_pktinfo))> octets{};
  };

  ClientDatagrams(Mapping memory, const ClientSockets& clients, const ListenSockets& listening, SharedCounters& counters)
      : memory_(std::move(memory)), clients_(&clients), listening_(&listening), counters_(&counters) {}
  std::optional<Way> way_of(const runtime::OutgoingDatagram& datagram) const;
  bool send_one(const Way& way, const Endpoint& peer, MutableBytes payload);

  Mapping memory_;
  const ClientSockets* clients_;
  const ListenSockets* listening_;
  SharedCounters* counters_;
};

}  // namespace samara::hal
