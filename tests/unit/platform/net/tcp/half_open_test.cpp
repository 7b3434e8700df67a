// Connections that are half open: how long, how often they are answered, and who gets their places.
#include "script.h"

namespace samara::net::tcp::test {
namespace {

// What a forged SYN makes us send to a stranger.
TEST(TcpHalfOpen, AnUnansweredSynIsAnsweredSixTimesAndOnceWhereManyAre) {
  const auto answers_to = [](u16 port, u16 others) {
    Host host;
    EXPECT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
    host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
    size_t answers = host.poll() ? 1 : 0;
    host.now = host.now + ms(1);
    for (u16 i = 0; i < others; ++i) host.deliver(make_packet(host_b, host_a, syn_from(static_cast<u16>(1'000 + i)), {}));
    const Instant end = host.now + Duration::seconds(300);
    for (; host.now <= end; host.now = std::max(host.now, host.tcp.next_deadline())) {
      host.tcp.on_deadline(host.now);
      while (const auto packet = host.poll()) {
        if (MUST(parse_segment(packet->octets)).header.destination == Port(port)) ++answers;
      }
    }
    EXPECT_EQ(host.tcp.connections(), 0U);
    return answers;
  };
  EXPECT_EQ(answers_to(7, 0), 6U);
  EXPECT_EQ(answers_to(7, static_cast<u16>(Host::small().half_open / 2 - 1)), 6U);
  EXPECT_EQ(answers_to(7, static_cast<u16>(Host::small().half_open - 1)), 1U);
}

TEST(TcpHalfOpen, WhoAsksAgainIsAnsweredAgainWhileManyAreHalfOpen) {
  Script s;
  s.run("listen\n< S 0(0) win 100\n> S. 0(0) ack 1");
  for (u16 i = 0; i < Host::small().half_open - 1; ++i)
    s.host.deliver(make_packet(host_b, host_a, syn_from(static_cast<u16>(2'000 + i)), {}));
  while (s.host.poll()) {
  }
  s.run("+1000\n> nothing\n< S 0(0) win 100\n> S. 0(0) ack 1\n< . 1(0) ack 1\nevents accepted");
}

TEST(TcpHalfOpen, WhoComesByACookieCountsForTheBacklogToo) {
  Host host;
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 2).ok());
  for (u16 port = 1; port <= Host::small().half_open; ++port) host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
  while (host.poll()) {
  }
  for (u16 port = 101; port <= 105; ++port) {
    SegmentHeader syn = syn_from(port);
    host.deliver(make_packet(host_b, host_a, syn, {}));
    const std::optional<Packet> packet = host.poll();
    if (!packet) continue;
    const Segment answer = MUST(parse_segment(packet->octets));
    SegmentHeader ack = syn;
    ack.flags = flag::ack;
    ack.seq = syn.seq + 1;
    ack.ack = answer.header.seq + 1;
    ack.options = {};
    ack.options.timestamps = Timestamps{101, answer.header.options.timestamps->value};
    host.deliver(make_packet(host_b, host_a, ack, {}));
  }
  EXPECT_EQ(host.tcp.counters().cookies_good, 2U);
  EXPECT_EQ(host.events().size(), 2U);
  EXPECT_EQ(host.tcp.connections(), Host::small().half_open + 2);
}

TEST(TcpHalfOpen, AfterAFloodHalfOfTheTableIsFreeWithinSeconds) {
  Host host;
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
  const u32 places = Host::small().half_open;
  for (u16 port = 1; port <= 500; ++port) {
    host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
    while (host.poll()) {
    }
  }
  EXPECT_EQ(host.tcp.half_open(), places);
  const auto let_pass = [&](Duration time) {
    const Instant until = host.now + time;
    while (host.tcp.next_deadline() <= until) {
      host.now = std::max(host.now, host.tcp.next_deadline());
      host.tcp.on_deadline(host.now);
      while (host.poll()) {
      }
    }
    host.now = until;
  };
  let_pass(Duration::seconds(6));
  EXPECT_EQ(host.tcp.half_open(), places) << "whose answer got lost asks again";
  let_pass(Duration::seconds(2));
  EXPECT_EQ(host.tcp.half_open(), places / 2);
  EXPECT_EQ(host.tcp.counters().evicted_half_open, places - places / 2);
  // What is left has the time of five repetitions.
  let_pass(Duration::seconds(54));
  EXPECT_EQ(host.tcp.half_open(), places / 2);
  let_pass(Duration::seconds(2));
  EXPECT_EQ(host.tcp.half_open(), 0U);
  EXPECT_TRUE(host.events().empty()) << "nobody knew of them";
}

TEST(TcpHalfOpen, AFullTableGivesTheOldestHalfOpenPlaceToOneThatProvedItself) {
  Capacity capacity = Host::small();
  capacity.connections = 4;
  capacity.half_open = 4;
  Host host(1, capacity);
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
  for (u16 port = 1; port <= 4; ++port) host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
  while (host.poll()) {
  }
  SegmentHeader syn = syn_from(9);
  host.deliver(make_packet(host_b, host_a, syn, {}));
  std::optional<Packet> packet;
  const Segment answer = answer_of(host, packet);
  SegmentHeader ack = syn;
  ack.flags = flag::ack;
  ack.seq = syn.seq + 1;
  ack.ack = answer.header.seq + 1;
  ack.options = {};
  ack.options.timestamps = Timestamps{101, answer.header.options.timestamps->value};
  host.deliver(make_packet(host_b, host_a, ack, {}));
  ASSERT_EQ(host.events().size(), 1U);
  EXPECT_EQ(host.tcp.counters().evicted_half_open, 1U);
  EXPECT_EQ(host.tcp.half_open(), 3U);
}

}  // namespace
}  // namespace samara::net::tcp::test
