// ICMPv6 (RFC 4443): the head all messages share, errors as they come in and go out, and echo. A parsed error or echo is a
// view of the packet it came in. What runs over ICMPv6 is in neighbor_discovery.h and listener_messages.h.
#pragma once

#include <optional>

#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"
#include "platform/base/ip_address.h"
#include "platform/base/result.h"
#include "platform/base/types.h"
#include "platform/net/ip_packet.h"

namespace samara::net::ipv6 {

enum class MessageType : u8 {
  destination_unreachable = 1,
  packet_too_big = 2,
  time_exceeded = 3,
  parameter_problem = 4,
  echo_request = 128,
  echo_reply = 129,
  listener_query = 130,
  listener_report = 131,
  listener_done = 132,
  router_solicitation = 133,
  router_advertisement = 134,
  neighbor_solicitation = 135,
  neighbor_advertisement = 136,
  redirect = 137,
  listener_report_v2 = 143,
};

// Why a message is dropped. All of them are the sender's fault.
enum class MessageError : u8 {
  truncated,
  bad_checksum,
  bad_hop_limit,  // it may have come from beyond the link
  bad_code,
  bad_source,
  bad_destination,
  bad_target,
  bad_option,  // length zero, or beyond the message's end; or an option that must not be there
  no_router_alert,
  too_many,    // more than we have room for
  other_type,  // not one of the messages asked for
};

constexpr u8 link_hop_limit = 255;  // what cannot have passed a router (RFC 4861 section 3.1)
constexpr size_t header_size = 40;  // of IPv6

struct MessageHead {
  MessageType type{};
  u8 code = 0;
};

// Type and code of a packet whose protocol is ICMPv6, its checksum verified unless packet.checksum_known. The type may be one
// that is not named above.
Result<MessageHead, MessageError> parse_head(const IpPacket& packet);
// An error rather than an informational message (RFC 4443 section 2.1).
constexpr bool is_error(MessageType type) {
  return static_cast<u8>(type) < 128;
}

// A message that was written: how it travels, and the octets it took of the memory given.
struct WrittenMessage {
  OutgoingPacket packet;
  size_t size = 0;
};

// Begins a message. finish_message() completes it: nothing when it did not fit.
void write_head(ByteWriter& writer, MessageType type, u8 code);
std::optional<WrittenMessage> finish_message(ByteWriter& writer, const IpAddress& source, const IpAddress& destination,
                                             u8 hop_limit);

// ---- Errors (RFC 4443 section 3)

enum class UnreachableCode : u8 {
  no_route = 0,
  prohibited = 1,
  beyond_scope = 2,
  address = 3,
  port = 4,
  policy = 5,
  reject = 6
};
enum class ParameterProblemCode : u8 { header_field = 0, next_header = 1, option = 2 };

// A view of an error that came in.
struct ErrorMessage {
  MessageHead head;
  u32 value = 0;  // the MTU of packet_too_big, the pointer of parameter_problem
  Bytes quoted;   // of the packet of ours that caused it, from its IPv6 header on
};
Result<ErrorMessage, MessageError> parse_error(const IpPacket& packet);
// What it means for a transport protocol; nothing for an error that is of no consequence (RFC 4443 section 2.4 (a), (b)).
std::optional<DeliveryError> delivery_error(const MessageHead& head);

// Whether the offending packet may be answered by this error (RFC 4443 section 2.4 (e)). The caller keeps the rate (f).
bool may_answer_with_error(const IpPacket& offending, MessageHead error);
// The error about `offending`, from `source` to its sender, with as much of it as the minimum MTU carries (section 2.4 (c)).
std::optional<WrittenMessage> write_error(MessageHead error, u32 value, const IpPacket& offending, const IpAddress& source,
                                          MutableBytes out);

// ---- Echo (RFC 4443 section 4)

struct Echo {
  u16 identifier = 0;
  u16 sequence = 0;
  Bytes data;
};
// Of an echo request or an echo reply.
Result<Echo, MessageError> parse_echo(const IpPacket& packet);
// `type` is echo_request or echo_reply.
std::optional<WrittenMessage> write_echo(MessageType type, const Echo& echo, const IpAddress& source,
                                         const IpAddress& destination, MutableBytes out);

}  // namespace samara::net::ipv6
