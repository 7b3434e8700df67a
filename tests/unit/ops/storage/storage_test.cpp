// What outlives a restart, taken to another file: as text and back, and into a larger one.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "ops/files.h"
#include "ops/image/storage_file.h"
#include "ops/storage/growth.h"
#include "ops/storage/open_store.h"
#include "ops/storage/zone_export.h"
#include "ops/zone/loaded_zone.h"
#include "zone/store/zone_archive.h"

namespace samara::ops {
namespace {

using zone::store::MemberMark;
using zone::store::ZoneArchive;
using zone::store::ZoneState;
using zone::store::ZoneSummary;

constexpr u64 mebibyte = u64{1} << 20;

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

class Storage : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-storage-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::optional<OpenStore> open(const std::string& name, u64 size = mebibyte) {
    const auto file = open_storage(path(name), size);
    return file ? OpenStore::to_write(file.value(), path(name), found_) : std::nullopt;
  }
  // A zone as updates left it.
  void save(OpenStore& store, const std::string& zone, u32 serial, const ZoneState& state, const std::string& records = {}) {
    const std::string text = "@ 300 IN SOA ns hostmaster " + std::to_string(serial) +
                             " 7200 900 1209600 300\n@ 300 IN NS ns\n" + "ns 300 IN A 192.0.2.1\n" + records;
    ASSERT_TRUE(write_file(path("scratch"), text).ok());
    const auto loaded = LoadedZone::load(path("scratch"), name_of(zone), found_);
    ASSERT_TRUE(loaded.has_value());
    const auto archive = ZoneArchive::open(store.storage(), store.rng());
    ASSERT_NE(archive, nullptr);
    ASSERT_TRUE(archive->save(loaded->zone(), state));
    ASSERT_TRUE(archive->sync());
  }
  // With a label as a catalog may have it.
  static MemberMark mark() { return {name_of("cat.example."), std::vector<u8>{'x', '.', 0xe4}}; }
  void fill(const std::string& name, u64 size = mebibyte) {
    std::optional<OpenStore> store = open(name, size);
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE(store->store()
                    .put_state(name_of("not.transferred."), {.refreshed = {}, .expires = {}, .member = mark(), .file = {}})
                    .ok());
    ASSERT_TRUE(store->store().sync().ok());
    save(*store, "example.com.", 12, {.refreshed = {}, .expires = {}, .file = {{.serial = dns::Serial(3), .digest = 77}}},
         "www 300 IN TXT \"an update\"\n");
    save(*store, "0/25.2.0.192.in-addr.arpa.", 4, {.refreshed = {1'000}, .expires = {2'000}, .member = mark(), .file = {}});
    save(*store, ".", 5, {.refreshed = {}, .expires = {}, .file = {{.serial = dns::Serial(1), .digest = {}}}});
  }
  std::vector<ZoneSummary> zones(const std::string& name) {
    std::optional<OpenStore> store = OpenStore::to_read(path(name), found_);
    return store ? store->zones() : std::vector<ZoneSummary>();
  }
  void expect_filled(const std::string& name) {
    const std::vector<ZoneSummary> kept = zones(name);
    ASSERT_EQ(kept.size(), 3U) << name;
    EXPECT_EQ(kept[0].name, name_of("."));
    EXPECT_EQ(kept[0].serial, dns::Serial(5));
    EXPECT_EQ(kept[0].state->file->serial, dns::Serial(1));
    EXPECT_FALSE(kept[0].state->file->digest.has_value());
    EXPECT_EQ(kept[1].name, name_of("0/25.2.0.192.in-addr.arpa."));
    EXPECT_FALSE(kept[1].state->file.has_value());
    EXPECT_EQ(kept[1].state->refreshed, UnixTime{1'000});
    EXPECT_EQ(kept[1].state->expires, UnixTime{2'000});
    EXPECT_EQ(kept[1].state->member, mark());
    EXPECT_EQ(kept[2].serial, dns::Serial(12));
    EXPECT_EQ(kept[2].state->file->serial, dns::Serial(3));
    EXPECT_EQ(kept[2].state->file->digest, 77U);
  }
  std::string problem() const { return found_.all().empty() ? "" : found_.all().front().to_text(); }

  std::string folder_;
  Diagnostics found_;
};

TEST_F(Storage, WhatIsWrittenOutCanBeReadInAgain) {
  fill("old");
  {
    std::optional<OpenStore> old = OpenStore::to_read(path("old"), found_);
    ASSERT_TRUE(old.has_value()) << problem();
    EXPECT_EQ(export_zones(*old, path("saved"), found_), 3U) << problem();
  }
  const std::string text = MUST(read_file(path("saved/example.com.zone")));
  EXPECT_TRUE(text.starts_with("; samara storage export 1\n; zone example.com.\n; file-serial 3\n; file-digest 77\n")) << text;
  EXPECT_NE(text.find("an update"), std::string::npos);
  {
    ASSERT_TRUE(write_file(path("saved/example.com.zone"), "somebody's\n").ok());
    std::optional<OpenStore> old = OpenStore::to_read(path("old"), found_);
    EXPECT_EQ(export_zones(*old, path("saved"), found_), 0U);
    EXPECT_NE(problem().find("has files in it, which stay as they are"), std::string::npos) << problem();
    EXPECT_EQ(MUST(read_file(path("saved/example.com.zone"))), "somebody's\n");
    found_ = Diagnostics();
    ASSERT_TRUE(write_file(path("saved/example.com.zone"), text, 0600).ok());
  }
  struct stat status{};
  ASSERT_EQ(::stat(path("saved/example.com.zone").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);

  std::optional<OpenStore> fresh = open("new", 2 * mebibyte);
  ASSERT_TRUE(fresh.has_value());
  EXPECT_EQ(import_zones(path("saved"), *fresh, found_), 3U) << problem();
  fresh.reset();
  expect_filled("new");
  EXPECT_TRUE(found_.all().empty()) << problem();
}

TEST_F(Storage, OtherZoneFilesAreNotReadIn) {
  ASSERT_TRUE(write_file(path("other.zone"), "; zone example.com.\n@ 300 IN SOA a b 1 2 3 4 5\n").ok());
  std::optional<OpenStore> fresh = open("new");
  ASSERT_TRUE(fresh.has_value());
  EXPECT_EQ(import_zones(folder_, *fresh, found_), 0U);
  EXPECT_NE(problem().find("other.zone: not written by `samara storage export`"), std::string::npos) << problem();
}

TEST_F(Storage, ItGrowsWithTheManifest) {
  fill("zones.store");
  grow_storage(path("zones.store"), 4 * mebibyte, 65534, 65534);
  EXPECT_EQ(std::filesystem::file_size(path("zones.store")), 4 * mebibyte);
  EXPECT_FALSE(std::filesystem::exists(path("zones.store.grown")));
  struct stat status{};
  ASSERT_EQ(::stat(path("zones.store").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  expect_filled("zones.store");
  {
    std::optional<OpenStore> grown = OpenStore::to_read(path("zones.store"), found_);
    ASSERT_TRUE(grown.has_value());
    EXPECT_GT(grown->store().usable(), 3 * mebibyte / 2);
    const auto waiting = grown->store().mark_of(name_of("not.transferred."));
    EXPECT_EQ(waiting, mark());
  }
  // It never shrinks.
  grow_storage(path("zones.store"), mebibyte, 65534, 65534);
  EXPECT_EQ(std::filesystem::file_size(path("zones.store")), 4 * mebibyte);
}

TEST_F(Storage, ItIsAsReadableGrownAsItWas) {
  fill("zones.store");
  ASSERT_EQ(::chmod(path("zones.store").c_str(), 0640), 0);
  grow_storage(path("zones.store"), 4 * mebibyte, 65534, 65534);
  struct stat status{};
  ASSERT_EQ(::stat(path("zones.store").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 4 * mebibyte);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(Storage, ALinkToItStaysALink) {
  fill("real.store");
  std::filesystem::create_symlink("real.store", path("link.store"));
  grow_storage(path("link.store"), 4 * mebibyte, 65534, 65534);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.store")));
  EXPECT_EQ(std::filesystem::file_size(path("real.store")), 4 * mebibyte);
}

TEST_F(Storage, WhatIsNoStoreStaysAsItIs) {
  ASSERT_TRUE(write_file(path("zones.store"), std::string(mebibyte, 'x')).ok());
  ::testing::internal::CaptureStderr();
  grow_storage(path("zones.store"), 4 * mebibyte, 65534, 65534);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("it holds something else than a store of zones"), std::string::npos) << said;
  EXPECT_NE(said.find("stays at 1048576 octets instead of 4194304: what it has could not be copied"), std::string::npos)
      << said;
  EXPECT_EQ(MUST(read_file(path("zones.store"))), std::string(mebibyte, 'x'));
  EXPECT_FALSE(std::filesystem::exists(path("zones.store.grown")));
}

TEST_F(Storage, OneInUseIsNotLookedAt) {
  fill("zones.store");
  const std::optional<OpenStore> server = open("zones.store");
  ASSERT_TRUE(server.has_value());
  EXPECT_FALSE(OpenStore::to_read(path("zones.store"), found_).has_value());
  EXPECT_NE(problem().find("in use by another image"), std::string::npos) << problem();
  // A copy, which may be made meanwhile, is.
  std::filesystem::copy_file(path("zones.store"), path("copy"));
  expect_filled("copy");
}

}  // namespace
}  // namespace samara::ops
