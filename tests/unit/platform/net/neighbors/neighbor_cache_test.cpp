#include "platform/net/neighbors/neighbor_cache.h"

#include <gtest/gtest.h>

namespace samara::net {
namespace {

class FixedRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>((state_ = state_ * 6364136223846793005U + 1442695040888963407U) >> 56);
  }

 private:
  u64 state_ = 3;
};

IpAddress host(u32 n) {
  return IpAddress::v4({10, static_cast<u8>(n >> 16), static_cast<u8>(n >> 8), static_cast<u8>(n)});
}
MacAddress mac(u32 n) {
  return {{2, 0, 0, static_cast<u8>(n >> 16), static_cast<u8>(n >> 8), static_cast<u8>(n)}};
}
NeighborCache::Advertisement reply(const MacAddress& from, bool solicited = true, bool override_cache = true) {
  return {.mac = from, .solicited = solicited, .override_ = override_cache, .router = {}};
}

struct Neighbors : testing::Test {
  FixedRng rng;
  NeighborCache cache{{.entries = 16, .waiting_packets = 8}, rng};
  Instant now = Instant::since_boot(Duration::seconds(10));

  void wait(Duration duration) {
    const Instant end = now + duration;
    while (cache.next_deadline() <= end) {
      now = std::max(now, cache.next_deadline());
      cache.on_deadline(now);
    }
    now = end;
  }
  std::optional<NeighborState> state(u32 n) {
    const auto entry = cache.find(now, host(n));
    return entry.has_value() ? std::optional(entry->state) : std::nullopt;
  }
  void make_reachable(u32 n) {
    (void)cache.resolve(now, host(n), std::nullopt);
    cache.on_advertisement(now, host(n), reply(mac(n)));
    while (cache.poll_question().has_value()) continue;
  }
};

TEST_F(Neighbors, UnknownIsAskedForThreeTimesAndGivenUp) {  // RFC 4861 section 7.2.2
  const auto first = cache.resolve(now, host(1), WaitingPacket(7));
  EXPECT_FALSE(first.mac.has_value());
  EXPECT_TRUE(first.waits);
  for (int i = 0; i < 3; ++i) {
    const auto question = cache.poll_question();
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(question->address, host(1));
    EXPECT_FALSE(question->mac.has_value());
    EXPECT_FALSE(cache.poll_question().has_value());
    wait(Duration::seconds(1));
  }
  const auto dropped = cache.poll_released();
  ASSERT_TRUE(dropped.has_value());
  EXPECT_EQ(dropped->packet, WaitingPacket(7));
  EXPECT_FALSE(dropped->mac.has_value());
  EXPECT_EQ(cache.poll_unreachable(), host(1));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.waiting(), 0U);
}

TEST_F(Neighbors, AnswerReleasesWhatWaits) {
  (void)cache.resolve(now, host(1), WaitingPacket(1));
  (void)cache.resolve(now, host(1), WaitingPacket(2));
  EXPECT_TRUE(cache.on_advertisement(now, host(1), reply(mac(1))));
  for (const u16 packet : {1, 2}) {
    const auto released = cache.poll_released();
    ASSERT_TRUE(released.has_value());
    EXPECT_EQ(released->packet, WaitingPacket(packet));
    EXPECT_EQ(released->mac, mac(1));
  }
  EXPECT_EQ(state(1), NeighborState::reachable);
}

TEST_F(Neighbors, NewestPacketsDisplaceTheOldest) {
  for (u16 i = 0; i < 4; ++i) EXPECT_FALSE(cache.resolve(now, host(1), WaitingPacket(i)).displaced.has_value());
  EXPECT_EQ(cache.resolve(now, host(1), WaitingPacket(4)).displaced, WaitingPacket(0));
  cache.on_advertisement(now, host(1), reply(mac(1)));
  EXPECT_EQ(cache.poll_released()->packet, WaitingPacket(1));
}

TEST_F(Neighbors, WaitingPacketsAreBoundedInTotal) {
  for (u16 i = 0; i < 8; ++i) EXPECT_TRUE(cache.resolve(now, host(1U + i / 4), WaitingPacket(i)).waits);
  EXPECT_FALSE(cache.resolve(now, host(3), WaitingPacket(9)).waits);
  EXPECT_EQ(cache.waiting(), 8U);
}

