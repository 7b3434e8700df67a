// Base 32 with the extended hex alphabet (RFC 4648 section 7), without padding and in either case, as NSEC3 labels have it
// (RFC 5155 section 1.3). Written in lower case. The order of the texts is the order of the octets.
#pragma once

#include <string_view>

#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/text_writer.h"
#include "platform/codec/decode_error.h"

namespace samara::codec {

Result<void, DecodeError> decode_base32hex(std::string_view text, ByteWriter& out);
void encode_base32hex(Bytes octets, TextWriter& out);
constexpr size_t base32hex_size(size_t octets) {
  return (octets * 8 + 4) / 5;
}

}  // namespace samara::codec
