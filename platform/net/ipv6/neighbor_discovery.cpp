#include "platform/net/ipv6/neighbor_discovery.h"

#include <algorithm>

#include "platform/net/ipv6/addresses.h"
#include "platform/net/wire/address_fields.h"

namespace samara::net::ipv6 {
namespace {

// RFC 4861 section 4.6; RFC 3971 section 5.3.2; RFC 4191 section 2.3.
enum class OptionType : u8 {
  source_link_layer = 1,
  target_link_layer = 2,
  prefix_information = 3,
  mtu = 5,
  nonce = 14,
  route_information = 24,
};
constexpr size_t unit = 8;  // option lengths count these

// Sizes of the options that have one size, and the fixed parts of the messages after type, code and checksum.
constexpr size_t link_layer_size = 8, prefix_size = 32, mtu_size = 8, nonce_size = 8;
constexpr size_t router_solicitation_size = 4, router_advertisement_size = 12, neighbor_size = 20;
constexpr size_t message_head_size = 4;

// What options a message holds, whichever it is.
struct Options {
  bool has_source_link_layer = false;  // of whatever length
  std::optional<MacAddress> source_link_layer;
  std::optional<MacAddress> target_link_layer;
  std::optional<u32> mtu;
  std::optional<Nonce> nonce;
  BoundedList<PrefixInformation, RouterAdvertisement::max_prefixes> prefixes;
  BoundedList<RouteInformation, RouterAdvertisement::max_routes> routes;
};

std::optional<MacAddress> link_layer_address(Bytes option) {
  if (option.size() != link_layer_size) return std::nullopt;
  MacAddress mac;
  std::ranges::copy(option.subspan(2), mac.octets.begin());
  return mac;
}

std::optional<IpPrefix> read_prefix(Bytes octets, u8 length) {
  std::array<u8, 16> address{};  // what is not on the wire is zero
  std::ranges::copy(octets, address.begin());
  if (length > 128) return std::nullopt;
  return IpPrefix::create(masked(IpAddress::v6(address), length), length);
}

// RFC 4191 section 2.1; nothing for the value no sender may use.
std::optional<RouterPreference> preference_of(u8 flags) {
  switch ((flags >> 3) & 3) {
    case 0: return RouterPreference::medium;
    case 1: return RouterPreference::high;
    case 3: return RouterPreference::low;
    default: return std::nullopt;
  }
}
u8 flags_of(RouterPreference preference) {
  switch (preference) {
    case RouterPreference::medium: return 0;
    case RouterPreference::high: return 1 << 3;
    case RouterPreference::low: return 3 << 3;
  }
  return 0;
}

void add_prefix(Bytes option, Options& options) {
  if (option.size() != prefix_size) return;
  const auto prefix = read_prefix(option.subspan(16, 16), option[2]);
  if (!prefix.has_value()) return;
  options.prefixes.add({*prefix, (option[3] & 0x80) != 0, (option[3] & 0x40) != 0, load_be32(option, 4), load_be32(option, 8)});
}

void add_route(Bytes option, Options& options) {
  // Section 2.3: as many octets of prefix as the length needs, in units of 8, or more.
  const u8 length = option[2];
  const size_t needed = length > 64 ? 24 : length > 0 ? 16 : 8;
  if (option.size() < needed || option.size() > 24) return;
  const auto prefix = read_prefix(option.subspan(8), length);
  const auto preference = preference_of(option[3]);  // the reserved value: the option is ignored
  if (!prefix.has_value() || !preference.has_value()) return;
  options.routes.add({*prefix, *preference, load_be32(option, 4)});
}

void add_option(Bytes option, Options& options) {
  switch (static_cast<OptionType>(option[0])) {
    case OptionType::source_link_layer:
      options.has_source_link_layer = true;
      if (!options.source_link_layer.has_value()) options.source_link_layer = link_layer_address(option);
      break;
    case OptionType::target_link_layer:
      if (!options.target_link_layer.has_value()) options.target_link_layer = link_layer_address(option);
      break;
    case OptionType::prefix_information: add_prefix(option, options); break;
    case OptionType::mtu:
      if (option.size() == mtu_size) options.mtu = load_be32(option, 4);
      break;
    case OptionType::nonce:
      if (option.size() == nonce_size && !options.nonce.has_value()) {
        options.nonce.emplace();
        std::ranges::copy(option.subspan(2), options.nonce->begin());
      }
      break;
    case OptionType::route_information: add_route(option, options); break;
  }
}

Result<Options, MessageError> parse_options(Bytes octets) {
  Options options;
  Bytes rest = octets;
  while (!rest.empty()) {
    // All messages: every option has a length greater than zero. One that ends beyond the message has no length at all.
    if (rest.size() < unit) return fail(MessageError::bad_option);
    const size_t size = rest[1] * unit;
    if (size == 0 || size > rest.size()) return fail(MessageError::bad_option);
    add_option(rest.first(size), options);
    rest = rest.subspan(size);
  }
  return options;
}

using Parsed = Result<NeighborDiscoveryMessage, MessageError>;

// RFC 4861 section 6.1.1.
Parsed parse_router_solicitation(const IpPacket& packet, Bytes body) {
  const Options options = TRY(parse_options(body.subspan(router_solicitation_size)));
  if (packet.source.is_unspecified() && options.has_source_link_layer) return fail(MessageError::bad_option);
  return RouterSolicitation{options.source_link_layer};
}

// RFC 4861 section 6.1.2.
Parsed parse_router_advertisement(const IpPacket& packet, Bytes body) {
  if (!is_link_local(packet.source)) return fail(MessageError::bad_source);
  const Options options = TRY(parse_options(body.subspan(router_advertisement_size)));
  RouterAdvertisement message;
  message.hop_limit = body[0];
  message.managed = (body[1] & 0x80) != 0;
  message.other = (body[1] & 0x40) != 0;
  // RFC 4191 section 2.2: the reserved value is read as medium.
  message.preference = preference_of(body[1]).value_or(RouterPreference::medium);
  message.router_lifetime = load_be16(body, 2);
  message.reachable_time = load_be32(body, 4);
  message.retransmit_timer = load_be32(body, 8);
  message.source_link_layer = options.source_link_layer;
  message.mtu = options.mtu;
  message.prefixes = options.prefixes;
  message.routes = options.routes;
  return message;
}

// RFC 4861 section 7.1.1.
Parsed parse_neighbor_solicitation(const IpPacket& packet, const IpAddress& target, Bytes body) {
  const Options options = TRY(parse_options(body.subspan(neighbor_size)));
  if (packet.source.is_unspecified()) {
    if (packet.destination != solicited_node_group(target)) return fail(MessageError::bad_destination);
    if (options.has_source_link_layer) return fail(MessageError::bad_option);
  }
  return NeighborSolicitation{target, options.source_link_layer, options.nonce};
}

// RFC 4861 section 7.1.2.
Parsed parse_neighbor_advertisement(const IpPacket& packet, const IpAddress& target, Bytes body) {
  const bool solicited = (body[0] & 0x40) != 0;
  if (solicited && is_multicast(packet.destination)) return fail(MessageError::bad_destination);
  const Options options = TRY(parse_options(body.subspan(neighbor_size)));
  return NeighborAdvertisement{target, (body[0] & 0x80) != 0, solicited, (body[0] & 0x20) != 0, options.target_link_layer};
}

std::optional<size_t> fixed_size(MessageType type) {
  switch (type) {
    case MessageType::router_solicitation: return router_solicitation_size;
    case MessageType::router_advertisement: return router_advertisement_size;
    case MessageType::neighbor_solicitation:
    case MessageType::neighbor_advertisement: return neighbor_size;
    case MessageType::destination_unreachable:
    case MessageType::packet_too_big:
    case MessageType::time_exceeded:
    case MessageType::parameter_problem:
    case MessageType::echo_request:
    case MessageType::echo_reply:
    case MessageType::listener_query:
    case MessageType::listener_report:
    case MessageType::listener_done:
    case MessageType::listener_report_v2:
    case MessageType::redirect: return std::nullopt;
  }
  return std::nullopt;
}

void write_link_layer(ByteWriter& writer, OptionType type, const std::optional<MacAddress>& mac) {
  if (!mac.has_value()) return;
  writer.u8(static_cast<u8>(type));
  writer.u8(1);
  writer.bytes(mac->octets);
}

void write_prefix(ByteWriter& writer, const PrefixInformation& prefix) {
  writer.u8(static_cast<u8>(OptionType::prefix_information));
  writer.u8(prefix_size / unit);
  writer.u8(prefix.prefix.length());
  writer.u8(static_cast<u8>((prefix.on_link ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0)));
  writer.u32(prefix.valid_lifetime);
  writer.u32(prefix.preferred_lifetime);
  writer.u32(0);
  writer.bytes(prefix.prefix.address().octets());
}

void write_route(ByteWriter& writer, const RouteInformation& route) {
  const u8 length = route.prefix.length();
  const size_t octets = length > 64 ? 16 : length > 0 ? 8 : 0;
  writer.u8(static_cast<u8>(OptionType::route_information));
  writer.u8(static_cast<u8>(1 + octets / unit));
  writer.u8(length);
  writer.u8(flags_of(route.preference));
  writer.u32(route.lifetime);
  writer.bytes(route.prefix.address().octets().first(octets));
}

}  // namespace

Result<NeighborDiscoveryMessage, MessageError> parse_neighbor_discovery(const IpPacket& packet) {
  const MessageHead head = TRY(parse_head(packet));
  const std::optional<size_t> size = fixed_size(head.type);
  if (!size.has_value()) return fail(MessageError::other_type);
  // All four messages: hop limit 255, code 0, not shorter than its fixed part.
  if (packet.hop_limit != link_hop_limit) return fail(MessageError::bad_hop_limit);
  if (head.code != 0) return fail(MessageError::bad_code);
  const Bytes body = Bytes(packet.payload).subspan(message_head_size);
  if (body.size() < *size) return fail(MessageError::truncated);
  if (head.type == MessageType::router_solicitation) return parse_router_solicitation(packet, body);
  if (head.type == MessageType::router_advertisement) return parse_router_advertisement(packet, body);

  // The others have a target after four octets of flags, which is never a group.
  const IpAddress target = load_v6(body, 4);
  if (is_multicast(target)) return fail(MessageError::bad_target);
  if (head.type == MessageType::neighbor_solicitation) return parse_neighbor_solicitation(packet, target, body);
  return parse_neighbor_advertisement(packet, target, body);
}

std::optional<WrittenMessage> write(const RouterSolicitation& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, MessageType::router_solicitation, 0);
  writer.u32(0);
  write_link_layer(writer, OptionType::source_link_layer, message.source_link_layer);
  return finish_message(writer, source, destination, link_hop_limit);
}

