// ARP of a host (RFC 826, RFC 1122 section 2.3.2) and the conflicts it shows (RFC 5227).
#include <algorithm>

#include "platform/net/stack/host.h"
#include "platform/net/wire/address_kind.h"

namespace samara::net {
namespace {

constexpr Duration retry_interval = Duration::seconds(60);  // RATE_LIMIT_INTERVAL of RFC 5227 section 1.1

}  // namespace

void Stack::Host::on_arp(Instant now, Bytes packet) {
  if (config_.mirror_neighbors) return;
  ++counters_.arp_in;
  const Result<ArpMessage, WireError> parsed = ArpMessage::parse(packet);
  if (!parsed.ok() || parsed.value().sender_mac.is_group() || parsed.value().sender_mac == config_.mac) {
    ++counters_.arp_malformed;
    return;
  }
  const ArpMessage& message = parsed.value();
  for (ConflictDetector& detector : detectors_) {
    detector.on_arp(now, message);
    take_conflict_actions(now, detector);
  }
  if (dhcp_detector_.has_value()) {
    dhcp_detector_->on_arp(now, message);
    take_lease_actions(now);
  }
  // Nothing is learnt about an address that is ours, or of a kind that no neighbour has.
  const bool from_peer =
      is_peer_unicast(message.sender) && addresses_.find(message.sender) == nullptr && !addresses_.is_broadcast(message.sender);
  const bool for_us = addresses_.find_usable(message.target) != nullptr;
  if (message.operation == ArpMessage::Operation::reply) {
    if (!from_peer) return;
    const NeighborCache::Advertisement said{.mac = message.sender_mac, .solicited = for_us, .override_ = true, .router = {}};
    if (egress_.neighbors.on_advertisement(now, message.sender, said)) egress_.routes.mark_alive(message.sender);
    return;
  }
  if (from_peer) {
    // RFC 826: what we know of the sender is brought up to date; it is written down anew only when it speaks to us.
    if (for_us && addresses_.is_on_link(message.sender)) {
      egress_.neighbors.on_solicitation(now, message.sender, message.sender_mac);
    } else {
      egress_.neighbors.on_advertisement(now, message.sender, {.mac = message.sender_mac, .solicited = false, .router = {}});
    }
  }
  // RFC 5227 section 2.1: a probe, whose sender is unspecified, is answered like any question.
  if (!for_us || (!from_peer && !message.sender.is_unspecified())) return;
  egress_.send_arp({ArpMessage::Operation::reply, config_.mac, message.target, message.sender_mac, message.sender},
                   message.sender_mac);
}

void Stack::Host::send_probe(const IpAddress& address) {
  egress_.send_arp({ArpMessage::Operation::request, config_.mac, {}, {}, address}, MacAddress::broadcast());
}
void Stack::Host::send_announcement(const IpAddress& address) {
  egress_.send_arp({ArpMessage::Operation::request, config_.mac, address, {}, address}, MacAddress::broadcast());
}

void Stack::Host::take_conflict_actions(Instant now, ConflictDetector& detector) {
  const IpAddress& address = detector.address();
  while (const auto action = detector.poll_action()) {
    switch (*action) {
      case ConflictDetector::Action::send_probe: send_probe(address); break;
      case ConflictDetector::Action::send_announcement: send_announcement(address); break;
      case ConflictDetector::Action::won:
        addresses_.set_condition(address, AssignedAddress::Condition::preferred);
        address_up(now, address);
        break;
      case ConflictDetector::Action::lost:
        ++counters_.arp_conflicts;
        addresses_.set_condition(address, AssignedAddress::Condition::duplicate);
        address_lost(now, address, StackEvent::Kind::address_duplicate);
        if (!retry_at_.has_value()) retry_at_ = now + retry_interval;
        break;
      case ConflictDetector::Action::conflicted:
        ++counters_.arp_conflicts;
        add_event({StackEvent::Kind::address_conflict, address, {}, {}});
        break;
    }
  }
}

// The link was down and is up again. Caches of neighbours and switches are brought up to date by an announcement (RFC 5227
// section 2.3). An address in use is not given up for the seconds of new probes, which section 2.1 asks for: who else has it
// will defend it, and that is noticed.
void Stack::Host::claim_again(Instant now, ConflictDetector& detector, const ConflictDetector::Timing& timing) {
  if (detector.is_probing()) {
    detector.probe(now, rng_, timing);
  } else if (addresses_.find_usable(detector.address()) != nullptr) {
    detector.announce(now);
  }
}

// A fixed address that somebody else had may be free by now.
void Stack::Host::retry_lost_addresses(Instant now) {
  if (!retry_at_.has_value() || now < *retry_at_) return;
  retry_at_.reset();
  for (ConflictDetector& detector : detectors_) {
    const AssignedAddress* address = addresses_.find(detector.address());
    if (address == nullptr || address->condition != AssignedAddress::Condition::duplicate) continue;
    addresses_.set_condition(detector.address(), AssignedAddress::Condition::tentative);
    detector.probe(now, rng_, ConflictDetector::thorough);
  }
}

}  // namespace samara::net
