// What whoever writes a zone's file must not get out of whoever reads it, who may be root.
#include "ops/zone_folders.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "ops/deployment.h"
#include "ops/yaml/manifest.h"

namespace samara::ops {
namespace {

constexpr u64 plenty = 1 << 20;
const std::string head = "$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n";

// base/etc holds the manifest, base/etc/zones zones; base/secret is outside.
class ZoneFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-folders-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = std::filesystem::canonical(pattern).string() + "/";
    std::filesystem::create_directories(base_ + "etc/zones");
    write("secret", "root:$6$secret\n");
    ASSERT_TRUE(folders_.allow(base_ + "etc").ok());
    ::alarm(60);  // a pipe that is waited for would never end
  }
  void TearDown() override {
    ::alarm(0);
    std::filesystem::remove_all(base_);
  }
  void write(const std::string& name, const std::string& text) const { ASSERT_TRUE(write_file(base_ + name, text).ok()); }
  void link(const std::string& target, const std::string& name) const { std::filesystem::create_symlink(target, base_ + name); }
  std::string problem(const std::string& name, u64 most = plenty) const {
    const auto text = folders_.read(base_ + name, most);
    return text ? "" : text.error().problem;
  }
  // The manifest with these zones, as `how` wants it.
  std::optional<Deployment> manifest(const std::string& zones, Diagnostics& found, const std::string& more = {}) const {
    const std::string text = "role: primary\nlisten: [\"127.0.0.1:53\"]\n" + more + "zones:\n" + zones;
    write("etc/primary.yaml", text);
    return yaml::read_manifest(text, base_ + "etc/primary.yaml", found);
  }
  static std::string first(const Diagnostics& found) { return found.all().empty() ? "" : found.sorted().front().to_text(); }

  std::string base_;
  ZoneFolders folders_;
};

TEST_F(ZoneFolder, FilesBelowTheFolderAreRead) {
  write("etc/zones/a.zone", "a");
  EXPECT_EQ(MUST(folders_.read(base_ + "etc/zones/a.zone", plenty)), "a");
  EXPECT_EQ(MUST(folders_.read(base_ + "etc/zones/../zones/a.zone", plenty)), "a");
}

TEST_F(ZoneFolder, FilesElsewhereAreNotRead) {
  EXPECT_EQ(problem("secret"), "is not where zones' files may lie");
  EXPECT_EQ(problem("etc/../secret"), "is not where zones' files may lie");
  std::filesystem::create_directory(base_ + "etcetera");
  write("etcetera/a", "a");
  EXPECT_EQ(problem("etcetera/a"), "is not where zones' files may lie");
}

TEST_F(ZoneFolder, LinksAreFollowedWhereTheyStayInside) {
  write("etc/zones/a.zone", "a");
  link("zones/a.zone", "etc/relative");
  link(base_ + "etc/zones/a.zone", "etc/absolute");
  link("zones", "etc/folder");
  for (const char* name : {"etc/relative", "etc/absolute", "etc/folder/a.zone"}) EXPECT_EQ(problem(name), "") << name;
}

TEST_F(ZoneFolder, LinksOutOfItAreNot) {
  link("../../secret", "etc/zones/a.zone");
  EXPECT_EQ(problem("etc/zones/a.zone"), "leads to \"" + base_ + "secret\", which is not where zones' files may lie");
  link("../..", "etc/zones/up");
  EXPECT_NE(problem("etc/zones/up/secret"), "");
  link("/proc/self/environ", "etc/zones/environment");
  EXPECT_NE(problem("etc/zones/environment"), "");
  link("/proc/self/fd/0", "etc/zones/input");
  EXPECT_NE(problem("etc/zones/input"), "");
}

TEST_F(ZoneFolder, AFolderIsNotFoundThroughSomebodyElsesLink) {
  ASSERT_EQ(::geteuid(), 0U) << "needs root (ops/test with sudo), to give a link to another user";
  link(base_, "etc/theirs");
  ASSERT_EQ(::lchown((base_ + "etc/theirs").c_str(), 65534, 65534), 0);
  ZoneFolders folders;
  const auto allowed = folders.allow(base_ + "etc/theirs/etc");
  ASSERT_FALSE(allowed.ok());
  EXPECT_EQ(allowed.error().problem, "is reached by a link that belongs to another user");
  ASSERT_EQ(::lchown((base_ + "etc/theirs").c_str(), 0, 0), 0);
  EXPECT_TRUE(folders.allow(base_ + "etc/theirs/etc").ok());
}

