// What `samara notify` and `samara update` have in common on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dns-core/tsig/key.h"
#include "ops/diagnostics.h"
#include "ops/net/request.h"

namespace samara::ops {

struct RequestOptions {
  std::string key;
  std::string key_name;
  double timeout = 5;  // seconds
  bool json = false;

  std::chrono::milliseconds patience() const { return std::chrono::milliseconds(static_cast<long>(timeout * 1000)); }
  // False: the key cannot be had, and `found` says why. No key is asked for: good, and null.
  bool read_key(std::optional<dns::TsigKey>& key, Diagnostics& found) const;
};

// --key, --key-name, --timeout, --json.
void add_request_options(CLI::App& verb, RequestOptions& options);
// A server, by address or by name, as an option's value.
std::optional<ServerPlace> server_option(const std::string& option, const std::string& text, Diagnostics& found);
std::optional<dns::Name> name_option(const std::string& option, const std::string& text, Diagnostics& found);

// What became of one request to one server.
struct Report {
  std::string server;  // empty: it could not be found out
  std::string zone;
  Outcome outcome;
};
// As a line each (errors on standard error) or as JSON; the exit code: what was refused comes before what was not there.
ExitCode report_outcomes(const std::vector<Report>& reports, bool json);

}  // namespace samara::ops
