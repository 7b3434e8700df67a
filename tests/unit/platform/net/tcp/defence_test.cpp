// Hostile and unlucky peers: floods, forged segments, hoarders, old duplicates, and the tables that bound them.
#include <cstdlib>
#include <new>

#include "platform/net/tcp/ephemeral_ports.h"
#include "platform/net/tcp/syn_cookies.h"
#include "script.h"

// Counts what is taken from the heap, for the test that says nothing is.
namespace {
size_t allocations = 0;
}
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace samara::net::tcp::test {
namespace {

TEST(TcpDefence, AFloodOfSynsIsAnsweredByCookiesAndStillLetsOthersIn) {
  Capacity capacity = Host::small();
  capacity.first_window = block_size;  // what is offered to who may not exist is lent to nobody else
  Host host(1, capacity);
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
  for (u16 port = 1; port <= 500; ++port) {
    host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
    while (host.poll()) {
    }
  }
  EXPECT_EQ(host.tcp.half_open(), Host::small().half_open);
  EXPECT_EQ(host.tcp.counters().cookies_sent, 500U - Host::small().half_open);
  // One that answers gets its connection, with all it offered.
  SegmentHeader syn = syn_from(40'000);
  host.deliver(make_packet(host_b, host_a, syn, {}));
  std::optional<Packet> packet;
  const Segment answer = answer_of(host, packet);
  EXPECT_EQ(answer.header.flags, flag::syn | flag::ack);
  EXPECT_EQ(answer.header.ack, syn.seq + 1);
  EXPECT_EQ(answer.header.options.mss, std::optional<u16>(1'460));
  EXPECT_EQ(answer.header.options.timestamps->echo, syn.options.timestamps->value);
  EXPECT_TRUE(answer.header.options.sack_permitted);
  EXPECT_TRUE(answer.header.options.window_scale.has_value());
  SegmentHeader ack = syn;
  ack.flags = flag::ack | flag::psh;
  ack.seq = syn.seq + 1;
  ack.ack = answer.header.seq + 1;
  ack.window = 1'000;
  ack.options = {};
  ack.options.timestamps = Timestamps{101, answer.header.options.timestamps->value};
  host.deliver(make_packet(host_b, host_a, ack, pattern(20)));
  const auto events = host.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Event::Kind::accepted);
  EXPECT_EQ(events[1].kind, Event::Kind::readable);
  EXPECT_EQ(host.tcp.receivable(events[0].connection), 20U);
  EXPECT_EQ(host.tcp.counters().cookies_good, 1U);
  // The window scale travelled in the timestamp: 1000 << 4 octets fit.
  ASSERT_EQ(host.tcp.send(host.now, events[0].connection, pattern(16'000)).value(), 16'000U);
  size_t sent = 0;
  while (const auto out = host.poll()) sent += MUST(parse_segment(out->octets)).payload.size();
  EXPECT_EQ(sent, 10U * 1'448);
}

TEST(TcpDefence, ForgedCookiesAreRefused) {
  Host host;
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
  for (u16 port = 1; port <= 20; ++port) host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
  while (host.poll()) {
  }
  for (u32 guess = 0; guess < 2'000; ++guess) {
    SegmentHeader ack = syn_from(30'000);
    ack.flags = flag::ack;
    ack.ack = SeqNumber(guess * 2'147'483U);
    host.deliver(make_packet(host_b, host_a, ack, {}));
    while (host.poll()) {
    }
  }
  EXPECT_TRUE(host.events().empty());
  EXPECT_EQ(host.tcp.counters().cookies_bad, 2'000U);
}

TEST(TcpDefence, CookiesExpire) {
  SeededRng rng(4);
  SynCookies cookies(rng);
  const Flow flow{{host_a, Port(53)}, {host_b, Port(1'000)}};
  Segment syn;
  syn.header = syn_from(1'000);
  const Instant now = Instant::since_boot(seconds(1'000));
  const auto cookie = cookies.make(now, flow, syn, 5'000, 536);
  Segment ack;
  ack.header.seq = syn.header.seq + 1;
  ack.header.ack = cookie.seq + 1;
  ack.header.options.timestamps = Timestamps{200, cookie.timestamp};
  const auto agreed = cookies.check(now + seconds(60), flow, ack);
  ASSERT_TRUE(agreed.has_value());
  EXPECT_EQ(agreed->mss, 1'460);
  EXPECT_EQ(agreed->window_scale, 4);
  EXPECT_TRUE(agreed->sack_permitted);
  EXPECT_LE(static_cast<i32>(cookie.timestamp - 5'000), 0);
  EXPECT_FALSE(cookies.check(now + seconds(200), flow, ack).has_value());
  ack.header.options.timestamps->echo ^= 1;
  EXPECT_FALSE(cookies.check(now + seconds(60), flow, ack).has_value());
}

TEST(TcpDefence, ABlindResetInTheWindowIsChallenged) {
  Script s;
  s.established();
  // RFC 5961 section 3.2: only the exact sequence number resets.
  s.run("< R 100(0)\n> . 1(0) ack 1\nstate established\n< R 70000(0)\n> nothing\n< R 1(0)\nevents closed");
}

TEST(TcpDefence, ABlindSynIsChallenged) {
  Script s;
  s.established();
  s.run("< S 500(0)\n> . 1(0) ack 1\n< S -20000(0)\n> . 1(0) ack 1\nstate established");
}

TEST(TcpDefence, AnImpossibleAcknowledgementInjectsNothing) {
  Script s;
  s.established();
  s.run("< P. 1(10) ack 5000\n> . 1(0) ack 1\nevents\n< P. 1(10) ack -70000\n> . 1(0) ack 1\nevents");
}

TEST(TcpDefence, ChallengesAreBounded) {
  Script s;
  s.established();
  size_t answers = 0;
  for (int i = 0; i < 1'000; ++i) {
    s.inject(s.build(flag::rst, 100, std::nullopt));
    while (s.host.poll()) ++answers;
  }
  EXPECT_EQ(answers, 10U);
}

TEST(TcpDefence, OldDuplicatesFailTheTimestampCheck) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 mss 1460 ts 1000 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 1001 0\nevents accepted");
  // RFC 7323 section 5: PAWS; and a segment without timestamps is not of this connection any more.
  s.run(
      "< P. 1(10) ack 1 ts 900 0\n> . 1(0) ack 1\nevents\n< P. 1(10) ack 1\n> nothing\nevents\n< P. 1(10) ack 1 ts 1002 0\n"
      "events readable\nread 10");
}

TEST(TcpDefence, TimestampsAreForgottenAfterTwentyFourDays) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 mss 1460 ts 1000 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 1001 0\nevents accepted");
  s.host.now = s.host.now + seconds(25 * 86'400);
  s.run("< P. 1(10) ack 1 ts 5 0\nevents readable\nread 10");
}

TEST(TcpDefence, AHoarderOfGapsHasAThirdOfWhatIsLentAndFillsItsGap) {
  Capacity capacity = Host::small();
  capacity.blocks = 32;
  Script s({}, capacity);
  s.established("mss 1460 sackok");
  // Octets far apart, each in a block of its own, never the first.
  for (u32 at = 2'049; at < 60'000; at += 2'048) s.run("< . " + std::to_string(at) + "(1) ack 1");
  EXPECT_LE(s.host.tcp.blocks_in_use(), 2U + capacity.blocks / 2);
  // What was reported is still there when the gap is filled with what the window takes.
  s.run("< . 1(1460) ack 1\nevents readable");
  EXPECT_EQ(s.host.tcp.receivable(s.id), 1'460U);
}

TEST(TcpDefence, NothingAcknowledgedIsLostWhenMemoryIsShort) {
  Capacity capacity = Host::small();
  capacity.blocks = 4;
  Script s({}, capacity);
  s.established("mss 1460 sackok");
  s.run("< . 2049(1000) ack 1\n< . 1(1460) ack 1\n< . 1461(1460) ack 1\nevents readable\nread 1460");
  const u32 acknowledged = 1'460 + static_cast<u32>(s.host.tcp.receivable(s.id));
  s.run("read " + std::to_string(acknowledged - 1'460));
}

// The octets that are missing have their place, whatever was taken beyond them and by whomever.
TEST(TcpDefence, WhatFillsAGapIsTakenWhenAllElseIsFull) {
  Capacity capacity = Host::small();
  capacity.blocks = 6;
  capacity.first_window = block_size;
  Script s({}, capacity);
  s.established("mss 1460 sackok");
  s.run("< . 101(1900) ack 1\n> . 1(0) ack 1 sack 101-2001");
  // Another one holds all that can be lent.
  SegmentHeader syn = syn_from(2'000);
  s.host.deliver(make_packet(host_b, host_a, syn, {}));
  std::optional<Packet> packet;
  const Segment answer = answer_of(s.host, packet);
  SegmentHeader ack = syn;
  ack.flags = flag::ack;
  ack.seq = syn.seq + 1;
  ack.ack = answer.header.seq + 1;
  ack.options = {};
  ack.options.timestamps = Timestamps{101, answer.header.options.timestamps->value};
  s.host.deliver(make_packet(host_b, host_a, ack, {}));
  const ConnectionId other = s.host.events().at(0).connection;
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(s.host.tcp.send(s.host.now, other, pattern(20'000)).ok());
  EXPECT_EQ(s.host.tcp.sendable(other), 0U);
  s.run("< . 1(100) ack 1\nevents readable\nread 2000");
  // And the next question has its place as well.
  while (s.host.poll()) {
  }
  s.run("< P. 2001(1900) ack 1\nevents readable\nread 1900");
}

namespace {

// A peer by hand that is established with `host`; `window` as it says it, without scale.
struct ByHand {
  ConnectionId id;
  SegmentHeader last;  // what it said last
};
ByHand connected(Host& host, const IpAddress& from, u16 port, u16 window) {
  SegmentHeader header;
  header.source = Port(port);
  header.destination = Port(53);
  header.seq = SeqNumber(1'000);
  header.flags = flag::syn;
  header.window = window;
  host.deliver(make_packet(from, host_a, header, {}));
  bool answered = false;
  while (const auto packet = host.poll()) {
    const Segment segment = MUST(parse_segment(packet->octets));
    if (!segment.has(flag::syn) || segment.header.destination != Port(port) || packet->destination != from) continue;
    header.ack = segment.header.seq + 1;
    answered = true;
  }
  EXPECT_TRUE(answered);
  header.flags = flag::ack;
  header.seq = header.seq + 1;
  host.deliver(make_packet(from, host_a, header, {}));
  const auto events = host.events();
  EXPECT_FALSE(events.empty());
  return {events.empty() ? ConnectionId{} : events.back().connection, header};
}
const IpAddress host_c = IpAddress::v4({203, 0, 113, 3});

}  // namespace

TEST(TcpPool, EveryQueueHasABlockOfItsOwnWhateverIsLent) {
  Capacity capacity = Host::small();
  capacity.blocks = 16;
  capacity.first_window = block_size;
  Host host(1, capacity);
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 32).ok());
  for (u16 port = 1; port <= 20; ++port) {
    const ByHand holder = connected(host, host_b, port, 0);
    while (host.tcp.send(host.now, holder.id, pattern(20'000)).value_or(0) != 0) continue;
  }
  ByHand honest = connected(host, host_c, 1, 4'000);
  EXPECT_EQ(host.tcp.sendable(honest.id) / block_size, 1U + 8U / 3) << "its own and a third of what the other prefix left";
  honest.last.flags = flag::ack | flag::psh;
  host.deliver(make_packet(host_c, host_a, honest.last, pattern(2'000)));
  EXPECT_EQ(host.tcp.receivable(honest.id), 2'000U);
  EXPECT_EQ(host.tcp.counters().dropped_no_memory, 0U);
}

TEST(TcpPool, OnePrefixHasNoMoreThanItLeavesToOthers) {
  Capacity capacity = Host::small();
  capacity.blocks = 64;
  capacity.first_window = block_size;
  Host host(1, capacity);
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 32).ok());
  for (u16 port = 1; port <= 20; ++port) {
    const ByHand holder = connected(host, host_b, port, 0);
    while (host.tcp.send(host.now, holder.id, pattern(20'000)).value_or(0) != 0) continue;
  }
  EXPECT_EQ(host.tcp.blocks_in_use(), 20U + 32U);
  const ByHand other = connected(host, host_c, 1, 0);
  EXPECT_GE(host.tcp.sendable(other.id), 10U * block_size);
}

TEST(TcpPool, WhatAWindowOffersIsLentBeforeItIsFilled) {
  Capacity capacity = Host::small();
  capacity.blocks = 32;
  Host host(1, capacity);  // with a first window of 64 KiB
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 32).ok());
  u32 offered = 0;
  for (u16 port = 1; port <= 20; ++port) {
    SegmentHeader syn;
    syn.source = Port(port);
    syn.destination = Port(53);
    syn.flags = flag::syn;
    syn.window = 1'000;
    host.deliver(make_packet(IpAddress::v4({198, 51, 100, static_cast<u8>(port)}), host_a, syn, {}));
    while (const auto packet = host.poll()) offered += MUST(parse_segment(packet->octets)).header.window;
  }
  EXPECT_LE(offered, (20U + 32U) * block_size) << "no more than there is";
}

TEST(TcpPool, TheOneThatHoldsMostAndGetsNowhereMakesRoomWhenNothingIsLeft) {
  Capacity capacity = Host::small();
  capacity.blocks = 16;
  capacity.first_window = block_size;
  Host host(1, capacity);
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 32).ok());
  std::vector<ByHand> holders;
  for (u8 i = 1; i <= 8; ++i) {
    holders.push_back(connected(host, IpAddress::v4({198, 51, 100, i}), 1, 0));
    while (host.tcp.send(host.now, holders.back().id, pattern(20'000)).value_or(0) != 0) continue;
  }
  host.now = host.now + seconds(1);
  ByHand honest = connected(host, host_c, 1, 60'000);
  EXPECT_LT(host.tcp.send(host.now, honest.id, pattern(20'000)).value_or(0), 8'000U);
  EXPECT_EQ(host.tcp.counters().evicted_holders, 0U) << "a second is not long";
  host.now = host.now + seconds(1);
  // Whatever happens next.
  host.tcp.on_deadline(host.now);
  EXPECT_GT(host.tcp.send(host.now, honest.id, pattern(20'000)).value_or(0), block_size);
  EXPECT_EQ(host.tcp.counters().evicted_holders, 1U);
  for (const Event& event : host.events()) {
    if (event.kind != Event::Kind::closed) continue;
    EXPECT_EQ(event.connection, holders[0].id) << "the first had the most";
    EXPECT_EQ(event.error, Error::timed_out);
  }
  EXPECT_FALSE(host.tcp.state(holders[0].id).has_value());
}

TEST(TcpPool, TheOldestThatNobodyReadsMakesRoomInATableThatIsNearlyFull) {
  Host host;  // of 32 connections
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 32).ok());
  for (u16 port = 1; port <= 200; ++port) {
    const ByHand leaver = connected(host, host_b, port, 1'000);
    ASSERT_NE(leaver.id, ConnectionId{}) << port;
    ASSERT_TRUE(host.tcp.send(host.now, leaver.id, pattern(100)).ok());
    host.tcp.close(host.now, leaver.id);  // and its peer never acknowledges anything
    host.events();
  }
  EXPECT_LE(host.tcp.connections(), Host::small().connections);
  EXPECT_EQ(host.tcp.counters().evicted_orphans, 200U - (Host::small().connections - 2));
  EXPECT_EQ(host.tcp.counters().refused_full, 0U);
}

TEST(TcpPool, AWindowGrowsWhileItIsUsedUpAndNotBefore) {
  Capacity small = Host::small();
  small.first_window = block_size;
  Pair pair(31, small, small);
  ASSERT_TRUE(pair.b.tcp.listen({host_b, Port(53)}, 8).ok());
  const Options at_once{.no_delay = true};
  const ConnectionId client = MUST(pair.a.tcp.connect(pair.now(), {host_a, Port(0)}, {host_b, Port(53)}, 1'500, at_once));
  pair.run(seconds(1));
  const ConnectionId server = pair.b.events().at(0).connection;
  std::vector<u8> buffer(70'000);
  const auto take = [&] {
    size_t all = 0;
    while (const size_t count = pair.b.tcp.receive(pair.now(), server, buffer).value_or(0)) all += count;
    return all;
  };
  // Questions, one after the other.
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(pair.a.tcp.send(pair.now(), client, pattern(60)).value_or(0), 60U);
    pair.run(ms(30));
    ASSERT_EQ(take(), 60U);
  }
  EXPECT_EQ(pair.b.tcp.blocks_in_use(), 0U);
  // A long one.
  const std::vector<u8> message = pattern(70'000);
  pair.tick = ms(1);
  const Instant begun = pair.now();
  size_t sent = 0, taken = 0;
  ASSERT_TRUE(pair.run(seconds(10),
                       [&] {
                         sent += pair.a.tcp.send(pair.now(), client, Bytes(message).subspan(sent)).value_or(0);
                         taken += take();
                         return taken == message.size();
                       }))
      << sent << " sent, " << taken << " taken after " << (pair.now() - begun).milliseconds();
  EXPECT_LT(pair.now() - begun, ms(250)) << "a dozen round trips of 20 ms";
}

TEST(TcpPool, WhoWaitsForRoomHearsOfWhatAnotherGivesBack) {
  Capacity capacity = Host::small();
  capacity.blocks = 60;
  capacity.first_window = block_size;
  Host host(1, capacity);
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 8).ok());
  const ConnectionId first = connected(host, host_b, 1'000, 65'535).id;
  const ConnectionId second = connected(host, host_c, 1'000, 65'535).id;
  const std::vector<u8> message = pattern(65'000);
  EXPECT_EQ(host.tcp.send(host.now, first, message).value_or(0), 21 * block_size) << "a third of what is left, and its own";
  EXPECT_EQ(host.tcp.send(host.now, second, message).value_or(0), 14 * block_size);
  EXPECT_TRUE(host.events().empty());
  host.tcp.abort(host.now, first);
  std::vector<ConnectionId> writable;
  for (const Event& event : host.events()) {
    if (event.kind == Event::Kind::writable) writable.push_back(event.connection);
  }
  EXPECT_EQ(writable, std::vector{second});
  EXPECT_EQ(host.tcp.send(host.now, second, message).value_or(0), 7 * block_size);
}

TEST(TcpDefence, ASlowReaderIsBoundedByTheWindow) {
  Script s;
  s.established();
  for (u32 at = 1; at < 200'000; at += 1'460) {
    s.run("< . " + std::to_string(at) + "(1460) ack 1");
    while (s.host.poll()) {
    }
  }
  EXPECT_LE(s.host.tcp.receivable(s.id), Host::small().receive_limit);
}

TEST(TcpDefence, TheBacklogHoldsBackThoseThatNobodyTakes) {
  Host host;
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 2).ok());
  for (u16 port = 1; port <= 5; ++port) {
    host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
    std::optional<Packet> packet = host.poll();
    if (!packet) continue;
    const Segment answer = MUST(parse_segment(packet->octets));
    SegmentHeader ack = syn_from(port);
    ack.flags = flag::ack;
    ack.seq = ack.seq + 1;
    ack.ack = answer.header.seq + 1;
    host.deliver(make_packet(host_b, host_a, ack, {}));
  }
  EXPECT_EQ(host.tcp.counters().opened_passive, 2U);
  EXPECT_EQ(host.tcp.counters().refused_full, 3U);
  EXPECT_EQ(host.events().size(), 2U);
}

TEST(TcpDefence, TimeWaitIgnoresResetsAndOldSyns) {
  Script s;
  s.established();
  s.run("close\n> F. 1(0) ack 1\n< F. 1(0) ack 2\n> . 2(0) ack 2\nevents closed");
  // RFC 1337; RFC 9293 MAY-2: a SYN beyond the old numbers opens anew, with numbers beyond ours.
  const SeqNumber old_isn = s.our_isn;
  s.run("< R 2(0)\n> nothing\n< S 1(0)\n> . 2(0) ack 2\n< S 100(0) win 1000\n> S. 0(0) ack 101");
  EXPECT_TRUE(after(s.our_isn, old_isn + 2));
}

TEST(TcpDefence, connections_outlive_new_secrets_and_syn_cookies_do_not) {
  Script s;
  s.established();
  s.host.tcp.renew_secrets(s.host.rng);
  s.run("< P. 1(10) ack 1\nsend 5\n> P. 1(5) ack 11");
  Host host;
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
  for (u16 port = 1; port <= Host::small().half_open; ++port) {
    host.deliver(make_packet(host_b, host_a, syn_from(port), {}));
    while (host.poll()) {
    }
  }
  const auto opens = [&](u16 port, bool renewed) {
    const SegmentHeader syn = syn_from(port);
    host.deliver(make_packet(host_b, host_a, syn, {}));
    std::optional<Packet> packet;
    SegmentHeader ack = syn;
    ack.flags = flag::ack;
    ack.seq = syn.seq + 1;
    const Segment answer = answer_of(host, packet);
    ack.ack = answer.header.seq + 1;
    ack.window = 1'000;
    ack.options = {};
    ack.options.timestamps = Timestamps{101, answer.header.options.timestamps->value};
    if (renewed) host.tcp.renew_secrets(host.rng);
    host.deliver(make_packet(host_b, host_a, ack, {}));
    while (host.poll()) {
    }
    return !host.events().empty();
  };
  EXPECT_TRUE(opens(40'000, false));
  EXPECT_FALSE(opens(40'001, true));
  EXPECT_TRUE(opens(40'002, false));
}

TEST(TcpDefence, TimeWaitForgetsTheOldestFirst) {
  Capacity capacity = Host::small();
  capacity.time_wait = 2;
  Pair pair(1, Host::small(), capacity);
  ASSERT_TRUE(pair.b.tcp.listen({host_b, Port(53)}, 8).ok());
  for (int i = 0; i < 4; ++i) {
    const ConnectionId id = MUST(pair.a.tcp.connect(pair.now(), {host_a, Port(0)}, {host_b, Port(53)}, 1'500));
    ConnectionId server;
    pair.run(seconds(1), [&] {
      for (const Event& event : pair.b.events()) server = event.connection;
      return server != ConnectionId{};
    });
    pair.b.tcp.close(pair.now(), server);
    pair.run(ms(100));
    pair.a.tcp.close(pair.now(), id);
    pair.run(ms(100));
    pair.a.events();
    pair.b.events();
  }
  EXPECT_EQ(pair.b.tcp.counters().evicted_time_wait, 2U);
  EXPECT_EQ(pair.b.tcp.connections(), 0U);
  pair.run(seconds(61));
  EXPECT_EQ(pair.b.tcp.next_deadline(), Instant::never());
}

TEST(TcpDefence, AnOrphanDoesNotWaitForeverForTheOtherFin) {
  Script s;
  s.established();
  s.run("close\n> F. 1(0) ack 1\n< . 1(0) ack 2\nstale\n+59000\nevents\n+1000\nevents closed");
  EXPECT_EQ(s.host.tcp.connections(), 0U);
}

TEST(TcpDefence, PortsAreSpreadAndUsedUpBeforeTheyFail) {
  SeededRng rng(1);
  EphemeralPorts ports(rng);
  const Flow flow{{host_a, Port(0)}, {host_b, Port(53)}};
  std::vector<bool> used(65'536);
  for (u32 i = 0; i < EphemeralPorts::count; ++i) {
    const auto port = ports.choose(flow, [&](Port candidate) { return used[candidate.value()]; });
    ASSERT_TRUE(port.has_value());
    EXPECT_GE(port->value(), EphemeralPorts::first);
    used[port->value()] = true;
  }
  EXPECT_FALSE(ports.choose(flow, [&](Port candidate) { return used[candidate.value()]; }).has_value());
  Flow other = flow;
  other.peer.port = Port(54);
  const auto never = [](Port) { return false; };
  const int step = ports.choose(other, never)->value() - ports.choose(flow, never)->value();
  EXPECT_GT(std::abs(step), 1);
}

TEST(TcpDefence, PortsTellNothingOfConnectionsToOthers) {  // RFC 6056 section 3.3.4
  SeededRng rng(1);
  EphemeralPorts ports(rng);
  const auto free = [](Port) { return false; };
  const auto flow_to = [](u8 host) { return Flow{{host_a, Port(0)}, {IpAddress::v4({198, 51, 100, host}), Port(53)}}; };
  // Of a hundred servers hardly one shares a counter with the observer.
  u32 undisturbed = 0;
  for (u8 host = 1; host <= 100; ++host) {
    const u16 before = ports.choose(flow_to(0), free)->value();
    for (int i = 0; i < 10; ++i) (void)ports.choose(flow_to(host), free);
    const u16 after = ports.choose(flow_to(0), free)->value();
    if (after == before + 1) ++undisturbed;
  }
  EXPECT_GE(undisturbed, 95U);
}

TEST(TcpDefence, NothingIsTakenFromTheHeapAfterTheStart) {
  Host host;
  ASSERT_TRUE(host.tcp.listen({host_a, Port(53)}, 16).ok());
  std::vector<u8> memory(FrameSlot::headroom + 1'500);
  std::vector<u8> data = pattern(4'000);
  std::vector<u8> buffer(4'000);
  std::vector<Packet> packets;
  for (u16 port = 1; port <= 40; ++port) packets.push_back(make_packet(host_b, host_a, syn_from(port), {}));
  const size_t before = allocations;
  for (Packet& packet : packets) {
    host.tcp.on_segment(
        host.now,
        {.source = host_b, .destination = host_a, .protocol = Protocol::tcp, .payload = packet.octets, .quotable = {}});
    FrameSlot slot(memory);
    while (host.tcp.poll_segment(host.now, slot)) {
    }
  }
  const auto id = host.tcp.connect(host.now, {host_a, Port(0)}, {host_b, Port(53)}, 1'500);
  ASSERT_TRUE(id.ok());
  (void)host.tcp.send(host.now, id.value(), data).ok();
  host.now = host.now + seconds(5);
  host.tcp.on_deadline(host.now);
  host.tcp.abort(host.now, id.value());
  while (host.tcp.poll_event()) {
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace samara::net::tcp::test
