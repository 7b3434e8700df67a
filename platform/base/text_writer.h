// TextWriter: the ByteWriter of characters. Builds names, addresses, log lines and zone text in memory somebody else owns,
// without a string type; the first piece that does not fit makes it overflow and nothing is written from then on.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <span>
#include <string_view>

#include "platform/base/types.h"

namespace samara {

class TextWriter {
 public:
  constexpr explicit TextWriter(std::span<char> into) : into_(into) {}

  constexpr size_t size() const { return size_; }
  constexpr bool overflowed() const { return overflowed_; }
  constexpr std::string_view view() const { return {into_.data(), size_}; }
  constexpr void clear() {
    size_ = 0;
    overflowed_ = false;
  }
  // Cuts back to an earlier size().
  constexpr void truncate(size_t size) { size_ = std::min(size, size_); }

  constexpr void put(char c) {
    if (reserve(1)) into_[size_++] = c;
  }
  constexpr void put(std::string_view text) {
    if (!reserve(text.size())) return;
    std::copy_n(text.begin(), text.size(), into_.subspan(size_, text.size()).begin());
    size_ += text.size();
  }
  constexpr void put(const char* text) { put(std::string_view(text)); }
  template <std::unsigned_integral T>
  constexpr void put(T value) {
    decimal(value);
  }
  template <std::signed_integral T>
    requires(!std::same_as<T, char> && !std::same_as<T, bool>)
  constexpr void put(T value) {
    if (value < 0) put('-');
    decimal(value < 0 ? u64{0} - static_cast<u64>(value) : static_cast<u64>(value));
  }
  // At least `width` digits, zeros in front.
  constexpr void decimal(u64 value, size_t width = 1) {
    std::array<char, 20> digits{};
    size_t used = 0;
    do {
      digits[digits.size() - ++used] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    for (size_t i = used; i < width; ++i) put('0');
    put(std::string_view(digits.data(), digits.size()).substr(digits.size() - used));
  }
  // Exactly `width` lower-case hex digits.
  constexpr void hex(u64 value, size_t width) {
    for (size_t i = width; i-- > 0;) put(std::string_view("0123456789abcdef")[(value >> (4 * i)) & 15]);
  }

 private:
  constexpr bool reserve(size_t count) {
    if (overflowed_ || count > into_.size() - size_) [[unlikely]] {
      overflowed_ = true;
      return false;
    }
    return true;
  }

  std::span<char> into_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

// A TextWriter with its own memory, for one line.
template <size_t Capacity>
class TextBuffer {
 public:
  constexpr TextWriter& writer() { return writer_; }
  constexpr std::string_view view() const { return writer_.view(); }
  constexpr TextBuffer() = default;
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

 private:
  std::array<char, Capacity> memory_{};
  TextWriter writer_{memory_};
};

}  // namespace samara
