// XdpProgram: the program in the kernel's driver path that gives us the frames for the addresses and ports we serve and lets
// everything else (ARP, neighbour discovery, ICMP, fragments, other ports) pass to the kernel. Attached while this object or
// one of its holds lives.
#pragma once

#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/descriptor.h"

namespace samara::hal {

class XdpProgram {
 public:
  // Attached to the interface in the driver where that is possible, otherwise in front of the kernel's stack. `serve`: UDP and
  // TCP to these go to the socket of the receive queue they came by.
  static Result<XdpProgram, Refusal> attach(std::string_view interface, u32 interface_index, std::span<const Endpoint> serve,
                                            u32 queues);
  // Frames of `queue` go to the AF_XDP socket `socket` from now on.
  Result<void, Refusal> connect(u32 queue, int socket);
  // Keeps the program attached, in another process too.
  Result<Descriptor, Refusal> hold() const;

 private:
  XdpProgram(Descriptor sockets, Descriptor link) : sockets_(std::move(sockets)), link_(std::move(link)) {}
  Descriptor sockets_;
  Descriptor link_;
};

}  // namespace samara::hal
