// `samara zone format`: a zone in canonical text.
#include "zone/format.h"

#include "ops/files.h"
#include "ops/terminal.h"
#include "ops/verbs/verbs.h"
#include "ops/verbs/zone_options.h"

namespace samara::ops {

namespace {

struct ZoneFormatOptions : ZoneOptions {
  std::string output = "-";
};

ExitCode run_zone_format(const ZoneFormatOptions& options) {
  Diagnostics found;
  const std::optional<LoadedZone> loaded =
      LoadedZone::load(options.files.front(), options.zone_name(), found, options.folders());
  found.print();
  if (!loaded) return ExitCode::bad_data;
  return write_zone_text(loaded->zone(), options.output);
}

}  // namespace

ExitCode write_zone_text(const zone::Zone& zone, const std::string& output) {
  std::string text;
  {
    Progress progress(output == "-" ? "writing" : output);
    u64 records = 0;
    zone::write_zone(zone, [&](std::string_view line) {
      text += line;
      ++records;
      progress.at(records, records, zone.record_count());
    });
  }
  if (const auto written = write_file(output, text); !written) {
    complain(output + ": " + written.error().problem);
    return written.error().exit_code();
  }
  return ExitCode::good;
}

void add_zone_format(CLI::App& zone, Action& chosen) {
  auto options = std::make_shared<ZoneFormatOptions>();
  CLI::App* verb =
      zone.add_subcommand("format", "Write a zone in canonical text: one record a line, sorted, all names absolute");
  add_zone_options(*verb, *options, "A master file", 1, 1);
  verb->add_option("-o,--output", options->output, "Where the text goes; - is standard output")->capture_default_str();
  verb->footer(
      "Two zones are the same if and only if their canonical texts are. Comments and layout are not kept.\n\n"
      "Examples:\n"
      "  samara zone format zones/example.com.zone\n"
      "  samara zone format --zone example.com db.example -o example.com.zone");
  verb->callback([options, &chosen] { chosen = [options] { return run_zone_format(*options); }; });
}

}  // namespace samara::ops
