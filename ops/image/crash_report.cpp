#include "ops/image/crash_report.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <ctime>

#include "ops/diagnostics.h"
#include "ops/exit_code.h"
#include "ops/files.h"

namespace samara::ops {

namespace {

constexpr size_t most_kept = size_t{64} << 10;
std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string describe_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return path + " (not there)";
  return path + " (" + std::to_string(status.st_size) + " octets, of " + std::to_string(status.st_mtime) + ")";
}

}  // namespace

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return "ended by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
  }
  const int code = WEXITSTATUS(status);
  return "ended with exit code " + std::to_string(code) +
         (code == static_cast<int>(ExitCode::our_bug) ? " (a bug of ours)" : "");
}

std::string describe(const Crash& crash) {
  const auto seconds = [](const timeval& time) { return std::to_string(time.tv_sec) + " s"; };
  std::string text = time_now() + " the image " + describe_end(crash.end.status) + ", number " + std::to_string(crash.number);
  text += "\n  after " + std::to_string(crash.life.count()) + " s, " + (crash.was_ready ? "ready" : "not ready");
  text += "\n  image " + describe_file(crash.image);
  text += "\n  configuration " + crash.source;
  if (!crash.storage.empty()) text += "\n  storage " + describe_file(crash.storage);
  text += "\n  at most " + std::to_string(crash.end.use.ru_maxrss) + " KiB of memory, " + seconds(crash.end.use.ru_utime) +
          " of user and " + seconds(crash.end.use.ru_stime) + " of system time\n";
  return text;
}

void keep_report(const std::string& path, const Crash& crash) {
  std::string text;
  if (const auto file = RegularFile::find(path); file.ok()) text = file.value().read(max_file_size).value_or("");
  text += describe(crash);
  if (text.size() > most_kept) {
    // Paragraphs begin with a time, the other lines with spaces.
    size_t from = text.size() - most_kept;
    while (from < text.size() && (text[from - 1] != '\n' || text[from] == ' ')) ++from;
    text.erase(0, from);
  }
  if (const auto written = write_file(path, text, owner_only); !written) complain(path + ": " + written.error().problem);
}

}  // namespace samara::ops
