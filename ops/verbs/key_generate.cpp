// `samara key generate`: a TSIG key with a secret of its own.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "ops/files.h"
#include "ops/json.h"
#include "ops/keys/tsig_key.h"
#include "ops/text_of.h"
#include "ops/verbs/verbs.h"
#include "ops/yaml/reading.h"

namespace samara::ops {

namespace {

struct KeyGenerateOptions {
  std::string name;
  std::string algorithm = "hmac-sha256";
  std::string format = "yaml";
  std::string output = "-";
  bool force = false;
  bool json = false;
};

std::string key_json(const dns::TsigKey& key) {
  JsonWriter json;
  json.begin_object();
  json.member("name", std::string_view(text_of(key.name)));
  json.member("algorithm", dns::algorithm_mnemonic(key.algorithm));
  json.member("secret", std::string_view(key_secret(key)));
  json.end_object();
  return json.take() + "\n";
}

ExitCode run_key_generate(const KeyGenerateOptions& options) {
  const std::optional<std::string> text = options.name.empty() ? random_key_name() : options.name;
  const auto name = text ? yaml::parse_name(*text) : yaml::parse_name(".");
  if (!name || name.value().is_root()) {
    complain(text ? in_quotes(*text) + " is no name for a key (expected a domain name such as transfer.example.com)"
                  : "the system has no random numbers");
    return text ? ExitCode::usage : ExitCode::unavailable;
  }
  const auto key = generate_key(name.value(), *dns::parse_tsig_algorithm(options.algorithm));
  if (!key) {
    complain("the system has no random numbers");
    return ExitCode::unavailable;
  }
  // A key that is written over is lost, and whoever shares it is locked out.
  std::error_code error;
  if (options.output != "-" && !options.force && std::filesystem::is_regular_file(options.output, error)) {
    complain(options.output + ": there is a file already (expected a new one, or --force)");
    return ExitCode::bad_data;
  }
  const auto formats = key_format_names();
  const auto format = std::ranges::find(formats, options.format);
  const std::string content = options.json ? key_json(*key) : write_key(*key, static_cast<KeyFormat>(format - formats.begin()));
  if (const auto written = write_file(options.output, content, owner_only); !written) {
    complain(options.output + ": " + written.error().problem);
    return written.error().exit_code();
  }
  return ExitCode::good;
}

}  // namespace

void add_key_generate(CLI::App& key, Action& chosen) {
  auto options = std::make_shared<KeyGenerateOptions>();
  CLI::App* verb = key.add_subcommand("generate", "Make a TSIG key (RFC 8945)");
  verb->add_option("NAME", options->name, "The key's name, the same on both sides; one is made up without it");
  verb->add_option("--algorithm", options->algorithm, "hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224 or hmac-sha1")
      ->check(CLI::IsMember({"hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1"}))
      ->capture_default_str();
  verb->add_option("--format", options->format,
                   "yaml (`keys` of a manifest), bind, nsd or knot (their configuration), or secret (the base 64 alone, for "
                   "`secret-file`)")
      ->check(CLI::IsMember(std::vector<std::string>(key_format_names().begin(), key_format_names().end())))
      ->capture_default_str();
  verb->add_option("-o,--output", options->output, "Where it goes, readable by its owner only; - is standard output")
      ->capture_default_str();
  verb->add_flag("--force", options->force, "Write over a file that is there");
  verb->add_flag("--json", options->json, "As a JSON object instead: name, algorithm, secret");
  verb->footer(
      "The secret has as many random octets as the algorithm's digest.\n\n"
      "Examples:\n"
      "  samara key generate transfer.example.com --output transfer.key\n"
      "  samara key generate transfer.example.com --format secret --output transfer.secret\n"
      "  samara key generate update.example.com --format bind --algorithm hmac-sha512");
  verb->callback([options, &chosen] { chosen = [options] { return run_key_generate(*options); }; });
}

}  // namespace samara::ops
