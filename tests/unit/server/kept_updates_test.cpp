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

// What they have left in memory is more than half of what the zone is by itself.
TEST_F(KeptUpdates, leave_their_history_whole_after_a_restart) {
  CrashingStorage storage(u64{4} << 20);
  std::string records;
  for (int i = 0; i < 200; ++i) records += "host" + std::to_string(i) + " 60 TXT " + std::string(100, 'x') + "\n";
  {
    Life life(storage);
    life.configure("example.", 10, records);
    ASSERT_TRUE(life.load()) << life.log;
    for (int i = 0; i < 8; ++i) {
      ASSERT_EQ(life.change_long("example.", 0, 0, true), "");
      ASSERT_EQ(life.change_long("example.", 0, 0, false), "");
      ASSERT_TRUE(life.publish());
    }
  }
  Life life(storage);
  life.configure("example.", 10, records);
  for (int load = 0; load < 2; ++load) {
    ASSERT_TRUE(life.load()) << life.log;
    ASSERT_EQ(life.serial(), 26U);
    std::vector<zone::StoredDifference> steps;
    EXPECT_TRUE(zone::History(life.serving("example.").value()).path(dns::Serial(11), steps)) << load;
  }
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
  ASSERT_TRUE(life.publish());
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
  life.configure("example.", 10, "; a comment\nEXAMPLE. ( 60 IN\n NS ) ns.example.\n");
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
    EXPECT_NE(life.log.find("zone example.: not configured; what the storage has of it, up to serial 11, stays there"),
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

TEST_F(KeptUpdates, one_whose_flush_fails_is_not_served) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_TRUE(life.update("example.", "durable"));
  ASSERT_TRUE(life.publish());
  ASSERT_TRUE(life.update("example.", "written"));
  ASSERT_TRUE(life.update("example.", "written too"));
  storage_.fail_after = 0;
  EXPECT_FALSE(life.publish());
  EXPECT_EQ(life.serial(), 12U);
  EXPECT_EQ(life.texts(), 2U);
  EXPECT_FALSE(life.update("example.", "nothing more"));
  storage_.fail_after = UINT64_MAX;
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.serial(), 12U) << "a reload does not bring it back";
}

TEST_F(KeptUpdates, one_whose_state_is_written_and_not_flushed_is_not_served) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_TRUE(life.update("example.", "written"));
  storage_.fail_after = 1;  // the states; not the flush
  EXPECT_FALSE(life.publish());
  EXPECT_EQ(life.serial(), 11U);
}

TEST_F(KeptUpdates, AReloadPublishesNoneThatAreNotKept) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_TRUE(life.update("example.", "just before the reload"));
  ASSERT_FALSE(storage_.unflushed.empty());
  ASSERT_TRUE(life.loader().settle());
  CrashingStorage medium(storage_.medium, 512);
  Life after(medium);
  after.configure("example.", 10);
  ASSERT_TRUE(after.load());
  EXPECT_GT(after.serial(), 10U) << "of what is not flushed by now nothing is needed";
  EXPECT_EQ(after.serial(), life.serial());
  ASSERT_TRUE(life.load()) << life.log;
}

struct Told {
  std::vector<dns::Rcode> outcomes;
  size_t changed_zones = 0;
  bool published = false;
  u32 serial = 0;
};

