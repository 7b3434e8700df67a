// Updates that outlive the image: what the storage has of a zone, against what its file says when the image starts again.
#include <gtest/gtest.h>

#include <list>
#include <string>

#include "../zone/store/crashing_storage.h"
#include "server/update_batch.h"
#include "server/zone_loader.h"
#include "update_text.h"

namespace samara::server {
namespace {

using zone::store::CrashingStorage;
using zone::store::ZoneArchive;

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

// One life of an image on a storage.
class Life {
 public:
  explicit Life(hal::Storage& storage) : archive_(ZoneArchive::open(storage, rng_)), loader_(region_, archive_.get()) {}

  void configure(std::string_view zone, u32 serial, std::string_view records = "") {
    texts_.push_back("@ 60 SOA ns host " + std::to_string(serial) + " 3600 600 86400 300\n@ 60 NS ns\n" + std::string(records));
    config_.zones.push_back({.name = name_of(zone), .files = {{"file", texts_.back()}}});
  }
  bool load() {
    log.clear();
    LoadReport report(
        [](void* lines, Level, std::string_view line) { (static_cast<std::string*>(lines)->append(line)).append("\n"); }, &log);
    return loader_.load(config_, UnixTime{1'000}, report).has_value() && report.errors() == 0;
  }
  // Adds TXT `text` at the apex of `zone`.
  bool update(std::string_view zone, std::string_view text) {
    const zone::Zone now = serving(zone).value();
    const zone::RecordView soa = now.soa().first();
    std::vector<u8> next(soa.rdata().begin(), soa.rdata().end());
    store_be32(next, next.size() - 20, now.serial().value() + 1);
    std::vector<u8> rdata{static_cast<u8>(text.size())};
    rdata.insert(rdata.end(), text.begin(), text.end());
    zone::Patch patch;
    patch.delete_record(now.apex(), dns::RrType::SOA, soa.rdata());
    patch.add_record(now.apex(), dns::RrType::SOA, soa.ttl(), next);
    patch.add_record(now.apex(), dns::RrType::TXT, dns::Ttl(60), rdata);
    return loader_.change(now.apex(), patch).ok();
  }
  // Makes the next set; false: it is not all in the storage.
  bool publish() {
    EXPECT_TRUE(loader_.next_set().has_value());
    return loader_.is_durable();
  }
  ZoneLoader& loader() { return loader_; }
  PrimaryConfig& config() { return config_; }
  std::optional<zone::Zone> serving(std::string_view zone) const { return loader_.zone_in_service(name_of(zone)); }
  u32 serial(std::string_view zone = "example.") const { return serving(zone).value().serial().value(); }
  size_t texts(std::string_view zone = "example.") const {
    const auto found = serving(zone).value().apex_node().find(dns::RrType::TXT);
    return found.has_value() ? found->count() : 0;
  }

  std::string log;

 private:
  zone::store::SeededRng rng_{7};
  std::vector<u8> region_ = std::vector<u8>(size_t{4} << 20);
  std::unique_ptr<ZoneArchive> archive_;
  ZoneLoader loader_;
  PrimaryConfig config_;
  std::list<std::string> texts_;
};

class KeptUpdates : public testing::Test {
 protected:
  // A zone of serial 10 that an update has made 11.
  void SetUp() override {
    Life life(storage_);
    life.configure("example.", 10);
    ASSERT_TRUE(life.load());
    ASSERT_TRUE(life.update("example.", "kept"));
    ASSERT_TRUE(life.publish());
  }
  CrashingStorage storage_{u64{4} << 20};
};

TEST_F(KeptUpdates, AreServedAfterARestart) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.serial(), 11U);
  EXPECT_EQ(life.texts(), 1U);
  EXPECT_NE(life.log.find("zone example.: serial 11 with the updates that the storage has"), std::string::npos) << life.log;
  std::vector<zone::StoredDifference> steps;
  ASSERT_TRUE(life.update("example.", "more"));
  EXPECT_TRUE(zone::History(life.serving("example.").value()).path(dns::Serial(11), steps)) << "secondaries go on by IXFR";
}

TEST_F(KeptUpdates, GiveWayToANewerFile) {
  for (int restart = 0; restart < 2; ++restart) {
    Life life(storage_);
    life.configure("example.", 12);
    ASSERT_TRUE(life.load()) << life.log;
    EXPECT_EQ(life.serial(), 12U);
    EXPECT_EQ(life.texts(), 0U);
  }
}

TEST_F(KeptUpdates, StayWhenTheFileWasChangedBelowThem) {
  Life life(storage_);
  life.configure("example.", 9);
  EXPECT_FALSE(life.load());
  EXPECT_EQ(life.serial(), 11U);
  EXPECT_NE(life.log.find("not loaded: serial 9 of the file is not above serial 11"), std::string::npos) << life.log;
}

TEST_F(KeptUpdates, AreServedWhenTheFileIsBroken) {
  Life life(storage_);
  life.configure("example.", 10, "x 60 A nonsense\n");
  EXPECT_FALSE(life.load());
  EXPECT_EQ(life.serial(), 11U);
}

TEST_F(KeptUpdates, OfAZoneThatIsNotConfiguredStay) {
  {
    Life life(storage_);
    life.configure("other.", 1);
    ASSERT_TRUE(life.load());
    EXPECT_NE(life.log.find("zone example.: not configured; its updates up to serial 11 stay in the storage"),
              std::string::npos)
        << life.log;
  }
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  EXPECT_EQ(life.serial(), 11U);
}

TEST_F(KeptUpdates, WhatIsNotKeptIsNotMade) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  storage_.fail_after = 0;
  EXPECT_FALSE(life.update("example.", "lost"));
  EXPECT_EQ(life.serial(), 11U);
  storage_.fail_after = UINT64_MAX;
  EXPECT_FALSE(life.update("example.", "after a failure nothing is written"));
  EXPECT_EQ(life.texts(), 1U);
}

TEST_F(KeptUpdates, AFailingFlushIsTold) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_TRUE(life.update("example.", "written"));
  storage_.fail_after = 0;
  EXPECT_FALSE(life.publish());
  EXPECT_FALSE(life.update("example.", "nothing more"));
}