TEST_F(ZoneFolder, NothingButRegularFilesIsOpened) {
  ASSERT_EQ(::mkfifo((base_ + "etc/zones/pipe").c_str(), 0600), 0);
  EXPECT_EQ(problem("etc/zones/pipe"), "is not a regular file");
  link("/dev/zero", "etc/zones/zero");
  EXPECT_EQ(problem("etc/zones/zero"), "is not a regular file");
  EXPECT_EQ(problem("etc/zones"), "cannot be read: Is a directory");
  EXPECT_EQ(problem("etc/nothing"), "cannot be read: No such file or directory");
}

TEST_F(ZoneFolder, LargeFilesAreRefusedBeforeTheyAreRead) {
  write("etc/zones/a.zone", std::string(100, 'x'));
  EXPECT_EQ(problem("etc/zones/a.zone", 100), "");
  EXPECT_EQ(problem("etc/zones/a.zone", 99), "has more than 99 octets");
  std::filesystem::resize_file(base_ + "etc/zones/a.zone", u64{1} << 40);  // sparse
  EXPECT_EQ(problem("etc/zones/a.zone"), "has more than 1048576 octets");
}

TEST_F(ZoneFolder, IncludesStayBelowTheManifestsFolder) {
  write("etc/zones/a.zone", head + "$INCLUDE ../shared.inc\n");
  write("etc/shared.inc", "www A 192.0.2.2\n");
  Diagnostics good;
  EXPECT_TRUE(manifest("  a.example: {file: zones/a.zone}\n", good).has_value()) << first(good);

  write("etc/zones/a.zone", head + "$INCLUDE ../../secret\n");
  Diagnostics bad;
  EXPECT_FALSE(manifest("  a.example: {file: zones/a.zone}\n", bad).has_value());
  EXPECT_EQ(first(bad), base_ + "etc/zones/a.zone:5:10: zone file \"" + base_ +
                            "secret\" is not where zones' files may lie (expected a regular file below \"" + base_ +
                            "etc\" or \"" + base_ + "etc/zones\")");
}

TEST_F(ZoneFolder, TheManifestMayNameFolders) {
  std::filesystem::create_directory(base_ + "srv");
  write("srv/shared.inc", "www A 192.0.2.2\n");
  write("etc/zones/a.zone", head + "$INCLUDE " + base_ + "srv/shared.inc\n");
  Diagnostics without;
  EXPECT_FALSE(manifest("  a.example: {file: zones/a.zone}\n", without).has_value());
  Diagnostics with;
  EXPECT_TRUE(manifest("  a.example: {file: zones/a.zone}\n", with, "zone-folders: [zones, ../srv]\n").has_value())
      << first(with);
  // And no others then: not the manifest's own, where secrets lie.
  write("etc/zones/a.zone", head + "$INCLUDE ../other.inc\n");
  write("etc/other.inc", "www A 192.0.2.2\n");
  Diagnostics others;
  EXPECT_FALSE(manifest("  a.example: {file: zones/a.zone}\n", others, "zone-folders: [zones]\n").has_value());
  Diagnostics missing;
  EXPECT_FALSE(manifest("  a.example: {file: zones/a.zone}\n", missing, "zone-folders: [nowhere]\n").has_value());
  EXPECT_NE(first(missing).find("folder \"nowhere\" cannot be read: No such file or directory"), std::string::npos);
}

TEST_F(ZoneFolder, AZonesOwnFolderIsNamedByTheManifest) {
  std::filesystem::create_directory(base_ + "srv");
  write("srv/a.zone", head);
  Diagnostics found;
  EXPECT_TRUE(manifest("  a.example: {file: " + base_ + "srv/a.zone}\n", found).has_value()) << first(found);
  // For this zone only.
  write("etc/b.zone", head + "$INCLUDE ../srv/a.zone\n");
  Diagnostics other;
  EXPECT_FALSE(manifest("  a.example: {file: " + base_ + "srv/a.zone}\n  b.example: {file: b.zone}\n", other).has_value());
}

