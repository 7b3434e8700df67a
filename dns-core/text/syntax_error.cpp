#include "dns-core/text/syntax_error.h"

namespace samara::dns {
namespace {

// More of a wrong word helps nobody, and a file may hold megabytes without a blank.
constexpr size_t max_shown = 80;

void write_shown(std::string_view text, TextWriter& out) {
  out.put('"');
  for (const char c : text.substr(0, max_shown)) {
    const auto octet = static_cast<u8>(c);
    if (octet < 0x20 || octet == 0x7f) {
      out.put('\\');
      out.decimal(octet, 3);
    } else {
      out.put(c);
    }
  }
  if (text.size() > max_shown) out.put("...");
  out.put('"');
}

}  // namespace

void SyntaxError::write_text(TextWriter& out) const {
  out.put(problem);
  if (!found.empty()) {
    out.put(' ');
    write_shown(found, out);
  }
  if (expected.empty() && suggestion.empty()) return;
  out.put(" (");
  if (!expected.empty()) {
    out.put("expected ");
    out.put(expected);
  }
  if (!suggestion.empty()) {
    out.put(expected.empty() ? "did you mean " : "; did you mean ");
    out.put(suggestion);
    out.put('?');
  }
  out.put(')');
}

}  // namespace samara::dns
