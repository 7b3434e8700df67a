#include "ops/yaml/manifest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "ops/boot_blob.h"
#include "ops/files.h"
#include "ops/yaml/reading.h"

namespace samara::ops::yaml {
namespace {

const std::string data_folder = SAMARA_TEST_DATA "/config/";

std::string read(const std::string& path) {
  return MUST(read_file(path));
}

// What the name of a manifest's file says about it.
enum class Kind : u8 { good, doubtful, bad };

std::vector<std::string> manifests(Kind wanted) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(data_folder)) {
    const std::string name = entry.path().filename().string();
    const Kind kind = name.starts_with("good-") ? Kind::good : name.starts_with("doubtful-") ? Kind::doubtful : Kind::bad;
    if (entry.path().extension() == ".yaml" && kind == wanted) names.push_back(name);
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

const RoleConfig& config_of(const Deployment& deployment) {
  return deployment.config;
}

TEST(Manifest, EachBadManifestGivesItsErrorsAndNoOthers) {
  ASSERT_GE(manifests(Kind::bad).size(), 15U);
  for (const std::string& name : manifests(Kind::bad)) {
    SCOPED_TRACE(name);
    const std::string text = read(data_folder + name);
    Diagnostics found;
    EXPECT_FALSE(read_manifest(text, data_folder + name, found).has_value());
    EXPECT_FALSE(expected_errors(text).empty());
    EXPECT_EQ(texts(found), expected_errors(text));
  }
}

TEST(Manifest, DoubtfulManifestsAreAcceptedWithTheirWarningsAndNoOthers) {
  ASSERT_GE(manifests(Kind::doubtful).size(), 3U);
  for (const std::string& name : manifests(Kind::doubtful)) {
    SCOPED_TRACE(name);
    const std::string text = read(data_folder + name);
    Diagnostics found;
    EXPECT_TRUE(read_manifest(text, data_folder + name, found).has_value());
    EXPECT_EQ(texts(found), expected_errors(text));
  }
}

TEST(Manifest, GoodManifestsAreAccepted) {
  ASSERT_GE(manifests(Kind::good).size(), 2U);
  for (const std::string& name : manifests(Kind::good)) {
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
  const server::PrimaryConfig& config = *deployment->primary();
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
  EXPECT_EQ(config.limits, (server::Limits{1400, 512, 500, 5, 24, 48, 120, 1000, u64{512} << 20, 32, 4, 14 * 86'400}));
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

TEST(Manifest, WhatOnlyAPrimaryHasArrives) {
  Diagnostics found;
  const auto deployment =
      read_manifest(read(data_folder + "good-everything.yaml"), data_folder + "good-everything.yaml", found);
  ASSERT_TRUE(deployment.has_value());
  const server::PrimaryConfig& config = *deployment->primary();
  EXPECT_EQ(config.notify, (server::PeerList{{*Endpoint::parse("192.0.2.53:53"), std::nullopt},
                                             {*Endpoint::parse("[2001:db8::53]:5353"), u16{0}}}));
  EXPECT_TRUE(config.notify_ns_records);
  EXPECT_EQ(config.history, (server::HistoryConfig{10, 1 << 20}));
  const server::ZoneOverrides& zone = config.zones.front().overrides;
  EXPECT_EQ(zone.notify, (server::PeerList{{*Endpoint::parse("192.0.2.54:53"), u16{1}}}));
  EXPECT_EQ(zone.notify_ns_records, false);
  EXPECT_EQ(zone.transfer, (server::AccessList{{std::nullopt, u16{1}}}));
  EXPECT_EQ(zone.notify_from, server::AccessList{server::AccessRule{}});
  EXPECT_EQ(zone.update, server::AccessList{});
  EXPECT_EQ(zone.history, (server::HistoryConfig{0, 16 << 20}));
  ASSERT_EQ(config.update_rules.size(), 3U);
  EXPECT_EQ(config.update_rules[0].types, (std::vector{dns::RrType::A, dns::RrType::AAAA, dns::RrType{65280}}));
  EXPECT_EQ(config.update_rules[0].match, server::UpdateNames::subtree);
  EXPECT_TRUE(config.update_rules[0].add);
  EXPECT_FALSE(config.update_rules[0].remove);
  EXPECT_EQ(config.update_rules[1].match, server::UpdateNames::self_subtree);
  EXPECT_EQ(config.update_rules[1].types, std::vector{dns::RrType::ANY});
  EXPECT_TRUE(config.update_rules[1].signed_zones);
  EXPECT_EQ(config.update_rules[1].max_records, 100U);
  EXPECT_EQ(config.update_rules[1].max_octets, 65'536U);
  EXPECT_EQ(config.update_rules[1].max_records_per_rrset, 8U);
  EXPECT_FALSE(config.update_rules[0].is_limited());
  EXPECT_EQ(config.update_limits,
            (server::ZoneLimits{
                .max_records = 50'000, .max_octets = 1 << 20, .max_records_per_rrset = 200, .max_types_per_name = 50}));
  EXPECT_EQ(config.zone_limits,
            (server::ZoneLimits{.max_records = 60'000, .max_octets = 2 << 20, .max_records_per_rrset = 10'000}));
  EXPECT_EQ(config.limits_of(config.zones[0].overrides),
            (server::ZoneLimits{.max_records = 60'000, .max_octets = 2 << 20, .max_records_per_rrset = 65'535}))
      << "what it does not say itself is as for all";
  EXPECT_EQ(config.update_rules[2].names.size(), 2U);
  ASSERT_EQ(config.catalogs.size(), 2U);
  ASSERT_TRUE(config.catalogs[0].members.has_value());
  EXPECT_EQ(config.catalogs[0].members->size(), 1U);
  ASSERT_EQ(config.catalogs[0].groups.size(), 2U);
  EXPECT_EQ(config.catalogs[0].groups[1].name, "b c");
  EXPECT_EQ(config.catalogs[0].overrides.notify, server::PeerList{});
  EXPECT_FALSE(config.catalogs[1].members.has_value());
}

TEST(Manifest, ASecondaryFollowsWhomItIsTold) {
  Diagnostics found;
  const auto deployment = read_manifest(read(data_folder + "good-secondary.yaml"), data_folder + "good-secondary.yaml", found);
  ASSERT_TRUE(deployment.has_value());
  ASSERT_NE(deployment->secondary(), nullptr);
  const server::SecondaryConfig& config = *deployment->secondary();
  const server::Peer first{*Endpoint::parse("192.0.2.1:5353"), u16{0}};
  const server::Peer second{*Endpoint::parse("[2001:db8::1]:53"), std::nullopt};
  const server::Peer reserve{*Endpoint::parse("192.0.2.9:53"), std::nullopt};
  ASSERT_EQ(config.zones.size(), 2U);
  EXPECT_EQ(config.zones[0].primaries, (server::PeerList{first, second}));
  EXPECT_EQ(config.zones[1].primaries,
            (server::PeerList{{*Endpoint::parse("198.51.100.1:53"), u16{1}}, first, second, reserve}));
  EXPECT_EQ(config.zones[1].overrides.transfer, server::AccessList{});
  EXPECT_FALSE(config.zones[1].overrides.notify_from.has_value());
  ASSERT_EQ(config.catalogs.size(), 2U);
  EXPECT_EQ(config.catalogs[0].primaries_of_members(), config.catalogs[0].primaries);
  EXPECT_EQ(config.catalogs[1].primaries_of_members(), (server::PeerList{{*Endpoint::parse("192.0.2.77:53"), {}}}));
  EXPECT_EQ(config.transfers_in, (server::TransferInLimits{4, 2, u64{64} << 20, 1000, 1024, 600}));
  EXPECT_EQ(config.refresh, (server::RefreshClamps{1, 86'400, 2, 3600, 600, 30 * 86'400}));
  ASSERT_TRUE(config.storage.has_value());
  EXPECT_EQ(config.storage->file, data_folder + "secondary.store");
  EXPECT_EQ(config.storage->size, u64{8} << 20);
  EXPECT_TRUE(config.forward_updates);
  EXPECT_FALSE(config.zones[0].overrides.forward_updates.has_value());
  EXPECT_EQ(config.zones[1].overrides.forward_updates, std::optional(false));
}

TEST(Manifest, WhatIsNotSaidIsTheDefault) {
  Diagnostics found;
  const auto deployment = read_text("role: primary\nlisten: [192.0.2.1]\nzones: {}\n", found);
  ASSERT_TRUE(deployment.has_value());
  server::PrimaryConfig expected;
  expected.listen.push_back(*Endpoint::parse("192.0.2.1:53"));
  EXPECT_EQ(deployment->config, RoleConfig(expected));
}

TEST(Manifest, CompiledAndShownItIsTheSameManifest) {
  for (const std::string& name : manifests(Kind::good)) {
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
    const std::string shown = write_manifest(decoded->config(), deployment->target, Secrets::shown, {});
    const auto again = read_manifest(shown, data_folder + name, found);  // as old as the first: catalogs have that
    ASSERT_TRUE(again.has_value()) << shown << (found.all().empty() ? "" : found.all().front().to_text());
    EXPECT_EQ(again->config, deployment->config) << shown;
  }
}

TEST(Manifest, ShownItNamesFilesAsSeenFromItsFolder) {
  Deployment deployment;
  for (const std::string_view path : {"a/zones/x.zone", "y.zone", "/srv/z.zone"}) {
    deployment.primary()->zones.push_back({.name = MUST(parse_name("z" + std::to_string(path.size()))), .files = {{path, ""}}});
  }
  deployment.service().storage = server::StorageConfig{.file = "a/b.store"};
  const std::string shown = write_manifest(deployment.config, "linux", Secrets::masked, "a/primary.yaml", {"a", "more"});
  EXPECT_NE(shown.find("zone-folders:\n  - \".\"\n  - \"../more\"\n"), std::string::npos) << shown;
  for (const std::string_view file : {"\"zones/x.zone\"", "\"../y.zone\"", "\"/srv/z.zone\"", "\"b.store\""}) {
    EXPECT_NE(shown.find("file: " + std::string(file)), std::string::npos) << file << '\n' << shown;
  }
  const std::string beside = write_manifest(deployment.config, "linux", Secrets::masked, "primary.yaml");
  EXPECT_NE(beside.find("file: \"a/zones/x.zone\""), std::string::npos) << beside;
}

TEST(Manifest, SecretsAreMasked) {
  Diagnostics found;
  const auto deployment =
      read_manifest(read(data_folder + "good-everything.yaml"), data_folder + "good-everything.yaml", found);
  ASSERT_TRUE(deployment.has_value());
  const std::string shown = write_manifest(deployment->config, "linux", Secrets::masked, {});
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
  EXPECT_EQ(deployment->service().rate_limit, server::RateLimit{});
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
  for (const char* name : {"good-everything.yaml", "good-secondary.yaml"}) {
    const std::string good = read(data_folder + name);
    for (size_t i = 0; i < good.size(); i += 7) {
      for (const char c : {'\0', '[', '}', '"', ':', '\xff', '&', '*', '\n'}) {
        std::string damaged = good;
        damaged[i] = c;
        Diagnostics found;
        const auto deployment = read_text(damaged, found);
        EXPECT_EQ(deployment.has_value(), found.good());
      }
    }
  }
}

}  // namespace
}  // namespace samara::ops::yaml
