// `samara zone check`: would this zone be served, and would resolvers be happy with it?
#include <cstdio>

#include "ops/json.h"
#include "ops/verbs/verbs.h"
#include "ops/verbs/zone_options.h"

namespace samara::ops {

namespace {

struct ZoneCheckOptions : ZoneOptions {
  bool json = false;
};

void check_zone_file(const std::string& path, const ZoneCheckOptions& options, Diagnostics& found) {
  const size_t errors_before = found.error_count();
  const size_t warnings_before = found.warning_count();
  const std::optional<LoadedZone> loaded =
      LoadedZone::load_and_check(path, options.zone_name(), options.time(), found, options.folders());
  if (!loaded) return;
  // What has expired is an error of the check already.
  constexpr auto ahead = Duration::seconds(server::Limits{}.signature_warning_seconds);
  if (found.error_count() == errors_before) loaded->warn_of_signatures(options.time(), ahead, found);
  if (options.json || found.error_count() != errors_before) return;
  const size_t warnings = found.warning_count() - warnings_before;
  std::printf("%s: good, serial %u, %u records%s\n", path.c_str(), loaded->zone().serial().value(),
              loaded->zone().record_count(),
              warnings == 0 ? "" : (", " + std::to_string(warnings) + (warnings == 1 ? " warning" : " warnings")).c_str());
}

ExitCode run_zone_check(const ZoneCheckOptions& options) {
  Diagnostics found;
  for (const std::string& path : options.files) check_zone_file(path, options, found);
  return report(found, options.json);
}

}  // namespace

void add_zone_check(CLI::App& zone, Action& chosen) {
  auto options = std::make_shared<ZoneCheckOptions>();
  CLI::App* verb = zone.add_subcommand("check", "Check master files strictly");
  add_zone_options(*verb, *options, "Master files", 1, 1'000'000);
  add_time_option(*verb, *options);
  verb->add_flag("--json", options->json,
                 "What was found as a JSON array on standard output: severity, file, line, column, message, …");
  verb->footer(
      "Errors are what would make resolvers fail or the server refuse the zone (exit code 65); warnings are what\n"
      "is allowed but rarely meant. Signatures are looked at, not computed: that is `samara zone verify`.\n\n"
      "Examples:\n"
      "  samara zone check zones/example.com.zone\n"
      "  samara zone check --zone . /var/lib/dns/root.txt\n"
      "  samara zone check --json zones/*.zone");
  verb->callback([options, &chosen] { chosen = [options] { return run_zone_check(*options); }; });
}

}  // namespace samara::ops
