#include "ops/yaml/reading.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/nearest.h"
#include "ops/text_of.h"
#include "platform/net/wire/address_kind.h"

namespace samara::ops::yaml {

namespace {

constexpr Port dns_port{53};

std::string range_text(server::Range<u64> range) {
  return "a whole number from " + std::to_string(range.low) + " to " + std::to_string(range.high);
}

struct Unit {
  std::string_view name;
  u64 factor;
};
constexpr std::array<Unit, 4> time_units{{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}}};
constexpr std::array<Unit, 4> octet_units{
    {{"KiB", u64{1} << 10}, {"MiB", u64{1} << 20}, {"GiB", u64{1} << 30}, {"TiB", u64{1} << 40}}};

// "15m" with its unit's factor applied; a number alone counts ones. What 64 bits do not hold is the most that they hold, which
// is out of every range.
std::optional<u64> with_unit(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<u64> count = parse_decimal(text.substr(0, digits), std::numeric_limits<u64>::max());
  if (!count) return {};
  const std::string_view name = text.substr(digits);
  if (name.empty()) return count;
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end()) return {};
  constexpr u64 most = std::numeric_limits<u64>::max();
  return *count > most / unit->factor ? most : *count * unit->factor;
}

// The largest unit in which `count` is a whole number.
std::string in_units(u64 count, std::span<const Unit> units) {
  for (size_t i = units.size(); i-- > 0;) {
    if (count != 0 && count % units[i].factor == 0) return std::to_string(count / units[i].factor) + std::string(units[i].name);
  }
  return std::to_string(count);
}

// What YAML 1.1 and other configurations take for a truth.
std::string truth_meant(std::string_view text) {
  for (const std::string_view word : {"yes", "on", "True", "TRUE", "true", "Yes", "On", "YES", "ON"}) {
    if (text == word) return "true";
  }
  for (const std::string_view word : {"no", "off", "False", "FALSE", "false", "No", "Off", "NO", "OFF"}) {
    if (text == word) return "false";
  }
  return {};
}

// "16MB", "90 s" and the like as they are written here; empty when nothing can be guessed.
std::string with_our_unit(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view word = text.substr(std::min(text.find_first_not_of(' ', digits), text.size()));
  if (digits == 0 || word.empty()) return {};
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const Unit& unit : units) {
    if (lower(word.front()) == lower(unit.name.front())) return std::string(text.substr(0, digits)) + std::string(unit.name);
  }
  return {};
}

}  // namespace

void Reading::error(const Value& at, std::string problem, std::string expected, std::string suggestion) const {
  found_.error(place(at), std::move(problem), std::move(expected), std::move(suggestion));
}

void Reading::warning(const Value& at, std::string problem, std::string expected) const {
  found_.warning(place(at), std::move(problem), std::move(expected));
}

std::optional<std::string> Reading::text(const Value& value, std::string_view expected, size_t max) const {
  if (!value.is_scalar()) {
    error(value, std::string(kind_name(value)) + " where text belongs", std::string(expected));
    return {};
  }
  if (value.text.empty()) {
    error(value, "an empty text", std::string(expected));
    return {};
  }
  // The blob's texts end at their first NUL.
  if (value.text.size() > max || value.text.find('\0') != std::string::npos) {
    error(value, "text " + in_quotes(value.text) + (value.text.size() > max ? " is too long" : " holds a NUL character"),
          std::string(expected) + ", at most " + std::to_string(max) + " octets");
    return {};
  }
  return value.text;
}

std::optional<u64> Reading::number(const Value& value, server::Range<u64> range) const {
  if (!value.is_scalar() || value.quoted) {
    error(value,
          value.quoted ? "text " + in_quotes(value.text) + " where a number belongs"
                       : std::string(kind_name(value)) + " where a number belongs",
          range_text(range));
    return {};
  }
  const std::optional<u64> number = parse_decimal(value.text, std::numeric_limits<u64>::max());
  if (!number) {
    const bool numeric = value.text.find_first_not_of("-+.0123456789") == std::string::npos;
    error(value, in_quotes(value.text) + (numeric ? " is out of range" : " is not a number"), range_text(range));
    return {};
  }
  if (!range.holds(*number)) {
    error(value, value.text + " is out of range", range_text(range));
    return {};
  }
  return number;
}

