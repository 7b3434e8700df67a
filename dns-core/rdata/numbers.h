// Numbers that people write by name: DNSSEC algorithms, certificate types and the like (IANA registries). Names are read in any
// case; a decimal number is always accepted.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "dns-core/rdata/descriptor.h"
#include "platform/base/text_writer.h"

namespace samara::dns {

struct NamedNumber {
  std::string_view name;
  u32 value;
};

// How a number field is written by people.
struct NumberForm {
  std::span<const NamedNumber> names;  // accepted
  bool write_names = false;            // and written, where a value has one
  std::string_view expected;           // for error messages
};
// The form of a number field with names; one without names for all other fields.
NumberForm number_form(Field field);

std::optional<u32> value_of(std::span<const NamedNumber> names, std::string_view name);
std::string_view name_of(std::span<const NamedNumber> names, u32 value);
// The name nearest to `text`, or empty when none is near.
std::string_view nearest_name(std::span<const NamedNumber> names, std::string_view text);

// Decimal digits only, leading zeros allowed; `max` is 9 or more.
std::optional<u64> parse_number(std::string_view text, u64 max);
// A number of seconds, plain or with units ("1w2d3h4m5s").
std::optional<u32> parse_period(std::string_view text, u32 max);
// YYYYMMDDHHMMSS in UTC, or seconds since 1970 modulo 2^32 (RFC 4034 section 3.2).
std::optional<u32> parse_time(std::string_view text);
// The time as YYYYMMDDHHMMSS, of the years 1970 to 2106.
void write_time(u32 seconds, TextWriter& out);

bool equal_ignoring_case(std::string_view a, std::string_view b);
// How many single-character edits (insert, delete, replace, swap neighbours) make one word the other; at most `limit` + 1.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);
// The largest distance at which a word is worth suggesting instead of `text`.
constexpr size_t suggestion_distance(std::string_view text) {
  return text.size() < 2 ? 0 : text.size() < 6 ? 1 : 2;
}

}  // namespace samara::dns
