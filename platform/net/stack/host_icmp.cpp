// ICMP of a host (RFC 792, RFC 1122 section 3.2.2): echo is answered, errors about packets of ours are obeyed, errors are sent
// where the rules allow and at a bounded rate. Redirects are ignored: whoever may send on the link could move our traffic with
// them, and a host that knows its gateways loses nothing. So are source quench (RFC 6633), timestamps and address masks.
#include <algorithm>

#include "platform/net/stack/host.h"
#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/icmp.h"
#include "platform/net/wire/udp.h"

namespace samara::net {
namespace {

constexpr u8 icmp6_time_exceeded_reassembly = 1;                              // RFC 4443 section 3.3
constexpr size_t max_ipv4_quote = 576 - Ipv4Header::size - IcmpHeader::size;  // RFC 1812 section 4.3.2.3

bool is_icmp_error(u8 type) {
  return type == icmp4::unreachable || type == icmp4::source_quench || type == icmp4::redirect ||
         type == icmp4::time_exceeded || type == icmp4::parameter_problem;
}

// RFC 1122 section 4.2.3.9 and RFC 5461: what passes and what does not.
DeliveryError meaning_of(u8 type, u8 code) {
  if (type != icmp4::unreachable) return DeliveryError::network_unreachable;
  switch (code) {
    case icmp4::unreachable_protocol:
    case icmp4::unreachable_port: return DeliveryError::port_unreachable;
    case icmp4::unreachable_too_big: return DeliveryError::packet_too_big;
    case icmp4::unreachable_network_prohibited:
    case icmp4::unreachable_host_prohibited:
    case icmp4::unreachable_prohibited: return DeliveryError::administratively_prohibited;
    default: return DeliveryError::network_unreachable;
  }
}

}  // namespace

void Stack::Host::on_icmp(Instant now, const IpPacket& packet) {
  ++counters_.icmp_in;
  const Result<IcmpHeader, WireError> header = IcmpHeader::parse(packet.payload);
  if (!header.ok() || internet_checksum(packet.payload) != 0) {
    ++counters_.icmp_malformed;
    return;
  }
  // RFC 1122 section 3.2.2.6 and RFC 6633: nothing that was sent to many is answered or obeyed.
  if (!packet.unicast) {
    ++counters_.icmp_ignored;
    return;
  }
  switch (header.value().type) {
    case icmp4::echo_request: return on_echo_request(now, packet);
    case icmp4::unreachable:
    case icmp4::time_exceeded:
    case icmp4::parameter_problem: return on_icmp_error(now, packet);
    default: ++counters_.icmp_ignored; return;
  }
}

void Stack::Host::on_echo_request(Instant now, const IpPacket& packet) {
  now_ = now;
  OutgoingPacket answer;
  answer.source = packet.destination;
  answer.destination = packet.source;
  answer.protocol = Protocol::icmp;
  const std::optional<WaitingPacket> id = egress_.compose(answer, packet.payload.size());
  if (!id.has_value()) return;
  const MutableBytes message = egress_.octets(*id);
  std::ranges::copy(packet.payload, message.begin());
  message[0] = icmp4::echo_reply;
  store_be16(message, 2, 0);
  store_be16(message, 2, internet_checksum(message));
  egress_.commit(*id);
  ++counters_.echo_answered;
}

void Stack::Host::on_icmp_error(Instant now, const IpPacket& packet) {
  const IcmpHeader header = IcmpHeader::parse(packet.payload).value();
  const std::optional<Quote> quote = quoted_ipv4(packet.payload.subspan(IcmpHeader::size));
  if (!quote.has_value()) {
    ++counters_.icmp_not_ours;
    return;
  }
  on_delivery_error(now, meaning_of(header.type, header.code), *quote, header.rest & 0xffff);
}

// What an error quotes is not a whole packet, and may have been changed on its way: only what it must have is looked at.
std::optional<Stack::Host::Quote> Stack::Host::quoted_ipv4(Bytes quoted) const {
  if (quoted.size() < Ipv4Header::size || quoted[0] >> 4 != 4) return std::nullopt;
  const size_t header_length = size_t{quoted[0] & 15U} * 4;
  if (header_length < Ipv4Header::size || quoted.size() < header_length + 8) return std::nullopt;
  const u16 flags = load_be16(quoted, 6);
  if ((flags & 0x1fff) != 0) return std::nullopt;  // without a transport header
  Quote quote;
  quote.local = load_v4(quoted, 12);
  quote.peer = load_v4(quoted, 16);
  quote.protocol = Protocol{quoted[9]};
  quote.total_length = load_be16(quoted, 2);
  quote.dont_fragment = (flags & 0x4000) != 0;
  quote.transport = quoted.subspan(header_length);
  if (addresses_.find_usable(quote.local) == nullptr) return std::nullopt;
  return quote;
}

void Stack::Host::on_delivery_error(Instant now, DeliveryError error, const Quote& quote, u32 told_mtu) {
  ++counters_.errors_in;
  if (error == DeliveryError::packet_too_big) return on_too_big(now, quote, told_mtu);
  if (quote.protocol == Protocol::tcp) {
    tcp_.on_delivery_error(now, error, quote.local, quote.peer, quote.transport);
    return;
  }
  const Endpoint local{quote.local, Port(load_be16(quote.transport, 0))};
  const Endpoint peer{quote.peer, Port(load_be16(quote.transport, 2))};
  if (quote.protocol != Protocol::udp || !ports_.is_open(local)) {
    ++counters_.icmp_not_ours;
    return;
  }
  add_event({StackEvent::Kind::udp_unreachable, quote.peer, local, peer});
}

// RFC 1191 section 6.2, RFC 8201 section 4, RFC 5927: believed only of a packet that can have been too big, and was ours.
void Stack::Host::on_too_big(Instant now, const Quote& quote, u32 told_mtu) {
  const bool v4 = quote.local.is_v4();
  bool ours = false;
  if (quote.protocol == Protocol::tcp) {
    // Our segments of IPv4 have DF set; those of UDP never do. One that is longer than what we take the path for was sent
    // before that was known, one that is no longer than the MTU told would have passed.
    const bool current = quote.total_length > told_mtu && quote.total_length <= egress_.path_mtu(now, quote.peer);
    ours = (!v4 || quote.dont_fragment) && current;
  } else if (quote.protocol == Protocol::udp) {
    ours = !v4 && egress_.sent_large(quote.local, quote.peer, quote.transport);
  }
  if (!ours) {
    ++counters_.icmp_not_ours;
    return;
  }
  // RFC 5927 section 7.2: TCP knows what is under way.
  if (quote.protocol == Protocol::tcp &&
      !tcp_.on_delivery_error(now, DeliveryError::packet_too_big, quote.local, quote.peer, quote.transport)) {
    ++counters_.icmp_not_ours;
    return;
  }
  u16 mtu = static_cast<u16>(std::min<u32>(told_mtu, 0xffff));
  if (v4 && mtu == 0) mtu = plateau_below(quote.total_length);
  if (!egress_.path_mtus.learn(now, quote.peer, mtu)) return;
  egress_.forget_paths();
  tcp_.on_path_mtu(now, quote.peer, egress_.path_mtu(now, quote.peer));
}

// RFC 1122 section 3.2.2: never about an ICMP error, a packet to many, a fragment other than the first, or a source that is not
// one host. Callers have the rest of the rule in their types: only whole packets, from peers' unicast addresses, come here.
void Stack::Host::send_icmp_error(Instant now, const IpPacket& about, u8 type, u8 code) {
  const bool about_error = about.protocol == Protocol::icmp && (about.payload.empty() || is_icmp_error(about.payload[0]));
  if (about_error || !about.unicast || !is_peer_unicast(about.source) || !may_send_error(now)) {
    ++counters_.errors_limited;
    return;
  }
  OutgoingPacket packet;
  packet.source = about.destination;
  packet.destination = about.source;
  packet.protocol = Protocol::icmp;
  const Bytes quote = about.quotable.first(std::min(about.quotable.size(), max_ipv4_quote));
  const std::optional<WaitingPacket> id = egress_.compose(packet, IcmpHeader::size + quote.size());
  if (!id.has_value()) return;
  const MutableBytes message = egress_.octets(*id);
  IcmpHeader{type, code, 0}.write(message);
  std::ranges::copy(quote, message.subspan(IcmpHeader::size).begin());
  store_be16(message, 2, internet_checksum(message));
  egress_.commit(*id);
  ++counters_.errors_out;
}

// RFC 1122 section 4.1.3.1, RFC 4443 section 3.1.
void Stack::Host::tell_port_unreachable(Instant now, const IpPacket& about) {
  if (about.source.is_v4()) {
    send_icmp_error(now, about, icmp4::unreachable, icmp4::unreachable_port);
  } else {
    send_icmpv6_error(now, about, ipv6::MessageType::destination_unreachable, static_cast<u8>(ipv6::UnreachableCode::port), 0);
  }
}

// RFC 1122 section 3.3.2, RFC 8200 section 4.5: the sender of a datagram whose rest did not come is told, if its first fragment
// did.
void Stack::Host::tell_expired(Instant now) {
  while (const auto expired = reassembler_.poll_expired()) {
    IpPacket about;
    about.source = expired->source;
    about.destination = expired->destination;
    about.unicast = expired->unicast;
    about.protocol = expired->protocol;
    about.quotable = Bytes(expired->quote).first(expired->quote_size);
    std::array<u8, 1> first{expired->first_octet};
    about.payload = first;
    if (about.source.is_v4()) {
      send_icmp_error(now, about, icmp4::time_exceeded, icmp4::time_exceeded_reassembly);
    } else {
      send_icmpv6_error(now, about, ipv6::MessageType::time_exceeded, icmp6_time_exceeded_reassembly, 0);
    }
  }
}

}  // namespace samara::net
