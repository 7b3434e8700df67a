#include "platform/hal/boot/requests.h"

#include "platform/base/log.h"
#include "platform/hal/boot/console.h"
#include "platform/hal/boot/power.h"

namespace samara::hal {

bool ConsoleRequests::power_off(Instant now) {
  constexpr u32 most_octets = 64;  // in one turn
  char c = 0;
  for (u32 i = 0; i < most_octets && console::read(c); ++i) {
    if (c == '\n' || c == '\r') {
      if (take_line()) return true;
    } else if (size_ < line_.size()) {
      line_[size_++] = c;
    }
  }
  if (now < next_look_at_button_) return false;
  next_look_at_button_ = now + Duration::seconds(1);
  return power::button_pressed();
}

bool ConsoleRequests::take_line() {
  const std::string_view line(line_.data(), size_);
  size_ = 0;
  if (line == "power off") return true;
  if (!line.empty()) log(Level::warning, "console: only the line \"power off\" is understood");
  return false;
}

}  // namespace samara::hal
