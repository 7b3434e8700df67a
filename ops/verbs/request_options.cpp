#include "ops/verbs/request_options.h"

#include <cstdio>

#include "dns-core/rdata/rdata_text.h"
#include "ops/json.h"
#include "ops/keys/tsig_key.h"
#include "ops/yaml/reading.h"

namespace samara::ops {

namespace {

constexpr double least_timeout = 0.1;
constexpr double greatest_timeout = 3600;

void write_json(const std::vector<Report>& reports) {
  JsonWriter json;
  json.begin_array();
  for (const Report& report : reports) {
    const Outcome& outcome = report.outcome;
    json.begin_object();
    json.member("server", std::string_view(report.server));
    json.member("zone", std::string_view(report.zone));
    json.member("outcome", outcome.kind_name());
    json.member("rcode", outcome.kind == Outcome::Kind::unavailable ? std::string_view() : dns::rcode_name(outcome.rcode));
    json.member("message", std::string_view(outcome.words));
    json.end_object();
  }
  json.end_array();
  std::printf("%s\n", json.take().c_str());
}

}  // namespace

bool RequestOptions::read_key(std::optional<dns::TsigKey>& into, Diagnostics& found) const {
  if (key.empty()) return true;
  into = read_key_option(key, key_name, found);
  return into.has_value();
}

void add_request_options(CLI::App& verb, RequestOptions& options) {
  verb.add_option(
          "--key", options.key,
          "Sign with the TSIG key in FILE (a manifest, `keys:` of one, or named's key clause), or NAME:ALGORITHM:FILE with "
          "the base 64 of the secret in FILE")
      ->type_name("FILE");
  verb.add_option("--key-name", options.key_name, "Which key, where FILE has several")->type_name("NAME");
  verb.add_option("--timeout", options.timeout, "Seconds to wait for an answer")
      ->check(CLI::Range(least_timeout, greatest_timeout))
      ->capture_default_str();
  verb.add_flag("--json", options.json,
                "What became of it as a JSON array on standard output: server, zone, outcome, rcode, message");
}

std::optional<ServerPlace> server_option(const std::string& option, const std::string& text, Diagnostics& found) {
  auto place = ServerPlace::parse(text);
  if (!place) found.error({option}, in_quotes(text) + " is no server's address or name", std::string(server_form));
  return place;
}

std::optional<dns::Name> name_option(const std::string& option, const std::string& text, Diagnostics& found) {
  const auto name = yaml::parse_name(text);
  if (!text.empty() && name) return name.value();
  found.error({option}, in_quotes(text) + " is not a domain name", "a zone's name, such as example.com");
  return {};
}

ExitCode report_outcomes(const std::vector<Report>& reports, bool json) {
  ExitCode exit_code = ExitCode::good;
  for (const Report& report : reports) {
    const ExitCode own = report.outcome.exit_code();
    if (exit_code == ExitCode::good || own == ExitCode::bad_data) exit_code = own == ExitCode::good ? exit_code : own;
    if (json) continue;
    const std::string head = report.server.empty() ? report.zone : report.server + ": " + report.zone;
    if (own == ExitCode::good) {
      std::printf("%s: accepted\n", head.c_str());
    } else {
      complain(head + ": " + report.outcome.words);
    }
  }
  if (json) write_json(reports);
  return exit_code;
}

}  // namespace samara::ops
