#include "platform/net/ipv6/listener_messages.h"

#include <algorithm>
#include <bit>

#include "platform/net/ipv6/addresses.h"
#include "platform/net/wire/address_fields.h"

namespace samara::net::ipv6 {
namespace {

constexpr size_t version_1_size = 24;        // head, response delay, reserved, group
constexpr size_t version_2_query_size = 28;  // flags, interval and number of sources behind it
constexpr size_t group_offset = 8;
constexpr size_t address_size = 16;
constexpr size_t report_head_size = 8;
constexpr size_t record_head_size = 20;
constexpr u8 listener_hop_limit = 1;

// Router alert (RFC 2711 section 2.1): option type 5, two octets, value 0 for MLD; then two octets of padding.
constexpr std::array<u8, 8> router_alert_header = {static_cast<u8>(Protocol::icmpv6), 0, 5, 2, 0, 0, 1, 0};
constexpr u8 option_pad1 = 0, option_router_alert = 5;

// Codes for numbers too large for their field (RFC 3810 sections 5.1.3 and 5.1.9): from 2^(fraction + 3) on, a bit that says
// so, three bits of exponent, and `fraction` bits below a leading one.
constexpr u32 decode(u32 code, u32 fraction) {
  if (code < (u32{1} << (fraction + 3))) return code;
  const u32 mantissa = (code & ((u32{1} << fraction) - 1)) | (u32{1} << fraction);
  return mantissa << (((code >> fraction) & 7) + 3);
}
constexpr u32 encode(u32 value, u32 fraction) {
  if (value < (u32{1} << (fraction + 3))) return value;
  const u32 width = static_cast<u32>(std::bit_width(value));
  const u32 exponent = std::min(width - 1 - fraction - 3, u32{7});
  const u32 mantissa = std::min(value >> (exponent + 3), (u32{1} << (fraction + 1)) - 1) & ((u32{1} << fraction) - 1);
  return (u32{1} << (fraction + 3)) | (exponent << fraction) | mantissa;
}
constexpr u32 response_fraction = 12;
constexpr u32 interval_fraction = 4;

// RFC 3810 section 6.2: all three, or the message is dropped.
Result<void, MessageError> check_origin(const IpPacket& packet, bool unspecified_source_allowed) {
  if (packet.hop_limit != listener_hop_limit) return fail(MessageError::bad_hop_limit);
  if (!is_link_local(packet.source) && !(unspecified_source_allowed && packet.source.is_unspecified()))
    return fail(MessageError::bad_source);
  if (!has_router_alert(packet.quotable)) return fail(MessageError::no_router_alert);
  return {};
}

// Makes a message that was written behind the router alert's header the whole of what is sent.
std::optional<WrittenMessage> finish_alerted(MutableBytes out, std::optional<WrittenMessage> message) {
  if (!message.has_value()) return std::nullopt;
  std::ranges::copy(router_alert_header, out.begin());
  message->packet.protocol = Protocol::hop_by_hop;
  message->size += router_alert_header.size();
  return message;
}

}  // namespace

bool has_router_alert(Bytes packet) {
  if (packet.size() < header_size + 8 || packet[6] != static_cast<u8>(Protocol::hop_by_hop)) return false;
  const size_t size = size_t{8} * (packet[header_size + 1] + size_t{1});
  if (packet.size() < header_size + size) return false;
  Bytes options = packet.subspan(header_size + 2, size - 2);
  while (!options.empty()) {
    if (options[0] == option_pad1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options.size() < size_t{2} + options[1]) return false;
    if (options[0] == option_router_alert) return options[1] == 2 && load_be16(options, 2) == 0;
    options = options.subspan(size_t{2} + options[1]);
  }
  return false;
}

Result<ListenerQuery, MessageError> parse_listener_query(const IpPacket& packet) {
  const MessageHead head = TRY(parse_head(packet));
  if (head.type != MessageType::listener_query) return fail(MessageError::other_type);
  TRY(check_origin(packet, false));
  const Bytes message = packet.payload;
  if (message.size() < version_1_size) return fail(MessageError::truncated);
  ListenerQuery query;
  query.group = load_v6(message, group_offset);
  if (!query.is_general() && !is_multicast(query.group)) return fail(MessageError::bad_target);
  // RFC 3810 section 8.1: 24 octets are version 1, 28 or more version 2, all else is neither.
  if (message.size() == version_1_size) {
    query.version = 1;
    query.max_response = Duration::milliseconds(load_be16(message, 4));
    return query;
  }
  if (message.size() < version_2_query_size) return fail(MessageError::truncated);
  query.max_response = Duration::milliseconds(decode(load_be16(message, 4), response_fraction));
  query.robustness = message[24] & 7;
  query.query_interval = Duration::seconds(decode(message[25], interval_fraction));
  const size_t count = load_be16(message, 26);
  if (count > (message.size() - version_2_query_size) / address_size) return fail(MessageError::truncated);
  if (count > ListenerQuery::max_sources) return query;
  for (size_t i = 0; i < count; ++i) query.sources.add(load_v6(message, version_2_query_size + i * address_size));
  return query;
}

std::optional<WrittenMessage> write(const ListenerQuery& message, const IpAddress& source, const IpAddress& destination,
                                    MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, MessageType::listener_query, 0);
  const u32 response = static_cast<u32>(std::min<i64>(message.max_response.milliseconds(), INT32_MAX));
  const u32 largest = message.version == 1 ? 0xffff : encode(response, response_fraction);
  writer.u16(static_cast<u16>(message.version == 1 ? std::min(response, largest) : largest));
  writer.u16(0);
  writer.bytes(message.group.octets());
  if (message.version != 1) {
    writer.u8(message.robustness & 7);
    writer.u8(static_cast<u8>(
        encode(static_cast<u32>(std::min<i64>(message.query_interval.seconds(), INT32_MAX)), interval_fraction)));
    writer.u16(static_cast<u16>(message.sources.size()));
    for (const IpAddress& address : message.sources) writer.bytes(address.octets());
  }
  return finish_message(writer, source, destination, listener_hop_limit);
}

