// SegmentOnWay: a TCP segment in a frame that is on its way, to be read and changed, as a box between two hosts would, or as a
// peer would have written it who thinks otherwise. IPv4 only. Offsets count from the TCP header; its checksum follows each
// change.
#pragma once

#include <optional>

#include "platform/base/byte_order.h"
#include "platform/base/types.h"

namespace samara::sim {

class SegmentOnWay {
 public:
  static constexpr u8 option_sack = 5;        // RFC 2018 section 3
  static constexpr u8 option_timestamps = 8;  // RFC 7323 section 3.2

  // Nothing: not a TCP segment in an IPv4 packet that is whole.
  static std::optional<SegmentOnWay> in(MutableBytes frame);

  // Getters
  u32 seq() const { return load_be32(tcp_, 4); }
  u32 ack() const { return load_be32(tcp_, 8); }
  bool syn() const { return (tcp_[13] & 2) != 0; }
  bool rst() const { return (tcp_[13] & 4) != 0; }
  u16 window() const { return load_be16(tcp_, 14); }
  u32 data() const { return static_cast<u32>(tcp_.size() - header_size()); }  // octets
  // Where the option's value begins and how long it is; nothing: it is not there.
  struct Place {
    size_t at;
    size_t size;
  };
  std::optional<Place> option(u8 kind) const;
  u32 word(size_t at) const { return load_be32(tcp_, at); }

  // Commands
  void set_window(u16 window);
  void set_word(size_t at, u32 value);

 private:
  SegmentOnWay(MutableBytes ip, MutableBytes tcp) : ip_(ip), tcp_(tcp) {}
  size_t header_size() const { return size_t{tcp_[12]} / 16 * 4; }
  void finish();

  MutableBytes ip_;
  MutableBytes tcp_;
};

}  // namespace samara::sim
