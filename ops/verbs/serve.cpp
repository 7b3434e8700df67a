// `samara serve`: zone files to answers, without a manifest.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "ops/image/confined_reading.h"
#include "ops/image/supervisor.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/reading.h"

namespace samara::ops {

namespace {

struct ServeOptions {
  std::vector<std::string> zones;
  std::vector<std::string> listen;
  std::vector<std::string> transfer;
  std::vector<std::string> folders;
  u32 workers = 1;
  std::string log_level = "info";
  std::string image;
};

// Errors of the command line have no file; their place is the option.
Place option_place(const std::string& name) {
  return {name};
}

void read_zone_option(const std::string& text, Deployment& deployment, Diagnostics& found) {
  constexpr auto expected = "NAME=FILE, such as example.com=example.com.zone";
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) {
    return found.error(option_place("--zone"), in_quotes(text) + " names no zone file", expected);
  }
  const std::string name_text = text.substr(0, equals);
  const auto name = yaml::parse_name(name_text);
  if (name_text.empty() || !name)
    return found.error(option_place("--zone"), in_quotes(name_text) + " is not a domain name", expected);
  const bool known = std::ranges::find(deployment.primary()->zones, name.value(), &server::ZoneSource::name) !=
                     deployment.primary()->zones.end();
  if (known) return found.error(option_place("--zone"), "zone " + in_quotes(name_text) + " is given twice", "each zone once");
  add_zone(deployment, name.value(), text.substr(equals + 1), option_place("--zone"), found);
}

void read_listen_option(const std::string& text, Deployment& deployment, Diagnostics& found) {
  const auto endpoint = yaml::parse_endpoint(text);
  if (!endpoint) {
    return found.error(option_place("--listen"), in_quotes(text) + " is not an endpoint",
                       "ADDRESS:PORT, such as 127.0.0.1:5353 or [::1]:5353");
  }
  deployment.service().listen.push_back(*endpoint);
}

void read_transfer_option(const std::string& text, Deployment& deployment, Diagnostics& found) {
  server::AccessRule rule;
  if (text != "any") {
    rule.from = IpPrefix::parse(text);
    if (!rule.from)
      return found.error(option_place("--allow-transfer"), in_quotes(text) + " is not an address block",
                         "any, an address or ADDRESS/LENGTH");
  }
  deployment.service().access.transfer.push_back(rule);
}

std::optional<Deployment> read_serve_options(const ServeOptions& options, Diagnostics& found) {
  Deployment deployment;
  for (const std::string& text : options.listen) read_listen_option(text, deployment, found);
  for (const std::string& text : options.transfer) read_transfer_option(text, deployment, found);
  for (const std::string& folder : options.folders) {
    if (const auto allowed = deployment.folders.allow(folder); !allowed)
      found.error(option_place("--zone-folder"), in_quotes(folder, longest_path) + " " + allowed.error().problem, "a folder");
  }
  for (const std::string& text : options.zones) read_zone_option(text, deployment, found);
  deployment.service().workers = options.workers;
  for (const Level level : {Level::error, Level::warning, Level::info, Level::debug}) {
    if (options.log_level == level_name(level)) deployment.service().log_level = level;
  }
  if (!found.good()) return {};
  return deployment;
}

// Wrong options are the command line's fault (64), wrong or missing files are not (65).
bool options_are_sound(const ServeOptions& options) {
  Diagnostics found;
  Deployment scratch;
  for (const std::string& text : options.listen) read_listen_option(text, scratch, found);
  for (const std::string& text : options.transfer) read_transfer_option(text, scratch, found);
  if (options.listen.size() > server::max_listen)
    found.error(option_place("--listen"), "too many endpoints", "at most " + std::to_string(server::max_listen));
  for (const std::string& text : options.zones) {
    if (text.find('=') == std::string::npos) read_zone_option(text, scratch, found);
  }
  found.print();
  return found.good();
}

}  // namespace

void add_serve(CLI::App& samara, Action& chosen) {
  auto options = std::make_shared<ServeOptions>();
  options->image = default_image("primary", "linux");
  CLI::App* verb = samara.add_subcommand("serve", "Serve zone files, in the foreground");
  verb->add_option("--zone", options->zones, "A zone and its master file, NAME=FILE; repeatable")
      ->required()
      ->type_name("NAME=FILE");
  verb->add_option("--listen", options->listen, "Where to answer, UDP and TCP, ADDRESS:PORT; repeatable")
      ->required()
      ->type_name("ADDRESS:PORT");
  verb->add_option("--allow-transfer", options->transfer,
                   "Who may transfer zones: any, an address or ADDRESS/LENGTH; repeatable")
      ->type_name("BLOCK");
  verb->add_option("--zone-folder", options->folders,
                   "A folder where files and what they include may lie, besides each file's own; repeatable")
      ->type_name("DIR");
  verb->add_option("--workers", options->workers, "Processes that answer queries")
      ->check(CLI::Range(server::worker_count.low, server::worker_count.high))
      ->capture_default_str();
  verb->add_option("--log-level", options->log_level, "error, warning, info or debug")
      ->check(CLI::IsMember({"error", "warning", "info", "debug"}))
      ->capture_default_str();
  verb->add_option("--image", options->image, "The image to run")->capture_default_str();
  verb->footer(
      "Prints `ready ADDRESS:PORT` for each endpoint when it answers. SIGHUP reads the files again,\n"
      "SIGTERM and SIGINT stop the server.\n\n"
      "Examples:\n"
      "  samara serve --zone example.com=zones/example.com.zone --listen 127.0.0.1:5353\n"
      "  samara serve --zone example.com=a.zone --zone example.net=b.zone \\\n"
      "               --listen 127.0.0.1:5353 --listen '[::1]:5353' --workers 2\n"
      "  dig @127.0.0.1 -p 5353 www.example.com");
  verb->callback([options, &chosen] {
    chosen = [options] {
      if (!options_are_sound(*options)) return ExitCode::usage;
      const std::string source = "command line";
      const ReadDeployment read = [options](Diagnostics& found) { return read_serve_options(*options, found); };
      const Launch launch{options->image, source, [&](Diagnostics& found) { return read_confined(read, source, found); }};
      return supervise(launch, {}, Descriptor());
    };
  });
}

}  // namespace samara::ops
