#include "platform/net/stack/ipv6_link.h"

#include <algorithm>

namespace samara::net {
namespace {

constexpr size_t secret_size = 16;
constexpr size_t max_events = AddressTable::capacity;

std::vector<u8> secret_of(const StackConfig& config, Rng& rng) {
  if (config.address_secret.size() >= secret_size) return config.address_secret;
  std::vector<u8> secret(secret_size);
  rng.fill(secret);
  return secret;
}

AssignedAddress::Origin origin_of(const ipv6::LocalAddress& address) {
  switch (address.origin) {
    case ipv6::LocalAddress::Origin::link_local: return AssignedAddress::Origin::link_local;
    case ipv6::LocalAddress::Origin::configured: return AssignedAddress::Origin::configured;
    case ipv6::LocalAddress::Origin::advertised: break;
  }
  return AssignedAddress::Origin::router_advertisement;
}

AssignedAddress::Condition condition_of(const ipv6::LocalAddress& address) {
  switch (address.condition) {
    case ipv6::LocalAddress::Condition::tentative: return AssignedAddress::Condition::tentative;
    case ipv6::LocalAddress::Condition::preferred: return AssignedAddress::Condition::preferred;
    case ipv6::LocalAddress::Condition::deprecated: return AssignedAddress::Condition::deprecated;
    case ipv6::LocalAddress::Condition::duplicate: break;
  }
  return AssignedAddress::Condition::duplicate;
}

}  // namespace

Ipv6Link::Ipv6Link(const StackConfig& config, AddressTable& addresses, Egress& egress, StackCounters& counters, Rng& rng)
    : config_(config),
      table_(addresses),
      egress_(egress),
      counters_(counters),
      secret_(secret_of(config, rng)),
      addresses_({.mac = config.mac, .secret = secret_, .network = {}}, rng),
      groups_(rng) {
  events_.reserve(max_events);
}

Instant Ipv6Link::next_deadline() const {
  return std::min({addresses_.next_deadline(), egress_.routers.next_deadline(), groups_.next_deadline()});
}

void Ipv6Link::start(Instant now) {
  addresses_.start(now);
  for (const InterfaceAddress& own : config_.addresses) {
    if (!own.address.is_v4()) addresses_.add_configured(now, own.address, own.prefix_length);
  }
  if (config_.router_advertisements) egress_.routers.start(now);
  take_outputs(now);
}

void Ipv6Link::on_link_up(Instant now) {
  addresses_.on_link_up(now);
  groups_.on_link_up(now);
  if (config_.router_advertisements) egress_.routers.start(now);
  // All of it is due, and leaves with the next on_deadline().
}

void Ipv6Link::on_message(Instant now, const IpPacket& packet, ipv6::MessageType type) {
  if (type == ipv6::MessageType::listener_query) {
    const auto query = ipv6::parse_listener_query(packet);
    if (query.ok()) {
      groups_.on_query(now, query.value());
    } else {
      ++counters_.discovery_malformed;
    }
  } else if (type == ipv6::MessageType::listener_report) {
    const auto group = ipv6::parse_listener_report_v1(packet);
    if (group.ok()) {
      groups_.on_report_v1(group.value());
    } else {
      ++counters_.discovery_malformed;
    }
  } else {
    on_discovery(now, packet);
  }
  take_outputs(now);
}

void Ipv6Link::on_question(Instant now, const NeighborCache::Question& question) {
  // RFC 4861 section 7.2.2: from an address of ours, so that the answer comes to us alone.
  const std::optional<IpAddress> source = table_.source_for(question.address);
  if (!source.has_value()) return;
  ipv6::SendNeighborSolicitation asked;
  asked.source = *source;
  asked.destination = question.mac.has_value() ? question.address : solicited_node_group(question.address);
  asked.message.target = question.address;
  asked.message.source_link_layer = config_.mac;
  send(asked, question.mac);
  take_outputs(now);
}

void Ipv6Link::on_unreachable(Instant now, const IpAddress& neighbor) {
  egress_.routers.on_reachability(now, neighbor, false);
  egress_.forget_paths();
}

void Ipv6Link::on_deadline(Instant now) {
  if (now < next_deadline()) return;
  addresses_.on_deadline(now);
  egress_.routers.on_deadline(now);
  groups_.on_deadline(now);
  apply_parameters();
  take_outputs(now);
}

std::optional<StackEvent> Ipv6Link::poll_event() {
  if (events_.empty()) return std::nullopt;
  const StackEvent event = events_.front();
  events_.erase(events_.begin());
  return event;
}

void Ipv6Link::on_discovery(Instant now, const IpPacket& packet) {
  const auto parsed = ipv6::parse_neighbor_discovery(packet);
  if (!parsed.ok()) {
    ++counters_.discovery_malformed;
    return;
  }
  std::visit([&](const auto& message) { hear(now, packet, message); }, parsed.value());
}

void Ipv6Link::hear(Instant, const IpPacket&, const ipv6::RouterSolicitation&) {
  ++counters_.icmp_ignored;  // RFC 4861 section 6.2.6: for routers
}

void Ipv6Link::hear(Instant now, const IpPacket& packet, const ipv6::RouterAdvertisement& message) {
  if (!config_.router_advertisements) {
    ++counters_.icmp_ignored;
    return;
  }
  egress_.routers.on_advertisement(now, packet.source, message);
  for (const ipv6::PrefixInformation& prefix : message.prefixes) addresses_.on_prefix(now, packet.source, prefix);
  if (message.source_link_layer.has_value()) {
    egress_.neighbors.on_solicitation(now, packet.source, *message.source_link_layer);  // RFC 4861 section 6.3.4
    egress_.neighbors.mark_router(packet.source, true);
  }
  apply_parameters();
  sync_addresses();
}

// What routers say of the link, as far as it still holds.
void Ipv6Link::apply_parameters() {
  egress_.neighbors.set_ipv6_timers(
      {.reachable = egress_.routers.reachable_time(), .retransmit = egress_.routers.retransmit_timer()});
  addresses_.set_retransmit_timer(egress_.routers.retransmit_timer());
  egress_.path_mtus.set_ipv6_link_mtu(egress_.routers.mtu());
  egress_.forget_paths();
}

void Ipv6Link::hear(Instant now, const IpPacket& packet, const ipv6::NeighborSolicitation& message) {
  addresses_.on_solicitation(now, packet.source, message);
  const auto answer = addresses_.answer(packet.source, message);
  if (!answer.has_value()) return;
  if (!packet.source.is_unspecified() && message.source_link_layer.has_value()) {
    egress_.neighbors.on_solicitation(now, packet.source, *message.source_link_layer);
  }
  send(*answer);
}

void Ipv6Link::hear(Instant now, const IpPacket&, const ipv6::NeighborAdvertisement& message) {
  addresses_.on_advertisement(now, message);
  if (table_.find(message.target) != nullptr) return;
  const NeighborCache::Advertisement said{.mac = message.target_link_layer,
                                          .solicited = message.solicited,
                                          .override_ = message.override_cache,
                                          .router = message.router};
  const bool asked = egress_.neighbors.asks(message.target);
  egress_.neighbors.on_advertisement(now, message.target, said);
  if (!asked || !message.solicited) return;
  egress_.routers.on_reachability(now, message.target, true);
  egress_.routes.mark_alive(message.target);
  egress_.forget_paths();
}

void Ipv6Link::act(Instant now, const ipv6::JoinGroup& output) {
  groups_.join(now, output.group, output.report_delay);
}
void Ipv6Link::act(Instant now, const ipv6::LeaveGroup& output) {
  groups_.leave(now, output.group);
}
void Ipv6Link::act(Instant, const ipv6::SendNeighborSolicitation& output) {
  send(output);
}
void Ipv6Link::act(Instant, const ipv6::SendNeighborAdvertisement& output) {
  send(output);
}
void Ipv6Link::act(Instant now, const ipv6::AddressUp& output) {
  sync_addresses();
  groups_.on_link_local(now, addresses_.link_local());
  egress_.routers.on_link_local(addresses_.link_local());
  events_.push_back({StackEvent::Kind::address_up, output.address, {}, {}});
}
void Ipv6Link::act(Instant now, const ipv6::AddressDown& output) {
  sync_addresses();
  groups_.on_link_local(now, addresses_.link_local());
  egress_.routers.on_link_local(addresses_.link_local());
  events_.push_back({StackEvent::Kind::address_down, output.address, {}, {}});
}
void Ipv6Link::act(Instant, const ipv6::AddressDuplicate& output) {
  sync_addresses();
  events_.push_back({StackEvent::Kind::address_duplicate, output.address, {}, {}});
}

void Ipv6Link::take_outputs(Instant now) {
  while (const auto output = addresses_.poll()) {
    std::visit([&](const auto& each) { act(now, each); }, *output);
  }
  sync_addresses();
  while (const auto solicitation = egress_.routers.poll_solicitation(now)) send(*solicitation);
  while (const auto report = groups_.poll(now)) send(*report);
}

void Ipv6Link::sync_addresses() {
  bool changed = false;
  addresses_.for_each_address([&](const ipv6::LocalAddress& local) {
    const AssignedAddress ours{{local.address, local.prefix_length}, origin_of(local), condition_of(local)};
    changed |= table_.add(ours) || table_.set_condition(local.address, ours.condition);
  });
  for (size_t i = table_.all().size(); i-- > 0;) {
    const IpAddress address = table_.all()[i].interface.address;
    if (address.is_v4()) continue;
    bool there = false;
    addresses_.for_each_address([&](const ipv6::LocalAddress& local) { there |= local.address == address; });
    if (!there) changed |= table_.remove(address);
  }
  if (changed) egress_.forget_paths();
}

template <class Message>
void Ipv6Link::send(const Message& message, std::optional<MacAddress> to) {
  SAMARA_UNINITIALIZED std::array<u8, min_ipv6_mtu> octets;
  const std::optional<ipv6::WrittenMessage> written = write(message, octets);
  if (!written.has_value()) return;
  const std::optional<WaitingPacket> id = egress_.compose(written->packet, written->size);
  if (!id.has_value()) return;
  std::ranges::copy(Bytes(octets).first(written->size), egress_.octets(*id).begin());
  egress_.commit(*id, to);
}

}  // namespace samara::net
