// Log lines. A line is built in a fixed buffer from pieces and goes to the sink the platform installed; a line that is too
// long is cut and ends in "…". Every failure's line tells a person what to do about it.
//
//   log(Level::error, "zone ", name, ": not loaded; the version in service stays");
//
// A piece is text, a character, an integer, or any type with `void write_text(TextWriter&) const`.
#pragma once

#include <string_view>

#include "platform/base/text_writer.h"
#include "platform/base/types.h"

namespace samara {

enum class Level : u8 { error, warning, info, debug };

std::string_view level_name(Level level);

using LogSink = void (*)(Level level, std::string_view line);
void set_log_sink(LogSink sink);
// Lines less important than this are not built at all; info at start.
void set_log_level(Level level);
bool log_enabled(Level level);
void log_line(Level level, std::string_view line);

constexpr size_t max_log_line = 1024;

template <class T>
concept WritesText = requires(const T& piece, TextWriter& out) { piece.write_text(out); };

template <class T>
void put_piece(TextWriter& out, const T& piece) {
  if constexpr (WritesText<T>) {
    piece.write_text(out);
  } else {
    out.put(piece);
  }
}

template <class... Pieces>
void log(Level level, const Pieces&... pieces) {
  if (!log_enabled(level)) return;
  std::array<char, max_log_line> memory;
  // Room for the mark of a cut line is held back, so that a piece that does not fit leaves the earlier ones readable.
  TextWriter body(std::span<char>(memory).first(max_log_line - 3));
  (put_piece(body, pieces), ...);
  const size_t used = body.size();
  if (body.overflowed()) {
    TextWriter mark(std::span<char>(memory).subspan(used));
    mark.put("\xe2\x80\xa6");
    log_line(level, std::string_view(memory.data(), used + mark.size()));
    return;
  }
  log_line(level, body.view());
}

}  // namespace samara