std::optional<u32> Reading::number(const Value& value, server::Range<u32> range) const {
  const std::optional<u64> wide = number(value, server::Range<u64>{range.low, range.high});
  if (!wide) return {};
  return static_cast<u32>(*wide);
}

std::optional<bool> Reading::truth(const Value& value) const {
  if (value.is_scalar() && !value.quoted) {
    if (value.text == "true") return true;
    if (value.text == "false") return false;
  }
  const bool shown = value.is_scalar();
  error(value, (shown ? in_quotes(value.text) : std::string(kind_name(value))) + " is neither true nor false", "true or false",
        shown ? truth_meant(value.text) : std::string());
  return {};
}

std::optional<u32> Reading::seconds(const Value& value, server::Range<u32> range) const {
  const std::string expected =
      "a time from " + in_units(range.low, time_units) + " to " + in_units(range.high, time_units) + ", such as 90s, 15m or 2h";
  if (!value.is_scalar()) {
    error(value, std::string(kind_name(value)) + " where a time belongs", expected);
    return {};
  }
  const std::optional<u64> seconds = with_unit(value.text, time_units);
  if (!seconds || !range.holds(*seconds)) {
    error(value, in_quotes(value.text) + (seconds ? " is out of range" : " is not a time"), expected,
          seconds ? std::string() : with_our_unit(value.text, time_units));
    return {};
  }
  return static_cast<u32>(*seconds);
}

std::optional<u64> Reading::octets(const Value& value, server::Range<u64> range) const {
  const std::string expected = "a size from " + in_units(range.low, octet_units) + " to " + in_units(range.high, octet_units) +
                               ", such as 512MiB or 4GiB";
  if (!value.is_scalar()) {
    error(value, std::string(kind_name(value)) + " where a size belongs", expected);
    return {};
  }
  const std::optional<u64> octets = with_unit(value.text, octet_units);
  if (!octets || !range.holds(*octets)) {
    error(value, in_quotes(value.text) + (octets ? " is out of range" : " is not a size"), expected,
          octets ? std::string() : with_our_unit(value.text, octet_units));
    return {};
  }
  return octets;
}

std::optional<Endpoint> Reading::endpoint(const Value& value) const {
  constexpr std::string_view expected = "ADDRESS:PORT such as 192.0.2.1:53, or \"[2001:db8::1]:53\" in quotes";
  const std::optional<std::string> text = this->text(value, expected, 64);
  if (!text) return {};
  const std::optional<Endpoint> endpoint = parse_endpoint(*text);
  if (!endpoint) {
    error(value, in_quotes(*text) + " is not an endpoint", std::string(expected));
    return {};
  }
  const IpAddress& address = endpoint->address;
  if (net::is_v4_mapped(address)) {
    std::array<u8, 4> v4{};
    std::ranges::copy(address.octets().last(4), v4.begin());
    error(value, in_quotes(*text) + " is an IPv4 address in IPv6's form", std::string(expected),
          text_of(Endpoint{IpAddress::v4(v4), endpoint->port}));
    return {};
  }
  if (net::is_multicast(address) || net::is_limited_broadcast(address)) {
    error(value, in_quotes(*text) + " is not the address of one host", std::string(expected));
    return {};
  }
  return endpoint;
}

std::optional<IpPrefix> Reading::prefix(const Value& value) const {
  constexpr std::string_view expected = "an address or ADDRESS/LENGTH such as 192.0.2.0/24 or 2001:db8::/32";
  const std::optional<std::string> text = this->text(value, expected, 64);
  if (!text) return {};
  std::optional<IpPrefix> prefix = IpPrefix::parse(*text);
  if (prefix) return prefix;
  // The commonest slip has a remedy of its own: 192.0.2.1/24 where 192.0.2.0/24 was meant.
  const size_t slash = text->find('/');
  const std::optional<IpAddress> address = IpAddress::parse(std::string_view(*text).substr(0, slash));
  if (address && slash != std::string::npos) {
    const std::optional<u64> length = parse_decimal(std::string_view(*text).substr(slash + 1), address->is_v4() ? 32 : 128);
    if (length) {
      const auto bits = static_cast<u8>(*length);
      TextBuffer<64> block;
      masked(*address, bits).write_text(block.writer());
      error(value, in_quotes(*text) + " has address bits set behind its prefix length", std::string(expected),
            std::string(block.view()) + "/" + std::to_string(bits));
      return {};
    }
  }
  error(value, in_quotes(*text) + " is not an address block", std::string(expected));
  return {};
}

