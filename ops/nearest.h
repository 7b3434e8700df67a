// The valid word a mistyped one is nearest to, for "did you mean …?".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace samara::ops {

// What other servers call by this word; else the nearest of `candidates` within about a third of the word's length in edits
// (insert, delete, replace, swap of two neighbours; case ignored); else the only one that begins with it; or nothing.
std::string nearest_word(std::string_view word, std::span<const std::string> candidates);

}  // namespace samara::ops