TEST_F(Neighbors, UnaskedStatementsTeachNothingNew) {  // RFC 4861 section 7.2.5
  EXPECT_FALSE(cache.on_advertisement(now, host(1), reply(mac(1))));
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(Neighbors, QuestionAboutUsTeachesTheAskerAsStale) {
  cache.on_solicitation(now, host(1), mac(1));
  EXPECT_EQ(state(1), NeighborState::stale);
  cache.on_solicitation(now, host(2), {{3, 0, 0, 0, 0, 1}});  // a group's address is nobody's
  EXPECT_EQ(cache.size(), 1U);
}

TEST_F(Neighbors, ReachabilityEndsBetweenHalfAndOneAndAHalfOfItsTime) {
  make_reachable(1);
  wait(Duration::seconds(15));
  EXPECT_EQ(state(1), NeighborState::reachable);
  wait(Duration::seconds(30));
  EXPECT_EQ(state(1), NeighborState::stale);
}

TEST_F(Neighbors, StaleIsUsedAtOnceThenProbedByUnicastAndForgotten) {  // RFC 4861 section 7.3.3
  make_reachable(1);
  wait(Duration::seconds(45));
  EXPECT_FALSE(cache.poll_question().has_value());  // nobody asks about what is not used
  EXPECT_EQ(cache.resolve(now, host(1), std::nullopt).mac, mac(1));
  EXPECT_EQ(state(1), NeighborState::delay);
  wait(Duration::milliseconds(4900));
  EXPECT_FALSE(cache.poll_question().has_value());
  wait(Duration::milliseconds(200));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(state(1), NeighborState::probe);
    const auto question = cache.poll_question();
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(question->mac, mac(1));
    EXPECT_EQ(cache.resolve(now, host(1), std::nullopt).mac, mac(1));  // still in use
    wait(Duration::seconds(1));
  }
  EXPECT_EQ(state(1), std::nullopt);
  EXPECT_EQ(cache.poll_unreachable(), host(1));
}

TEST_F(Neighbors, ProbeThatIsAnsweredOrConfirmedByAnUpperLayerEnds) {
  for (const bool confirmed : {false, true}) {
    make_reachable(1);
    wait(Duration::seconds(45));
    (void)cache.resolve(now, host(1), std::nullopt);
    wait(Duration::seconds(6));
    ASSERT_EQ(state(1), NeighborState::probe);
    if (confirmed) {
      cache.on_confirmation(now, host(1));
    } else {
      cache.on_advertisement(now, host(1), reply(mac(1)));
    }
    EXPECT_EQ(state(1), NeighborState::reachable);
    EXPECT_FALSE(cache.poll_question().has_value());
  }
}

TEST_F(Neighbors, ConfirmationOfAnUnknownNeighborIsNothing) {
  cache.on_confirmation(now, host(1));
  (void)cache.resolve(now, host(1), std::nullopt);
  cache.on_confirmation(now, host(1));
  EXPECT_EQ(state(1), NeighborState::incomplete);
}

TEST_F(Neighbors, OverrideAndSolicitedFlagsAreObeyed) {  // RFC 4861 section 7.2.5
  make_reachable(1);
  // Another address without override: ours stays, and is doubted.
  cache.on_advertisement(now, host(1), reply(mac(9), true, false));
  EXPECT_EQ(cache.find(now, host(1))->mac, mac(1));
  EXPECT_EQ(state(1), NeighborState::stale);
  // With override, unasked: taken, and stale.
  cache.on_advertisement(now, host(1), reply(mac(9), false, true));
  EXPECT_EQ(cache.find(now, host(1))->mac, mac(9));
  EXPECT_EQ(state(1), NeighborState::stale);
  // It says to be an answer, but nobody has asked.
  cache.on_advertisement(now, host(1), reply(mac(9), true, false));
  EXPECT_EQ(state(1), NeighborState::stale);
  // Asked for: reachable.
  cache.on_suspicion(now, host(1));
  EXPECT_TRUE(cache.asks(host(1)));
  cache.on_advertisement(now, host(1), reply(mac(9), true, false));
  EXPECT_EQ(state(1), NeighborState::reachable);
  EXPECT_FALSE(cache.asks(host(1)));
  // The same again, unasked: nothing changes.
  cache.on_advertisement(now, host(1), reply(mac(9), false, true));
  EXPECT_EQ(state(1), NeighborState::reachable);
  // Without an address it confirms what is known.
  cache.on_advertisement(now, host(1), {.mac = {}, .solicited = true, .override_ = false, .router = true});
  EXPECT_EQ(state(1), NeighborState::reachable);
  EXPECT_TRUE(cache.find(now, host(1))->is_router);
}

