#include "zone/simple_line.h"

#include <array>

#include "platform/base/ip_address.h"

namespace samara::zone {
namespace {

enum CharClass : u8 { plain, blank, other };

constexpr std::array<CharClass, 256> make_classes() {
  std::array<CharClass, 256> classes{};
  classes[' '] = classes['\t'] = classes['\r'] = blank;
  for (const char c : {'\n', ';', '(', ')', '"', '\\'}) classes[static_cast<u8>(c)] = other;
  return classes;
}
constexpr std::array<CharClass, 256> classes = make_classes();

CharClass class_of(char c) {
  return classes[static_cast<u8>(c)];
}

size_t skip_blanks(std::string_view text, size_t i) {
  while (i < text.size() && class_of(text[i]) == blank) ++i;
  return i;
}

size_t end_of_word(std::string_view text, size_t i) {
  while (i < text.size() && class_of(text[i]) == plain) ++i;
  return i;
}

// Up to eight characters as one number, letters in lower case.
constexpr u64 pack(std::string_view word) {
  u64 packed = 0;
  for (const char c : word) packed = packed << 8 | dns::to_lower(static_cast<u8>(c));
  return packed;
}

// The types most zones are made of; others take the long way.
std::optional<dns::RrType> common_type(std::string_view word) {
  using enum dns::RrType;
  if (word.empty() || word.size() > 8) return std::nullopt;
  switch (pack(word)) {
    case pack("a"): return A;
    case pack("ns"): return NS;
    case pack("aaaa"): return AAAA;
    case pack("cname"): return CNAME;
    case pack("ptr"): return PTR;
    case pack("mx"): return MX;
    case pack("txt"): return TXT;
    case pack("ds"): return DS;
    case pack("srv"): return SRV;
    case pack("caa"): return CAA;
    case pack("tlsa"): return TLSA;
    case pack("dname"): return DNAME;
    case pack("rrsig"): return RRSIG;
    case pack("nsec"): return NSEC;
    case pack("nsec3"): return NSEC3;
    case pack("dnskey"): return DNSKEY;
    default: return std::nullopt;
  }
}

std::optional<dns::Ttl> plain_ttl(std::string_view word) {
  if (word.size() > 10) return std::nullopt;
  u64 seconds = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds = seconds * 10 + static_cast<u64>(c - '0');
  }
  if (seconds > dns::Ttl::max) return std::nullopt;
  return dns::Ttl(static_cast<u32>(seconds));
}

std::optional<size_t> read_mx(std::string_view text, size_t& at, const dns::Name& origin, MutableBytes rdata) {
  const size_t end = end_of_word(text, at);
  const auto preference = parse_decimal(text.substr(at, end - at), 0xffff);
  const size_t host = skip_blanks(text, end);
  if (!preference.has_value() || host == end) return std::nullopt;
  store_be16(rdata, 0, static_cast<u16>(*preference));
  at = end_of_word(text, host);
  const auto size = dns::parse_name(text.substr(host, at - host), origin.wire(), rdata.subspan(2));
  if (!size.ok()) return std::nullopt;
  return 2 + size.value();
}

std::optional<size_t> copy_address(const std::optional<IpAddress>& address, MutableBytes rdata) {
  if (!address.has_value()) return std::nullopt;
  std::ranges::copy(address->octets(), rdata.begin());
  return address->octets().size();
}

// The data at `at`, which moves to its end.
std::optional<size_t> read_data(std::string_view text, size_t& at, dns::RrType type, const dns::Name& origin,
                                MutableBytes rdata) {
  if (type == dns::RrType::MX) return read_mx(text, at, origin, rdata);
  const size_t start = at;
  at = end_of_word(text, start);
  const std::string_view word = text.substr(start, at - start);
  if (type == dns::RrType::A) return copy_address(IpAddress::parse_v4(word), rdata);
  if (type == dns::RrType::AAAA) return copy_address(IpAddress::parse_v6(word), rdata);
  const auto size = dns::parse_name(word, origin.wire(), rdata);
  if (!size.ok()) return std::nullopt;
  return size.value();
}

bool has_simple_data(dns::RrType type) {
  using enum dns::RrType;
  return type == A || type == NS || type == AAAA || type == CNAME || type == PTR || type == MX || type == DNAME;
}

}  // namespace

std::optional<SimpleHead> read_simple_head(std::string_view text) {
  if (text.empty() || text[0] == '$') return std::nullopt;
  SimpleHead head;
  size_t end = end_of_word(text, 0);
  head.owner = text.substr(0, end);
  head.at = head.owner.empty() ? skip_blanks(text, 0) : 0;
  bool has_class = false;
  for (;;) {
    const size_t start = skip_blanks(text, end);
    if (start == end) return std::nullopt;  // something else than a blank ended the word before
    end = end_of_word(text, start);
    const std::string_view word = text.substr(start, end - start);
    if (word.empty()) return std::nullopt;
    if (!head.ttl.has_value() && word[0] >= '0' && word[0] <= '9') {
      head.ttl = plain_ttl(word);
      if (!head.ttl.has_value()) return std::nullopt;
    } else if (!has_class && (word == "IN" || word == "in")) {
      has_class = true;
    } else {
      const auto type = common_type(word);
      head.data_at = skip_blanks(text, end);
      if (!type.has_value() || head.data_at == end) return std::nullopt;
      head.type = *type;
      return head;
    }
  }
}

std::optional<SimpleData> read_simple_data(std::string_view text, dns::RrType type, const dns::Name& origin,
                                           MutableBytes rdata) {
  if (!has_simple_data(type)) return std::nullopt;
  size_t at = 0;
  const auto size = read_data(text, at, type, origin, rdata);
  if (!size.has_value()) return std::nullopt;
  at = skip_blanks(text, at);
  if (at >= text.size() || text[at] != '\n') return std::nullopt;
  return SimpleData{*size, at + 1};
}

}  // namespace samara::zone
