// TextFields: what the reader of one record's data in presentation format works on: the tokens of its line, the origin for
// relative names, and the writer that takes the stored form.
#pragma once

#include "dns-core/name.h"
#include "dns-core/text/lexer.h"
#include "platform/base/byte_writer.h"

namespace samara::dns {

class TextFields {
 public:
  // `first` is the first token of the data, which the lexer has given already.
  TextFields(const Token& first, Lexer& lexer, const Name& origin, ByteWriter& out)
      : lexer_(lexer), origin_(origin), out_(out), waiting_(first) {}

  ByteWriter& out() { return out_; }
  const Name& origin() const { return origin_; }

  // The next word or quoted string; at the end of the line, which is then used up, a token that is no text.
  Result<Token, SyntaxError> next_or_end();
  // The next word or quoted string; an error that names what is expected when there is none.
  Result<Token, SyntaxError> text(std::string_view expected);
  // The next word; quotes are refused.
  Result<Token, SyntaxError> word(std::string_view expected);
  // Gives a token back; the next one read is this one again.
  void put_back(const Token& token) {
    waiting_ = token;
    has_waiting_ = true;
  }
  // Nothing may be left on the line.
  Result<void, SyntaxError> end();

  // The next word is a name; it is written in full.
  Result<void, SyntaxError> name(std::string_view expected = "a domain name");
  // A character-string, written with its length octet (RFC 1035 section 3.3).
  Result<void, SyntaxError> string(const Token& token);
  // The next word is a number, which is not written.
  Result<u64, SyntaxError> number(std::string_view expected, u64 max);
  static Result<u64, SyntaxError> number_in(const Token& token, u64 max);

 private:
  Result<Token, SyntaxError> next();

  Lexer& lexer_;
  const Name& origin_;
  ByteWriter& out_;
  Token waiting_;
  bool has_waiting_ = true;
  bool ended_ = false;
};

// The error that says a token is not what it should be.
inline Failure<SyntaxError> wrong(const Token& token, std::string_view problem, std::string_view expected,
                                  std::string_view suggestion = {}) {
  return fail(SyntaxError{token.at, problem, token.text, expected, suggestion});
}

}  // namespace samara::dns
