// Base 64 (RFC 4648 section 4): padded, strict. No character outside the alphabet is skipped (section 3.3); line breaks and
// blanks are the business of who splits the text: a zone file's lexer feeds the decoder piece by piece.
//
//   Base64Decoder decoder;
//   for (each token) TRY(decoder.feed(token, out));
//   TRY(decoder.finish());
#pragma once

#include <string_view>

#include "platform/base/byte_writer.h"
#include "platform/base/result.h"
#include "platform/base/text_writer.h"
#include "platform/codec/decode_error.h"

namespace samara::codec {

class Base64Decoder {
 public:
  // Decodes the next piece, which may end anywhere inside a group; complete octets go to `out`. After an error the decoder
  // is of no further use.
  Result<void, DecodeError> feed(std::string_view piece, ByteWriter& out);
  // The text is at its end: it must not stop inside a group.
  Result<void, DecodeError> finish() const;

 private:
  // Whole groups from the front of `piece`; returns how many characters it used.
  static size_t feed_groups(std::string_view piece, ByteWriter& out);
  Result<void, DecodeError> feed_one(char c, ByteWriter& out);
  Result<void, DecodeError> begin_padding(ByteWriter& out);

  u32 bits_ = 0;           // of the group at hand
  u8 characters_ = 0;      // 0 to 3 of the group at hand
  bool ended_ = false;     // the first `=` was seen
  u8 padding_needed_ = 0;  // further `=` that must come
};

// A text that is in one piece.
Result<void, DecodeError> decode_base64(std::string_view text, ByteWriter& out);
void encode_base64(Bytes octets, TextWriter& out);
constexpr size_t base64_size(size_t octets) {
  return (octets + 2) / 3 * 4;
}

}  // namespace samara::codec
