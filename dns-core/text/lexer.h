// The lexer of master files (RFC 1035 section 5.1): blanks, quoted strings, `;` comments, parentheses that join lines, CRLF,
// tabs, a last line without newline. It works on the whole text in memory and copies nothing: a token's text is the raw
// slice, escapes undecoded (so `\@` and `"@"` differ from `@`).
//
// Order of calls: next() until Kind::end_of_file or an error. At the start of a logical line next() yields a word; whether
// blanks stood before it (meaning "same owner as before") is Token::after_blank.
#pragma once

#include <string_view>

#include "dns-core/text/syntax_error.h"
#include "platform/base/result.h"

namespace samara::dns {

struct Token {
  enum class Kind : u8 { word, quoted, end_of_line, end_of_file };
  Kind kind = Kind::end_of_file;
  bool after_blank = false;  // blanks or tabs stood directly before it
  std::string_view text;     // without the quotes
  TextPosition at;
  bool is_text() const { return kind == Kind::word || kind == Kind::quoted; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token. Empty and comment-only lines yield nothing. Errors: unclosed quote or parenthesis, `)` without `(`.
  Result<Token, SyntaxError> next();
  // The token next() will give.
  Result<Token, SyntaxError> peek();
  // The next token, which must be a word or a quoted string; else an error that says "`expected`".
  Result<Token, SyntaxError> expect_text(std::string_view expected);
  // The next token must be the end of the line (or file).
  Result<void, SyntaxError> expect_end_of_line();
  // Skips to the start of the next logical line, whatever is in between: to go on after an error and report the next one.
  void skip_line();
  TextPosition position() const;

 private:
  std::string_view text_;
  size_t offset_ = 0;
  // implementation state follows
};

// Decodes `\X` and `\DDD` escapes of a raw token into octets; returns the number written. Errors: bad escape, does not fit.
Result<size_t, SyntaxError> decode_text(const Token& token, MutableBytes out);

}  // namespace samara::dns
