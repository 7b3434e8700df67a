// Updates where storage or zone memory are full: what grows is refused with the reason, and who deletes gets out of it.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "image_life.h"
#include "server/update_batch.h"
#include "update_text.h"

namespace samara::server {
namespace {

using zone::store::CrashingStorage;

constexpr std::string_view storage_is_full = "the storage is full: only deletions are possible";
constexpr std::string_view memory_is_full = "zone memory is full: only deletions are possible";

class FullStorage : public testing::Test {
 protected:
  // Served, and read by nobody before long.
  static bool publish(Life& life) {
    const bool durable = life.publish();
    life.release();
    return durable;
  }
  // Adds `step` names with each update until one is refused; the first name that is not there.
  static int fill(Life& life, std::string_view zone, int step, std::string& why) {
    for (int next = 0;; next += step) {
      why = life.change_long(zone, next, next + step - 1, true);
      EXPECT_TRUE(publish(life));
      if (!why.empty()) return next;
    }
  }
  u32 serial_after_restart() {
    Life life(storage_);
    life.configure("example.", 10);
    EXPECT_TRUE(life.load()) << life.log;
    return life.serial();
  }

  CrashingStorage storage_{u64{1} << 20};
};

// A third of the room was free when steps and a second copy of the zone found none (1 MiB, 150 records of 300 octets each).
TEST_F(FullStorage, holds_zones_up_to_what_is_usable) {
  Life life(storage_);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  std::string why;
  const int count = fill(life, "example.", 150, why);
  EXPECT_EQ(why, storage_is_full);
  EXPECT_GE(count * 230, 457'000 / 8 * 7);
  EXPECT_EQ(serial_after_restart(), life.serial());
}

TEST_F(FullStorage, lets_its_owner_delete_the_way_out) {
  for (const int step : {1, 20, 150}) {
    CrashingStorage storage(u64{1} << 20);
    Life life(storage);
    life.configure("example.", 10);
    ASSERT_TRUE(life.load());
    std::string why;
    const int count = fill(life, "example.", step, why);
    ASSERT_EQ(why, storage_is_full);
    for (int gone = 0; gone < count; gone += step) {
      ASSERT_EQ(life.change_long("example.", gone, gone + step - 1, false), "") << step << " at a time, " << gone;
      ASSERT_TRUE(publish(life));
    }
    EXPECT_EQ(life.serving("example.")->record_count(), 2U);
    EXPECT_GE(fill(life, "example.", step, why), count / 100 * 99) << "all of it is there again";
    Life next(storage);
    next.configure("example.", 10);
    ASSERT_TRUE(next.load()) << next.log;
    EXPECT_EQ(next.serial(), life.serial());
    EXPECT_EQ(next.serving("example.")->record_count(), life.serving("example.")->record_count());
  }
}

TEST_F(FullStorage, of_one_zone_lets_another_be_made_smaller) {
  Life life(storage_);
  life.configure("example.", 10);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("other.", 0, 199, true), "");
  ASSERT_TRUE(publish(life));
  std::string why;
  fill(life, "example.", 1, why);
  ASSERT_EQ(why, storage_is_full);
  for (int gone = 0; gone < 200; ++gone) {
    ASSERT_EQ(life.change_long("other.", gone, gone, false), "") << gone;
    ASSERT_TRUE(publish(life));
  }
  EXPECT_EQ(life.change_long("example.", 100'000, 100'100, true), "") << "what others have given back is there";
}

// Steps count against nobody's limits; they go before anybody is refused.
TEST_F(FullStorage, is_not_made_of_steps) {
  Life life(storage_);
  life.configure("example.", 10);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("example.", 0, 799, true), "");
  ASSERT_EQ(life.change_long("other.", 0, 1, true), "");
  ASSERT_TRUE(publish(life));
  for (int round = 0; round < 200; ++round) {
    ASSERT_EQ(life.change_long("example.", 1'000, 1'039, true), "") << round;
    ASSERT_TRUE(publish(life));
    ASSERT_EQ(life.change_long("example.", 1'000, 1'039, false), "") << round;
    ASSERT_TRUE(publish(life));
    ASSERT_FALSE(life.loader().is_room_scarce()) << round;
  }
  EXPECT_EQ(life.change_long("other.", 100, 500, true), "");
}

// Signed updates, each the same message whenever it is sent.
class SentAgain : public FullStorage {
 protected:
  SentAgain() {
    life_.configure("example.", 10);
    life_.config().keys.push_back({.name = zone::name_of("key."), .secret = "0123456789abcdef"});
    life_.config().access.update = {AccessRule{}};
    EXPECT_TRUE(life_.load());
    batch_.emplace(life_.config(), life_.loader());
  }
  void send(const Lines& lines) {
    const std::vector<u8> message = UpdateText{}.message(lines);
    UpdateRelay relay;
    relay.peer = *Endpoint::parse("192.0.2.1:1053");
    relay.address_shown = true;
    relay.key = 0;
    relay.signed_at = 1'000;
    relay.mac_start = 7;
    relay.message = message;
    batch_->on_update(0, relay, {.now = {}, .wall = {1'000}});
  }
  // What is told of those that were sent.
  std::vector<dns::Rcode> outcomes() {
    batch_->settle();
    std::vector<dns::Rcode> told;
    EXPECT_TRUE(batch_->send_all(1, [&](u32, Bytes message) {
      if (kind_of(message) == LoaderMessage::update_done) told.push_back(read_update_done(message)->rcode);
      return true;
    }));
    return told;
  }
  using Rcodes = std::vector<dns::Rcode>;

  Life life_{storage_};
  std::optional<UpdateBatch> batch_;
};

TEST_F(SentAgain, an_update_that_found_no_room_is_made_once_there_is_some) {
  std::string why;
  fill(life_, "example.", 1, why);
  ASSERT_EQ(why, storage_is_full);
  const Lines lines{"! new 60 IN TXT \"" + std::string(250, 'x') + "\""};
  send(lines);
  send(lines);
  EXPECT_EQ(outcomes(), (Rcodes{dns::Rcode::SERVFAIL, dns::Rcode::SERVFAIL}));
  ASSERT_EQ(life_.change_long("example.", 0, 99, false), "");
  ASSERT_TRUE(publish(life_));
  send(lines);
  send(lines);
  EXPECT_EQ(outcomes(), (Rcodes{dns::Rcode::NOERROR, dns::Rcode::REFUSED}));
}

TEST_F(SentAgain, an_update_that_was_taken_back_has_not_come_before) {
  storage_.fail_after = 0;
  send({"! new 60 IN A 192.0.2.1"});
  EXPECT_EQ(outcomes(), (Rcodes{dns::Rcode::SERVFAIL}));
  send({"! new 60 IN A 192.0.2.1"});
  EXPECT_EQ(outcomes(), (Rcodes{dns::Rcode::SERVFAIL})) << "the storage has failed for good";
}

TEST_F(SentAgain, an_update_that_its_prerequisites_stopped_stays_known) {
  send({"? new 0 ANY A", "! new 60 IN A 192.0.2.1"});
  send({"! new 60 IN A 192.0.2.1"});
  EXPECT_EQ(outcomes(), (Rcodes{dns::Rcode::NXRRSET, dns::Rcode::REFUSED}));
}

class FullMemory : public FullStorage {};

TEST_F(FullMemory, refuses_what_grows_and_takes_deletions) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{2} << 20);
  life.configure("example.", 10);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("other.", 0, 99, true), "");
  ASSERT_TRUE(publish(life));
  std::string why;
  fill(life, "example.", 20, why);
  EXPECT_EQ(why, memory_is_full);
  for (int gone = 0; gone < 20; ++gone) {
    EXPECT_EQ(life.change_long("other.", gone, gone, false), "") << gone;
    EXPECT_TRUE(publish(life));
  }
}

// Who has filled zone memory deletes the way out of it, in steps of any size, and others are not kept from changing their
// zones.
class FilledMemory : public FullMemory, public testing::WithParamInterface<std::tuple<size_t, bool>> {
 protected:
  // A zone of three records: another is added and deleted.
  static void change_other(Life& life) {
    for (const bool add : {true, false}) {
      ASSERT_EQ(life.change_long("other.", 0, 0, add), "") << add;
      ASSERT_TRUE(publish(life));
    }
  }
};

TEST_P(FilledMemory, lets_its_owner_delete_the_way_out) {
  const auto [mebibytes, stored] = GetParam();
  for (const int step : {1, 20, 100}) {
    if (step == 1 && (stored || mebibytes > 1)) continue;  // it takes long
    SCOPED_TRACE(step);
    CrashingStorage storage(u64{16 * mebibytes} << 20);
    Life life = stored ? Life(storage, mebibytes << 20) : Life(mebibytes << 20);
    life.configure("example.", 10);
    life.configure("other.", 10);
    ASSERT_TRUE(life.load());
    std::string why;
    const int count = fill(life, "example.", step, why);
    ASSERT_EQ(why, memory_is_full);
    EXPECT_GT(static_cast<size_t>(count) * 230, (mebibytes << 20) / 4);
    ASSERT_NO_FATAL_FAILURE(change_other(life));
    for (int gone = 0; gone < count; gone += step) {
      ASSERT_EQ(life.change_long("example.", gone, gone + step - 1, false), "") << gone << " of " << count;
      ASSERT_TRUE(publish(life));
      if (gone / step % 10 == 0) ASSERT_NO_FATAL_FAILURE(change_other(life)) << gone;
    }
    EXPECT_EQ(life.serving("example.")->record_count(), 2U);
    EXPECT_GE(fill(life, "example.", step, why), count / 10 * 9) << "it is there again";
    ASSERT_NO_FATAL_FAILURE(change_other(life));
    EXPECT_EQ(life.change_long("example.", 0, 0, false), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, FilledMemory, testing::Combine(testing::Values(1, 4), testing::Bool()));

// There is never room for a copy of it.
TEST_F(FullMemory, of_which_one_zone_takes_more_than_half_is_no_trouble_to_the_others) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{1} << 20);
  std::string records;
  const std::string text(190, 'w');
  for (int i = 0; i < 2'400; ++i) {
    const std::string number = std::to_string(i);
    records.append("n").append(number).append(" 60 TXT \"").append(text).append(number).append("\"\n");
  }
  life.configure("example.", 10, records);
  life.configure("other.", 10);
  ASSERT_TRUE(life.load()) << life.log;
  ASSERT_TRUE(publish(life));
  EXPECT_EQ(life.change_long("example.", 10'000, 10'000, true), memory_is_full);
  const auto delete_one = [&](int i) {
    const zone::Zone now = life.serving("example.").value();
    const zone::RecordView soa = now.soa().first();
    std::vector<u8> next(soa.rdata().begin(), soa.rdata().end());
    store_be32(next, next.size() - 20, now.serial().value() + 1);
    zone::Patch patch;
    patch.delete_record(now.apex(), dns::RrType::SOA, soa.rdata());
    patch.add_record(now.apex(), dns::RrType::SOA, soa.ttl(), next);
    const std::string value = text + std::to_string(i);
    std::vector<u8> rdata{static_cast<u8>(value.size())};
    rdata.insert(rdata.end(), value.begin(), value.end());
    patch.delete_record(MUST(dns::Name::parse("n" + std::to_string(i), now.apex())), dns::RrType::TXT, rdata);
    const auto changed = life.loader().change(now.apex(), patch, -230);
    return changed.ok() ? std::string() : std::string(changed.error());
  };
  int gone = 0;
  for (; gone < 2'400; ++gone) {
    const std::string why = delete_one(gone);
    ASSERT_TRUE(publish(life));
    if (!why.empty()) {
      EXPECT_EQ(why, "zone memory is full: earlier versions are still read, or the zone takes more than half of it");
      break;
    }
  }
  EXPECT_GT(gone, 10);
  for (int round = 0; round < 300; ++round) {
    for (const bool add : {true, false}) {
      ASSERT_EQ(life.change_long("other.", 0, 0, add), "") << round;
      ASSERT_TRUE(publish(life));
    }
  }
  // With more memory all that was deleted is gone.
  Life next(storage);
  next.configure("example.", 10, records);
  next.configure("other.", 10);
  ASSERT_TRUE(next.load()) << next.log;
  EXPECT_EQ(next.serving("example.")->record_count(), 2'402U - static_cast<size_t>(gone));
}

// An update that is taken can be served, also while readers keep every set that was served before.
TEST_F(FullMemory, takes_nothing_that_no_set_could_publish) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{1} << 20);
  life.configure("example.", 10);
  ASSERT_TRUE(life.load());
  ASSERT_EQ(life.change_long("example.", 0, 9, true), "");
  int taken = 0;
  while (life.change_long("example.", 0, 9, taken % 2 != 0).empty()) {
    ASSERT_TRUE(life.publish()) << taken;
    ASSERT_FALSE(testing::Test::HasFailure()) << taken;
    ++taken;
  }
  EXPECT_GT(taken, 20);
  life.release();
  EXPECT_EQ(life.change_long("example.", 0, 9, taken % 2 != 0), "");
}

// History is bounded for each zone, and gives way where all of them together leave no room.
TEST_F(FullMemory, is_not_made_of_history) {
  CrashingStorage storage(u64{16} << 20);
  Life life(storage, size_t{2} << 20);
  for (const std::string_view zone : {"a.", "b.", "c.", "d."}) life.configure(zone, 10);
  ASSERT_TRUE(life.load());
  for (const std::string_view zone : {"a.", "b.", "c.", "d."}) {
    for (int round = 0; round < 200; ++round) {
      ASSERT_EQ(life.change_long(zone, 0, 39, true), "") << zone << round;
      ASSERT_TRUE(publish(life));
      ASSERT_EQ(life.change_long(zone, 0, 39, false), "") << zone << round;
      ASSERT_TRUE(publish(life));
    }
  }
  EXPECT_FALSE(life.loader().is_room_scarce());
}

}  // namespace
}  // namespace samara::server