TEST_F(ZoneFolder, SecretsOfTheServerAreNoPartOfAZone) {
  write("etc/transfer.key", "c2VjcmV0c2VjcmV0c2VjcmV0");
  const std::string keys = "keys: {transfer.example: {secret-file: transfer.key}}\n";
  for (const char* file : {"transfer.key", "primary.yaml"}) {
    write("etc/a.zone", head + "$INCLUDE " + file + "\n");
    Diagnostics found;
    EXPECT_FALSE(manifest("  a.example: {file: a.zone}\n", found, keys).has_value()) << file;
    EXPECT_NE(first(found).find("holds secrets of the server and is no part of a zone"), std::string::npos) << first(found);
  }
}

TEST_F(ZoneFolder, SecretFilesAreRegularFiles) {
  ASSERT_EQ(::mkfifo((base_ + "etc/transfer.key").c_str(), 0600), 0);
  write("etc/a.zone", head);
  Diagnostics found;
  EXPECT_FALSE(
      manifest("  a.example: {file: a.zone}\n", found, "keys: {transfer.example: {secret-file: transfer.key}}\n").has_value());
  EXPECT_NE(first(found).find("is not a regular file"), std::string::npos) << first(found);
}

TEST_F(ZoneFolder, WhatIsWrongWithOneZonesFilesCostsThatZoneOnly) {
  ASSERT_EQ(::mkfifo((base_ + "etc/pipe").c_str(), 0600), 0);
  write("etc/good.zone", head);
  write("etc/many.zone", head);
  for (int i = 0; i <= 1024; ++i) write("etc/" + std::to_string(i) + ".inc", "");
  std::string many = head;
  for (int i = 0; i <= 1024; ++i) many += "$INCLUDE " + std::to_string(i) + ".inc\n";
  write("etc/many.zone", many);
  write("etc/outside.zone", head + "$INCLUDE /etc/hostname\n");
  write("etc/lost.zone", head + "$INCLUDE nowhere.inc\n");
  Diagnostics found(Unreadable::leave_out);
  const auto deployment = manifest(
      "  pipe.example: {file: pipe}\n  folder.example: {file: zones}\n  missing.example: {file: nothing.zone}\n"
      "  many.example: {file: many.zone}\n  outside.example: {file: outside.zone}\n  lost.example: {file: lost.zone}\n"
      "  good.example: {file: good.zone}\n",
      found);
  ASSERT_TRUE(deployment.has_value()) << first(found);
  const auto& zones = deployment->primary()->zones;
  ASSERT_EQ(zones.size(), 7U);
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(zones[i].files.empty()) << i;
  EXPECT_EQ(zones[6].files.size(), 1U);
  EXPECT_EQ(found.warning_count(), 6U);
}

TEST_F(ZoneFolder, AZoneThatIsTooLargeIsNotRead) {
  write("etc/a.zone", head);
  write("etc/b.zone", head);
  std::filesystem::resize_file(base_ + "etc/b.zone", max_zone_octets + 1);  // sparse
  Diagnostics found(Unreadable::leave_out);
  const auto deployment =
      manifest("  a.example: {file: a.zone}\n  b.example: {file: b.zone}\n  c.example: {file: a.zone}\n", found);
  ASSERT_TRUE(deployment.has_value());
  EXPECT_FALSE(deployment->primary()->zones[0].files.empty());
  EXPECT_TRUE(deployment->primary()->zones[1].files.empty());
  EXPECT_FALSE(deployment->primary()->zones[2].files.empty());
  EXPECT_NE(first(found).find("has more than 1006632960 octets"), std::string::npos) << first(found);
}

TEST_F(ZoneFolder, TheLargestZoneMakesRoomForTheOthers) {
  Deployment deployment;
  ASSERT_TRUE(deployment.folders.allow(base_ + "etc").ok());
  deployment.zone_octets = max_zone_octets - 150'000;
  Diagnostics found(Unreadable::leave_out);
  const std::vector<std::pair<std::string, size_t>> files{{"small", 1'000}, {"large", 100'000}, {"last", 60'000}};
  for (const auto& [name, octets] : files) {
    write("etc/" + name, std::string(octets, ';'));
    EXPECT_TRUE(add_zone(deployment, MUST(dns::Name::parse(name, dns::Name())), base_ + "etc/" + name, {"test"}, found));
  }
  const auto& zones = deployment.primary()->zones;
  EXPECT_FALSE(zones[0].files.empty());
  EXPECT_TRUE(zones[1].files.empty());
  EXPECT_FALSE(zones[2].files.empty());
  EXPECT_NE(first(found).find("zone large. has 10"), std::string::npos) << first(found);
}

}  // namespace
}  // namespace samara::ops
