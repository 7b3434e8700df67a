// A YAML text as a plain tree of values that know where they stand. This is the only door to yaml-cpp, whose exceptions end
// here. One document a file; aliases are expanded (within a limit), tags are not used.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/diagnostics.h"

namespace samara::ops::yaml {

constexpr size_t max_text = size_t{64} << 20;  // 100,000 zones with lists of their own are half of that
constexpr size_t max_depth = 16;               // of values in values
constexpr size_t max_values = 1'000'000;       // in one document, aliases expanded

struct Entry;

struct Value {
  enum class Kind : u8 { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  bool quoted = false;  // a scalar in quotes is text, never a number
  std::string text;     // of a scalar
  u32 line = 1;
  u32 column = 1;
  std::vector<Value> items;    // of a sequence
  std::vector<Entry> entries;  // of a mapping, in the order of the file; keys are scalars

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }
};

struct Entry {
  Value key;
  Value value;
};

// Nothing when the text is not YAML at all; `found` then says why. `file` is what its lines call it.
std::optional<Value> parse(std::string_view text, const std::string& file, Diagnostics& found);

// "a list", "a mapping", "text": what a value is, for error messages.
std::string_view kind_name(const Value& value);

}  // namespace samara::ops::yaml
