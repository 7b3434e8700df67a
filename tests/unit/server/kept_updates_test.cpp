// Updates that outlive the image: what the storage has of a zone, against what its file says when the image starts again.
#include <gtest/gtest.h>

#include <string>

#include "image_life.h"
#include "server/update_batch.h"
#include "update_text.h"

namespace samara::server {
namespace {

using zone::store::CrashingStorage;
using zone::store::ZoneArchive;

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

TEST_F(KeptUpdates, a_newer_file_in_their_place_is_told_with_both_serials) {
  Life life(storage_);
  life.configure("example.", 12);
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_NE(life.log.find("the file with serial 12 replaces the zone with serial 11; of the updates made since the file had "
                          "serial 10, only what the file has is left"),
            std::string::npos)
      << life.log;
}

// RFC 1982 section 7: a serial is set back in two steps, after which the file counts as greater than the zone.
TEST_F(KeptUpdates, outlive_a_serial_that_was_taken_round) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_TRUE(life.update("example.", "half a circle", 0x7fffffff));
  ASSERT_TRUE(life.update("example.", "and the rest", 0x7ffffff0));
  ASSERT_EQ(dns::Serial(10).compare(dns::Serial(life.serial())), dns::Serial::Order::greater);
  const u32 serial = life.serial();
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.serial(), serial) << "after a reload";
  Life next(storage_);
  next.configure("example.", 10);
  ASSERT_TRUE(next.load()) << next.log;
  EXPECT_EQ(next.serial(), serial) << "after a restart";
  EXPECT_EQ(next.texts(), 3U);
}

TEST_F(KeptUpdates, stay_when_the_file_was_edited_without_a_new_serial) {
  Life life(storage_);
  life.configure("example.", 10, "new 60 A 192.0.2.1\n");
  EXPECT_FALSE(life.load());
  EXPECT_EQ(life.serial(), 11U);
  EXPECT_NE(life.log.find("not loaded: the file has changed but not its serial 10"), std::string::npos) << life.log;
}

TEST_F(KeptUpdates, a_file_written_otherwise_is_the_same_file) {
  Life life(storage_);
  life.configure("EXAMPLE.", 10, "; a comment\n@ 60 NS NS\n");
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.serial(), 11U);
}

TEST_F(KeptUpdates, a_file_that_has_them_all_is_taken_without_a_word) {
  Life life(storage_);
  life.configure("example.", 11, "@ 60 TXT kept\n");
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.log.find("replaces"), std::string::npos) << life.log;
  life.configure("example.", 11, "@ 60 TXT kept\n@ 60 TXT new\n");
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.texts(), 2U) << "no updates are left that could stand against the file";
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