Result<IpAddress, MessageError> parse_listener_report_v1(const IpPacket& packet) {
  const MessageHead head = TRY(parse_head(packet));
  if (head.type != MessageType::listener_report) return fail(MessageError::other_type);
  TRY(check_origin(packet, false));
  if (packet.payload.size() < version_1_size) return fail(MessageError::truncated);
  const IpAddress group = load_v6(packet.payload, group_offset);
  if (!is_multicast(group)) return fail(MessageError::bad_target);
  return group;
}

Result<ListenerReport, MessageError> parse_listener_report(const IpPacket& packet) {
  const MessageHead head = TRY(parse_head(packet));
  if (head.type != MessageType::listener_report_v2) return fail(MessageError::other_type);
  TRY(check_origin(packet, true));  // section 5.2.13
  const Bytes message = packet.payload;
  if (message.size() < report_head_size) return fail(MessageError::truncated);
  const size_t count = load_be16(message, 6);
  ListenerReport report;
  Bytes rest = message.subspan(report_head_size);
  for (size_t i = 0; i < count; ++i) {
    if (rest.size() < record_head_size) return fail(MessageError::truncated);
    const u16 sources = load_be16(rest, 2);
    const size_t size = record_head_size + address_size * sources + size_t{4} * rest[1];
    if (rest.size() < size) return fail(MessageError::truncated);
    if (!report.records.add({static_cast<ListenerRecordType>(rest[0]), load_v6(rest, 4), sources}))
      return fail(MessageError::too_many);
    for (size_t s = 0; s < sources; ++s) {
      if (!report.sources.add(load_v6(rest, record_head_size + s * address_size))) return fail(MessageError::too_many);
    }
    rest = rest.subspan(size);
  }
  return report;
}

std::optional<WrittenMessage> write(const ListenerReport& message, const IpAddress& source, MutableBytes out) {
  if (out.size() < router_alert_header.size()) return std::nullopt;
  ByteWriter writer(out.subspan(router_alert_header.size()));
  write_head(writer, MessageType::listener_report_v2, 0);
  writer.u16(0);
  writer.u16(static_cast<u16>(message.records.size()));
  std::span<const IpAddress> sources = message.sources.values();
  for (const ListenerRecord& record : message.records) {
    writer.u8(static_cast<u8>(record.type));
    writer.u8(0);
    writer.u16(record.source_count);
    writer.bytes(record.group.octets());
    for (const IpAddress& address : sources.first(record.source_count)) writer.bytes(address.octets());
    sources = sources.subspan(record.source_count);
  }
  return finish_alerted(out, finish_message(writer, source, all_mldv2_routers, listener_hop_limit));
}

std::optional<WrittenMessage> write_listener_message_v1(MessageType type, const IpAddress& group, const IpAddress& source,
                                                        MutableBytes out) {
  if (out.size() < router_alert_header.size()) return std::nullopt;
  ByteWriter writer(out.subspan(router_alert_header.size()));
  write_head(writer, type, 0);
  writer.u32(0);
  writer.bytes(group.octets());
  // RFC 2710 section 4: a report goes to the group itself, a done to the routers.
  const IpAddress& destination = type == MessageType::listener_report ? group : all_routers;
  return finish_alerted(out, finish_message(writer, source, destination, listener_hop_limit));
}

}  // namespace samara::net::ipv6
