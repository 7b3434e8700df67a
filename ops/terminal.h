// What a person at a terminal sees and a pipe does not: colours and the progress of long work. NO_COLOR (no-color.org) and
// TERM=dumb are obeyed; FORCE_COLOR is not known, so that what reads a pipe never meets an escape sequence.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "platform/base/types.h"

namespace samara::ops {

// Whether the stream (1 or 2) is a terminal that understands cursor movements.
bool is_terminal(int fd);

enum class Ink : u8 { plain, bold, red, green, yellow };
// `text` in that ink, where the stream is a terminal and colours are wanted; else as it is.
std::string inked(int fd, Ink ink, std::string_view text);

// One line on standard error that is written anew while work goes on, and taken away when it ends. Work that is done in half a
// second is never seen.
class Progress {
 public:
  // `subject`: what is worked on, "big.zone".
  explicit Progress(std::string subject);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // So many records are behind us, and `done` of `total` of whatever measures the whole. Cheap: the clock is looked at once in
  // thousands of calls.
  void at(u64 records, u64 done, u64 total) {
    if (!shown_ || (++calls_ & call_mask) != 0) return;
    show(records, done, total);
  }
  // What comes next, and cannot be measured: "checking".
  void phase(std::string_view what);

  // "big.zone: 3,400,000 records, 1,200,000/s, 34 %"
  static std::string line(std::string_view subject, u64 records, std::chrono::milliseconds since, u64 done, u64 total);

 private:
  static constexpr u64 call_mask = 0xfff;
  void show(u64 records, u64 done, u64 total);
  void write(const std::string& line);

  std::string subject_;
  bool shown_;
  bool on_screen_ = false;
  u64 calls_ = 0;
  std::chrono::steady_clock::time_point start_;  // of all
  std::chrono::steady_clock::time_point begin_;  // of what goes on, for the rate
  std::chrono::steady_clock::time_point next_;
};

}  // namespace samara::ops
