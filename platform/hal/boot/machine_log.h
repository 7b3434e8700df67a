// Log lines on the console, and the last of them kept for a crash record.
#pragma once

#include <string_view>

#include "platform/base/text_writer.h"

namespace samara::hal {

// `name` stands in front of each line.
void install_machine_log(std::string_view name);
// Text on the console and nothing else.
void print(std::string_view text);
// Writes the last log lines, oldest first, each indented; as many as `out` takes.
void put_last_events(TextWriter& out);

}  // namespace samara::hal