// What is told of updates that come together, when the storage fails before the `failing`th of them, or before the flush.
Told tell(CrashingStorage& storage, const std::vector<std::string>& owners, size_t failing) {
  Life life(storage);
  life.configure("example.", 10);
  life.config().access.update = {AccessRule{}};
  EXPECT_TRUE(life.load());
  UpdateBatch batch(life.config(), life.loader());
  UpdateRelay relay;
  relay.peer = *Endpoint::parse("192.0.2.1:1053");
  for (size_t i = 0; i < owners.size(); ++i) {
    if (i == failing) storage.fail_after = 0;
    const std::vector<u8> message = UpdateText{}.message({"! " + owners[i] + " 60 IN A 192.0.2.9"});
    relay.message = message;
    batch.on_update(0, relay, {.now = {}, .wall = {1'000}});
  }
  if (owners.size() == failing) storage.fail_after = 0;
  EXPECT_TRUE(batch.is_changed());
  batch.settle();
  Told told;
  told.published = batch.is_changed();
  if (told.published) {
    EXPECT_TRUE(life.loader().next_set().has_value());
    batch.on_published();
  }
  told.serial = life.serial();
  EXPECT_TRUE(batch.send_all(1, [&](u32, Bytes message) {
    if (kind_of(message) == LoaderMessage::update_done) told.outcomes.push_back(read_update_done(message)->rcode);
    if (kind_of(message) == LoaderMessage::zones_changed) ++told.changed_zones;
    return true;
  }));
  return told;
}

TEST_F(KeptUpdates, AreConfirmedOnlyWhenTheyAre) {
  const Told good = tell(storage_, {"first", "second"}, 3);
  EXPECT_EQ(good.outcomes, (std::vector{dns::Rcode::NOERROR, dns::Rcode::NOERROR}));
  EXPECT_EQ(good.changed_zones, 1U);
  EXPECT_TRUE(good.published);
  EXPECT_EQ(good.serial, 13U);
}

TEST_F(KeptUpdates, a_failing_flush_is_told_to_those_who_asked_and_to_nobody_else) {
  const Told told = tell(storage_, {"first", "second"}, 2);
  EXPECT_EQ(told.outcomes, (std::vector{dns::Rcode::SERVFAIL, dns::Rcode::SERVFAIL}));
  EXPECT_EQ(told.changed_zones, 0U) << "no NOTIFY";
  EXPECT_FALSE(told.published);
  EXPECT_EQ(told.serial, 11U);
}

// A full file system shows at any write: what was written before it in the same batch is not durable either.
TEST_F(KeptUpdates, a_failing_write_takes_the_updates_of_its_batch_back) {
  const Told told = tell(storage_, {"first", "second"}, 1);
  EXPECT_EQ(told.outcomes, (std::vector{dns::Rcode::SERVFAIL, dns::Rcode::SERVFAIL}));
  EXPECT_FALSE(told.published);
  EXPECT_EQ(told.serial, 11U);
}

TEST_F(KeptUpdates, ASecondarysZoneIsNoneOfThem) {
  {
    Life life(storage_);
    life.configure("example.", 10);
    ASSERT_TRUE(life.load());
    zone::store::SeededRng rng(3);
    const auto archive = ZoneArchive::open(storage_, rng);
    ASSERT_TRUE(archive->save(life.serving("example.").value(), {.refreshed = {5}, .expires = {500}, .file = {}}));
    ASSERT_TRUE(archive->sync());
  }
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load()) << life.log;
  EXPECT_EQ(life.serial(), 10U);
}

class KeptCatalog : public testing::Test {
 protected:
  // The serial of the catalog of these zones, by a configuration of this time, after a restart.
  u32 after_a_restart(u64 written, std::initializer_list<std::string_view> zones) {
    Life life(storage_);
    for (const std::string_view zone : zones) life.configure(zone, 10);
    const dns::Name name = MUST(dns::Name::parse("catalog.", dns::Name()));
    life.config().catalogs.push_back({.name = name, .members = {}, .groups = {}, .written = written});
    EXPECT_TRUE(life.load()) << life.log;
    EXPECT_FALSE(life.log.find("dropped") != std::string::npos) << life.log;
    return life.serial("catalog.");
  }
  CrashingStorage storage_{u64{4} << 20};
};

TEST_F(KeptCatalog, HasItsSerialAfterARestartThatChangesNothing) {
  EXPECT_EQ(after_a_restart(4'000, {"a.example.", "b.example."}), 4'000U);
  EXPECT_EQ(after_a_restart(4'500, {"a.example.", "b.example."}), 4'000U);
}

TEST_F(KeptCatalog, GetsAHigherSerialAfterAClockThatWasAheadWhenItsConfigurationWasWritten) {
  EXPECT_EQ(after_a_restart(2'208'988'800, {"a.example."}), 2'208'988'800U);
  EXPECT_EQ(after_a_restart(1'796'074'256, {"a.example.", "b.example."}), 2'208'988'801U);
}

TEST_F(KeptCatalog, GetsAHigherSerialForASecondChangeWithinASecondToo) {
  EXPECT_EQ(after_a_restart(4'000, {"a.example."}), 4'000U);
  EXPECT_EQ(after_a_restart(4'000, {"b.example."}), 4'001U);
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
