// DHCP of a host: carries the client's messages, checks the address it gets (RFC 5227) and puts the lease into use.
#include <algorithm>

#include "platform/net/stack/host.h"
#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/udp.h"

namespace samara::net {

// The answer to somebody without an address may come to an address that is not ours yet. True: it was one.
bool Stack::Host::on_dhcp(Instant now, const Ipv4Header& header, Bytes datagram, const MacAddress& from) {
  if (header.protocol != Protocol::udp || header.is_fragment()) return false;
  const Result<UdpHeader, WireError> udp = UdpHeader::parse(datagram);
  if (!udp.ok() || udp.value().destination != dhcp::client_port || udp.value().source != dhcp::server_port) return false;
  ++counters_.udp_in;
  const Bytes whole = datagram.first(udp.value().length);
  // Verified whatever the card says: it is one message in hours, and it decides who we are.
  ChecksumSum sum;
  sum.add_pseudo_header(header.source, header.destination, static_cast<u8>(Protocol::udp), udp.value().length);
  sum.add(whole);
  if (udp.value().checksum != 0 && sum.finish() != 0) {
    ++counters_.udp_bad_checksum;
    return true;
  }
  dhcp_->on_message(now, whole.subspan(UdpHeader::size));
  take_dhcp_outputs(now, from);
  return true;
}

// `from`: whose message this is about.
void Stack::Host::take_dhcp_outputs(Instant now, std::optional<MacAddress> from) {
  while (const auto event = dhcp_->poll_event()) {
    if (from.has_value() && (event->kind == dhcp::Event::Kind::check || event->kind == dhcp::Event::Kind::renewed)) {
      dhcp_server_mac_ = from;
    }
    switch (event->kind) {
      case dhcp::Event::Kind::check: check_lease(now); break;
      case dhcp::Event::Kind::bound: use_lease(now); break;
      case dhcp::Event::Kind::renewed: apply_lease(); break;
      case dhcp::Event::Kind::lost: drop_lease(now); break;
      case dhcp::Event::Kind::silence: add_event({StackEvent::Kind::dhcp_failed, {}, {}, {}}); break;
      case dhcp::Event::Kind::unusable: add_event({StackEvent::Kind::dhcp_unusable, {}, {}, {}}); break;
    }
  }
  send_dhcp_messages(now);
}

void Stack::Host::send_dhcp_messages(Instant now) {
  while (const auto message = dhcp_->poll_message()) {
    OutgoingPacket packet;
    packet.source = message->source;
    packet.destination = message->destination;
    packet.protocol = Protocol::udp;
    // A release is the last that leaves from its address: who gets it must be known now, if only as whoever the lease came by.
    std::optional<MacAddress> mac;
    if (!message->source.is_unspecified()) mac = egress_.known_mac(now, message->destination);
    if (!mac.has_value() && dhcp_->state() == dhcp::State::stopped) mac = dhcp_server_mac_;
    (void)send_datagram(packet, dhcp::client_port, dhcp::server_port, Bytes(message->octets).first(message->size), mac);
  }
}

void Stack::Host::check_lease(Instant now) {
  const dhcp::Lease& lease = dhcp_->lease();
  // What is ours already, by configuration, needs no second owner.
  if (addresses_.find(lease.address) != nullptr) return dhcp_->on_conflict(now);
  addresses_.add({{lease.address, lease.prefix_length}, AssignedAddress::Origin::dhcp, AssignedAddress::Condition::tentative});
  if (config_.mirror_neighbors) return dhcp_->on_address_free(now);
  dhcp_detector_.emplace(lease.address, config_.mac, ConflictDetector::Policy::give_up);
  dhcp_detector_->probe(now, rng_, ConflictDetector::quick);
}

void Stack::Host::take_lease_actions(Instant now) {
  if (!dhcp_detector_.has_value()) return;
  const IpAddress address = dhcp_detector_->address();
  while (const auto action = dhcp_detector_->poll_action()) {
    switch (*action) {
      case ConflictDetector::Action::send_probe: send_probe(address); break;
      case ConflictDetector::Action::send_announcement: send_announcement(address); break;
      case ConflictDetector::Action::won: dhcp_->on_address_free(now); break;
      case ConflictDetector::Action::conflicted: ++counters_.arp_conflicts; break;
      case ConflictDetector::Action::lost:
        ++counters_.arp_conflicts;
        add_event({StackEvent::Kind::address_duplicate, address, {}, {}});
        dhcp_->on_conflict(now);
        take_dhcp_outputs(now);
        return;  // the detector is gone
    }
  }
  take_dhcp_outputs(now);
}

void Stack::Host::use_lease(Instant now) {
  const IpAddress address = dhcp_->lease().address;
  addresses_.set_condition(address, AssignedAddress::Condition::preferred);
  apply_lease();
  address_up(now, address);
}

// Subnet, routes and MTU as the lease has them now.
void Stack::Host::apply_lease() {
  const dhcp::Lease& lease = dhcp_->lease();
  addresses_.set_prefix_length(lease.address, lease.prefix_length);
  egress_.routes.remove_all(RouteOrigin::dhcp);
  u32 metric = 0;  // RFC 2132 section 3.5: in order of preference
  for (const dhcp::ClasslessRoute& route : lease.routes.all()) {
    egress_.routes.add({route.destination, route.gateway, metric++}, RouteOrigin::dhcp);
  }
  egress_.path_mtus.set_ipv4_link_mtu(std::min(lease.mtu.value_or(config_.mtu), config_.mtu));
  egress_.forget_paths();
}

void Stack::Host::drop_lease(Instant now) {
  egress_.routes.remove_all(RouteOrigin::dhcp);
  egress_.path_mtus.set_ipv4_link_mtu(config_.mtu);
  dhcp_detector_.reset();
  for (const AssignedAddress& own : addresses_.all()) {
    if (own.origin != AssignedAddress::Origin::dhcp) continue;
    const AssignedAddress gone = own;
    addresses_.remove(gone.interface.address);
    if (gone.condition == AssignedAddress::Condition::tentative) break;
    address_lost(now, gone.interface.address, StackEvent::Kind::address_down);
    break;  // there is one at most, and the list has changed
  }
  egress_.forget_paths();
}

void Stack::Host::release_lease(Instant now) {
  if (!dhcp_.has_value()) return;
  dhcp_->release(now);
  send_dhcp_messages(now);
  take_dhcp_outputs(now);
}

}  // namespace samara::net
