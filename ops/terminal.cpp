#include "ops/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace samara::ops {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds progress_patience{500};  // until a person wonders
constexpr milliseconds progress_interval{100};
constexpr std::string_view take_away = "\r\x1b[K";  // ECMA-48: to the first column, and erase to the end of the line
constexpr size_t usual_width = 80;

bool wants_colors() {
  const char* no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

std::string_view escape_code(Ink ink) {
  switch (ink) {
    case Ink::plain: return "";
    case Ink::bold: return "\x1b[1m";
    case Ink::red: return "\x1b[31m";
    case Ink::green: return "\x1b[32m";
    case Ink::yellow: return "\x1b[33m";
  }
  return "";
}

// "3,400,000"
std::string grouped(u64 number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// A longer line would be wrapped, and its beginning could not be taken away.
size_t width_of(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual_width;
}

}  // namespace

bool is_terminal(int fd) {
  const char* kind = std::getenv("TERM");
  return ::isatty(fd) == 1 && kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
}

std::string inked(int fd, Ink ink, std::string_view text) {
  if (ink == Ink::plain || text.empty() || !is_terminal(fd) || !wants_colors()) return std::string(text);
  return std::string(escape_code(ink)) + std::string(text) + "\x1b[0m";
}

Progress::Progress(std::string subject)
    : subject_(std::move(subject)),
      shown_(is_terminal(STDERR_FILENO)),
      start_(Clock::now()),
      begin_(start_),
      next_(start_ + progress_patience) {}

Progress::~Progress() {
  if (on_screen_) std::fwrite(take_away.data(), 1, take_away.size(), stderr);
}

std::string Progress::line(std::string_view subject, u64 records, milliseconds since, u64 done, u64 total) {
  std::string text(subject);
  text += ": " + grouped(records) + (records == 1 ? " record" : " records");
  const auto elapsed = static_cast<u64>(std::max<milliseconds::rep>(since.count(), 1));
  text += ", " + grouped(records * 1000 / elapsed) + "/s";
  if (total != 0) text += ", " + std::to_string(std::min<u64>(done * 100 / total, 100)) + " %";
  return text;
}

void Progress::show(u64 records, u64 done, u64 total) {
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + progress_interval;
  write(line(subject_, records, std::chrono::duration_cast<milliseconds>(now - begin_), done, total));
}

void Progress::phase(std::string_view what) {
  if (!shown_) return;
  const auto now = Clock::now();
  begin_ = now;
  if (now < start_ + progress_patience) return;
  next_ = now + progress_interval;
  write(subject_ + ": " + std::string(what));
}

void Progress::write(const std::string& line) {
  const std::string out = std::string(take_away) + line.substr(0, width_of(STDERR_FILENO) - 1);
  std::fwrite(out.data(), 1, out.size(), stderr);
  on_screen_ = true;
}

}  // namespace samara::ops
