#include "platform/base/ip_address.h"

#include <algorithm>

namespace samara {
namespace {

std::optional<u8> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<u8>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<u8>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<u8>(c - 'A' + 10);
  return std::nullopt;
}

void write_v6(Bytes octets, TextWriter& out) {
  // RFC 5952 section 4.2: the longest run of two or more zero fields becomes "::", the first of equals.
  size_t best_start = 8;
  size_t best_length = 1;
  for (size_t i = 0; i < 8;) {
    size_t n = 0;
    while (i + n < 8 && load_be16(octets, 2 * (i + n)) == 0) ++n;
    if (n > best_length) {
      best_start = i;
      best_length = n;
    }
    i += n == 0 ? 1 : n;
  }
  for (size_t i = 0; i < 8;) {
    if (i == best_start) {
      out.put("::");
      i += best_length;
      continue;
    }
    if (i != 0 && i != best_start + best_length) out.put(':');
    const u16 field = load_be16(octets, 2 * i);
    out.hex(field, field >= 0x1000 ? 4 : field >= 0x100 ? 3 : field >= 0x10 ? 2 : 1);
    ++i;
  }
}

}  // namespace

std::optional<u64> parse_decimal(std::string_view text, u64 max) {
  if (text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  u64 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const u64 digit = static_cast<u64>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (value > max) return std::nullopt;
  return value;
}

std::optional<IpAddress> IpAddress::parse_v4(std::string_view text) {
  std::array<u8, 4> octets{};
  size_t part = 0;
  size_t digits = 0;  // of the part at hand
  u32 value = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0 || part == 3) return std::nullopt;
      octets[part++] = static_cast<u8>(value);
      digits = 0;
      value = 0;
      continue;
    }
    const auto digit = static_cast<u8>(c - '0');
    if (digit > 9 || (digits != 0 && value == 0)) return std::nullopt;
    value = value * 10 + digit;
    if (value > 255) return std::nullopt;
    ++digits;
  }
  if (part != 3 || digits == 0) return std::nullopt;
  octets[3] = static_cast<u8>(value);
  return v4(octets);
}

std::optional<IpAddress> IpAddress::parse_v6(std::string_view text) {
  std::array<u8, 16> octets{};
  size_t filled = 0;               // octets written so far
  size_t gap = octets.size() + 1;  // where "::" stood
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  } else if (text.starts_with(':')) {
    return std::nullopt;
  }
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    const std::string_view field = text.substr(0, end);
    if (field.find('.') != std::string_view::npos) {  // RFC 4291 section 2.2 form 3: the last 32 bits as a dotted quad
      const auto tail = parse_v4(field);
      if (!tail.has_value() || end != text.size() || filled > 12) return std::nullopt;
      std::ranges::copy(tail->octets(), MutableBytes(octets).subspan(filled, 4).begin());
      filled += 4;
      break;
    }
    if (field.empty() || field.size() > 4 || filled > 14) return std::nullopt;
    u16 value = 0;
    for (const char c : field) {
      const auto digit = hex_digit(c);
      if (!digit.has_value()) return std::nullopt;
      value = static_cast<u16>(value << 4 | *digit);
    }
    store_be16(octets, filled, value);
    filled += 2;
    text.remove_prefix(end);
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap <= octets.size()) return std::nullopt;
      gap = filled;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return std::nullopt;
    }
  }
  if (gap > octets.size()) {
    if (filled != octets.size()) return std::nullopt;
    return v6(octets);
  }
  if (filled > 14) return std::nullopt;  // "::" stands for at least one field
  std::array<u8, 16> spread{};
  std::ranges::copy(Bytes(octets).first(gap), spread.begin());
  const Bytes tail = Bytes(octets).subspan(gap, filled - gap);
  std::ranges::copy(tail, MutableBytes(spread).last(tail.size()).begin());
  return v6(spread);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

void IpAddress::write_text(TextWriter& out) const {
  if (!is_v4()) {
    write_v6(octets_, out);
    return;
  }
  for (size_t i = 0; i < 4; ++i) {
    if (i != 0) out.put('.');
    out.put(octets_[i]);
  }
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_decimal(text.substr(colon + 1), 65535);
  if (!port.has_value()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  std::optional<IpAddress> address;
  if (host.starts_with('[') && host.ends_with(']')) {
    address = IpAddress::parse_v6(host.substr(1, host.size() - 2));
  } else {
    address = IpAddress::parse_v4(host);
  }
  if (!address.has_value()) return std::nullopt;
  return Endpoint{*address, Port(static_cast<u16>(*port))};
}

void Endpoint::write_text(TextWriter& out) const {
  if (!address.is_v4()) out.put('[');
  address.write_text(out);
  if (!address.is_v4()) out.put(']');
  out.put(':');
  out.put(port.value());
}

IpAddress masked(const IpAddress& address, u8 length) {
  std::array<u8, 16> octets{};
  const Bytes from = address.octets();
  for (size_t i = 0; i < from.size() && i * 8 < length; ++i) {
    const size_t bits = std::min<size_t>(8, length - i * 8);
    octets[i] = static_cast<u8>(from[i] & (0xff00U >> bits));
  }
  if (!address.is_v4()) return IpAddress::v6(octets);
  return IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
}

std::optional<IpPrefix> IpPrefix::create(IpAddress address, u8 length) {
  if (length > address.octets().size() * 8 || masked(address, length) != address) return std::nullopt;
  IpPrefix p;
  p.address_ = address;
  p.length_ = length;
  return p;
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address.has_value()) return std::nullopt;
  const u64 width = address->octets().size() * 8;
  if (slash == std::string_view::npos) return create(*address, static_cast<u8>(width));
  const auto length = parse_decimal(text.substr(slash + 1), width);
  if (!length.has_value()) return std::nullopt;
  return create(*address, static_cast<u8>(*length));
}

bool IpPrefix::contains(const IpAddress& address) const {
  return address.family() == address_.family() && masked(address, length_) == address_;
}

void IpPrefix::write_text(TextWriter& out) const {
  address_.write_text(out);
  out.put('/');
  out.put(length_);
}

}  // namespace samara