std::optional<WrittenMessage> write(const RouterAdvertisement& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, MessageType::router_advertisement, 0);
  writer.u8(message.hop_limit);
  writer.u8(static_cast<u8>((message.managed ? 0x80 : 0) | (message.other ? 0x40 : 0) | flags_of(message.preference)));
  writer.u16(message.router_lifetime);
  writer.u32(message.reachable_time);
  writer.u32(message.retransmit_timer);
  write_link_layer(writer, OptionType::source_link_layer, message.source_link_layer);
  if (message.mtu.has_value()) {
    writer.u8(static_cast<u8>(OptionType::mtu));
    writer.u8(1);
    writer.u16(0);
    writer.u32(*message.mtu);
  }
  for (const PrefixInformation& prefix : message.prefixes) write_prefix(writer, prefix);
  for (const RouteInformation& route : message.routes) write_route(writer, route);
  return finish_message(writer, source, destination, link_hop_limit);
}

std::optional<WrittenMessage> write(const NeighborSolicitation& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, MessageType::neighbor_solicitation, 0);
  writer.u32(0);
  writer.bytes(message.target.octets());
  write_link_layer(writer, OptionType::source_link_layer, message.source_link_layer);
  if (message.nonce.has_value()) {
    writer.u8(static_cast<u8>(OptionType::nonce));
    writer.u8(1);
    writer.bytes(*message.nonce);
  }
  return finish_message(writer, source, destination, link_hop_limit);
}

std::optional<WrittenMessage> write(const NeighborAdvertisement& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, MessageType::neighbor_advertisement, 0);
  writer.u8(
      static_cast<u8>((message.router ? 0x80 : 0) | (message.solicited ? 0x40 : 0) | (message.override_cache ? 0x20 : 0)));
  writer.zeros(3);
  writer.bytes(message.target.octets());
  write_link_layer(writer, OptionType::target_link_layer, message.target_link_layer);
  return finish_message(writer, source, destination, link_hop_limit);
}

}  // namespace samara::net::ipv6
