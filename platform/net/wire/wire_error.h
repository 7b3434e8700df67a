// Why octets from the wire are not what they should be.
#pragma once

#include "platform/base/types.h"

namespace samara::net {

enum class WireError : u8 {
  truncated,  // fewer octets than the header and what it promises
  version,    // another protocol or hardware type than the format is for
  length,     // a length field that contradicts the format or another one
  checksum,
  value,  // a field with a value the format does not have
};

}  // namespace samara::net
