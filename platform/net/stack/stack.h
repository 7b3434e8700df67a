// Stack: one host on one Ethernet link, from frames to datagrams and streams, as one state machine. It answers ARP, neighbour
// discovery and ping by itself, takes its addresses from its configuration, from DHCP and from router advertisements, and hands
// what is for the application upwards. It does no I/O, reads no clock, and its memory is taken when it is made.
//
//   Getters    addresses(), mtu(), next_deadline(), counters()
//   Inputs     start(), on_link_up(), on_frame(), on_deadline()
//   Commands   udp_open(), udp_close(), udp_finish(), udp_send(), tcp() and its commands
//   Outputs    poll_frame() until it yields nothing, poll_event() until it yields nothing; tcp().poll_event()
//
// One turn: on_frame() for each frame that came in; for each datagram it yields, udp_finish() on the answer, while the frame
// still lives; on_deadline(now) when now >= next_deadline(); then poll_event(), then poll_frame(). `now` never goes back.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "platform/base/frame.h"
#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/stack/counters.h"
#include "platform/net/stack/stack_config.h"
#include "platform/net/tcp/tcp.h"

namespace samara::net {

// A datagram for the application. `payload` lives until the next on_frame().
struct UdpDatagram {
  Endpoint peer;
  Endpoint local;
  MutableBytes payload;
};

struct StackEvent {
  enum class Kind : u8 {
    address_up,         // can be used from now on
    address_down,       // expired, or taken away by the DHCP server
    address_duplicate,  // somebody else on the link has it (RFC 4862 section 5.4.5, RFC 5227 section 2.4)
    dhcp_failed,        // no server answers; it goes on trying
    dhcp_unusable,      // a server gives an address that no host can have, or a mask with holes; it is not taken
    gateway_unreachable,
    address_conflict,  // somebody else uses it too; it is ours still, and defended (RFC 5227 section 2.4 (c))
    udp_unreachable,   // an ICMP error about a datagram from `local` to `peer` (RFC 1122 section 4.1.3.3)
  };
  Kind kind = Kind::address_up;
  IpAddress address;
  Endpoint local;  // udp_unreachable
  Endpoint peer;
};

enum class UdpError : u8 { port_in_use, table_full, no_address, no_route, too_long, no_memory };

class Stack {
 public:
  Stack(const StackConfig& config, Rng& rng);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // ---- Getters
  std::span<const AssignedAddress> addresses() const;
  Instant next_deadline() const;  // of everything in here, TCP included
  const StackCounters& counters() const;
  // The largest IP packet the path to `peer` carries, as far as known (RFC 1191, RFC 8201).
  u16 path_mtu(const IpAddress& peer) const;

  // ---- Inputs
  void start(Instant now);  // once, first
  // The link was down, or this host moved to another one: addresses are announced, an address from DHCP confirmed, routers
  // asked.
  void on_link_up(Instant now);
  // Yields a datagram when the frame completes one for an open port.
  std::optional<UdpDatagram> on_frame(Instant now, const ReceivedFrame& frame);
  void on_deadline(Instant now);

  // ---- Commands
  // Gives an address from DHCP back, before the end (RFC 2131 section 4.4.6); what poll_frame() then yields is still to be
  // sent.
  void release_lease(Instant now);
  // Takes datagrams to `local`; the unspecified address of a family means all of that family's. What arrives for other ports is
  // answered with port unreachable (RFC 1122 section 4.1.3.1), at a bounded rate.
  Result<void, UdpError> udp_open(const Endpoint& local);
  void udp_close(const Endpoint& local);
  // Turns the payload in `slot` (set_payload() was said) into the frame that answers `to`. True: transmit the slot now. False:
  // there is nothing to transmit now; what is to be sent later (larger than the MTU, or the neighbour is not known yet) was
  // copied and comes out of poll_frame(), or was dropped and counted.
  bool udp_finish(Instant now, const UdpDatagram& to, FrameSlot& slot);
  // Sends a datagram of our own; its frames come out of poll_frame(). `local.address` unspecified: chosen by RFC 6724.
  Result<void, UdpError> udp_send(Instant now, const Endpoint& local, const Endpoint& peer, Bytes payload);
  // As tcp().renew_secrets(), and the identifications of packets anew.
  void renew_secrets();
  tcp::Tcp& tcp();
  const tcp::Tcp& tcp() const;

  // ---- Outputs
  // Builds the next frame in `slot`; false: there is none.
  bool poll_frame(Instant now, FrameSlot& slot);
  std::optional<StackEvent> poll_event();

 private:
  class Host;
  std::unique_ptr<Host> host_;
};

}  // namespace samara::net
