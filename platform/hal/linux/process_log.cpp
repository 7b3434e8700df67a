#include "platform/hal/linux/process_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "platform/base/ip_address.h"
#include "platform/base/log.h"
#include "platform/base/panic.h"
#include "platform/hal/hal.h"

namespace samara::hal {
namespace {

std::string_view process_name = "samara";
std::string_view process_part;
bool to_journal = false;

// sd-daemon(3): the priorities of syslog in angle brackets.
std::string_view journal_prefix(Level level) {
  switch (level) {
    case Level::error: return "<3>";
    case Level::warning: return "<4>";
    case Level::info: return "<6>";
    case Level::debug: return "<7>";
  }
  return "<3>";
}

// systemd.exec(5): $JOURNAL_STREAM is "DEVICE:INODE" of the journal's stream; another standard error has other numbers.
bool stderr_is_journal() {
  const char* stream = ::secure_getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  const std::string_view text(stream);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  return parse_decimal(text.substr(0, colon), UINT64_MAX) == u64{status.st_dev} &&
         parse_decimal(text.substr(colon + 1), UINT64_MAX) == u64{status.st_ino};
}

void write_line(Level level, std::string_view note, std::string_view line) {
  TextBuffer<max_log_line + 160> text;
  TextWriter& out = text.writer();
  if (to_journal) out.put(journal_prefix(level));
  out.put(process_name);
  out.put(process_part);
  out.put(": ");
  out.put(note);
  out.put(line);
  out.put('\n');
  const std::string_view whole = text.view();
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

void log_to_stderr(Level level, std::string_view line) {
  std::string_view note;
  if (!to_journal && level == Level::warning) note = "warning: ";
  if (!to_journal && level == Level::debug) note = "debug: ";
  write_line(level, note, line);
}

void panic_to_stderr(std::string_view message) {
  write_line(Level::error, "panic: ", message);
  ::_exit(static_cast<int>(ExitCode::our_bug));
}

}  // namespace

void install_process_log(std::string_view name) {
  process_name = name.substr(0, 64);
  process_part = {};
  to_journal = stderr_is_journal();
  set_log_sink(log_to_stderr);
  set_panic_handler(panic_to_stderr);
}

void set_process_log_part(std::string_view part) {
  process_part = part.substr(0, 32);
}

}  // namespace samara::hal
