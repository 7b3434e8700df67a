// `samara notify`: tells a secondary that a zone has changed (RFC 1996), and waits until it says that it has heard.
#include <CLI/CLI.hpp>
#include <memory>

#include "dns-core/message/request.h"
#include "ops/text_of.h"
#include "ops/verbs/request_options.h"
#include "ops/verbs/verbs.h"

namespace samara::ops {

namespace {

struct NotifyOptions {
  std::string zone;
  std::vector<std::string> servers;
  std::optional<u32> serial;
  RequestOptions request;
};

// RFC 1996 section 3: a question for the zone's SOA; with a serial, an answer that has nothing else to say.
std::vector<u8> notify_message(const dns::Name& zone, std::optional<u32> serial) {
  std::vector<u8> message(dns::request_size(zone.size()) + dns::own_serial_size);
  dns::RequestWriter request(message,
                             {.opcode = dns::Opcode::NOTIFY, .flags = dns::flag_aa, .name = zone, .type = dns::RrType::SOA});
  if (serial) request.own_serial(dns::RequestWriter::Section::answer, dns::Serial(*serial));
  message.resize(request.finish());
  return message;
}

ExitCode run_notify(const NotifyOptions& options) {
  Diagnostics wrong;
  const auto zone = name_option("ZONE", options.zone, wrong);
  std::vector<ServerPlace> servers;
  for (const std::string& text : options.servers) {
    if (const auto server = server_option("--server", text, wrong)) servers.push_back(*server);
  }
  wrong.print();
  if (!wrong.good()) return ExitCode::usage;
  Diagnostics found;
  std::optional<dns::TsigKey> key;
  if (!options.request.read_key(key, found)) {
    found.print();
    return found.exit_code();
  }
  std::vector<Report> reports;
  for (const ServerPlace& server : servers) {
    const Outcome outcome =
        send_request(server, key ? &*key : nullptr, options.request.patience(), notify_message(*zone, options.serial));
    reports.push_back({server.text(), text_of(*zone), outcome});
  }
  return report_outcomes(reports, options.request.json);
}

}  // namespace

void add_notify(CLI::App& samara, Action& chosen) {
  auto options = std::make_shared<NotifyOptions>();
  CLI::App* verb = samara.add_subcommand("notify", "Tell a secondary that a zone has changed");
  verb->add_option("ZONE", options->zone, "The zone's name")->required();
  verb->add_option("--server", options->servers, "Whom to tell, by address or name; repeatable")
      ->required()
      ->type_name("SERVER")
      ->allow_extra_args(false);
  verb->add_option("--serial", options->serial, "The zone's serial number, as a hint");
  add_request_options(*verb, options->request);
  verb->footer(
      "Sent over UDP, again after one second, then two, four, … Exit code 69: no answer; 65: refused.\n\n"
      "Examples:\n"
      "  samara notify example.com --server 192.0.2.2:53 --key transfer.key\n"
      "  samara notify example.com --server ns2.example.com --key primary.yaml\n"
      "  samara notify example.com --server '[2001:db8::2]:53' --serial 2026112601 --timeout 10");
  verb->callback([options, &chosen] { chosen = [options] { return run_notify(*options); }; });
}

}  // namespace samara::ops
