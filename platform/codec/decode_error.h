// Why a text is not what it claims to encode: shared by the base 64, base 32 and hex decoders.
#pragma once

#include <string_view>

#include "platform/base/types.h"

namespace samara::codec {

enum class DecodeError : u8 {
  bad_character,  // a character outside the alphabet
  bad_length,     // the text ends inside a group
  bad_padding,    // `=` too early, too few of them, or something behind them
  stray_bits,     // bits that encode nothing are not zero (RFC 4648 section 3.5)
  no_room,        // the decoded octets do not fit
};
// For people: "the text ends inside a group of characters" and the like.
constexpr std::string_view describe(DecodeError error) {
  switch (error) {
    case DecodeError::bad_character: return "a character outside the encoding's alphabet";
    case DecodeError::bad_length: return "the text ends inside a group of characters";
    case DecodeError::bad_padding: return "misplaced or missing = padding";
    case DecodeError::stray_bits: return "the last character carries bits that encode nothing";
    case DecodeError::no_room: return "more data than fits";
  }
  return "unknown decoding error";
}

}  // namespace samara::codec
