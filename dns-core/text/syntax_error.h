// What is wrong in a text that a person wrote, where, and what was expected instead. The views point into the text itself or
// at literals; they live as long as the text.
#pragma once

#include <string_view>

#include "platform/base/text_writer.h"
#include "platform/base/types.h"

namespace samara::dns {

struct TextPosition {
  u32 line = 1;    // from 1
  u32 column = 1;  // from 1, in octets
};

struct SyntaxError {
  TextPosition at;
  std::string_view problem;     // "unknown record type"
  std::string_view found;       // the words in question, may be empty; shown in quotes, cut when long
  std::string_view expected;    // "a type mnemonic such as A, or TYPEnnn"
  std::string_view suggestion;  // the nearest valid word, may be empty

  // "unknown record type "AAA" (expected a type mnemonic such as A, or TYPEnnn; did you mean AAAA?)". Control characters in
  // `found` are escaped. The position is left to the caller, who knows the file.
  void write_text(TextWriter& out) const;
};

}  // namespace samara::dns
