#include "ops/yaml/manifest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "ops/boot_blob.h"
#include "ops/files.h"

namespace samara::ops::yaml {
namespace {

const std::string data_folder = SAMARA_TEST_DATA "/config/";

std::string read(const std::string& path) {
  return MUST(read_file(path));
}

std::vector<std::string> manifests(bool good) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(data_folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".yaml" && name.starts_with("good-") == good) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> expected_errors(const std::string& text) {
  constexpr std::string_view mark = "# error: ";
  std::vector<std::string> errors;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (rest.starts_with(mark)) errors.emplace_back(rest.substr(mark.size(), end - mark.size()));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return errors;
}

std::vector<std::string> texts(const Diagnostics& found) {
  std::vector<std::string> texts;
  for (const Diagnostic& diagnostic : found.sorted()) texts.push_back(diagnostic.to_text());
  // Files are named relative to the manifest, wherever the checkout is.
  for (std::string& text : texts) {
    for (size_t at = text.find(data_folder); at != std::string::npos; at = text.find(data_folder))
      text.erase(at, data_folder.size());
  }
  return texts;
}

std::optional<Deployment> read_text(const std::string& text, Diagnostics& found) {
  return read_manifest(text, data_folder + "test.yaml", found);
}

server::PrimaryConfig config_of(const Deployment& deployment) {
  return deployment.config;
}

TEST(Manifest, EachBadManifestGivesItsErrorsAndNoOthers) {
  ASSERT_GE(manifests(false).size(), 15U);
  for (const std::string& name : manifests(false)) {
    SCOPED_TRACE(name);
    const std::string text = read(data_folder + name);
    Diagnostics found;
    EXPECT_FALSE(read_manifest(text, data_folder + name, found).has_value());
    EXPECT_FALSE(expected_errors(text).empty());
    EXPECT_EQ(texts(found), expected_errors(text));
  }
}

TEST(Manifest, GoodManifestsAreAccepted) {
  ASSERT_GE(manifests(true).size(), 2U);
  for (const std::string& name : manifests(true)) {
    SCOPED_TRACE(name);
    Diagnostics found;
    EXPECT_TRUE(read_manifest(read(data_folder + name), data_folder + name, found).has_value());
    EXPECT_TRUE(texts(found).empty());
  }
}

TEST(Manifest, EveryKeyArrivesInTheConfiguration) {
  Diagnostics found;
  const auto deployment =
      read_manifest(read(data_folder + "good-everything.yaml"), data_folder + "good-everything.yaml", found);
  ASSERT_TRUE(deployment.has_value());
  const server::PrimaryConfig& config = deployment->config;
  ASSERT_EQ(config.listen.size(), 3U);
  EXPECT_EQ(config.listen[0], Endpoint::parse("127.0.0.1:5353"));
  EXPECT_EQ(config.listen[1], Endpoint::parse("[::1]:5353"));
  EXPECT_EQ(config.listen[2], Endpoint::parse("[2001:db8::1]:53"));
  EXPECT_EQ(config.workers, 4U);
  EXPECT_EQ(config.user, 1000U);
  EXPECT_EQ(config.group, 1001U);
  EXPECT_EQ(config.identity.server_id, "ns1.example");
  EXPECT_EQ(config.identity.version, "1 \"quoted\" \\ \t");
  EXPECT_EQ(config.identity.nsid, "ns1");
  EXPECT_EQ(config.log_level, Level::debug);
  ASSERT_EQ(config.keys.size(), 2U);
  EXPECT_EQ(config.keys[0].algorithm, server::KeyAlgorithm::hmac_sha256);
  EXPECT_EQ(config.keys[0].secret, "0123456789abcdef");
  EXPECT_EQ(config.keys[1].algorithm, server::KeyAlgorithm::hmac_sha512);
  EXPECT_EQ(config.keys[1].secret.size(), 32U);
  ASSERT_EQ(config.access.query.size(), 1U);
  EXPECT_EQ(config.access.query[0], server::AccessRule{});
  ASSERT_EQ(config.access.transfer.size(), 4U);
  EXPECT_EQ(config.access.transfer[0], (server::AccessRule{IpPrefix::parse("192.0.2.0/24"), std::nullopt}));
  EXPECT_EQ(config.access.transfer[2], (server::AccessRule{std::nullopt, u16{0}}));
  EXPECT_EQ(config.access.transfer[3], (server::AccessRule{IpPrefix::parse("198.51.100.7"), u16{1}}));
  EXPECT_TRUE(config.access.notify.empty());
  EXPECT_EQ(config.limits, (server::Limits{1400, 512, 500, 5, 24, 48, 120, 1000, u64{512} << 20}));
  ASSERT_TRUE(config.rate_limit.has_value());
  EXPECT_EQ(*config.rate_limit,
            (server::RateLimit{50, 0, 60, 32, 64, 4096, {*IpPrefix::parse("127.0.0.0/8"), *IpPrefix::parse("::1")}}));
  EXPECT_TRUE(config.cookies.required);
  ASSERT_TRUE(config.cookies.current.has_value());
  EXPECT_EQ(config.cookies.current->at(15), 15);
  EXPECT_EQ(config.cookies.previous->at(0), 0xff);
  ASSERT_EQ(config.zones.size(), 1U);
  ASSERT_EQ(config.zones[0].files.size(), 2U);
  EXPECT_EQ(config.zones[0].files[0].path, data_folder + "zones/example.com.zone");
  EXPECT_EQ(config.zones[0].files[1].path, data_folder + "zones/more.inc");
  EXPECT_EQ(config.zones[0].files[1].text, "www A 192.0.2.2\n");
}

TEST(Manifest, WhatIsNotSaidIsTheDefault) {
  Diagnostics found;
  const auto deployment = read_text("role: primary\nlisten: [192.0.2.1]\nzones: {}\n", found);
  ASSERT_TRUE(deployment.has_value());
  server::PrimaryConfig expected;
  expected.listen.push_back(*Endpoint::parse("192.0.2.1:53"));
  EXPECT_EQ(deployment->config, expected);
}

TEST(Manifest, CompiledAndShownItIsTheSameManifest) {
  for (const std::string& name : manifests(true)) {
    SCOPED_TRACE(name);
    Diagnostics found;
    const auto deployment = read_manifest(read(data_folder + name), data_folder + name, found);
    ASSERT_TRUE(deployment.has_value());
    const auto blob = compile_blob(deployment->config, name, found);
    ASSERT_TRUE(blob.has_value());
    const std::string octets(blob->begin(), blob->end());
    const auto decoded = DecodedBlob::decode(octets, name, found);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->config(), config_of(*deployment));
    const std::string shown = write_manifest(decoded->config(), deployment->target, Secrets::shown);
    const auto again = read_text(shown, found);
    ASSERT_TRUE(again.has_value()) << shown << (found.all().empty() ? "" : found.all().front().to_text());
    EXPECT_EQ(again->config, deployment->config) << shown;
  }
}

TEST(Manifest, SecretsAreMasked) {
  Diagnostics found;
  const auto deployment =
      read_manifest(read(data_folder + "good-everything.yaml"), data_folder + "good-everything.yaml", found);
  ASSERT_TRUE(deployment.has_value());
  const std::string shown = write_manifest(deployment->config, "linux", Secrets::masked);
  EXPECT_NE(shown.find("secret: \"masked\""), std::string::npos);
  for (const std::string_view secret : {"MDEyMzQ1Njc4OWFiY2RlZg", "AAECAwQFBgcI", "0001020304", "ffffffff"}) {
    EXPECT_EQ(shown.find(secret), std::string::npos) << secret;
  }
}

TEST(Manifest, ErrorsNeverShowSecrets) {
  Diagnostics found;
  EXPECT_FALSE(read_text("role: primary\nlisten: [192.0.2.1]\nzones: {}\nkeys: {a: {secret: \"sesame!sesame!\"}}\n"
                         "cookies: {secret: \"sesame\"}\n",
                         found)
                   .has_value());
  EXPECT_EQ(found.error_count(), 2U);
  for (const std::string& text : texts(found)) EXPECT_EQ(text.find("sesame"), std::string::npos) << text;
}

TEST(Manifest, RatesAreUnlimitedUnlessAsked) {
  Diagnostics found;
  const auto deployment = read_text("role: primary\nlisten: [192.0.2.1]\nzones: {}\nrate-limit: {}\n", found);
  ASSERT_TRUE(deployment.has_value());
  EXPECT_EQ(deployment->config.rate_limit, server::RateLimit{});
}

TEST(Manifest, ManyEndpointsAreTooMany) {
  std::string text = "role: primary\nzones: {}\nlisten:\n";
  for (size_t i = 0; i < server::max_listen; ++i) text += "  - 127.0.0.1:" + std::to_string(1000 + i) + "\n";
  Diagnostics found;
  EXPECT_TRUE(read_text(text, found).has_value());
  EXPECT_FALSE(read_text(text + "  - 127.0.0.1:1\n", found).has_value());
  ASSERT_EQ(texts(found).size(), 1U);
  EXPECT_EQ(texts(found).front(), "test.yaml:68:5: too many endpoints (expected at most 64)");
}

TEST(Manifest, AnyOctetsAreReadSafely) {
  const std::string good = read(data_folder + "good-everything.yaml");
  for (size_t i = 0; i < good.size(); i += 3) {
    for (const char c : {'\0', '[', '}', '"', ':', '\xff', '&', '*', '\n'}) {
      std::string damaged = good;
      damaged[i] = c;
      Diagnostics found;
      const auto deployment = read_text(damaged, found);
      EXPECT_EQ(deployment.has_value(), found.good());
    }
  }
}

}  // namespace
}  // namespace samara::ops::yaml
