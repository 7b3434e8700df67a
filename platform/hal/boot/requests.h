// What a person or a hypervisor asks of a running image: the line "power off" on the console, or the power button.
#pragma once

#include <array>
#include <string_view>

#include "platform/base/time.h"

namespace samara::hal {

class ConsoleRequests {
 public:
  // True: stop. Looks at the console each time, at the button once a second.
  bool power_off(Instant now);
  // When the button is looked at next.
  Instant next_look() const { return next_look_at_button_; }

 private:
  bool take_line();

  std::array<char, 32> line_{};
  size_t size_ = 0;
  Instant next_look_at_button_ = Instant::since_boot(Duration::milliseconds(20));
};

}  // namespace samara::hal
