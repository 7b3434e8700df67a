// The composition root of the `samara` command: which verbs there are, and what their outcome is to the shell.
#include <CLI/CLI.hpp>

#include "ops/diagnostics.h"
#include "ops/exit_code.h"
#include "ops/verbs/verbs.h"

namespace {

using samara::ops::Action;
using samara::ops::ExitCode;

CLI::App* group(CLI::App& samara, const char* name, const char* description) {
  CLI::App* verb = samara.add_subcommand(name, description);
  verb->require_subcommand(1);
  return verb;
}

void add_verbs(CLI::App& samara, Action& chosen) {
  samara.require_subcommand(1);
  samara.set_version_flag("--version", "samara " SAMARA_VERSION);
  samara::ops::add_serve(samara, chosen);
  samara::ops::add_run(samara, chosen);
  CLI::App* config = group(samara, "config", "Check, compile and show deployment manifests");
  samara::ops::add_config_check(*config, chosen);
  samara::ops::add_config_compile(*config, chosen);
  samara::ops::add_config_show(*config, chosen);
  samara.footer(
      "Exit codes: 0 good, 64 usage, 65 bad input data, 69 something needed is unavailable,\n"
      "70 a bug of ours, 77 no permission. `samara VERB --help` has examples.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App samara{"samara: DNS servers that carry all they need", "samara"};
  Action chosen;
  add_verbs(samara, chosen);
  try {
    samara.parse(argc, argv);
  } catch (const CLI::ParseError& outcome) {
    // --help and --version arrive here as well.
    if (outcome.get_exit_code() == 0) return samara.exit(outcome);
    samara::ops::complain(std::string(outcome.what()) + " (expected a command line as `samara --help` shows)");
    return static_cast<int>(ExitCode::usage);
  }
  return static_cast<int>(chosen());
}
