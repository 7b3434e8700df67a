#include "ops/json.h"

namespace samara::ops {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

// Length of the well-formed UTF-8 sequence (RFC 3629 section 4) at the start of `text`, or 0.
size_t utf8_sequence(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<u8>(text[i]); };
  const u8 first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const u8 second = at(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool beyond = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

void JsonWriter::separate() {
  if (need_comma_) out_ += ',';
  need_comma_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  need_comma_ = true;
}

void JsonWriter::string(std::string_view text) {
  out_ += '"';
  while (!text.empty()) {
    const char c = text.front();
    const size_t length = utf8_sequence(text);
    if (length == 0) {
      out_ += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (static_cast<u8>(c) < 0x20) {
      out_ += "\\u00";
      out_ += hex_digits[static_cast<u8>(c) >> 4];
      out_ += hex_digits[static_cast<u8>(c) & 15];
    } else {
      out_ += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out_ += '"';
}

void JsonWriter::key(std::string_view name) {
  separate();
  string(name);
  out_ += ':';
}

void JsonWriter::value(std::string_view text) {
  separate();
  string(text);
  need_comma_ = true;
}

void JsonWriter::value(u64 number) {
  separate();
  out_ += std::to_string(number);
  need_comma_ = true;
}

void JsonWriter::value(bool truth) {
  separate();
  out_ += truth ? "true" : "false";
  need_comma_ = true;
}

}  // namespace samara::ops
