#include "platform/net/stack/host.h"

#include <algorithm>

#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/udp.h"

namespace samara::net {
namespace {

constexpr size_t max_events = 64;  // more at once than anybody reads are not worth the memory

StackConfig within_limits(StackConfig config) {
  const u16 least = config.ipv6 ? min_ipv6_mtu : min_ipv4_mtu;
  config.mtu = std::clamp<u16>(config.mtu, least, 9216);
  config.waiting_packets = std::clamp<u32>(config.waiting_packets, 8, 16384);
  config.large_packets = std::clamp<u32>(config.large_packets, 1, 1024);
  return config;
}

}  // namespace

Stack::Host::Host(const StackConfig& config, Rng& rng)
    : config_(within_limits(config)),
      rng_(rng),
      egress_(config_, addresses_, counters_, rng),
      reassembler_(config_.reassembly_octets),
      tcp_(config_.tcp, rng) {
  detectors_.reserve(AddressTable::capacity);
  events_.reserve(max_events);
  if (config_.dhcp) {
    const u16 largest = static_cast<u16>(config_.mtu - Ipv4Header::size - UdpHeader::size);
    dhcp_.emplace(dhcp::Client::Config{config_.mac, config_.host_name, largest, config_.dhcp_address}, rng);
  }
  if (config_.ipv6 && !config_.mirror_neighbors) ipv6_.emplace(config_, addresses_, egress_, counters_, rng);
  tcp_.set_link_mtu(config_.mtu);
  tcp_.set_ip_layer(this);
  tcp_.set_checksum_offload(config_.checksum_offload);
}

Instant Stack::Host::next_deadline() const {
  Instant next = std::min({egress_.next_deadline(), reassembler_.next_deadline(), tcp_.next_deadline()});
  for (const ConflictDetector& detector : detectors_) next = std::min(next, detector.next_deadline());
  if (dhcp_.has_value()) next = std::min(next, dhcp_->next_deadline());
  if (dhcp_detector_.has_value()) next = std::min(next, dhcp_detector_->next_deadline());
  if (ipv6_.has_value()) next = std::min(next, ipv6_->next_deadline());
  if (retry_at_.has_value()) next = std::min(next, *retry_at_);
  return next;
}

void Stack::Host::start(Instant now) {
  now_ = now;
  for (const Route& route : config_.routes) {
    if (config_.ipv6 || route.gateway.is_v4()) egress_.routes.add(route, RouteOrigin::configured);
  }
  for (const InterfaceAddress& interface : config_.addresses) {
    const IpAddress& address = interface.address;
    if (!address.is_v4() && (ipv6_.has_value() || !config_.ipv6)) continue;
    const bool probe = config_.probe_addresses && !config_.mirror_neighbors;
    const auto condition = probe ? AssignedAddress::Condition::tentative : AssignedAddress::Condition::preferred;
    if (!addresses_.add({interface, AssignedAddress::Origin::configured, condition})) continue;
    if (!config_.mirror_neighbors) {
      ConflictDetector& detector = detectors_.emplace_back(address, config_.mac, ConflictDetector::Policy::hold);
      if (probe) {
        detector.probe(now, rng_, ConflictDetector::thorough);
      } else {
        detector.announce(now);
      }
      take_conflict_actions(now, detector);
    }
    if (!probe) address_up(now, address);
  }
  if (dhcp_.has_value()) dhcp_->start(now);
  if (!ipv6_.has_value()) return;
  ipv6_->start(now);
  take_ipv6_events(now);
}

void Stack::Host::on_link_up(Instant now) {
  now_ = now;
  for (ConflictDetector& detector : detectors_) {
    claim_again(now, detector, ConflictDetector::thorough);
    take_conflict_actions(now, detector);
  }
  if (retry_at_.has_value()) retry_at_ = now;
  if (dhcp_detector_.has_value()) claim_again(now, *dhcp_detector_, ConflictDetector::quick);
  if (dhcp_.has_value()) {
    dhcp_->on_link_up(now);
    take_lease_actions(now);
  }
  if (ipv6_.has_value()) ipv6_->on_link_up(now);
}

std::optional<UdpDatagram> Stack::Host::on_frame(Instant now, const ReceivedFrame& frame) {
  now_ = now;
  ++counters_.frames_in;
  const Result<EthernetHeader, WireError> ethernet = EthernetHeader::parse(frame.octets);
  if (!ethernet.ok()) {
    ++(ethernet.error() == WireError::length ? counters_.length_frames : counters_.short_frames);
    return std::nullopt;
  }
  const EthernetHeader& header = ethernet.value();
  const bool unicast = header.destination == config_.mac;
  if ((!unicast && !header.destination.is_group()) || header.source.is_group() || header.source == config_.mac) {
    ++counters_.foreign_frames;
    return std::nullopt;
  }
  const MutableBytes packet = frame.octets.subspan(EthernetHeader::size);
  const Arrival arrival{header.source, unicast, frame.checksum};
  switch (header.type) {
    case EtherType::ipv4: return on_ipv4(now, packet, arrival);
    case EtherType::arp: on_arp(now, packet); return std::nullopt;
    case EtherType::ipv6:
      if (config_.ipv6) return on_ipv6(now, packet, arrival);
      break;
  }
  ++counters_.unknown_types;
  return std::nullopt;
}

void Stack::Host::on_deadline(Instant now) {
  now_ = now;
  egress_.on_deadline(now);
  take_egress_outputs(now);
  if (ipv6_.has_value()) {
    ipv6_->on_deadline(now);
    take_ipv6_events(now);
  }
  reassembler_.on_deadline(now);
  tell_expired(now);
  counters_.reassembly_timed_out = reassembler_.timed_out();
  counters_.reassembly_evicted = reassembler_.evicted();
  for (ConflictDetector& detector : detectors_) {
    detector.on_deadline(now, rng_);
    take_conflict_actions(now, detector);
  }
  retry_lost_addresses(now);
  if (dhcp_detector_.has_value()) dhcp_detector_->on_deadline(now, rng_);
  take_lease_actions(now);
  if (dhcp_.has_value()) {
    dhcp_->on_deadline(now);
    take_dhcp_outputs(now);
  }
  if (now >= tcp_.next_deadline()) tcp_.on_deadline(now);
  while (const auto peer = tcp_.poll_suspect_path()) egress_.on_suspicion(now, *peer);
}

bool Stack::Host::poll_frame(Instant now, FrameSlot& slot) {
  now_ = now;
  for (;;) {
    if (egress_.poll_frame(now, slot)) return true;
    if (take_egress_outputs(now)) continue;  // a neighbour is asked for
    // A segment whose neighbour is not known yet is copied, and the next one asked for: as many as there is memory for.
    const std::optional<OutgoingPacket> segment = tcp_.poll_segment(now, slot);
    if (!segment.has_value()) return false;
    if (egress_.finish(now, *segment, slot) == SendOutcome::ready) return true;
  }
}

std::optional<StackEvent> Stack::Host::poll_event() {
  if (events_.empty()) return std::nullopt;
  const StackEvent event = events_.front();
  events_.erase(events_.begin());
  return event;
}

void Stack::Host::add_event(const StackEvent& event) {
  if (events_.size() < max_events) events_.push_back(event);
}

void Stack::Host::address_up(Instant now, const IpAddress& address) {
  now_ = now;
  egress_.forget_paths();
  add_event({StackEvent::Kind::address_up, address, {}, {}});
}

// The address is in the table for as long as its owner wants, but not used any more.
void Stack::Host::address_lost(Instant now, const IpAddress& address, StackEvent::Kind kind) {
  egress_.forget_paths();
  tcp_.on_address_removed(now, address);
  add_event({kind, address, {}, {}});
}

// True: there are new packets to send.
bool Stack::Host::take_egress_outputs(Instant now) {
  bool asked = false;
  while (const auto question = egress_.poll_solicitation()) {
    if (!ipv6_.has_value()) continue;
    ipv6_->on_question(now, *question);
    asked = true;
  }
  while (const auto lost = egress_.poll_lost_neighbor()) {
    if (!lost->is_v4() && ipv6_.has_value()) ipv6_->on_unreachable(now, *lost);
    if (!egress_.routes.mark_dead(now, *lost)) continue;
    egress_.forget_paths();
    add_event({StackEvent::Kind::gateway_unreachable, *lost, {}, {}});
  }
  return asked;
}

}  // namespace samara::net
