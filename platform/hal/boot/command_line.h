// The command line of an image: words between spaces. A word is `name=value` for the machine (docs/virtio-target.md lists
// them), or `role.…` for the role, which finds it in main()'s arguments. Secrets do not belong here: they are in the boot
// configuration.
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/types.h"

namespace samara::hal {

class CommandLine {
 public:
  explicit constexpr CommandLine(std::string_view text = {}) : text_(text) {}

  // Calls f(word) for each.
  template <class F>
  constexpr void each(F&& f) const {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const size_t end = rest.find(' ');
      if (const std::string_view word = rest.substr(0, end); !word.empty()) f(word);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
  // The value of the last word `name=value`.
  constexpr std::optional<std::string_view> value(std::string_view name) const {
    std::optional<std::string_view> found;
    each([&](std::string_view word) {
      if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') found = word.substr(name.size() + 1);
    });
    return found;
  }

 private:
  std::string_view text_;
};

// A number as people write addresses and sizes: decimal, or hexadecimal behind 0x, with K, M or G behind it.
constexpr std::optional<u64> parse_size(std::string_view text) {
  u64 unit = 1;
  if (!text.empty()) {
    const char last = text.back();
    unit = last == 'K' || last == 'k'   ? u64{1} << 10
           : last == 'M' || last == 'm' ? u64{1} << 20
           : last == 'G'                ? u64{1} << 30
                                        : 1;
    if (unit != 1) text.remove_suffix(1);
  }
  const u64 base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  if (text.empty()) return std::nullopt;
  u64 value = 0;
  for (const char c : text) {
    u64 digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<u64>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<u64>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<u64>(c - 'A') + 10;
    if (digit >= base || value > (UINT64_MAX - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  if (value > UINT64_MAX / unit) return std::nullopt;
  return value * unit;
}

}  // namespace samara::hal
