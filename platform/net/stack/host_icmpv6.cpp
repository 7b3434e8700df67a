// ICMPv6 of a host (RFC 4443): echo is answered, errors about packets of ours are obeyed, errors are sent where the rules allow
// and at a bounded rate. Neighbour discovery and MLD go to Ipv6Link. Redirects are ignored as those of IPv4 are
// (host_icmp.cpp): their source is easily forged on a link, and RFC 4861 section 8.3 makes them a SHOULD.
#include <algorithm>

#include "platform/net/ipv6/icmpv6.h"
#include "platform/net/stack/host.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ipv6.h"

namespace samara::net {

using ipv6::MessageType;

void Stack::Host::on_icmpv6(Instant now, const IpPacket& packet, bool reassembled) {
  ++counters_.icmp_in;
  const auto head = ipv6::parse_head(packet);
  if (!head.ok()) {
    ++counters_.icmp_malformed;
    return;
  }
  switch (head.value().type) {
    case MessageType::echo_request: return on_echo_request_v6(now, packet);
    case MessageType::destination_unreachable:
    case MessageType::packet_too_big:
    case MessageType::time_exceeded:
    case MessageType::parameter_problem: return on_icmpv6_error(now, packet);
    case MessageType::listener_query:
    case MessageType::listener_report:
    case MessageType::router_solicitation:
    case MessageType::router_advertisement:
    case MessageType::neighbor_solicitation:
    case MessageType::neighbor_advertisement:
      if (reassembled || !ipv6_.has_value()) {
        ++counters_.discovery_malformed;
        return;
      }
      ipv6_->on_message(now, packet, head.value().type);
      take_ipv6_events(now);
      return;
    case MessageType::echo_reply:
    case MessageType::listener_done:
    case MessageType::listener_report_v2:
    case MessageType::redirect: break;
  }
  ++counters_.icmp_ignored;
}

void Stack::Host::on_echo_request_v6(Instant now, const IpPacket& packet) {
  // RFC 4443 section 4.2: also to groups, from an address of our own, but not as fast as anybody likes.
  std::optional<IpAddress> source = packet.destination;
  if (!packet.unicast) source = may_send_error(now) ? addresses_.source_for(packet.source) : std::nullopt;
  if (!source.has_value() || packet.source.is_unspecified() || !ipv6::parse_echo(packet).ok()) {
    ++counters_.icmp_ignored;
    return;
  }
  OutgoingPacket answer;
  answer.source = *source;
  answer.destination = packet.source;
  answer.protocol = Protocol::icmpv6;
  const std::optional<WaitingPacket> id = egress_.compose(answer, packet.payload.size());
  if (!id.has_value()) return;
  const MutableBytes message = egress_.octets(*id);
  std::ranges::copy(packet.payload, message.begin());
  message[0] = static_cast<u8>(MessageType::echo_reply);
  store_be16(message, 2, 0);
  ChecksumSum sum;
  sum.add_pseudo_header(answer.source, answer.destination, static_cast<u8>(Protocol::icmpv6), static_cast<u32>(message.size()));
  sum.add(message);
  store_be16(message, 2, sum.finish());
  egress_.commit(*id);
  ++counters_.echo_answered;
}

void Stack::Host::on_icmpv6_error(Instant now, const IpPacket& packet) {
  const auto error = ipv6::parse_error(packet);
  if (!error.ok()) {
    ++counters_.icmp_malformed;
    return;
  }
  const std::optional<Quote> quote = quoted_ipv6(error.value().quoted);
  const std::optional<DeliveryError> meaning = ipv6::delivery_error(error.value().head);
  if (!quote.has_value() || !meaning.has_value()) {
    ++counters_.icmp_not_ours;
    return;
  }
  on_delivery_error(now, *meaning, *quote, error.value().value);
}

// A packet as we send them: nothing or a fragment header between the IPv6 header and the transport's.
std::optional<Stack::Host::Quote> Stack::Host::quoted_ipv6(Bytes quoted) const {
  if (quoted.size() < Ipv6Header::size + 8 || quoted[0] >> 4 != 6) return std::nullopt;
  Quote quote;
  quote.total_length = static_cast<u16>(std::min<u32>(load_be16(quoted, 4) + u32{Ipv6Header::size}, 0xffff));
  quote.protocol = Protocol{quoted[6]};
  quote.local = load_v6(quoted, 8);
  quote.peer = load_v6(quoted, 24);
  quote.transport = quoted.subspan(Ipv6Header::size);
  if (quote.protocol == Protocol::fragment) {
    const auto header = Ipv6FragmentHeader::parse(quote.transport);
    if (!header.ok() || header.value().offset != 0 || quote.transport.size() < Ipv6FragmentHeader::size + 8)
      return std::nullopt;
    quote.protocol = header.value().next_header;
    quote.transport = quote.transport.subspan(Ipv6FragmentHeader::size);
  }
  if (addresses_.find_usable(quote.local) == nullptr) return std::nullopt;
  return quote;
}

void Stack::Host::send_icmpv6_error(Instant now, const IpPacket& about, ipv6::MessageType type, u8 code, u32 value) {
  const ipv6::MessageHead head{type, code};
  const std::optional<IpAddress> source =
      about.unicast ? std::optional(about.destination) : addresses_.source_for(about.source);
  if (!ipv6::may_answer_with_error(about, head) || !source.has_value() || !may_send_error(now)) {
    ++counters_.errors_limited;
    return;
  }
  SAMARA_UNINITIALIZED std::array<u8, min_ipv6_mtu> octets;
  const auto written = ipv6::write_error(head, value, about, *source, octets);
  if (!written.has_value()) return;
  const std::optional<WaitingPacket> id = egress_.compose(written->packet, written->size);
  if (!id.has_value()) return;
  std::ranges::copy(Bytes(octets).first(written->size), egress_.octets(*id).begin());
  egress_.commit(*id);
  ++counters_.errors_out;
}

void Stack::Host::tell_header_problem(Instant now, const IpPacket& about, const Ipv6HeaderProblem& problem) {
  using Tell = Ipv6HeaderProblem::Tell;
  if (problem.tell == Tell::nobody || (problem.tell == Tell::source && !about.unicast)) return;
  send_icmpv6_error(now, about, MessageType::parameter_problem, problem.code, problem.pointer);
}

void Stack::Host::take_ipv6_events(Instant now) {
  while (const auto event = ipv6_->poll_event()) {
    if (event->kind == StackEvent::Kind::address_down) tcp_.on_address_removed(now, event->address);
    add_event(*event);
  }
}

}  // namespace samara::net
