#include "dns-core/rdata/text_fields.h"

#include "dns-core/rdata/numbers.h"

namespace samara::dns {

Result<Token, SyntaxError> TextFields::next() {
  if (has_waiting_) {
    has_waiting_ = false;
    return waiting_;
  }
  return lexer_.next();
}

Result<Token, SyntaxError> TextFields::next_or_end() {
  if (ended_) return Token{};
  auto token = next();
  ended_ = token.ok() && !token.value().is_text();
  return token;
}

Result<Token, SyntaxError> TextFields::text(std::string_view expected) {
  if (ended_) return fail(SyntaxError{lexer_.position(), "line ends early", {}, expected, {}});
  const Token token = TRY(next());
  if (token.is_text()) return token;
  const bool file_ends = token.kind == Token::Kind::end_of_file;
  return fail(SyntaxError{token.at, file_ends ? "file ends early" : "line ends early", {}, expected, {}});
}

Result<Token, SyntaxError> TextFields::word(std::string_view expected) {
  const Token token = TRY(text(expected));
  if (token.kind == Token::Kind::quoted) return wrong(token, "quoted string in the wrong place", expected);
  return token;
}

Result<void, SyntaxError> TextFields::end() {
  if (ended_) return {};
  const Token token = TRY(next());
  if (token.is_text()) return wrong(token, "text after the last field", "the end of the line");
  return {};
}

Result<void, SyntaxError> TextFields::name(std::string_view expected) {
  const Token token = TRY(word(expected));
  SAMARA_UNINITIALIZED std::array<u8, max_name_size> wire;
  const auto size = parse_name(token.text, origin_.wire(), wire);
  if (!size.ok()) return wrong(token, describe(size.error()), expected);
  out_.bytes(Bytes(wire).first(size.value()));
  return {};
}

Result<void, SyntaxError> TextFields::string(const Token& token) {
  const size_t length_at = out_.size();
  out_.u8(0);
  TRY(decode_text(token, out_));
  if (out_.overflowed()) return {};
  const size_t length = out_.size() - length_at - 1;
  if (length > 255) return wrong(token, "string is longer than 255 octets", "at most 255 octets in one string");
  out_.written_mutable()[length_at] = static_cast<u8>(length);
  return {};
}

Result<u64, SyntaxError> TextFields::number(std::string_view expected, u64 max) {
  const Token token = TRY(word(expected));
  return number_in(token, max);
}

Result<u64, SyntaxError> TextFields::number_in(const Token& token, u64 max) {
  const auto value = parse_number(token.text, max);
  if (value.has_value()) return *value;
  std::string_view expected = "a number up to 18446744073709551615";
  if (max == UINT8_MAX) expected = "a number from 0 to 255";
  if (max == UINT16_MAX) expected = "a number from 0 to 65535";
  if (max == UINT32_MAX) expected = "a number from 0 to 4294967295";
  if (max == (u64{1} << 48) - 1) expected = "a number from 0 to 281474976710655";
  const bool digits = token.text.find_first_not_of("0123456789") == std::string_view::npos;
  return wrong(token, digits ? "number is too large" : "not a number", expected);
}

}  // namespace samara::dns
