// PreparedRecord: a record as it stands in a message behind its owner, its names compressed against the owner beforehand; what
// is left is to say where in the message the owner is (RFC 1035 section 4.1.4). For records that are sent often.
#pragma once

#include <array>
#include <optional>

#include "platform/base/byte_writer.h"
#include "platform/base/types.h"

namespace samara::dns {

// Two octets in the record that point into its owner.
struct NamePointer {
  u16 place = 0;   // where in the record; 0: there is none
  u16 suffix = 0;  // octets of the owner in front of what it points to
};
using NamePointers = std::array<NamePointer, 2>;

struct PreparedRecord {
  Bytes image;  // an argument on its way to the writer: TYPE CLASS TTL RDLENGTH RDATA, zeros where the pointers go
  NamePointers pointers;
};

// Prepares the record of a compressible type that `image` holds uncompressed and writes it to `out`. Nothing, with something
// written, when it has more than two names, or its names are compressed better against each other than against the owner.
std::optional<NamePointers> prepare_record(Bytes owner, Bytes image, ByteWriter& out);

}  // namespace samara::dns
