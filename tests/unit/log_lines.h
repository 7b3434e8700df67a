// The lines that are logged while a test looks.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/log.h"

namespace samara {

class LogLines {
 public:
  LogLines() {
    lines().clear();
    set_log_sink([](Level, std::string_view line) { lines().emplace_back(line); });
  }
  ~LogLines() { set_log_sink(nullptr); }
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  static size_t count(std::string_view part) {
    return static_cast<size_t>(
        std::ranges::count_if(lines(), [&](const std::string& line) { return line.find(part) != std::string::npos; }));
  }
  static std::vector<std::string>& lines() {
    static std::vector<std::string> all;
    return all;
  }
};

}  // namespace samara
