#include "zone/include_scan.h"

#include <array>

#include "zone/directive.h"

namespace samara::zone {
namespace {

// Appends the steps of `path` to what is in `out`, resolving "." and "..".
void append_steps(std::string_view path, bool absolute, TextWriter& out) {
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view step = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (step.empty() || step == ".") continue;
    const std::string_view so_far = out.view();
    const size_t before = so_far.rfind('/');
    const size_t last_step = before == std::string_view::npos ? 0 : before + 1;
    if (step == ".." && last_step < so_far.size() && so_far.substr(last_step) != "..") {
      out.truncate(before == std::string_view::npos ? 0 : before);
      continue;
    }
    if (step == ".." && absolute) continue;  // above the root is the root
    if (absolute || !out.view().empty()) out.put('/');
    out.put(step);
  }
}

}  // namespace

bool resolve_include(std::string_view includer, const dns::Token& given, TextWriter& out) {
  std::array<u8, max_path_size> decoded;
  const auto size = dns::decode_text(given, decoded);
  if (!size.ok()) return false;
  std::array<char, max_path_size> characters;
  TextWriter path(characters);
  for (const u8 octet : Bytes(decoded).first(size.value())) path.put(static_cast<char>(octet));
  if (path.view().empty() || path.view().ends_with('/')) return false;

  const size_t start = out.size();
  if (path.view().starts_with('/')) {
    append_steps(path.view(), true, out);
  } else {
    const size_t folder_end = includer.rfind('/');
    const bool absolute = includer.starts_with('/');
    if (folder_end != std::string_view::npos) append_steps(includer.substr(0, folder_end), absolute, out);
    append_steps(path.view(), absolute, out);
  }
  return !out.overflowed() && out.size() > start;
}

bool IncludeScan::next(TextWriter& out) {
  for (;;) {
    lexer_.skip_line();
    const auto first = lexer_.next();
    if (!first.ok()) continue;
    if (first.value().kind == dns::Token::Kind::end_of_file) return false;
    if (directive_of(first.value()) != Directive::include) continue;
    const auto path = lexer_.next();
    if (path.ok() && path.value().is_text() && resolve_include(path_, path.value(), out)) {
      at_ = path.value().at;
      return true;
    }
    out.clear();
  }
}

}  // namespace samara::zone
