#include "ops/diagnostics.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <tuple>

#include "ops/json.h"
#include "ops/terminal.h"

namespace samara::ops {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_control(char c) {
  return static_cast<u8>(c) < 0x20 || c == 0x7f;
}

std::string without_controls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_control(c)) {
      out += c;
      continue;
    }
    const auto code = static_cast<u8>(c);
    out += "\\x";
    out += hex_digits[code >> 4];
    out += hex_digits[code & 15];
  }
  return out;
}

}  // namespace

std::string Diagnostic::to_text() const {
  return text(false);
}

std::string Diagnostic::to_shown_text() const {
  return text(true);
}

std::string Diagnostic::text(bool shown) const {
  // What came from outside is made harmless first; what is put around it afterwards is ours.
  const auto piece = [shown](Ink ink, const std::string& text) {
    const std::string harmless = without_controls(text);
    return shown ? inked(STDERR_FILENO, ink, harmless) : harmless;
  };
  std::string place = at.file;
  if (at.line != 0) place += ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
  std::string out;
  if (!place.empty()) out = piece(Ink::bold, place + ':') + ' ';
  if (severity == Severity::warning) out += piece(Ink::yellow, "warning:") + ' ';
  out += piece(severity == Severity::error ? Ink::red : Ink::plain, problem);
  if (!expected.empty() || !suggestion.empty()) {
    // The remedy first: what was expected may be a long list.
    out += " (";
    if (!suggestion.empty()) out += piece(Ink::green, "did you mean " + suggestion + "?");
    if (!expected.empty()) out += piece(Ink::plain, (suggestion.empty() ? "expected " : " Expected ") + expected);
    out += ')';
  }
  return out;
}

void Diagnostics::error(Place at, std::string problem, std::string expected, std::string suggestion) {
  add({Diagnostic::Severity::error, std::move(at), std::move(problem), std::move(expected), std::move(suggestion)});
}

bool Diagnostics::unreadable_file(Place at, std::string problem, bool no_permission, std::string expected) {
  no_permission_ = no_permission_ || no_permission;
  if (unreadable_ == Unreadable::leave_out) {
    warning(std::move(at), std::move(problem), std::move(expected));
    return true;
  }
  error(std::move(at), std::move(problem), std::move(expected));
  return false;
}

void Diagnostics::warning(Place at, std::string problem, std::string expected) {
  add({Diagnostic::Severity::warning, std::move(at), std::move(problem), std::move(expected), {}});
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Diagnostic::Severity::error) ++errors_;
  all_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::map<std::string_view, size_t> files;
  for (const Diagnostic& d : all_) files.emplace(d.at.file, files.size());
  std::vector<size_t> order(all_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) {
    const Place& at = all_[i].at;
    return std::tuple(files.at(at.file), at.line, at.column, i);
  });
  std::vector<Diagnostic> sorted;
  for (const size_t i : order) sorted.push_back(all_[i]);
  return sorted;
}

void Diagnostics::print() const {
  if (!note_.empty()) complain(note_);
  for (const Diagnostic& d : sorted()) complain(d.to_shown_text());
}

std::string Diagnostics::to_json() const {
  JsonWriter json;
  write_json(json);
  return json.take();
}

void Diagnostics::write_json(JsonWriter& json) const {
  json.begin_array();
  for (const Diagnostic& d : sorted()) {
    json.begin_object();
    json.member("severity", d.severity == Diagnostic::Severity::error ? "error" : "warning");
    json.member("file", d.at.file);
    json.member("line", d.at.line);
    json.member("column", d.at.column);
    json.member("message", d.problem);
    json.member("expected", d.expected);
    json.member("suggestion", d.suggestion);
    json.end_object();
  }
  json.end_array();
}

std::string in_quotes(std::string_view text, size_t longest) {
  const bool cut = text.size() > longest;
  std::string shown = without_controls(text.substr(0, longest));
  if (cut) shown += "…";
  return '"' + shown + '"';
}

void complain(std::string_view text) {
  std::string line = "samara: ";
  line += text;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace samara::ops
