// Updates that wait for their loader: whose verdict is whose, what comes again, and what there is room for.
#include "server/pending_updates.h"

#include <gtest/gtest.h>

#include <string>

#include "dns-core/rdata/rdata_text.h"

namespace samara::server {
namespace {

using Known = PendingUpdates::Known;
using To = PendingUpdates::To;
using Octets = std::vector<u8>;

Octets octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

class PendingUpdatesTest : public testing::Test {
 protected:
  static Endpoint peer(u16 port = 1053) { return {*IpAddress::parse("192.0.2.1"), Port(port)}; }
  bool add(std::string_view packet, std::optional<runtime::StreamId> stream = {}, std::optional<u16> key = {}) {
    PendingUpdates::Asker asker;
    asker.peer = peer();
    asker.stream = stream;
    return updates_.add(now_, octets_of(packet), octets_of(packet), key, asker);
  }
  // What goes to the loader next.
  UpdateRelay poll() {
    Octets room(runtime::max_message);
    room.resize(updates_.poll_message(room));
    sent_ = room;
    return read_update(sent_).value_or(UpdateRelay());
  }
  void decide(u32 tag, dns::Rcode rcode = dns::Rcode::NOERROR) {
    UpdateVerdict verdict;
    verdict.tag = tag;
    verdict.rcode = rcode;
    updates_.on_done(now_, verdict);
  }
  // The code of the next answer; "none" when there is none.
  std::string answer(To to) {
    const auto next = updates_.poll_answer(to);
    return next.has_value() ? std::string(dns::rcode_name(next->outcome.rcode)) : "none";
  }
  Known known(std::string_view packet, u16 port = 1053) { return updates_.find(now_, peer(port), octets_of(packet)).known; }

  PendingUpdates updates_{crypto::SipHashKey{1}};
  Instant now_ = Instant::since_boot(Duration::seconds(100));
  Octets sent_;
};

TEST_F(PendingUpdatesTest, a_verdict_about_an_earlier_user_of_the_slot_is_ignored) {
  ASSERT_TRUE(add("first", 1));
  const u32 first = poll().tag;
  decide(first);
  EXPECT_EQ(answer(To::stream), "NOERROR");
  ASSERT_TRUE(add("second", 2));
  const u32 second = poll().tag;
  EXPECT_EQ(first & 0xffff, second & 0xffff) << "the slot is used again";
  EXPECT_NE(first, second);
  decide(first, dns::Rcode::REFUSED);
  EXPECT_EQ(answer(To::stream), "none");
  decide(second, dns::Rcode::YXRRSET);
  EXPECT_EQ(answer(To::stream), "YXRRSET");
}

TEST_F(PendingUpdatesTest, a_verdict_counts_once_and_only_of_what_was_sent) {
  ASSERT_TRUE(add("one"));
  decide(poll().tag);
  decide(read_update(sent_)->tag, dns::Rcode::REFUSED);
  EXPECT_EQ(answer(To::datagram), "NOERROR");
  EXPECT_EQ(answer(To::datagram), "none");
  ASSERT_TRUE(add("two"));
  for (u32 tag = 0; tag < 4; ++tag) decide(tag << 16 | 1, dns::Rcode::REFUSED);  // before the loader has it
  decide(0xffff, dns::Rcode::REFUSED);                                           // no such slot
  EXPECT_EQ(known("two"), Known::waiting);
  EXPECT_EQ(answer(To::datagram), "none");
}

TEST_F(PendingUpdatesTest, a_datagram_is_known_by_its_octets_and_its_sender) {
  EXPECT_EQ(known("one"), Known::no);
  ASSERT_TRUE(add("one"));
  EXPECT_EQ(known("one"), Known::waiting);
  EXPECT_EQ(known("one", 1054), Known::no);
  EXPECT_EQ(known("two"), Known::no);
  decide(poll().tag);
  EXPECT_EQ(known("one"), Known::waiting) << "until it is answered";
  EXPECT_EQ(answer(To::datagram), "NOERROR");
  EXPECT_EQ(known("one"), Known::answered);
  now_ = now_ + (outcome_kept - Duration::milliseconds(1));
  EXPECT_EQ(known("one"), Known::answered);
  updates_.answer_again(now_, peer(), octets_of("one"));
  EXPECT_EQ(answer(To::datagram), "NOERROR");
  now_ = now_ + Duration::milliseconds(1);
  EXPECT_EQ(known("one"), Known::no);
  updates_.answer_again(now_, peer(), octets_of("one"));
  EXPECT_EQ(answer(To::datagram), "none");
}

TEST_F(PendingUpdatesTest, what_came_by_a_stream_is_not_taken_for_a_datagram) {
  ASSERT_TRUE(add("one", 1));
  EXPECT_EQ(known("one"), Known::no);
}

TEST_F(PendingUpdatesTest, the_answered_longest_ago_makes_room) {
  for (size_t i = 0; i < max_pending_updates; ++i)
    ASSERT_TRUE(add(std::to_string(i), {}, static_cast<u16>(i / max_pending_of_client)));
  EXPECT_FALSE(add("one more")) << "all of them wait";
  EXPECT_EQ(updates_.waiting(), max_pending_updates);
  std::vector<u32> tags;
  for (size_t i = 0; i < max_pending_updates; ++i) tags.push_back(poll().tag);
  for (const size_t i : {5, 3, 9}) {
    now_ = now_ + Duration::milliseconds(1);
    decide(tags[i]);
    EXPECT_EQ(answer(To::datagram), "NOERROR");
  }
  ASSERT_TRUE(add("one more"));
  EXPECT_EQ(known("5"), Known::no);
  EXPECT_EQ(known("3"), Known::answered);
  EXPECT_EQ(known("9"), Known::answered);
  EXPECT_EQ(known("4"), Known::waiting);
}

TEST_F(PendingUpdatesTest, messages_that_wait_for_the_loader_are_bounded) {
  const std::string half(runtime::max_message - update_relay_head, 'x');
  EXPECT_FALSE(add(half + "x")) << "no message holds it";
  size_t taken = 0;
  while (add(half, {}, static_cast<u16>(taken / 2))) ++taken;
  EXPECT_EQ(taken, max_staged_octets / half.size());
  while (!poll().message.empty()) continue;
  EXPECT_TRUE(add(half)) << "there is room again";
  EXPECT_EQ(poll().message.size(), half.size());
}

TEST_F(PendingUpdatesTest, a_stream_that_is_gone_gets_no_answer_and_the_next_one_its_own) {
  ASSERT_TRUE(add("one", 1));
  ASSERT_TRUE(add("two", 2));
  const u32 one = poll().tag;
  const u32 two = poll().tag;
  updates_.forget_stream(1);
  decide(one);
  decide(two, dns::Rcode::NXRRSET);
  EXPECT_EQ(answer(To::stream), "NXRRSET");
  EXPECT_EQ(answer(To::stream), "none");
  EXPECT_EQ(updates_.waiting(), 0U);
}

}  // namespace
}  // namespace samara::server
