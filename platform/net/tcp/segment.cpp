#include "platform/net/tcp/segment.h"

#include <algorithm>

#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara::net::tcp {
namespace {

enum Kind : u8 { end_of_list = 0, no_operation = 1, mss = 2, window_scale = 3, sack_permitted = 4, sack = 5, timestamps = 8 };

// One known option; one of a length that its kind does not have is as good as unknown.
void take_option(u8 kind, Bytes body, SegmentOptions& into) {
  switch (kind) {
    case mss:
      if (body.size() == 2) into.mss = load_be16(body);
      break;
    case window_scale:
      // RFC 7323 section 2.3: a larger shift counts as 14.
      if (body.size() == 1) into.window_scale = std::min(body[0], max_window_scale);
      break;
    case sack_permitted:
      if (body.empty()) into.sack_permitted = true;
      break;
    case sack:
      if (body.empty() || body.size() % 8 != 0 || body.size() > 8 * max_sack_blocks) break;
      into.sack_count = static_cast<u8>(body.size() / 8);
      for (size_t i = 0; i < into.sack_count; ++i) {
        into.sack[i] = {SeqNumber(load_be32(body, 8 * i)), SeqNumber(load_be32(body, 8 * i + 4))};
      }
      break;
    case timestamps:
      if (body.size() == 8) into.timestamps = Timestamps{load_be32(body, 0), load_be32(body, 4)};
      break;
    default: break;
  }
}

SegmentOptions parse_options(Bytes octets) {
  SegmentOptions options;
  ByteReader reader(octets);
  while (!reader.at_end()) {
    const u8 kind = MUST(reader.u8());
    if (kind == end_of_list) break;
    if (kind == no_operation) continue;
    const auto length = reader.u8();
    if (!length.ok() || length.value() < 2) break;
    const auto body = reader.bytes(length.value() - size_t{2});
    if (!body.ok()) break;
    take_option(kind, body.value(), options);
  }
  return options;
}

}  // namespace

Result<Segment, SegmentError> parse_segment(Bytes octets) {
  if (octets.size() < min_header_size) return fail(SegmentError::truncated);
  const Bytes fixed = octets.first(min_header_size);
  const size_t header = size_t{4} * (fixed[12] >> 4);
  if (header < min_header_size || header > octets.size()) return fail(SegmentError::data_offset);
  Segment segment;
  segment.header.source = Port(load_be16(fixed, 0));
  segment.header.destination = Port(load_be16(fixed, 2));
  segment.header.seq = SeqNumber(load_be32(fixed, 4));
  segment.header.ack = SeqNumber(load_be32(fixed, 8));
  segment.header.flags = fixed[13] & 0x3f;
  segment.header.window = load_be16(fixed, 14);
  segment.header.urgent = load_be16(fixed, 18);
  if (header > min_header_size) {
    segment.header.options = parse_options(octets.subspan(min_header_size, header - min_header_size));
  }
  segment.payload = octets.subspan(header);
  return segment;
}

size_t header_size(const SegmentOptions& options) {
  size_t size = min_header_size;
  if (options.mss) size += 4;
  if (options.window_scale) size += 3;
  if (options.sack_permitted) size += 2;
  size = (size + 3) & ~size_t{3};
  if (options.timestamps) size += timestamps_size;
  if (options.sack_count != 0) size += 4 + size_t{8} * options.sack_count;
  return size;
}

void write_header(const SegmentHeader& header, MutableBytes into) {
  const SegmentOptions& options = header.options;
  const size_t size = header_size(options);
  ByteWriter out(into.first(size));
  out.u16(header.source.value());
  out.u16(header.destination.value());
  out.u32(header.seq.value());
  out.u32(header.ack.value());
  out.u8(static_cast<u8>((size / 4) << 4));
  out.u8(header.flags);
  out.u16(header.window);
  out.u16(0);
  out.u16(header.urgent);
  // RFC 7323 appendix A: timestamps stand on a word boundary behind two NOPs, and so do the SACK blocks.
  if (options.timestamps) {
    out.u32((u32{no_operation} << 24) | (u32{no_operation} << 16) | (u32{timestamps} << 8) | 10);
    out.u32(options.timestamps->value);
    out.u32(options.timestamps->echo);
  }
  if (options.sack_count != 0) {
    out.u16((u16{no_operation} << 8) | no_operation);
    out.u8(sack);
    out.u8(static_cast<u8>(2 + 8 * options.sack_count));
    for (const SackBlock& block : options.sack_blocks()) {
      out.u32(block.begin.value());
      out.u32(block.end.value());
    }
  }
  if (options.mss) {
    out.u16((u16{mss} << 8) | 4);
    out.u16(*options.mss);
  }
  if (options.window_scale) {
    out.u16((u16{window_scale} << 8) | 3);
    out.u8(*options.window_scale);
  }
  if (options.sack_permitted) out.u16((u16{sack_permitted} << 8) | 2);
  out.zeros(size - out.size());  // MUST-69: padding is zeros
}

}  // namespace samara::net::tcp
