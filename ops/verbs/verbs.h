// The verbs of the command, one file each. add_…() describes the verb to the command-line parser; when the user chose it, it
// leaves what is to be done in `chosen`.
#pragma once

#include <functional>
#include <string>

#include "ops/exit_code.h"
#include "zone/zone.h"

namespace CLI {
class App;
}

namespace samara::ops {

using Action = std::function<ExitCode()>;

void add_serve(CLI::App& samara, Action& chosen);
void add_run(CLI::App& samara, Action& chosen);
// `samara config …`
void add_config_check(CLI::App& config, Action& chosen);
void add_config_compile(CLI::App& config, Action& chosen);
void add_config_show(CLI::App& config, Action& chosen);
// `samara zone …`
void add_zone_check(CLI::App& zone, Action& chosen);
void add_zone_diff(CLI::App& zone, Action& chosen);
void add_zone_format(CLI::App& zone, Action& chosen);
void add_zone_verify(CLI::App& zone, Action& chosen);
// `samara key …`
void add_key_generate(CLI::App& key, Action& chosen);
// Requests to running servers.
void add_notify(CLI::App& samara, Action& chosen);
void add_update(CLI::App& samara, Action& chosen);
void add_storage(CLI::App& samara, Action& chosen);
// The zone's canonical text to a file, or to standard output for "-".
ExitCode write_zone_text(const zone::Zone& zone, const std::string& output);

// The image of a role on a target, beside this program: <its folder>/images/samara-ROLE-TARGET-ARCH.elf
std::string default_image(const std::string& role, const std::string& target);

}  // namespace samara::ops
