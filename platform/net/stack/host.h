// Stack::Host: what a Stack is made of. The receiving side is here, one file for each layer; the sending side is Egress.
//
//   on_frame -> arp | ipv4 | ipv6 -> [Reassembler] -> on_packet -> udp | Tcp | icmp | icmpv6 -> Ipv6Link
//   udp_finish, Tcp, icmp answers -> Egress -> slot | poll_frame
#pragma once

#include <vector>

#include "platform/base/meter.h"
#include "platform/net/dhcp/dhcp_client.h"
#include "platform/net/stack/address_table.h"
#include "platform/net/stack/conflict_detector.h"
#include "platform/net/stack/counters.h"
#include "platform/net/stack/egress.h"
#include "platform/net/stack/ipv6_link.h"
#include "platform/net/stack/reassembler.h"
#include "platform/net/stack/stack.h"
#include "platform/net/stack/udp_ports.h"
#include "platform/net/wire/arp.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/ipv6.h"

namespace samara::net {

class Stack::Host final : public tcp::IpLayer {
 public:
  [[gnu::cold]] Host(const StackConfig& config, Rng& rng);

  std::span<const AssignedAddress> addresses() const { return addresses_.all(); }
  Instant next_deadline() const;
  const StackCounters& counters() const { return counters_; }
  u16 path_mtu(const IpAddress& peer) const override { return egress_.path_mtu(now_, peer); }

  std::optional<IpAddress> source_for(const IpAddress& peer) const override { return addresses_.source_to_begin(peer); }

  void start(Instant now);
  void on_link_up(Instant now);
  void release_lease(Instant now);  // host_dhcp.cpp
  std::optional<UdpDatagram> on_frame(Instant now, const ReceivedFrame& frame);
  void on_deadline(Instant now);

  Result<void, UdpError> udp_open(const Endpoint& local);
  void udp_close(const Endpoint& local) { ports_.remove(local); }
  bool udp_finish(Instant now, const UdpDatagram& to, FrameSlot& slot);
  Result<void, UdpError> udp_send(Instant now, const Endpoint& local, const Endpoint& peer, Bytes payload);
  void renew_secrets() {
    tcp_.renew_secrets(rng_);
    egress_.renew_identifications();
  }
  tcp::Tcp& tcp() { return tcp_; }

  bool poll_frame(Instant now, FrameSlot& slot);
  std::optional<StackEvent> poll_event();

 private:
  // What the link layer knows of a packet.
  struct Arrival {
    MacAddress source;
    bool unicast = true;
    FrameChecksum checksum = FrameChecksum::unchecked;
  };
  // How a quoted packet of ours (in an ICMP error) went.
  struct Quote {
    IpAddress local;
    IpAddress peer;
    Protocol protocol = Protocol::none;
    u16 total_length = 0;
    bool dont_fragment = false;
    Bytes transport;  // at least 8 octets
  };

  // host.cpp
  void add_event(const StackEvent& event);
  void address_up(Instant now, const IpAddress& address);
  void address_lost(Instant now, const IpAddress& address, StackEvent::Kind kind);
  bool take_egress_outputs(Instant now);

  // host_dhcp.cpp
  bool on_dhcp(Instant now, const Ipv4Header& header, Bytes datagram, const MacAddress& from);
  void take_dhcp_outputs(Instant now, std::optional<MacAddress> from = std::nullopt);
  void send_dhcp_messages(Instant now);
  void take_lease_actions(Instant now);
  void check_lease(Instant now);
  void use_lease(Instant now);
  void apply_lease();
  void drop_lease(Instant now);

  // host_arp.cpp
  void send_probe(const IpAddress& address);
  void send_announcement(const IpAddress& address);
  void on_arp(Instant now, Bytes packet);
  void take_conflict_actions(Instant now, ConflictDetector& detector);
  void retry_lost_addresses(Instant now);
  void claim_again(Instant now, ConflictDetector& detector, const ConflictDetector::Timing& timing);

