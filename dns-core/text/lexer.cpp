#include "dns-core/text/lexer.h"

#include <algorithm>
#include <array>

namespace samara::dns {
namespace {

enum class CharClass : u8 { plain, escape, blank, newline, comment, open, close, quote };

constexpr std::array<CharClass, 256> make_classes() {
  std::array<CharClass, 256> classes{};
  classes['\\'] = CharClass::escape;
  classes[' '] = classes['\t'] = classes['\r'] = CharClass::blank;
  classes['\n'] = CharClass::newline;
  classes[';'] = CharClass::comment;
  classes['('] = CharClass::open;
  classes[')'] = CharClass::close;
  classes['"'] = CharClass::quote;
  return classes;
}
constexpr std::array<CharClass, 256> classes = make_classes();

constexpr CharClass class_of(char c) {
  return classes[static_cast<u8>(c)];
}

// The end of the word that goes on at `i`. An escape takes the octet after it along, but never a line's end.
size_t end_of_word(std::string_view text, size_t i) {
  for (; i < text.size(); ++i) {
    const CharClass c = class_of(text[i]);
    if (c == CharClass::plain) continue;
    if (c != CharClass::escape) break;
    if (i + 1 < text.size() && text[i + 1] != '\n' && text[i + 1] != '\r') ++i;
  }
  return i;
}

size_t end_of_comment(std::string_view text, size_t i) {
  return std::min(text.find('\n', i), text.size());
}

}  // namespace

Failure<SyntaxError> Lexer::error(size_t at, std::string_view problem, std::string_view found, std::string_view expected) {
  at_start_ = false;
  return fail(SyntaxError{position_of(at), problem, found, expected, {}});
}

Result<Token, SyntaxError> Lexer::next() {
  bool after_blank = false;
  bool in_parentheses = false;  // a line began with one, and its first field follows, whatever blanks stand before that
  while (offset_ < text_.size()) {
    const size_t start = offset_;
    switch (class_of(text_[start])) {
      case CharClass::plain:
      case CharClass::escape:
        at_start_ = false;
        offset_ = end_of_word(text_, start);
        return Token{Token::Kind::word, after_blank && !in_parentheses, text_.substr(start, offset_ - start),
                     position_of(start)};
      case CharClass::blank:
        after_blank = true;
        ++offset_;
        break;
      case CharClass::newline: {
        const TextPosition at = position_of(start);
        new_line(++offset_);
        if (depth_ != 0) {
          after_blank = true;
        } else if (at_start_) {
          after_blank = false;
          in_parentheses = false;
        } else {
          at_start_ = true;
          return Token{Token::Kind::end_of_line, after_blank, {}, at};
        }
        break;
      }
      case CharClass::comment: offset_ = end_of_comment(text_, start); break;
      case CharClass::open:
        if (depth_++ == 0) opened_ = position_of(start);
        in_parentheses = in_parentheses || (at_start_ && !after_blank);
        ++offset_;
        break;
      case CharClass::close:
        ++offset_;
        if (depth_ == 0) return error(start, "closing parenthesis without an opening one", text_.substr(start, 1), {});
        --depth_;
        break;
      case CharClass::quote: return quoted(after_blank && !in_parentheses);
    }
  }
  return end_of_text();
}

Result<Token, SyntaxError> Lexer::quoted(bool after_blank) {
  const size_t quote = offset_;
  at_start_ = false;
  for (size_t i = quote + 1; i < text_.size() && text_[i] != '\n'; ++i) {
    if (text_[i] == '\\' && i + 1 < text_.size() && text_[i + 1] != '\n') {
      ++i;
    } else if (text_[i] == '"') {
      offset_ = i + 1;
      return Token{Token::Kind::quoted, after_blank, text_.substr(quote + 1, i - quote - 1), position_of(quote)};
    }
  }
  offset_ = std::min(text_.find('\n', quote), text_.size());
  std::string_view found = text_.substr(quote, offset_ - quote);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return error(quote, "quoted string is not closed", found, "a closing quote on the same line");
}

Result<Token, SyntaxError> Lexer::end_of_text() {
  if (depth_ != 0) {
    depth_ = 0;
    at_start_ = true;
    return fail(
        SyntaxError{opened_, "parenthesis is never closed", "(", "a closing parenthesis before the end of the file", {}});
  }
  at_start_ = true;
  return Token{Token::Kind::end_of_file, false, {}, position()};
}

Result<Token, SyntaxError> Lexer::peek() const {
  Lexer ahead = *this;
  return ahead.next();
}

Result<Token, SyntaxError> Lexer::expect_text(std::string_view expected) {
  Result<Token, SyntaxError> token = next();
  if (token.ok() && !token.value().is_text()) [[unlikely]] {
    const bool file_ends = token.value().kind == Token::Kind::end_of_file;
    return fail(SyntaxError{token.value().at, file_ends ? "file ends early" : "line ends early", {}, expected, {}});
  }
  return token;
}

Result<void, SyntaxError> Lexer::expect_end_of_line() {
  const Token token = TRY(next());
  if (token.is_text()) [[unlikely]] {
    return fail(SyntaxError{token.at, "text after the last field", token.text, "the end of the line", {}});
  }
  return {};
}

void Lexer::skip_line() {
  // What next() complains about on the way is part of the line that was given up.
  while (!at_start_) static_cast<void>(next());
}

Result<u8, SyntaxError> decode_octet(const Token& token, size_t& offset) {
  const std::string_view text = token.text;
  const size_t escape = offset;
  const auto first = static_cast<u8>(text[offset++]);
  if (first != '\\') return first;
  const auto bad = [&](std::string_view problem) {
    return fail(SyntaxError{position_in(token, escape),
                            problem,
                            text.substr(escape, 4),
                            "a backslash with one character, or with three digits up to 255",
                            {}});
  };
  if (offset == text.size()) return bad("backslash without a character");
  const auto octet = static_cast<u8>(text[offset]);
  if (octet < '0' || octet > '9') {
    ++offset;
    return octet;
  }
  u32 value = 0;
  for (size_t i = 0; i < 3; ++i, ++offset) {
    if (offset == text.size() || text[offset] < '0' || text[offset] > '9') return bad("bad escape");
    value = value * 10 + static_cast<u32>(text[offset] - '0');
  }
  if (value > 255) return bad("bad escape");
  return static_cast<u8>(value);
}

Result<void, SyntaxError> decode_text(const Token& token, ByteWriter& out) {
  size_t offset = 0;
  while (offset < token.text.size()) {
    const size_t escape = std::min(token.text.find('\\', offset), token.text.size());
    out.text(token.text.substr(offset, escape - offset));
    offset = escape;
    if (offset < token.text.size()) out.u8(TRY(decode_octet(token, offset)));
  }
  return {};
}

Result<size_t, SyntaxError> decode_text(const Token& token, MutableBytes out) {
  ByteWriter writer(out);
  TRY(decode_text(token, writer));
  if (writer.overflowed()) return fail(SyntaxError{token.at, "text is too long", token.text, {}, {}});
  return writer.size();
}

TextPosition position_in(const Token& token, size_t offset) {
  const size_t quote = token.kind == Token::Kind::quoted ? 1 : 0;
  return {token.at.line, token.at.column + static_cast<u32>(offset + quote)};
}

}  // namespace samara::dns
