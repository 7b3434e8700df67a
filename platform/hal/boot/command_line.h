// The command line of an image: words between spaces. A word is `name=value` for the machine (docs/virtio-target.md lists
// them), or `role.…` for the role, which finds it in main()'s arguments. Secrets do not belong here: they are in the boot
// configuration.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

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

// A virtio-mmio device as Linux reads it: SIZE@ADDRESS:LINE[:ID].
struct DeviceWord {
  u64 address = 0;
  u32 line = 0;
};

constexpr std::optional<DeviceWord> parse_device(std::string_view text) {
  const size_t at = text.find('@');
  const size_t colon = text.find(':', at == std::string_view::npos ? text.size() : at);
  if (colon == std::string_view::npos) return std::nullopt;
  const auto size = parse_size(text.substr(0, at));
  const auto address = parse_size(text.substr(at + 1, colon - at - 1));
  std::string_view line_text = text.substr(colon + 1);
  line_text = line_text.substr(0, line_text.find(':'));
  const auto line = parse_size(line_text);
  constexpr u64 highest_line = 255;
  constexpr u64 lowest_address = u64{1} << 20;
  if (!size || !address || !line || *line > highest_line || *address < lowest_address || *address >= region_window) {
    return std::nullopt;
  }
  return DeviceWord{*address, static_cast<u32>(*line)};
}

// The address of a network card: six octets in hexadecimal between colons.
using CardAddress = std::array<u8, 6>;
constexpr std::optional<CardAddress> parse_card(std::string_view text) {
  CardAddress address{};
  if (text.size() != 3 * address.size() - 1) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i % 3 == 2) {
      if (c != ':') return std::nullopt;
      continue;
    }
    const u32 digit = c >= '0' && c <= '9'   ? static_cast<u32>(c - '0')
                      : c >= 'a' && c <= 'f' ? static_cast<u32>(c - 'a' + 10)
                      : c >= 'A' && c <= 'F' ? static_cast<u32>(c - 'A' + 10)
                                             : u32{16};
    if (digit == 16) return std::nullopt;
    address[i / 3] = static_cast<u8>(u32{address[i / 3]} << 4 | digit);
  }
  return address;
}

template <class... Good>
constexpr bool is_one_of(std::string_view value, Good... good) {
  return ((value == good) || ...);
}

// What a word of the command line should be instead: empty when it is good. Nothing: nobody here knows it (managers add words
// for Linux).
constexpr std::optional<std::string_view> check_word(std::string_view word) {
  struct Known {
    std::string_view name;
    std::string_view expected;
    bool (*good)(std::string_view value);
  };
  constexpr std::array<Known, 6> known{{
      {"virtio_mmio.device=", "SIZE@ADDRESS:LINE", [](std::string_view value) { return parse_device(value).has_value(); }},
      {"clock=", "cpuid, apic, pm-timer or pit",
       [](std::string_view value) { return is_one_of(value, "cpuid", "apic", "pm-timer", "pit"); }},
      {"on-failure=", "poweroff, reset or halt",
       [](std::string_view value) { return is_one_of(value, "poweroff", "reset", "halt"); }},
      {"measure=", "start", [](std::string_view value) { return value == "start"; }},
      {"card=", "an address as 52:54:00:12:34:56", [](std::string_view value) { return parse_card(value).has_value(); }},
      {"role.", "", [](std::string_view) { return true; }},
  }};
  for (const Known& one : known) {
    if (word.starts_with(one.name)) return one.good(word.substr(one.name.size())) ? std::string_view() : one.expected;
  }
  return std::nullopt;
}

}  // namespace samara::hal
