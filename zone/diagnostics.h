// Diagnostics: what checks have found, as lines for people. Bounded: what comes after max_diagnostics, or after so much text,
// is counted only.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/log.h"
#include "zone/record.h"

namespace samara::zone {

enum class Severity : u8 {
  error,    // resolvers will get wrong answers, or none
  warning,  // allowed, but rarely meant
};

constexpr size_t max_diagnostics = 200;
constexpr size_t max_diagnostics_told = 20;   // of one zone in a log, line by line
constexpr size_t max_diagnostic_text = 4096;  // three names and a sentence
constexpr size_t max_diagnostics_text = size_t{48} << 10;

class Diagnostics {
 public:
  struct Item {
    Severity severity;
    std::optional<SourcePosition> position;
    std::string_view text;
  };

  size_t error_count() const { return errors_; }
  size_t warning_count() const { return warnings_; }
  // How many are kept, in the order they were found; the n-th one.
  size_t size() const { return kept_.size(); }
  Item operator[](size_t n) const {
    const Kept& k = kept_[n];
    return {k.severity, k.position, std::string_view(text_.data(), text_.size()).substr(k.text_at, k.text_size)};
  }

  // A piece is what log() takes.
  template <class... Pieces>
  void add(Severity severity, const std::optional<SourcePosition>& position, const Pieces&... pieces) {
    ++(severity == Severity::error ? errors_ : warnings_);
    if (kept_.size() >= max_diagnostics || text_.size() >= max_diagnostics_text) return;
    std::array<char, max_diagnostic_text> memory;
    TextWriter line(memory);
    (put_piece(line, pieces), ...);
    kept_.push_back({severity, position, text_.size(), line.size()});
    text_.insert(text_.end(), line.view().begin(), line.view().end());
  }

 private:
  struct Kept {
    Severity severity;
    std::optional<SourcePosition> position;
    size_t text_at;
    size_t text_size;
  };
  std::vector<Kept> kept_;
  std::vector<char> text_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

}  // namespace samara::zone
