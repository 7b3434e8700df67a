// Base 16 (RFC 4648 section 8), read in either case, written in lower or upper case. The decoder takes a text in pieces, like
// Base64Decoder: in a zone file blanks may stand anywhere in a digest, between the two digits of an octet too.
#pragma once

#include <string_view>

#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/text_writer.h"
#include "platform/codec/decode_error.h"

namespace samara::codec {

class HexDecoder {
 public:
  // Decodes the next piece; complete octets go to `out`. After an error the decoder is of no further use.
  Result<void, DecodeError> feed(std::string_view piece, ByteWriter& out);
  // The text is at its end: it must hold an even number of digits.
  Result<void, DecodeError> finish() const;

 private:
  u8 high_ = 0;
  bool half_ = false;  // high_ holds the first digit of an octet
};

// A text that is in one piece.
Result<void, DecodeError> decode_hex(std::string_view text, ByteWriter& out);

enum class HexCase : u8 { lower, upper };
void encode_hex(Bytes octets, TextWriter& out, HexCase letters = HexCase::lower);

}  // namespace samara::codec
