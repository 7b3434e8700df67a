#include "zone/master_file_generate.h"

#include "platform/base/ip_address.h"

namespace samara::zone {
namespace {

constexpr u64 max_number = 0x7fffffff;
// No field of a record is longer.
constexpr u64 max_width = 255;

struct Modifier {
  i64 offset = 0;
  size_t width = 0;
  char base = 'd';
};

// OFFSET[,WIDTH[,BASE]], the text between the braces.
std::optional<Modifier> parse_modifier(std::string_view text) {
  Modifier modifier;
  const size_t comma = text.find(',');
  std::string_view offset = text.substr(0, comma);
  const bool negative = offset.starts_with('-');
  if (negative || offset.starts_with('+')) offset.remove_prefix(1);
  const auto magnitude = parse_decimal(offset, max_number);
  if (!magnitude.has_value()) return std::nullopt;
  modifier.offset = negative ? -static_cast<i64>(*magnitude) : static_cast<i64>(*magnitude);
  if (comma == std::string_view::npos) return modifier;

  text.remove_prefix(comma + 1);
  const size_t second = text.find(',');
  const auto width = parse_decimal(text.substr(0, second), max_width);
  if (!width.has_value()) return std::nullopt;
  modifier.width = static_cast<size_t>(*width);
  if (second == std::string_view::npos) return modifier;

  text.remove_prefix(second + 1);
  if (text.size() != 1 || std::string_view("doxXnN").find(text[0]) == std::string_view::npos) return std::nullopt;
  modifier.base = text[0];
  return modifier;
}

char digit_of(u64 value, bool upper) {
  return std::string_view(upper ? "0123456789ABCDEF" : "0123456789abcdef")[value & 15];
}

void write_radix(u64 value, unsigned bits, size_t width, bool upper, TextWriter& out) {
  size_t digits = 1;
  while (digits * bits < 64 && (value >> (digits * bits)) != 0) ++digits;
  for (size_t i = digits; i < width; ++i) out.put('0');
  for (size_t i = digits; i-- > 0;) out.put(digit_of((value >> (i * bits)) & ((1U << bits) - 1), upper));
}

// Hexadecimal digits as labels, the lowest first (ip6.arpa); the width counts digits and dots.
void write_nibbles(u64 value, size_t width, bool upper, TextWriter& out) {
  for (;;) {
    out.put(digit_of(value, upper));
    value >>= 4;
    if (width > 0) --width;
    if (value == 0 && width == 0) return;
    out.put('.');
    if (width > 0) --width;
    if (value == 0 && width == 0) return;
  }
}

void write_number(u64 value, const Modifier& modifier, TextWriter& out) {
  switch (modifier.base) {
    case 'o': return write_radix(value, 3, modifier.width, false, out);
    case 'x': return write_radix(value, 4, modifier.width, false, out);
    case 'X': return write_radix(value, 4, modifier.width, true, out);
    case 'n': return write_nibbles(value, modifier.width, false, out);
    case 'N': return write_nibbles(value, modifier.width, true, out);
    default: return out.decimal(value, modifier.width);
  }
}

}  // namespace

std::string_view describe(TemplateError error) {
  switch (error) {
    case TemplateError::bad_modifier: return "bad modifier in a $GENERATE template";
    case TemplateError::out_of_range: return "the offset takes the number out of range";
  }
  return "bad template";
}

std::optional<GenerateRange> parse_generate_range(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const size_t slash = text.find('/', dash);
  const size_t last_size = slash == std::string_view::npos ? slash : slash - dash - 1;
  const auto first = parse_decimal(text.substr(0, dash), max_number);
  const auto last = parse_decimal(text.substr(dash + 1, last_size), max_number);
  const auto step = slash == std::string_view::npos ? std::optional<u64>(1) : parse_decimal(text.substr(slash + 1), max_number);
  if (!first.has_value() || !last.has_value() || !step.has_value() || *first > *last || *step == 0) return std::nullopt;
  return GenerateRange{static_cast<u32>(*first), static_cast<u32>(*last), static_cast<u32>(*step)};
}

std::optional<TemplateError> expand_template(std::string_view text, u32 number, TextWriter& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char after = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && i + 1 < text.size()) {
      if (after != '$') out.put(c);
      out.put(after);
      ++i;
    } else if (c != '$') {
      out.put(c);
    } else if (after == '$') {
      out.put('$');
      ++i;
    } else {
      Modifier modifier;
      if (after == '{') {
        const size_t end = text.find('}', i);
        if (end == std::string_view::npos) return TemplateError::bad_modifier;
        const auto parsed = parse_modifier(text.substr(i + 2, end - i - 2));
        if (!parsed.has_value()) return TemplateError::bad_modifier;
        modifier = *parsed;
        i = end;
      }
      const i64 value = i64{number} + modifier.offset;
      if (value < 0 || value > static_cast<i64>(max_number)) return TemplateError::out_of_range;
      write_number(static_cast<u64>(value), modifier, out);
    }
  }
  return std::nullopt;
}

}  // namespace samara::zone
