#include "ops/keys/tsig_key.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "ops/files.h"
#include "ops/keys/key_clause.h"
#include "ops/system_random.h"
#include "ops/text_of.h"
#include "ops/yaml/document.h"
#include "ops/yaml/secrets.h"
#include "ops/yaml/sections.h"
#include "ops/yaml/writing.h"
#include "platform/codec/hex.h"

namespace samara::ops {

namespace {

const std::array<std::string, 5> format_names{"yaml", "bind", "nsd", "knot", "secret"};
constexpr size_t random_name_octets = 8;

dns::TsigKey key_of(const server::TsigKey& from) {
  dns::TsigKey key;
  key.name = from.name;
  key.algorithm = *dns::parse_tsig_algorithm(server::key_algorithm_name(from.algorithm));
  const std::vector<u8> octets(from.secret.begin(), from.secret.end());
  key.secret = crypto::SecretBytes(octets);
  return key;
}

std::vector<dns::TsigKey> read_yaml_keys(std::string_view text, const std::string& file, Diagnostics& found) {
  const std::optional<yaml::Value> root = yaml::parse(text, file, found);
  if (!root) return {};
  const yaml::Reading reading(file, found);
  yaml::Fields fields(*root, reading, "the key file");
  Deployment scratch;
  if (const yaml::Value* keys = fields.require("keys", "keys: NAME: {algorithm: hmac-sha256, secret: BASE64}")) {
    yaml::read_keys(*keys, reading, scratch);
  }
  // Of a manifest the rest is not read here.
  const bool manifest = std::ranges::any_of(root->entries, [](const yaml::Entry& entry) { return entry.key.text == "role"; });
  if (!manifest) fields.finish();
  std::vector<dns::TsigKey> keys;
  for (const server::TsigKey& key : scratch.service().keys) keys.push_back(key_of(key));
  return keys;
}

// NAME:ALGORITHM:FILE, when that is what the option is.
struct NamedSecret {
  dns::Name name;
  dns::TsigAlgorithm algorithm;
  std::string file;
};
std::optional<NamedSecret> named_secret(const std::string& option) {
  const size_t first = option.find(':');
  const size_t second = first == std::string::npos ? first : option.find(':', first + 1);
  if (second == std::string::npos) return {};
  const auto algorithm = dns::parse_tsig_algorithm(option.substr(first + 1, second - first - 1));
  const auto name = yaml::parse_name(option.substr(0, first));
  if (!algorithm || !name) return {};
  return NamedSecret{name.value(), *algorithm, option.substr(second + 1)};
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

}  // namespace

std::span<const std::string> key_format_names() {
  return format_names;
}

std::optional<dns::TsigKey> generate_key(const dns::Name& name, dns::TsigAlgorithm algorithm) {
  std::vector<u8> secret(crypto::digest_size(dns::hash_of(algorithm)));
  if (!fill_with_random(secret)) return {};
  dns::TsigKey key;
  key.name = name;
  key.algorithm = algorithm;
  key.secret = crypto::SecretBytes(secret);
  crypto::wipe(secret);
  return key;
}

std::optional<std::string> random_key_name() {
  std::array<u8, random_name_octets> octets{};
  if (!fill_with_random(octets)) return {};
  TextBuffer<2 * random_name_octets> text;
  codec::encode_hex(octets, text.writer());
  return "tsig-" + std::string(text.view());
}

std::string key_secret(const dns::TsigKey& key) {
  const Bytes octets = key.secret.bytes();
  return yaml::base64_of(std::string(octets.begin(), octets.end()));
}

std::string write_key(const dns::TsigKey& key, KeyFormat format) {
  const std::string absolute = text_of(key.name);
  // Other servers write names without the final dot.
  const std::string name = absolute.size() > 1 ? absolute.substr(0, absolute.size() - 1) : absolute;
  const std::string algorithm(dns::algorithm_mnemonic(key.algorithm));
  const std::string secret = key_secret(key);
  switch (format) {
    case KeyFormat::yaml:
      return "keys:\n  " + yaml::yaml_text(absolute) + ": {algorithm: " + algorithm + ", secret: \"" + secret + "\"}\n";
    case KeyFormat::bind: return "key \"" + name + "\" {\n\talgorithm " + algorithm + ";\n\tsecret \"" + secret + "\";\n};\n";
    case KeyFormat::nsd:
      return "key:\n  name: \"" + name + "\"\n  algorithm: " + algorithm + "\n  secret: \"" + secret + "\"\n";
    case KeyFormat::knot: return "key:\n  - id: " + name + "\n    algorithm: " + algorithm + "\n    secret: " + secret + "\n";
    case KeyFormat::secret: return secret + "\n";
  }
  return {};
}

std::vector<dns::TsigKey> read_key_file(std::string_view text, const std::string& file, Diagnostics& found) {
  return is_key_clause(text) ? read_key_clauses(text, file, found) : read_yaml_keys(text, file, found);
}

std::optional<dns::TsigKey> read_key_option(const std::string& option, const std::string& wanted, Diagnostics& found) {
  const std::optional<NamedSecret> named = named_secret(option);
  const std::string& file = named ? named->file : option;
  const size_t errors_before = found.error_count();
  const Result<std::string, FileError> text = read_file(file);
  if (!text) {
    found.unreadable_file({file}, text.error().problem, text.error().is_permission());
    return {};
  }
  if (named) {
    auto secret = decode_key_secret(trimmed(text.value()), {file}, found);
    if (!secret) return {};
    dns::TsigKey key;
    key.name = named->name;
    key.algorithm = named->algorithm;
    key.secret = std::move(*secret);
    return key;
  }
  std::vector<dns::TsigKey> keys = read_key_file(text.value(), file, found);
  if (found.error_count() != errors_before) return {};
  std::string names;
  std::optional<dns::TsigKey> chosen;
  const auto name = yaml::parse_name(wanted);
  for (dns::TsigKey& key : keys) {
    names += (names.empty() ? "" : ", ") + text_of(key.name);
    if (wanted.empty() ? keys.size() == 1 : name.ok() && name.value() == key.name) chosen = std::move(key);
  }
  if (!chosen && keys.empty()) {
    found.error({file}, "no key in this file", "a key file as `samara key generate` writes it");
  } else if (!chosen) {
    found.error({file}, wanted.empty() ? "more than one key in this file" : "no key " + in_quotes(wanted) + " in this file",
                (wanted.empty() ? "--key-name and one of " : "one of ") + names);
  }
  return chosen;
}

}  // namespace samara::ops
