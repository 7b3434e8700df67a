// The header of a message (RFC 1035 section 4.1.1), and the flag word taken apart and put together.
#pragma once

#include <optional>

#include "dns-core/types.h"
#include "platform/base/byte_order.h"

namespace samara::dns {

constexpr size_t header_size = 12;
// The largest message: TCP gives its length in 16 bits (RFC 1035 section 4.2.2).
constexpr size_t max_message_size = 65'535;
// RFC 9715: what passes everywhere by UDP without fragments.
constexpr u16 common_udp_payload_size = 1232;

// Flags (RFC 1035 section 4.1.1, RFC 4035 section 3.2).
constexpr u16 flag_qr = 0x8000;
constexpr u16 flag_aa = 0x0400;
constexpr u16 flag_tc = 0x0200;
constexpr u16 flag_rd = 0x0100;
constexpr u16 flag_ra = 0x0080;
constexpr u16 flag_ad = 0x0020;
constexpr u16 flag_cd = 0x0010;

constexpr Opcode opcode_of(u16 flags) {
  return static_cast<Opcode>(flags >> 11 & 15);
}
constexpr Rcode rcode_of(u16 flags) {
  return static_cast<Rcode>(flags & 15);
}
constexpr u16 flags_of(Opcode opcode) {
  return static_cast<u16>(static_cast<u16>(opcode) << 11);
}

// The counts of the sections stand at these offsets.
constexpr size_t question_count_at = 4;
constexpr size_t answer_count_at = 6;
constexpr size_t authority_count_at = 8;
constexpr size_t additional_count_at = 10;

struct Header {
  MessageId id;
  u16 flags = 0;
  u16 questions = 0;
  u16 answers = 0;
  u16 authorities = 0;
  u16 additionals = 0;

  bool has(u16 flag) const { return (flags & flag) != 0; }
  Opcode opcode() const { return opcode_of(flags); }
  Rcode rcode() const { return rcode_of(flags); }
  u32 records() const { return u32{answers} + authorities + additionals; }
};

// Nothing: the message is shorter than a header.
constexpr std::optional<Header> read_header(Bytes message) {
  if (message.size() < header_size) return std::nullopt;
  return Header{.id = MessageId(load_be16(message)),
                .flags = load_be16(message, 2),
                .questions = load_be16(message, question_count_at),
                .answers = load_be16(message, answer_count_at),
                .authorities = load_be16(message, authority_count_at),
                .additionals = load_be16(message, additional_count_at)};
}

}  // namespace samara::dns
