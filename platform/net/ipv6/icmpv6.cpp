#include "platform/net/ipv6/icmpv6.h"

#include <algorithm>

#include "platform/net/ipv6/addresses.h"
#include "platform/net/wire/checksum.h"

namespace samara::net::ipv6 {
namespace {

constexpr size_t head_size = 4;  // type, code, checksum
constexpr size_t checksum_offset = 2;
constexpr size_t body_offset = 8;  // errors and echoes: four more octets, then data

u16 checksum(const IpAddress& source, const IpAddress& destination, Bytes message) {
  ChecksumSum sum;
  sum.add_pseudo_header(source, destination, static_cast<u8>(Protocol::icmpv6), static_cast<u32>(message.size()));
  sum.add(message);
  return sum.finish();
}

// RFC 4443 section 3.2, 3.4: about packets sent to a group these two errors may be sent all the same.
bool allowed_about_group(MessageHead error) {
  return error.type == MessageType::packet_too_big ||
         (error.type == MessageType::parameter_problem && error.code == static_cast<u8>(ParameterProblemCode::option));
}

}  // namespace

Result<MessageHead, MessageError> parse_head(const IpPacket& packet) {
  const Bytes message = packet.payload;
  if (message.size() < head_size) return fail(MessageError::truncated);
  if (!packet.checksum_known && checksum(packet.source, packet.destination, message) != 0)
    return fail(MessageError::bad_checksum);
  return MessageHead{static_cast<MessageType>(message[0]), message[1]};
}

void write_head(ByteWriter& writer, MessageType type, u8 code) {
  writer.u8(static_cast<u8>(type));
  writer.u8(code);
  writer.u16(0);  // the checksum
}

std::optional<WrittenMessage> finish_message(ByteWriter& writer, const IpAddress& source, const IpAddress& destination,
                                             u8 hop_limit) {
  if (writer.overflowed()) return std::nullopt;
  writer.patch_u16(checksum_offset, checksum(source, destination, writer.written()));
  WrittenMessage message;
  message.packet.source = source;
  message.packet.destination = destination;
  message.packet.protocol = Protocol::icmpv6;
  message.packet.hop_limit = hop_limit;
  message.size = writer.size();
  return message;
}

Result<ErrorMessage, MessageError> parse_error(const IpPacket& packet) {
  ErrorMessage error;
  error.head = TRY(parse_head(packet));
  if (!is_error(error.head.type)) return fail(MessageError::other_type);
  const Bytes message = packet.payload;
  if (message.size() < body_offset) return fail(MessageError::truncated);
  error.value = load_be32(message, head_size);
  error.quoted = message.subspan(body_offset);
  return error;
}

std::optional<DeliveryError> delivery_error(const MessageHead& head) {
  const bool about_next_header = head.code == static_cast<u8>(ParameterProblemCode::next_header);
  if (head.type == MessageType::packet_too_big) return DeliveryError::packet_too_big;
  if (head.type == MessageType::time_exceeded) return DeliveryError::network_unreachable;
  // The peer does not know the protocol: what "protocol unreachable" says in IPv4.
  if (head.type == MessageType::parameter_problem && about_next_header) return DeliveryError::port_unreachable;
  if (head.type != MessageType::destination_unreachable) return std::nullopt;
  switch (static_cast<UnreachableCode>(head.code)) {
    case UnreachableCode::port: return DeliveryError::port_unreachable;
    case UnreachableCode::prohibited:
    case UnreachableCode::policy:
    case UnreachableCode::reject: return DeliveryError::administratively_prohibited;
    case UnreachableCode::no_route:
    case UnreachableCode::beyond_scope:
    case UnreachableCode::address: return DeliveryError::network_unreachable;
  }
  return DeliveryError::network_unreachable;  // a code that did not exist when this was written
}

bool may_answer_with_error(const IpPacket& offending, MessageHead error) {
  // (e.6): a source that does not name one node.
  if (!is_unicast(offending.source)) return false;
  // (e.1), (e.2): an error or a redirect is never answered; what is too short to tell is taken for one.
  if (offending.protocol == Protocol::icmpv6) {
    if (offending.payload.empty()) return false;
    const auto type = static_cast<MessageType>(offending.payload[0]);
    if (is_error(type) || type == MessageType::redirect) return false;
  }
  // (e.3), (e.4), (e.5): sent to many, by either layer.
  if (!offending.unicast || is_multicast(offending.destination)) return allowed_about_group(error);
  return true;
}

std::optional<WrittenMessage> write_error(MessageHead error, u32 value, const IpPacket& offending, const IpAddress& source,
                                          MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, error.type, error.code);
  writer.u32(value);
  constexpr size_t most = min_ipv6_mtu - header_size - body_offset;
  writer.bytes(offending.quotable.first(std::min(most, offending.quotable.size())));
  return finish_message(writer, source, offending.source, OutgoingPacket{}.hop_limit);
}

Result<Echo, MessageError> parse_echo(const IpPacket& packet) {
  const MessageHead head = TRY(parse_head(packet));
  if (head.type != MessageType::echo_request && head.type != MessageType::echo_reply) return fail(MessageError::other_type);
  const Bytes message = packet.payload;
  if (message.size() < body_offset) return fail(MessageError::truncated);
  return Echo{load_be16(message, head_size), load_be16(message, head_size + 2), message.subspan(body_offset)};
}

std::optional<WrittenMessage> write_echo(MessageType type, const Echo& echo, const IpAddress& source,
                                         const IpAddress& destination, MutableBytes out) {
  ByteWriter writer(out);
  write_head(writer, type, 0);
  writer.u16(echo.identifier);
  writer.u16(echo.sequence);
  writer.bytes(echo.data);
  return finish_message(writer, source, destination, OutgoingPacket{}.hop_limit);
}

}  // namespace samara::net::ipv6
