// `samara zone diff`: two versions of a zone compared in the terms of an incremental transfer (RFC 1995), and such a difference
// applied to a version.
#include "zone/diff.h"

#include <unistd.h>

#include <cstdio>

#include "dns-core/rdata/rdata_text.h"
#include "ops/files.h"
#include "ops/json.h"
#include "ops/terminal.h"
#include "ops/verbs/verbs.h"
#include "ops/verbs/zone_options.h"
#include "zone/format.h"
#include "zone/master_file.h"
#include "zone/revision.h"

namespace samara::ops {

namespace {

constexpr std::string_view deletion = "- ";
constexpr std::string_view addition = "+ ";

struct ZoneDiffOptions : ZoneOptions {
  std::string patch;
  std::string output = "-";
  bool json = false;
  bool exit_code = false;
};

// Two versions of a zone and what changed from the one to the other.
struct Comparison {
  std::optional<LoadedZone> from;
  std::optional<LoadedZone> to;
  std::optional<zone::Difference> difference;  // none, too, when the two are the same
};

Comparison compare(const ZoneDiffOptions& options, Diagnostics& found) {
  Comparison both;
  // The two files differ in name, so at most one of them is called like the zone; the name of the first counts for both.
  const std::optional<dns::Name> given = options.zone_name();
  const std::optional<dns::Name> name = given ? given : zone_name_of_file(options.files.front());
  both.from = LoadedZone::load(options.files.front(), name, found, options.folders());
  both.to = LoadedZone::load(options.files.back(), name, found, options.folders());
  if (!both.from || !both.to) {
    if (!given)
      found.note("both files are taken to be versions of the zone the first is named after; --zone NAME says otherwise");
    return both;
  }
  both.difference = zone::Difference::between(both.from->zone(), both.to->zone());
  if (both.difference && both.difference->empty()) both.difference.reset();
  if (both.difference && both.difference->to_serial().compare(both.difference->from_serial()) != dns::Serial::Order::greater) {
    found.warning({options.files.back()}, "the zone has changed but its serial was not raised: secondaries will not follow");
  }
  return both;
}

// In colours where a person looks at it.
std::string difference_text(const zone::Difference& difference, bool to_stdout) {
  std::string text;
  std::vector<char> memory(zone::max_record_line);
  const auto write = [&](std::string_view sign, const dns::Name& owner, zone::RecordView record) {
    TextWriter line(memory);
    zone::write_record_line(owner, record, line);
    const std::string_view record_line = line.view().substr(0, line.view().size() - 1);
    const std::string signed_line = std::string(sign) + std::string(record_line);
    text += to_stdout ? inked(STDOUT_FILENO, sign == deletion ? Ink::red : Ink::green, signed_line) : signed_line;
    text += '\n';
  };
  difference.for_each_deleted([&](const dns::Name& owner, zone::RecordView record) { write(deletion, owner, record); });
  difference.for_each_added([&](const dns::Name& owner, zone::RecordView record) { write(addition, owner, record); });
  return text;
}

void write_record(const dns::Name& owner, zone::RecordView record, std::span<char> memory, JsonWriter& json) {
  const auto text = [&](auto write) {
    TextWriter out(memory);
    write(out);
    return std::string(out.view());
  };
  json.begin_object();
  json.member("owner", text([&](TextWriter& out) { owner.write_text(out); }));
  json.member("ttl", record.ttl().seconds());
  json.member("type", text([&](TextWriter& out) { dns::write_type(record.type(), out); }));
  json.member("rdata", text([&](TextWriter& out) { dns::write_rdata_text(record.type(), record.rdata(), out); }));
  json.end_object();
}

std::string difference_json(const Comparison& both, const Diagnostics& found) {
  JsonWriter json;
  std::vector<char> memory(zone::max_record_line);
  const auto write = [&](const dns::Name& owner, zone::RecordView record) { write_record(owner, record, memory, json); };
  json.begin_object();
  if (both.from && both.to) {
    json.member("from_serial", both.from->zone().serial().value());
    json.member("to_serial", both.to->zone().serial().value());
    json.key("deleted");
    json.begin_array();
    if (both.difference) both.difference->for_each_deleted(write);
    json.end_array();
    json.key("added");
    json.begin_array();
    if (both.difference) both.difference->for_each_added(write);
    json.end_array();
  }
  json.key("diagnostics");
  found.write_json(json);
  json.end_object();
  return json.take() + '\n';
}

ExitCode compare_and_write(const ZoneDiffOptions& options, Diagnostics& found) {
  const Comparison both = compare(options, found);
  const bool compared = both.from && both.to;
  const ExitCode code = !compared                              ? ExitCode::bad_data
                        : options.exit_code && both.difference ? ExitCode::differs
                                                               : ExitCode::good;
  if (!options.json && !both.difference) return code;
  const auto written = write_file(
      options.output, options.json ? difference_json(both, found) : difference_text(*both.difference, options.output == "-"));
  if (written) return code;
  found.error({options.output}, written.error().problem);
  if (options.json) found.print();
  return written.error().exit_code();
}

// The lines of `text` that start with `sign`, without it; all others empty, so that line numbers stay.
std::string lines_with(std::string_view sign, std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (text.substr(0, end).starts_with(sign)) lines += text.substr(sign.size(), end - sign.size());
    lines += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Every line is a deletion, an addition, a comment or empty.
void expect_signs(std::string_view text, const std::string& path, Diagnostics& found) {
  for (u32 number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const bool known = line.empty() || line.starts_with(deletion) || line.starts_with(addition) || line.starts_with(';');
    if (!known)
      found.error({path, number, 1}, "not a line of a difference: " + in_quotes(line), "\"- RECORD\" or \"+ RECORD\"");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Calls take(record) for each record of the lines with `sign`.
template <class Take>
void read_side(std::string_view sign, std::string_view text, const std::string& path, const dns::Name& apex, Diagnostics& found,
               Take&& take) {
  const std::string lines = lines_with(sign, text);
  const std::array<zone::SourceFile, 1> files{{{path, lines}}};
  zone::MasterFile reader(files, apex);
  zone::Record record;
  for (;;) {
    const auto more = reader.next(record);
    if (!more) {
      Diagnostic diagnostic = to_diagnostic(path, more.error().error, Diagnostic::Severity::error);
      diagnostic.at.column += static_cast<u32>(sign.size());
      found.add(std::move(diagnostic));
      continue;
    }
    if (!more.value()) return;
    take(record);
  }
}

ExitCode apply(const ZoneDiffOptions& options, Diagnostics& found) {
  const std::optional<LoadedZone> base = LoadedZone::load(options.files.front(), options.zone_name(), found, options.folders());
  const Result<std::string, FileError> text = read_file(options.patch);
  if (!text) found.error({options.patch}, text.error().problem, "a difference written by `samara zone diff`");
  if (!base || !text) return ExitCode::bad_data;
  expect_signs(text.value(), options.patch, found);
  zone::Patch patch;
  const dns::Name apex = base->zone().apex();
  read_side(deletion, text.value(), options.patch, apex, found,
            [&](const zone::Record& r) { patch.delete_record(*r.owner, r.type, r.rdata); });
  read_side(addition, text.value(), options.patch, apex, found,
            [&](const zone::Record& r) { patch.add_record(*r.owner, r.type, r.ttl, r.rdata); });
  if (!found.good()) return ExitCode::bad_data;
  if (patch.size() == 0) return write_zone_text(base->zone(), options.output);  // no difference is a difference, too
  zone::VersionedZone versions(base->memory());
  versions.adopt(base->zone());
  const auto patched = versions.apply(patch);
  if (!patched) {
    std::string reason(zone::describe(patched.error().error));
    if (patched.error().build) reason += ": " + std::string(zone::describe(*patched.error().build));
    found.error({options.patch}, "does not fit " + options.files.front() + ": " + reason);
    return ExitCode::bad_data;
  }
  return write_zone_text(patched.value(), options.output);
}

ExitCode run_zone_diff(const ZoneDiffOptions& options) {
  const bool applying = !options.patch.empty();
  if (options.files.size() != (applying ? 1 : 2)) {
    complain(applying ? "--apply takes one zone file (expected samara zone diff --apply DIFF OLD)"
                      : "two versions of a zone are needed (expected samara zone diff OLD NEW)");
    return ExitCode::usage;
  }
  Diagnostics found;
  const ExitCode code = applying ? apply(options, found) : compare_and_write(options, found);
  if (!options.json) found.print();
  return code;
}

}  // namespace

void add_zone_diff(CLI::App& zone, Action& chosen) {
  auto options = std::make_shared<ZoneDiffOptions>();
  CLI::App* verb = zone.add_subcommand("diff", "Compare two versions of a zone, or apply a difference to one");
  add_zone_options(*verb, *options, "OLD NEW, or with --apply just OLD", 1, 2);
  CLI::Option* apply = verb->add_option("--apply", options->patch, "Apply this difference to the zone and write the new zone")
                           ->type_name("DIFF");
  verb->add_option("-o,--output", options->output, "Where the result goes; - is standard output")->capture_default_str();
  verb->add_flag("--json", options->json, "The difference and what was found as a JSON object")->excludes(apply);
  verb->add_flag("--exit-code", options->exit_code, "Exit code 1 when the two are not the same")->excludes(apply);
  verb->footer(
      "Writes `- RECORD` for what NEW has not and `+ RECORD` for what it has more, each side beginning with its\n"
      "SOA, as in an incremental transfer (RFC 1995). Nothing is written when the two are the same. Exit code 0\n"
      "either way; with --exit-code, as diff(1) has it, 1 when they are not.\n\n"
      "Examples:\n"
      "  samara zone diff --zone example.com old.zone new.zone > change\n"
      "  samara zone diff --exit-code --zone example.com old.zone new.zone > change || echo changed\n"
      "  samara zone diff --json --zone example.com old.zone new.zone\n"
      "  samara zone diff --zone example.com --apply change old.zone -o new.zone");
  verb->callback([options, &chosen] { chosen = [options] { return run_zone_diff(*options); }; });
}

}  // namespace samara::ops
