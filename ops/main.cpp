// The composition root of the `samara` command: which verbs there are, and what their outcome is to the shell.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "ops/diagnostics.h"
#include "ops/exit_code.h"
#include "ops/nearest.h"
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
  samara.set_version_flag("-V,--version", "samara " SAMARA_VERSION);
  samara::ops::add_serve(samara, chosen);
  samara::ops::add_run(samara, chosen);
  CLI::App* config = group(samara, "config", "Check, compile and show deployment manifests");
  samara::ops::add_config_check(*config, chosen);
  samara::ops::add_config_compile(*config, chosen);
  samara::ops::add_config_show(*config, chosen);
  CLI::App* zone = group(samara, "zone", "Check, compare, format and verify zones");
  samara::ops::add_zone_check(*zone, chosen);
  samara::ops::add_zone_diff(*zone, chosen);
  samara::ops::add_zone_format(*zone, chosen);
  samara::ops::add_zone_verify(*zone, chosen);
  CLI::App* key = group(samara, "key", "Make keys");
  samara::ops::add_key_generate(*key, chosen);
  samara::ops::add_notify(samara, chosen);
  samara::ops::add_update(samara, chosen);
  samara::ops::add_storage(samara, chosen);
  samara.footer(
      "Exit codes: 0 good, 1 different (`zone diff --exit-code`), 64 usage, 65 bad input data, 69 something needed is "
      "unavailable,\n"
      "70 a bug of ours, 77 no permission. `samara VERB --help` has examples.");
}

std::string path_of(const CLI::App& verb) {
  return verb.get_parent() == nullptr ? verb.get_name() : path_of(*verb.get_parent()) + ' ' + verb.get_name();
}

// What is wrong with the command line, in our words where the parser's would not help: an unknown verb, or none.
std::string complaint(CLI::App& samara, const CLI::ParseError& error) {
  CLI::App* place = &samara;
  while (!place->get_subcommands().empty()) place = place->get_subcommands().front();
  std::vector<std::string> verbs;
  for (const CLI::App* verb : place->get_subcommands(nullptr)) verbs.push_back(verb->get_name());
  const std::vector<std::string> rest = samara.remaining(true);
  if (verbs.empty()) {
    const std::string what = rest.empty() ? error.what() : "unknown argument " + samara::ops::in_quotes(rest.front());
    return what + " (expected a command line as `" + path_of(*place) + " --help` shows)";
  }
  std::string expected;
  for (const std::string& verb : verbs) expected += (expected.empty() ? "" : &verb == &verbs.back() ? " or " : ", ") + verb;
  if (rest.empty()) return "no verb after " + path_of(*place) + " (expected " + expected + ")";
  const std::string nearest = samara::ops::nearest_word(rest.front(), verbs);
  return "unknown verb " + samara::ops::in_quotes(rest.front()) + " after " + path_of(*place) +
         (nearest.empty() ? " (expected " : " (did you mean " + nearest + "? Expected ") + expected + ")";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App samara{"samara: DNS servers that carry all they need", "samara"};
  Action chosen;
  add_verbs(samara, chosen);
  std::vector<std::string> asked;
  CLI::App* help = samara.add_subcommand("help", "Show what a verb does: `samara help VERB` is `samara VERB --help`");
  help->add_option("VERB", asked, "The verb, such as zone check")->expected(0, CLI::detail::expected_max_vector_size);
  if (argc == 1) {
    std::fputs(samara.help().c_str(), stderr);
    return static_cast<int>(ExitCode::usage);
  }
  try {
    samara.parse(argc, argv);
    if (help->parsed()) {
      std::vector<std::string> words{"--help"};  // the last word first, as the parser takes them
      words.insert(words.end(), asked.rbegin(), asked.rend());
      samara.parse(words);
    }
  } catch (const CLI::ParseError& outcome) {
    // --help and --version arrive here as well.
    if (outcome.get_exit_code() == 0) return samara.exit(outcome);
    samara::ops::complain(complaint(samara, outcome));
    return static_cast<int>(ExitCode::usage);
  }
  return static_cast<int>(chosen());
}
