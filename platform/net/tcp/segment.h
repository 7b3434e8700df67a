// TCP segments: the header as a value, and the view of one that came in. parse_segment() and write_header() are inverse
// (RFC 9293 section 3.1). Options: maximum segment size (RFC 9293 section 3.7.1), window scale and timestamps (RFC 7323),
// selective acknowledgements (RFC 2018). Others are skipped (MUST-6).
#pragma once

#include <array>
#include <optional>

#include "platform/base/result.h"
#include "platform/base/strong.h"
#include "platform/base/types.h"
#include "platform/net/tcp/seq_number.h"

namespace samara::net::tcp {

namespace flag {
constexpr u8 fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20;
}

constexpr size_t min_header_size = 20;
constexpr size_t max_header_size = 60;
constexpr size_t checksum_offset = 16;

// Octets [begin, end) that have arrived beyond a gap.
struct SackBlock {
  SeqNumber begin;
  SeqNumber end;
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) = default;
};

struct Timestamps {
  u32 value = 0;
  u32 echo = 0;
  friend constexpr bool operator==(const Timestamps&, const Timestamps&) = default;
};

constexpr size_t max_sack_blocks = 4;  // as many as fit into 40 octets (RFC 2018 section 3)
constexpr u8 max_window_scale = 14;    // RFC 7323 section 2.3
constexpr size_t timestamps_size = 12;

struct SegmentOptions {
  std::optional<u16> mss;
  std::optional<u8> window_scale;
  std::optional<Timestamps> timestamps;
  bool sack_permitted = false;
  u8 sack_count = 0;
  std::array<SackBlock, max_sack_blocks> sack{};

  std::span<const SackBlock> sack_blocks() const { return std::span(sack).first(sack_count); }
  friend constexpr bool operator==(const SegmentOptions&, const SegmentOptions&) = default;
};

struct SegmentHeader {
  Port source;
  Port destination;
  SeqNumber seq;
  SeqNumber ack;
  u8 flags = 0;
  u16 window = 0;
  u16 urgent = 0;
  SegmentOptions options;

  constexpr bool has(u8 which) const { return (flags & which) != 0; }
  friend constexpr bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

// A segment that came in. The payload lives as long as the packet.
struct Segment {
  SegmentHeader header;
  Bytes payload;

  constexpr bool has(u8 which) const { return header.has(which); }
  // In sequence numbers, SYN and FIN included (SEG.LEN of RFC 9293 section 3.4).
  constexpr u32 length() const {
    return static_cast<u32>(payload.size()) + (has(flag::syn) ? 1 : 0) + (has(flag::fin) ? 1 : 0);
  }
};

enum class SegmentError : u8 {
  truncated,    // shorter than its header
  data_offset,  // less than five words, or beyond the end
};

// The checksum is not looked at. Options that overrun the header or have an impossible length end the list (MUST-7).
Result<Segment, SegmentError> parse_segment(Bytes octets);

// Octets of the header with its options, a multiple of 4.
size_t header_size(const SegmentOptions& options);
// Writes it in front of `into`, which holds header_size() octets or more; the checksum field is 0.
void write_header(const SegmentHeader& header, MutableBytes into);

}  // namespace samara::net::tcp