TEST_F(Neighbors, AnUnaskedAnswerWithAnotherAddressIsTakenButDoubted) {
  make_reachable(1);
  cache.on_advertisement(now, host(1), reply(mac(9)));
  EXPECT_EQ(cache.find(now, host(1))->mac, mac(9));
  EXPECT_EQ(state(1), NeighborState::stale);
  // It is used, and probed after five seconds, where nobody of that address answers.
  (void)cache.resolve(now, host(1), std::nullopt);
  wait(Duration::seconds(8));
  EXPECT_FALSE(state(1).has_value());
}

TEST_F(Neighbors, ArpKeepsItsSecondWhateverRoutersSayOfIpv6) {
  cache.set_ipv6_timers({.reachable = Duration::milliseconds(10), .retransmit = Duration::seconds(5)});
  const IpAddress six = *IpAddress::parse("fe80::9");
  (void)cache.resolve(now, host(1), std::nullopt);
  (void)cache.resolve(now, six, std::nullopt);
  std::vector<IpAddress> asked;
  const auto drain = [&] {
    while (const auto question = cache.poll_question()) asked.push_back(question->address);
  };
  drain();
  EXPECT_EQ(asked.size(), 2U);
  wait(Duration::seconds(1));
  drain();
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[2], host(1));
  wait(Duration::milliseconds(3'999));
  drain();
  EXPECT_EQ(std::ranges::count(asked, six), 1);
  wait(Duration::milliseconds(1));
  drain();
  EXPECT_EQ(std::ranges::count(asked, six), 2);
  make_reachable(2);
  cache.on_advertisement(now, six, reply(mac(6)));
  wait(Duration::seconds(1));
  EXPECT_EQ(state(2), NeighborState::reachable);
  EXPECT_EQ(cache.find(now, six)->state, NeighborState::stale);
}

TEST_F(Neighbors, ASweepIsAskedAboutAtABoundedRate) {
  const auto questions_of = [&](u32 from, u32 count) {
    u32 questions = 0;
    for (u32 i = from; i < from + count; ++i) {
      (void)cache.resolve(now, host(i), std::nullopt);
      while (cache.poll_question().has_value()) ++questions;
    }
    return questions;
  };
  EXPECT_EQ(questions_of(1'000, 20'000), questions_at_once);
  wait(Duration::milliseconds(100));
  EXPECT_EQ(questions_of(50'000, 20'000), 100);
  // Who is known is probed all the same.
  cache.on_solicitation(now, host(1), mac(1));
  cache.on_suspicion(now, host(1));
  EXPECT_EQ(cache.poll_question()->address, host(1));
  // Who could not be asked for is asked for later.
  (void)cache.resolve(now, host(2), std::nullopt);
  EXPECT_FALSE(cache.poll_question().has_value());
  wait(Duration::seconds(1));
  bool asked = false;
  while (const auto question = cache.poll_question()) asked = asked || question->address == host(2);
  EXPECT_TRUE(asked);
}

TEST_F(Neighbors, AnswerWithoutAnAddressDoesNotEndTheQuestion) {
  (void)cache.resolve(now, host(1), std::nullopt);
  EXPECT_FALSE(cache.on_advertisement(now, host(1), {.mac = {}, .solicited = true, .override_ = true, .router = {}}));
  EXPECT_FALSE(cache.on_advertisement(now, host(1), reply({{1, 0, 0, 0, 0, 0}})));
  EXPECT_EQ(state(1), NeighborState::incomplete);
}

TEST_F(Neighbors, SweepOverUnusedAddressesCostsTheOthersNothing) {  // RFC 6583
  for (u32 i = 0; i < 12; ++i) make_reachable(i);
  for (u32 i = 1000; i < 3000; ++i) (void)cache.resolve(now, host(i), std::nullopt);
  EXPECT_EQ(cache.incomplete(), 4U);
  for (u32 i = 0; i < 12; ++i) EXPECT_EQ(state(i), NeighborState::reachable) << i;
}

TEST_F(Neighbors, LeastRecentlyUsedGoesFirstAndRoutersLast) {
  for (u32 i = 0; i < 16; ++i) make_reachable(i);
  cache.mark_router(host(0), true);
  (void)cache.resolve(now, host(1), std::nullopt);
  cache.on_solicitation(now, host(100), mac(100));
  EXPECT_EQ(cache.size(), 16U);
  EXPECT_TRUE(state(0).has_value());
  EXPECT_TRUE(state(1).has_value());
  EXPECT_FALSE(state(2).has_value());
}

TEST_F(Neighbors, TableOfRoutersAloneStillMakesRoom) {
  for (u32 i = 0; i < 16; ++i) {
    make_reachable(i);
    cache.mark_router(host(i), true);
  }
  cache.on_solicitation(now, host(100), mac(100));
  EXPECT_EQ(cache.size(), 16U);
  EXPECT_TRUE(state(100).has_value());
}

TEST_F(Neighbors, MirroredOnesFollowWhatPacketsSay) {
  cache.mirror(now, host(1), mac(1));
  const u32 before = cache.generation();
  cache.mirror(now, host(1), mac(1));  // packets in a row
  EXPECT_EQ(cache.generation(), before);
  EXPECT_EQ(state(1), NeighborState::reachable);
  cache.mirror(now, host(1), mac(2));
  EXPECT_NE(cache.generation(), before);
  EXPECT_EQ(cache.find(now, host(1))->mac, mac(2));
  cache.on_suspicion(now, host(1));
  cache.mirror(now, host(1), mac(2));  // heard of again
  EXPECT_EQ(state(1), NeighborState::reachable);
  for (u32 n = 2; n <= 16; ++n) cache.mirror(now, host(n), mac(n));
  cache.mirror(now, host(1), mac(2));  // used last, goes last
  cache.mirror(now, host(17), mac(17));
  EXPECT_TRUE(state(1).has_value());
  EXPECT_FALSE(state(2).has_value());
}

TEST_F(Neighbors, GenerationChangesWithTheAnswer) {
  make_reachable(1);
  const u32 before = cache.generation();
  (void)cache.resolve(now, host(1), std::nullopt);
  EXPECT_EQ(cache.generation(), before);
  cache.on_advertisement(now, host(1), reply(mac(2)));
  EXPECT_NE(cache.generation(), before);
}

TEST_F(Neighbors, RandomUseKeepsItsBooks) {
  for (int i = 0; i < 20'000; ++i) {
    const u32 n = rng.below(40);
    switch (rng.below(6)) {
      case 0: (void)cache.resolve(now, host(n), WaitingPacket(static_cast<u16>(i))); break;
      case 1: (void)cache.resolve(now, host(n), std::nullopt); break;
      case 2: cache.on_solicitation(now, host(n), mac(n)); break;
      case 3: cache.on_advertisement(now, host(n), reply(mac(n + rng.below(2)), rng.below(2) != 0, rng.below(2) != 0)); break;
      case 4: cache.mirror(now, host(n), mac(n)); break;
      default: wait(Duration::milliseconds(rng.below(2000))); break;
    }
    while (cache.poll_released().has_value()) continue;
    while (cache.poll_unreachable().has_value()) continue;
    if (rng.below(3) == 0) {
      while (cache.poll_question().has_value()) continue;
    }
    ASSERT_LE(cache.size(), 16U);
    ASSERT_LE(cache.incomplete(), 4U);
    ASSERT_LE(cache.waiting(), 8U);
  }
}

}  // namespace
}  // namespace samara::net
