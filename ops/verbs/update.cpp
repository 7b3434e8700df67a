// `samara update`: changes a zone on its server (RFC 2136), from the command line or from a script as nsupdate has them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "ops/files.h"
#include "ops/text_of.h"
#include "ops/update/update_script.h"
#include "ops/verbs/request_options.h"
#include "ops/verbs/verbs.h"

namespace samara::ops {

namespace {

struct UpdateOptions {
  std::string server;
  std::string resolver;
  std::string zone;
  std::vector<std::string> prerequisites;
  std::vector<std::string> additions;
  std::vector<std::string> deletions;
  std::string file;
  RequestOptions request;
};

// Messages that the command line asks for, and behind them those of the script. Wrong options go to `wrong`, errors of the
// script to `found`.
std::vector<UpdateBatch> read_batches(const UpdateOptions& options, Diagnostics& wrong, Diagnostics& found) {
  std::optional<ServerPlace> server;
  std::optional<dns::Name> zone;
  if (!options.server.empty()) server = server_option("--server", options.server, wrong);
  if (!options.zone.empty()) zone = name_option("--zone", options.zone, wrong);
  UpdateScript pieces(server, zone, wrong);
  for (const std::string& text : options.prerequisites) pieces.prerequisite(text, "--prereq");
  // RFC 2136 section 3.4.2: in their order; who replaces a record deletes it first.
  for (const std::string& text : options.deletions) pieces.remove(text, "--delete");
  for (const std::string& text : options.additions) pieces.add(text, "--add");
  std::vector<UpdateBatch> batches = pieces.take();
  if (options.file.empty()) return batches;
  const Result<std::string, FileError> text = read_file(options.file);
  if (!text) {
    found.unreadable_file({options.file}, text.error().problem, text.error().is_permission());
    return {};
  }
  UpdateScript script(server, zone, found);
  script.read(text.value(), options.file == "-" ? "standard input" : options.file);
  for (UpdateBatch& batch : script.take()) batches.push_back(std::move(batch));
  return batches;
}

// Every message has to know where it goes before the first is sent.
void check_batches(const std::vector<UpdateBatch>& batches, Diagnostics& wrong) {
  for (const UpdateBatch& batch : batches) {
    if (!batch.zone) wrong.error(batch.at, "an update of no zone", "--zone NAME, or a line zone NAME");
  }
  if (batches.empty()) wrong.error({"samara update"}, "nothing to update", "--add, --delete, --prereq, or a FILE that says it");
}

// For whom no server is named, the zone's SOA names it (RFC 2136 section 4). Each zone is asked for once, before the first
// message.
std::optional<Report> add_servers(std::vector<UpdateBatch>& batches, const std::optional<ServerPlace>& resolver,
                                  std::chrono::milliseconds patience) {
  std::vector<std::pair<dns::Name, ServerPlace>> known;
  for (UpdateBatch& batch : batches) {
    if (batch.server) continue;
    auto found = std::ranges::find(known, *batch.zone, &std::pair<dns::Name, ServerPlace>::first);
    if (found == known.end()) {
      const auto primary = find_primary(*batch.zone, resolver, patience);
      if (!primary) {
        return Report{
            "", text_of(*batch.zone), {Outcome::Kind::unavailable, dns::Rcode::NOERROR, dns::Rcode::NOERROR, primary.error()}};
      }
      found = known.emplace(known.end(), *batch.zone, primary.value());
    }
    batch.server = found->second;
  }
  return {};
}

ExitCode run_update(const UpdateOptions& options) {
  Diagnostics wrong;
  Diagnostics found;
  std::vector<UpdateBatch> batches = read_batches(options, wrong, found);
  std::optional<ServerPlace> resolver;
  if (!options.resolver.empty()) resolver = server_option("--resolver", options.resolver, wrong);
  if (wrong.good() && found.good()) check_batches(batches, wrong);
  wrong.print();
  std::optional<dns::TsigKey> key;
  if (wrong.good() && found.good()) options.request.read_key(key, found);
  found.print();
  if (!wrong.good()) return ExitCode::usage;
  if (!found.good()) return found.exit_code();
  std::vector<Report> reports;
  if (auto failure = add_servers(batches, resolver, options.request.patience())) {
    reports.push_back(std::move(*failure));
    batches.clear();
  }
  for (const UpdateBatch& batch : batches) {
    const auto message = update_message(batch);
    const Outcome outcome =
        message ? send_request(*batch.server, key ? &*key : nullptr, options.request.patience(), *message)
                : Outcome{Outcome::Kind::refused, dns::Rcode::NOERROR, dns::Rcode::NOERROR,
                          "the update is longer than a DNS message can be (expected 65535 octets at most: several `send`s)"};
    reports.push_back({batch.server->text(), text_of(*batch.zone), outcome});
    if (outcome.kind != Outcome::Kind::accepted) break;  // what follows may rely on it
  }
  return report_outcomes(reports, options.request.json);
}

}  // namespace

void add_update(CLI::App& samara, Action& chosen) {
  auto options = std::make_shared<UpdateOptions>();
  CLI::App* verb = samara.add_subcommand("update", "Change a zone on its server (dynamic update)");
  verb->add_option("FILE", options->file, "A script, as for nsupdate; - is standard input");
  verb->add_option("--server", options->server,
                   "The zone's server, by address or name; the MNAME of its SOA, where none is given")
      ->type_name("SERVER");
  verb->add_option("--resolver", options->resolver, "Whom to ask for that SOA; those of /etc/resolv.conf")->type_name("SERVER");
  verb->add_option("--zone", options->zone, "The zone's name")->type_name("NAME");
  verb->add_option("--prereq", options->prerequisites,
                   "What must hold: `nxdomain NAME`, `yxdomain NAME`, `nxrrset NAME TYPE`, `yxrrset NAME TYPE [RDATA]`; "
                   "repeatable")
      ->type_name("WORDS")
      ->allow_extra_args(false);  // what comes next may be FILE
  verb->add_option("--delete", options->deletions,
                   "A record, an RRset or all of a name, `NAME [TYPE [RDATA]]`; repeatable; done before --add")
      ->type_name("WORDS")
      ->allow_extra_args(false);  // what comes next may be FILE
  verb->add_option("--add", options->additions, "A record, `NAME TTL TYPE RDATA`; repeatable")
      ->type_name("WORDS")
      ->allow_extra_args(false);
  add_request_options(*verb, options->request);
  verb->footer(
      "All of one message is done, or none of it. A script has the lines `server SERVER [PORT]`, `zone NAME`,\n"
      "`ttl SECONDS`, `prereq …`, `update add …`, `update delete …`, `send` (or an empty line) and `quit`; what is\n"
      "pending at its end is sent. Names are absolute with or without their final dot.\n"
      "Exit code 69: no answer; 65: refused, or a script that is wrong.\n\n"
      "Examples:\n"
      "  samara update --zone example.com --key update.key --add 'www.example.com 300 A 192.0.2.80'\n"
      "  samara update --server ns1.example.com --zone example.com --key update.key \\\n"
      "                --delete 'www.example.com A' --add 'www.example.com 300 A 192.0.2.80'\n"
      "  samara update --server 192.0.2.1:53 --key update.key changes.txt\n"
      "  echo 'update delete old.example.com' | samara update --server 192.0.2.1:53 --zone example.com -");
  verb->callback([options, &chosen] { chosen = [options] { return run_update(*options); }; });
}

}  // namespace samara::ops
