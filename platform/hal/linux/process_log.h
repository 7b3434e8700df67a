// The last stretch of a log line on its way to a person: standard error, one write per line.
//
//   samara-primary: warning: zone example.com: …             on a terminal or in a pipe
//   <4>samara-primary: zone example.com: …                   when standard error is the systemd journal (sd-daemon(3))
//
// A panic leaves the same way and ends the process with exit code 70.
#pragma once

#include <string_view>

namespace samara::hal {

// Installs the log sink and the panic handler. `name` must live as long as the process.
void install_process_log(std::string_view name);
// What stands behind the name from now on: "[worker 3]". Must live as long as the process.
void set_process_log_part(std::string_view part);

}  // namespace samara::hal
