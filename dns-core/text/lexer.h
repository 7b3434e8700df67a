// The lexer of master files (RFC 1035 section 5.1): blanks, quoted strings, `;` comments, parentheses that join lines, CRLF,
// tabs, a last line without newline. It works on the whole text in memory and copies nothing: a token's text is the raw
// slice, escapes undecoded (so `\@` and `"@"` differ from `@`). A byte order mark in front is skipped.
//
// Order of calls: next() until Kind::end_of_file or an error. At the start of a logical line next() yields a word; whether
// blanks stood before it (meaning "same owner as before") is Token::after_blank. After an error, skip_line() and go on. A
// Lexer is a small value: a copy is a place to come back to.
#pragma once

#include <string_view>

#include "dns-core/text/syntax_error.h"
#include "platform/base/byte_writer.h"
#include "platform/base/result.h"

namespace samara::dns {

struct Token {
  enum class Kind : u8 { word, quoted, end_of_line, end_of_file };
  Kind kind = Kind::end_of_file;
  bool after_blank = false;  // blanks or tabs stood directly before it
  std::string_view text;     // without the quotes
  TextPosition at;           // of a quoted string: its opening quote
  bool is_text() const { return kind == Kind::word || kind == Kind::quoted; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {
    if (text.starts_with("\xef\xbb\xbf")) offset_ = line_start_ = 3;
  }

  // The next token. Empty and comment-only lines yield nothing. At the end of the text end_of_file comes again and again,
  // without an end_of_line before it. Errors: unclosed quote or parenthesis, `)` without `(`; a quoted string ends on its line.
  Result<Token, SyntaxError> next();
  // The token next() will give.
  Result<Token, SyntaxError> peek() const;
  // The next token, which must be a word or a quoted string; else an error that says "`expected`".
  Result<Token, SyntaxError> expect_text(std::string_view expected);
  // The next token must be the end of the line (or file).
  Result<void, SyntaxError> expect_end_of_line();
  // Skips to the start of the next logical line, whatever is in between: to go on after an error and report the next one.
  // When a logical line has just ended, it stays there.
  void skip_line();
  // Of the next octet.
  TextPosition position() const { return position_of(offset_); }

  // For a caller that reads simple lines by itself: whether a logical line starts here, the text from here on, a step over
  // `size` octets of it that end in their only newline, and a step into the line, over words and blanks only.
  bool at_line_start() const { return at_start_ && depth_ == 0; }
  std::string_view rest() const { return text_.substr(offset_); }
  void step_over_line(size_t size) { new_line(offset_ += size); }
  void step_into_line(size_t size) {
    offset_ += size;
    at_start_ = false;
  }

 private:
  TextPosition position_of(size_t offset) const { return {line_, static_cast<u32>(offset - line_start_ + 1)}; }
  Result<Token, SyntaxError> quoted(bool after_blank);
  Result<Token, SyntaxError> end_of_text();
  Failure<SyntaxError> error(size_t at, std::string_view problem, std::string_view found, std::string_view expected);
  void new_line(size_t start) {
    ++line_;
    line_start_ = start;
  }

  std::string_view text_;
  size_t offset_ = 0;
  size_t line_start_ = 0;  // offset of the first octet of the line `offset_` is in
  u32 line_ = 1;
  u32 depth_ = 0;         // open parentheses
  TextPosition opened_;   // where the outermost of them is
  bool at_start_ = true;  // no token of this logical line was given yet
};

// Decodes `\X` and `\DDD` escapes of a raw token into octets; returns the number written. Errors: bad escape, does not fit.
Result<size_t, SyntaxError> decode_text(const Token& token, MutableBytes out);
// The same at the writer's end; what does not fit shows as the writer's overflow.
Result<void, SyntaxError> decode_text(const Token& token, ByteWriter& out);
// The octet that the token's text has at `offset`, which moves behind it or its escape. `offset < token.text.size()`.
Result<u8, SyntaxError> decode_octet(const Token& token, size_t& offset);

// The position `offset` octets into a token's text.
TextPosition position_in(const Token& token, size_t offset);

}  // namespace samara::dns
