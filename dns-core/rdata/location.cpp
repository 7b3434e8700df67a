#include "dns-core/rdata/location.h"

#include <array>

#include "dns-core/rdata/numbers.h"

namespace samara::dns {
namespace {

constexpr u32 equator = 1U << 31;  // also the prime meridian; units are thousandths of a second of arc
constexpr u32 max_latitude = 90U * 3'600'000;
constexpr u32 max_longitude = 180U * 3'600'000;
constexpr u32 altitude_zero = 10'000'000;     // centimetres below the reference spheroid
constexpr u64 max_precision = 9'000'000'000;  // 9e9 cm
constexpr u8 default_size = 0x12;             // 1 m, section 3
constexpr u8 default_horizontal = 0x16;       // 10 km
constexpr u8 default_vertical = 0x13;         // 10 m

// Digits with up to `places` decimals, in units of the last place: "1.5" with 3 places is 1500.
std::optional<u64> parse_fixed(std::string_view text, size_t places, u64 max) {
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string_view decimals = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (decimals.size() > places || (whole.empty() && decimals.empty())) return std::nullopt;
  u64 value = 0;
  if (!whole.empty()) {
    const auto number = parse_number(whole, max);
    if (!number.has_value()) return std::nullopt;
    value = *number;
  }
  for (size_t i = 0; i < places; ++i) {
    u64 digit = 0;
    if (i < decimals.size()) {
      if (decimals[i] < '0' || decimals[i] > '9') return std::nullopt;
      digit = static_cast<u64>(decimals[i] - '0');
    }
    value = value * 10 + digit;
  }
  if (value > max) return std::nullopt;
  return value;
}

bool is_hemisphere(const Token& token, std::string_view letters) {
  return equal_ignoring_case(token.text, letters.substr(0, 1)) || equal_ignoring_case(token.text, letters.substr(1, 1));
}

// "d1 [m1 [s1]] N|S": an angle on the circle around `equator`. `letters` are the positive and the negative hemisphere.
Result<u32, SyntaxError> read_angle(TextFields& fields, u32 max, std::string_view letters, std::string_view expected) {
  const Token degrees = TRY(fields.word(expected));
  const auto whole = parse_number(degrees.text, max / 3'600'000);
  if (!whole.has_value()) return wrong(degrees, "bad degrees", expected);
  u64 angle = *whole * 3'600'000;
  Token token = TRY(fields.word(expected));
  if (!is_hemisphere(token, letters)) {
    const auto minutes = parse_number(token.text, 59);
    if (!minutes.has_value()) return wrong(token, "bad minutes of arc", expected);
    angle += *minutes * 60'000;
    token = TRY(fields.word(expected));
    if (!is_hemisphere(token, letters)) {
      const auto seconds = parse_fixed(token.text, 3, 59'999);
      if (!seconds.has_value()) return wrong(token, "bad seconds of arc", expected);
      angle += *seconds;
      token = TRY(fields.word(expected));
      if (!is_hemisphere(token, letters)) return wrong(token, "bad hemisphere", expected);
    }
  }
  if (angle > max) return wrong(degrees, "angle is too large", expected);
  const bool positive = equal_ignoring_case(token.text, letters.substr(0, 1));
  return positive ? equator + static_cast<u32>(angle) : equator - static_cast<u32>(angle);
}

std::string_view without_unit(std::string_view text) {
  if (text.ends_with('m') || text.ends_with('M')) text.remove_suffix(1);
  return text;
}

Result<u32, SyntaxError> read_altitude(TextFields& fields) {
  constexpr std::string_view expected = "an altitude from -100000.00m to 42849672.95m";
  const Token token = TRY(fields.word(expected));
  std::string_view text = without_unit(token.text);
  const bool below = text.starts_with('-');
  if (below || text.starts_with('+')) text.remove_prefix(1);
  const auto centimetres = parse_fixed(text, 2, below ? altitude_zero : u64{UINT32_MAX} - altitude_zero);
  if (!centimetres.has_value()) return wrong(token, "bad altitude", expected);
  const auto distance = static_cast<u32>(*centimetres);
  return below ? altitude_zero - distance : altitude_zero + distance;
}

// Section 2: one digit and a power of ten, in centimetres; further digits are dropped.
Result<u8, SyntaxError> precision(const Token& token) {
  const auto centimetres =
      token.kind == Token::Kind::word ? parse_fixed(without_unit(token.text), 2, max_precision) : std::nullopt;
  if (!centimetres.has_value()) return wrong(token, "bad size or precision", "metres from 0 to 90000000.00m");
  u64 mantissa = *centimetres;
  u8 exponent = 0;
  for (; mantissa > 9; mantissa /= 10) ++exponent;
  return static_cast<u8>(mantissa << 4 | exponent);
}

void write_angle(u32 value, std::string_view letters, TextWriter& out) {
  const u32 angle = value >= equator ? value - equator : equator - value;
  out.put(angle / 3'600'000);
  out.put(' ');
  out.put(angle / 60'000 % 60);
  out.put(' ');
  out.put(angle / 1'000 % 60);
  out.put('.');
  out.decimal(angle % 1'000, 3);
  out.put(' ');
  out.put(letters[value >= equator ? 0 : 1]);
}

void write_metres(u64 centimetres, TextWriter& out) {
  out.put(centimetres / 100);
  out.put('.');
  out.decimal(centimetres % 100, 2);
  out.put('m');
}

bool is_precision(u8 octet) {
  const u8 mantissa = octet >> 4;
  const u8 exponent = octet & 15;
  return mantissa <= 9 && exponent <= 9 && (mantissa != 0 || exponent == 0);
}

bool is_angle(u32 value, u32 max) {
  return value >= equator - max && value <= equator + max;
}

}  // namespace

void check_location(RdataCursor& at) {
  if (at.u8() != 0) {
    at.all();
    return;
  }
  const u8 size = at.u8();
  const u8 horizontal = at.u8();
  const u8 vertical = at.u8();
  const u32 latitude = at.u32();
  const u32 longitude = at.u32();
  at.u32();
  at.require(is_precision(size) && is_precision(horizontal) && is_precision(vertical) && is_angle(latitude, max_latitude) &&
             is_angle(longitude, max_longitude));
}

Result<void, SyntaxError> read_location(TextFields& fields) {
  const u32 latitude = TRY(read_angle(fields, max_latitude, "NS", "a latitude: DEGREES [MINUTES [SECONDS]] N or S"));
  const u32 longitude = TRY(read_angle(fields, max_longitude, "EW", "a longitude: DEGREES [MINUTES [SECONDS]] E or W"));
  const u32 altitude = TRY(read_altitude(fields));
  std::array<u8, 3> precisions{default_size, default_horizontal, default_vertical};
  for (u8& octet : precisions) {
    const Token token = TRY(fields.next_or_end());
    if (!token.is_text()) break;
    octet = TRY(precision(token));
  }
  fields.out().u8(0);
  fields.out().bytes(precisions);
  fields.out().u32(latitude);
  fields.out().u32(longitude);
  fields.out().u32(altitude);
  return {};
}

bool write_location(RdataCursor& at, TextWriter& out) {
  if (at.u8() != 0) return false;
  const Bytes precisions = at.bytes(3);
  write_angle(at.u32(), "NS", out);
  out.put(' ');
  write_angle(at.u32(), "EW", out);
  out.put(' ');
  const u32 altitude = at.u32();
  if (altitude < altitude_zero) out.put('-');
  write_metres(altitude < altitude_zero ? altitude_zero - altitude : altitude - altitude_zero, out);
  for (const u8 octet : precisions) {
    u64 centimetres = octet >> 4;
    for (u8 exponent = octet & 15; exponent > 0; --exponent) centimetres *= 10;
    out.put(' ');
    write_metres(centimetres, out);
  }
  return true;
}

}  // namespace samara::dns