  // host_ipv4.cpp
  std::optional<UdpDatagram> on_ipv4(Instant now, MutableBytes packet, const Arrival& arrival);
  std::optional<UdpDatagram> on_ipv4_fragment(Instant now, const Ipv4Header& header, IpPacket packet);
  // How a packet got here.
  struct Received {
    bool reassembled = false;   // or in one fragment
    u32 next_header_field = 0;  // IPv6: where its protocol is named
  };
  std::optional<UdpDatagram> on_packet(Instant now, const IpPacket& packet, const Received& how);
  void count_malformed(WireError error);
  void count_fragment(Reassembler::Verdict verdict);

  // host_ipv6.cpp
  std::optional<UdpDatagram> on_ipv6(Instant now, MutableBytes packet, const Arrival& arrival);
  std::optional<UdpDatagram> on_ipv6_payload(Instant now, IpPacket packet, Protocol first, size_t from, size_t field);
  std::optional<UdpDatagram> on_ipv6_fragment(Instant now, IpPacket packet, const Ipv6Payload& at);
  std::optional<UdpDatagram> on_atomic_fragment(Instant now, IpPacket packet, Protocol first, size_t from, size_t field);

  // host_icmpv6.cpp
  void on_icmpv6(Instant now, const IpPacket& packet, bool reassembled);
  void on_echo_request_v6(Instant now, const IpPacket& packet);
  void on_icmpv6_error(Instant now, const IpPacket& packet);
  std::optional<Quote> quoted_ipv6(Bytes quoted) const;
  void send_icmpv6_error(Instant now, const IpPacket& about, ipv6::MessageType type, u8 code, u32 value);
  void tell_header_problem(Instant now, const IpPacket& about, const Ipv6HeaderProblem& problem);
  void take_ipv6_events(Instant now);

  // host_icmp.cpp
  void on_icmp(Instant now, const IpPacket& packet);
  void on_echo_request(Instant now, const IpPacket& packet);
  void on_icmp_error(Instant now, const IpPacket& packet);
  std::optional<Quote> quoted_ipv4(Bytes quoted) const;
  void on_delivery_error(Instant now, DeliveryError error, const Quote& quote, u32 told_mtu);
  void on_too_big(Instant now, const Quote& quote, u32 told_mtu);
  // What strangers make us send has its rate (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)): 100 a second, 50 at once.
  bool may_send_error(Instant now) { return icmp_errors_.take(now, Duration::milliseconds(10), 50); }
  void send_icmp_error(Instant now, const IpPacket& about, u8 type, u8 code);
  void tell_port_unreachable(Instant now, const IpPacket& about);
  void tell_expired(Instant now);

  // host_udp.cpp
  std::optional<UdpDatagram> on_udp(Instant now, const IpPacket& packet);
  Result<void, UdpError> send_datagram(const OutgoingPacket& packet, Port from, Port to, Bytes payload,
                                       std::optional<MacAddress> mac = std::nullopt);
  void write_udp_header(const Endpoint& local, const Endpoint& peer, FrameSlot& slot) const;

  StackConfig config_;
  Rng& rng_;
  Instant now_;  // of the last input
  StackCounters counters_;
  AddressTable addresses_;
  Egress egress_;
  std::optional<Ipv6Link> ipv6_;  // nothing: IPv6 is off, or the neighbours are somebody else's
  Reassembler reassembler_;
  UdpPorts ports_;
  std::vector<ConflictDetector> detectors_;  // one for each fixed IPv4 address
  std::optional<Instant> retry_at_;          // when lost addresses are probed again
  std::optional<dhcp::Client> dhcp_;
  std::optional<ConflictDetector> dhcp_detector_;  // while there is a lease
  std::optional<MacAddress> dhcp_server_mac_;      // of the server, or its relay, that gave the lease
  Meter icmp_errors_;
  std::vector<StackEvent> events_;
  tcp::Tcp tcp_;
};

}  // namespace samara::net