TEST_F(KeptUpdates, AReloadPublishesNoneThatAreNotKept) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_TRUE(life.update("example.", "just before the reload"));
  ASSERT_FALSE(storage_.unflushed.empty());
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_TRUE(storage_.unflushed.empty());
}

// The outcome that an update's sender hears, when the storage fails as is said.
dns::Rcode outcome_of_update(CrashingStorage& storage, const std::string& owner, u64 fail_after) {
  Life life(storage);
  life.configure("example.", 10);
  life.config().access.update = {AccessRule{}};
  EXPECT_TRUE(life.load());
  UpdateBatch batch(life.config(), life.loader());
  const std::vector<u8> message = UpdateText{}.message({"! " + owner + " 60 IN A 192.0.2.9"});
  UpdateRelay relay;
  relay.tag = 7;
  relay.peer = *Endpoint::parse("192.0.2.1:1053");
  relay.message = message;
  batch.on_update(0, relay);
  EXPECT_TRUE(batch.is_changed());
  storage.fail_after = fail_after;
  EXPECT_TRUE(life.loader().next_set().has_value());
  batch.on_published();
  dns::Rcode rcode = dns::Rcode::NOTIMP;
  EXPECT_TRUE(batch.send_all(1, [&](u32, Bytes told) {
    if (kind_of(told) == LoaderMessage::update_done) rcode = read_update_done(told)->rcode;
    return true;
  }));
  return rcode;
}

TEST_F(KeptUpdates, AreConfirmedOnlyWhenTheyAre) {
  EXPECT_EQ(outcome_of_update(storage_, "first", UINT64_MAX), dns::Rcode::NOERROR);
  EXPECT_EQ(outcome_of_update(storage_, "second", 0), dns::Rcode::SERVFAIL);
}

TEST_F(KeptUpdates, ASecondarysZoneIsNoneOfThem) {
  {
    zone::store::SeededRng rng(3);
    const auto archive = ZoneArchive::open(storage_, rng);
    Life life(storage_);
    life.configure("example.", 10);
    ASSERT_TRUE(life.load());
    ASSERT_TRUE(archive->save(life.serving("example.").value(), {.refreshed = {5}, .expires = {500}, .file = {}}));
    ASSERT_TRUE(archive->sync());
  }
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.serial(), 10U);
}

// Confirmed is what was durable; after that anything up to the last update may be there, and nothing in between of two.
TEST(KeptUpdatesCrash, LeavesNoLessThanWhatWasConfirmed) {
  for (u64 seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    CrashingStorage storage(u64{1} << 20);
    u32 confirmed = 10;
    for (int restart = 0; restart < 4; ++restart) {
      Life life(storage);
      life.configure("example.", 10);
      ASSERT_TRUE(life.load()) << life.log;
      ASSERT_GE(life.serial(), confirmed) << "seed " << seed;
      ASSERT_EQ(life.texts(), life.serial() - 10) << "seed " << seed;
      for (u64 i = random() % 12; i != 0; --i) {
        ASSERT_TRUE(life.update("example.", std::to_string(life.serial())));
        if (random() % 3 != 0) continue;
        ASSERT_TRUE(life.publish());
        confirmed = life.serial();
      }
      storage = CrashingStorage(storage.crashed(random), 512);
    }
  }
}

}  // namespace
}  // namespace samara::server
