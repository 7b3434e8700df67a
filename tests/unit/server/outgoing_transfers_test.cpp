// What transfers keep from being given back, and what the loader hears of it.
#include "server/outgoing_transfers.h"

#include <gtest/gtest.h>

#include "../zone/master_file_zone.h"

namespace samara::server {
namespace {

using zone::name_of;

class OutgoingTransfersTest : public testing::Test {
 protected:
  bool start(u32 stream, u64 generation, const char* zone = "example.") {
    return transfers_.start(now_, stream, stream, generation, name_of(zone)) != nullptr;
  }
  // The next note, which must be there.
  TransferNote note(u64 current) {
    const auto next = transfers_.poll_note(current);
    EXPECT_TRUE(next.has_value());
    return next.value_or(TransferNote());
  }
  bool silent(u64 current) { return !transfers_.poll_note(current).has_value(); }

  Instant now_ = Instant::since_boot(Duration::seconds(1));
  OutgoingTransfers transfers_{{.transfers = 3, .per_client = 2}, 8};
};

TEST_F(OutgoingTransfersTest, keep_their_generation_until_the_loader_keeps_their_zone) {
  ASSERT_TRUE(start(5, 7));
  EXPECT_EQ(transfers_.oldest_generation(7), 7U);
  EXPECT_TRUE(silent(7)) << "nobody need know while there is no other generation";
  const TransferNote hold = note(8);
  EXPECT_EQ(hold.kind, LoaderMessage::hold);
  EXPECT_EQ(hold.zone, name_of("example."));
  EXPECT_EQ(hold.generation, 7U);
  EXPECT_TRUE(silent(9)) << "once";
  EXPECT_EQ(transfers_.oldest_generation(9), 7U) << "not acknowledged";
  transfers_.on_held(hold.tag);
  EXPECT_EQ(transfers_.oldest_generation(9), 9U);
  EXPECT_EQ(transfers_.stream_of(hold.tag), 5U);
  transfers_.end(5);
  const TransferNote over = note(9);
  EXPECT_EQ(over.kind, LoaderMessage::let_go);
  EXPECT_EQ(over.tag, hold.tag);
  EXPECT_TRUE(silent(9));
  EXPECT_FALSE(transfers_.stream_of(hold.tag).has_value());
}

TEST_F(OutgoingTransfersTest, that_are_over_in_their_generation_are_not_heard_of) {
  ASSERT_TRUE(start(1, 7));
  transfers_.end(1);
  EXPECT_TRUE(silent(8));
}

TEST_F(OutgoingTransfersTest, that_are_over_before_the_answer_are_let_go_and_not_taken_for_the_next) {
  ASSERT_TRUE(start(1, 7));
  const u32 tag = note(8).tag;
  transfers_.end(1);
  EXPECT_EQ(note(8).kind, LoaderMessage::let_go);
  ASSERT_TRUE(start(2, 8));
  transfers_.on_held(tag);
  EXPECT_EQ(transfers_.oldest_generation(9), 8U) << "it speaks of the one before";
  EXPECT_NE(note(9).tag, tag);
}

TEST_F(OutgoingTransfersTest, a_slot_is_used_again_once_the_loader_has_been_told) {
  for (u32 stream = 0; stream < 3; ++stream) ASSERT_TRUE(start(stream, 7));
  for (int i = 0; i < 3; ++i) transfers_.on_held(note(8).tag);
  transfers_.end(1);
  EXPECT_FALSE(start(4, 8));
  EXPECT_EQ(note(8).kind, LoaderMessage::let_go);
  EXPECT_TRUE(start(4, 8));
  EXPECT_FALSE(start(5, 8)) << "the limit";
}

}  // namespace
}  // namespace samara::server