std::optional<dns::Name> Reading::name(const Value& value) const {
  constexpr std::string_view expected = "a domain name such as example.com";
  const std::optional<std::string> text = this->text(value, expected, dns::max_name_text);
  if (!text) return {};
  const Result<dns::Name, dns::NameError> name = parse_name(*text);
  if (!name) {
    error(value, in_quotes(*text) + " is not a domain name: " + std::string(dns::describe(name.error())),
          std::string(expected));
    return {};
  }
  return name.value();
}

std::optional<size_t> Reading::choice(const Value& value, std::span<const std::string> words, std::string_view what) const {
  std::string expected;
  for (const std::string& word : words) expected += (expected.empty() ? "" : &word == &words.back() ? " or " : ", ") + word;
  if (!value.is_scalar()) {
    error(value, std::string(kind_name(value)) + " where " + std::string(what) + " belongs", expected);
    return {};
  }
  const auto found = std::ranges::find(words, value.text);
  if (found == words.end()) {
    error(value, "unknown " + std::string(what) + " " + in_quotes(value.text), expected, nearest_word(value.text, words));
    return {};
  }
  return static_cast<size_t>(found - words.begin());
}

Fields::Fields(const Value& value, const Reading& reading, std::string what)
    : value_(value), reading_(reading), what_(std::move(what)) {
  if (!value.is_mapping()) {
    reading_.error(value, std::string(kind_name(value)) + " where a mapping belongs", what_ + " as KEY: VALUE lines");
  }
}

const Value* Fields::find(std::string_view key) {
  known_.emplace_back(key);
  const auto entry = std::ranges::find_if(value_.entries, [&](const auto& e) { return e.key.text == key; });
  if (entry == value_.entries.end()) return nullptr;
  if (entry->value.is_null()) {
    reading_.error(entry->key, "key " + in_quotes(key) + " has no value", "a value, or no such key");
    return nullptr;
  }
  return &entry->value;
}

const Value* Fields::require(std::string_view key, std::string_view expected) {
  const Value* value = find(key);
  const bool present = std::ranges::any_of(value_.entries, [&](const auto& e) { return e.key.text == key; });
  if (!present && value_.is_mapping()) {
    reading_.error(value_, "missing key " + in_quotes(key) + " in " + what_, std::string(expected));
  }
  return value;
}

void Fields::finish() {
  for (auto entry = value_.entries.begin(); entry != value_.entries.end(); ++entry) {
    const Value& key = entry->key;
    if (std::ranges::find(known_, key.text) == known_.end()) {
      std::string expected = "one of";
      for (const std::string& known : known_) expected += (&known == &known_.front() ? " " : ", ") + known;
      reading_.error(key, "unknown key " + in_quotes(key.text) + " in " + what_, std::move(expected),
                     nearest_word(key.text, known_));
    }
    if (std::any_of(value_.entries.begin(), entry, [&](const auto& earlier) { return earlier.key.text == key.text; })) {
      reading_.error(key, "key " + in_quotes(key.text) + " stands twice in " + what_, "each key once");
    }
  }
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  if (const std::optional<Endpoint> endpoint = Endpoint::parse(text)) return endpoint;
  // Without a port. An IPv6 address needs its brackets: 2001:db8::1:53 would be a whole address.
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  const std::optional<IpAddress> address =
      bracketed ? IpAddress::parse_v6(text.substr(1, text.size() - 2)) : IpAddress::parse_v4(text);
  return address ? std::optional(Endpoint{*address, dns_port}) : std::nullopt;
}

Result<dns::Name, dns::NameError> parse_name(std::string_view text) {
  if (text == "@") return fail(dns::NameError::empty_label);  // a zone file's word for the origin; here there is none
  return dns::Name::parse(text, dns::Name());
}

}  // namespace samara::ops::yaml
