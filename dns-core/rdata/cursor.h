// RdataCursor: reads the fields of one record's data in order. The first error sticks; from then on everything read is zero or
// empty, so that one look at error() after the last field is enough. What the cursor hands out has been checked.
#pragma once

#include <optional>

#include "dns-core/rdata/rdata.h"
#include "platform/base/byte_order.h"

namespace samara::dns {

class RdataCursor {
 public:
  explicit RdataCursor(Bytes rdata) : rest_(rdata) {}

  std::optional<RdataError> error() const { return error_; }
  bool failed() const { return error_.has_value(); }
  bool at_end() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }

  void fail(RdataError error) {
    if (!error_.has_value()) error_ = error;
    rest_ = {};
  }
  void require(bool good) {
    if (!good) fail(RdataError::bad_value);
  }

  samara::u8 u8() {
    const Bytes b = bytes(1);
    return b.empty() ? samara::u8{0} : b[0];
  }
  samara::u16 u16() {
    const Bytes b = bytes(2);
    return b.empty() ? samara::u16{0} : load_be16(b);
  }
  samara::u32 u32() {
    const Bytes b = bytes(4);
    return b.empty() ? 0 : load_be32(b);
  }
  // An unsigned number of 1 to 8 octets.
  samara::u64 number(size_t size) {
    samara::u64 value = 0;
    for (const samara::u8 octet : bytes(size)) value = value << 8 | octet;
    return value;
  }
  Bytes bytes(size_t count) {
    if (count > rest_.size()) [[unlikely]] {
      fail(RdataError::truncated);
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  Bytes all() { return bytes(rest_.size()); }
  // A character-string without its length octet.
  Bytes string() { return bytes(u8()); }
  // An uncompressed name (RFC 1035 section 3.1).
  Bytes name() {
    size_t size = 0;
    for (;;) {
      if (size >= rest_.size()) {
        fail(RdataError::truncated);
        return {};
      }
      const samara::u8 label = rest_[size];
      if (label > max_label_size || size + label + 1 > max_name_size) {
        fail(RdataError::bad_name);
        return {};
      }
      size += size_t{label} + 1;
      if (label == 0) return bytes(size);
    }
  }

 private:
  Bytes rest_;
  std::optional<RdataError> error_;
};

}  // namespace samara::dns
