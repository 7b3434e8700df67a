#include "platform/base/log.h"

namespace samara {
namespace {

LogSink sink_in_use = nullptr;
Level lowest_level = Level::info;

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::error: return "error";
    case Level::warning: return "warning";
    case Level::info: return "info";
    case Level::debug: return "debug";
  }
  return "error";
}

void set_log_sink(LogSink sink) {
  sink_in_use = sink;
}
void set_log_level(Level level) {
  lowest_level = level;
}
bool log_enabled(Level level) {
  return level <= lowest_level && sink_in_use != nullptr;
}
void log_line(Level level, std::string_view line) {
  if (log_enabled(level)) sink_in_use(level, line);
}

}  // namespace samara
