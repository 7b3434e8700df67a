// Where the owner name of a record ends (RFC 1035 section 4.1.4), for whoever only steps over it.
#pragma once

#include "dns-core/name.h"
#include "platform/base/byte_reader.h"

namespace samara::dns {

// Steps over the owner name of a record, compressed or not. False: it is none.
inline bool skip_name(ByteReader& at) {
  for (size_t size = 0; size <= max_name_size;) {
    const auto length = at.u8();
    if (!length.ok()) return false;
    if (length.value() == 0) return true;
    if ((length.value() & 0xc0) == 0xc0) return at.skip(1).ok();
    if (length.value() > max_label_size || !at.skip(length.value()).ok()) return false;
    size += size_t{length.value()} + 1;
  }
  return false;
}

}  // namespace samara::dns
