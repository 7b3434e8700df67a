// Reading typed values out of a YAML tree against a schema. Every function either gives the value or reports what is wrong,
// where, and what was expected; nothing stops at the first error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "ops/diagnostics.h"
#include "ops/yaml/document.h"
#include "platform/base/ip_address.h"
#include "server/config/service_config.h"

namespace samara::ops::yaml {

// The file a tree comes from and where its errors go.
class Reading {
 public:
  Reading(std::string file, Diagnostics& found) : file_(std::move(file)), found_(found) {}
  const std::string& file() const { return file_; }
  Place place(const Value& value) const { return {file_, value.line, value.column}; }
  void error(const Value& at, std::string problem, std::string expected = {}, std::string suggestion = {}) const;
  void warning(const Value& at, std::string problem, std::string expected = {}) const;
  Diagnostics& found() const { return found_; }
  // Notes a file that holds secrets, which are nobody else's to see.
  void add_secret_file(std::string path) const { secret_files_.push_back(std::move(path)); }
  const std::vector<std::string>& secret_files() const { return secret_files_; }

  // Text, quoted or not, with at least one and at most `max` octets.
  std::optional<std::string> text(const Value& value, std::string_view expected, size_t max) const;
  std::optional<u64> number(const Value& value, server::Range<u64> range) const;
  std::optional<u32> number(const Value& value, server::Range<u32> range) const;
  std::optional<bool> truth(const Value& value) const;
  // Seconds: a number, or a number with unit: 90s, 15m, 2h.
  std::optional<u32> seconds(const Value& value, server::Range<u32> range) const;
  // Octets: a number, or a number with unit: 512MiB, 4GiB (powers of 1,024).
  std::optional<u64> octets(const Value& value, server::Range<u64> range) const;
  // "192.0.2.1:53", "[2001:db8::1]:53"; without port it is 53.
  std::optional<Endpoint> endpoint(const Value& value) const;
  // "192.0.2.0/24", "2001:db8::/32", a lone address.
  std::optional<IpPrefix> prefix(const Value& value) const;
  // A domain name; with or without the final dot it is absolute.
  std::optional<dns::Name> name(const Value& value) const;
  // One of `words`; gives its index.
  std::optional<size_t> choice(const Value& value, std::span<const std::string> words, std::string_view what) const;

 private:
  std::string file_;
  Diagnostics& found_;
  mutable std::vector<std::string> secret_files_;
};

// Calls `each` for the items of a list of at most `max`; reports what is no list, or too long.
template <class Each>
void for_items(const Value* value, const Reading& reading, size_t max, std::string_view expected, Each&& each) {
  if (value == nullptr) return;
  if (!value->is_sequence()) {
    reading.error(*value, std::string(kind_name(*value)) + " where a list belongs", std::string(expected));
    return;
  }
  if (value->items.size() > max) {
    reading.error(value->items.at(max), "too many", "at most " + std::to_string(max));
    return;
  }
  for (const Value& item : value->items) each(item);
}

// The members of one mapping. Asking for a key makes it known; finish() reports the keys nobody asked for.
class Fields {
 public:
  // Reports `value` when it is not a mapping; there are no members then. `what` names the mapping: "limits".
  Fields(const Value& value, const Reading& reading, std::string what);
  // The member's value, or null when it is absent. A key without value is reported and counts as absent.
  const Value* find(std::string_view key);
  // The same, but reports when it is absent.
  const Value* require(std::string_view key, std::string_view expected);
  // Reports unknown keys with the nearest known one, and keys that stand twice.
  void finish();

 private:
  const Value& value_;
  const Reading& reading_;
  std::string what_;
  std::vector<std::string> known_;
};

// Assigns the number when it is one.
template <class T>
void read_number(const Value* value, const Reading& reading, server::Range<u32> range, T& into) {
  if (value == nullptr) return;
  if (const std::optional<u32> number = reading.number(*value, range)) into = static_cast<T>(*number);
}
inline void read_seconds(const Value* value, const Reading& reading, server::Range<u32> range, u32& into) {
  if (value != nullptr) into = reading.seconds(*value, range).value_or(into);
}
inline void read_octets(const Value* value, const Reading& reading, server::Range<u64> range, u64& into) {
  if (value != nullptr) into = reading.octets(*value, range).value_or(into);
}
inline void read_truth(const Value* value, const Reading& reading, bool& into) {
  if (value != nullptr) into = reading.truth(*value).value_or(into);
}

// "192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.1" or "[2001:db8::1]", which mean port 53.
std::optional<Endpoint> parse_endpoint(std::string_view text);
// A domain name as people write it: absolute with or without its final dot.
Result<dns::Name, dns::NameError> parse_name(std::string_view text);

}  // namespace samara::ops::yaml
