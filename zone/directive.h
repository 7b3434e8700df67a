// The directives of master files: lines whose first word begins with "$".
#pragma once

#include <string_view>

#include "dns-core/text/lexer.h"

namespace samara::zone {

enum class Directive : u8 { none, unknown, origin, ttl, include, generate };

constexpr bool equal_words(std::string_view a, std::string_view upper) {
  if (a.size() != upper.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char c = a[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c) != upper[i]) return false;
  }
  return true;
}

// What the first token of a logical line is; `none` when it begins a record.
constexpr Directive directive_of(const dns::Token& first) {
  if (first.kind != dns::Token::Kind::word || first.after_blank || !first.text.starts_with('$')) return Directive::none;
  if (equal_words(first.text, "$ORIGIN")) return Directive::origin;
  if (equal_words(first.text, "$TTL")) return Directive::ttl;
  if (equal_words(first.text, "$INCLUDE")) return Directive::include;
  if (equal_words(first.text, "$GENERATE")) return Directive::generate;
  return Directive::unknown;
}

}  // namespace samara::zone
