// ShortText: a text with its memory, for values that are copied and that own what they say.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "platform/base/types.h"

namespace samara {

// What is longer than there is room for is cut.
template <size_t Capacity>
class ShortText {
 public:
  constexpr ShortText() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): wherever a text is
  constexpr ShortText(std::string_view text) : size_(std::min(text.size(), Capacity)) {
    std::copy_n(text.begin(), size_, memory_.begin());
  }
  // NOLINTNEXTLINE(google-explicit-constructor): wherever a text is
  constexpr ShortText(const char* text) : ShortText(std::string_view(text)) {}
  constexpr std::string_view view() const { return {memory_.data(), size_}; }

 private:
  std::array<char, Capacity> memory_{};
  size_t size_ = 0;
};

}  // namespace samara
