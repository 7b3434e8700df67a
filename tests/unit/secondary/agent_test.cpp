#include "secondary/agent.h"

#include "refresh_world.h"

namespace samara::secondary {
namespace {

constexpr const char* a = "192.0.2.1";
constexpr runtime::StreamId first_stream = 100;
const std::string ns = "example. 60 IN NS ns.example.";
const std::string address = "ns.example. 60 IN A 192.0.2.1";

// A loop and a loader around an agent; the primary's answers are the test's.
struct Loop {
  SeededRng rng{1};
  Primaries primaries;
  Primaries::Group group;
  std::optional<SecondaryAgent> agent;
  FakePrimary primary;
  Instant now;
  std::vector<AgentMessage> told;  // without items
  Lines items;
  std::vector<runtime::Connect> connects;
  std::vector<runtime::StreamId> aborts;
  bool loader_reads = true;

  Loop() {
    const Primary one{World::endpoint(a)};
    group = *primaries.add_group(std::span(&one, 1));
    AgentLimits limits;
    limits.first_stream = first_stream;
    limits.streams = 2;
    agent.emplace(primaries, limits, rng);
    primary.soa = {.serial = dns::Serial(3), .refresh = 7200, .retry = 900, .expire = 604'800};
    turn();
  }
  // What a loop does at the end of each turn.
  void turn() {
    agent->on_turn(now, Fed::wall);
    if (agent->next_deadline() <= now) agent->on_deadline(now);
    while (const auto id = agent->poll_stream_abort()) aborts.push_back(*id);
    while (const auto connect = agent->poll_connect()) connects.push_back(*connect);
    Octets room(runtime::max_message);
    runtime::OutgoingDatagram out{.peer = {}, .local = {}, .payload = room};
    while (const size_t size = agent->poll_datagram(now, out)) {
      if (primary.alive) agent->on_client_datagram(now, out.peer, World::answer(primary, Bytes(room).first(size)));
      while (const auto connect = agent->poll_connect()) connects.push_back(*connect);
    }
    while (loader_reads) {
      const size_t size = agent->poll_message(room);
      if (size == 0) break;
      AgentMessage message = MUST(read_message(Bytes(room).first(size)));
      read_batch(message.items, items);
      message.items = {};
      told.push_back(message);
    }
    while (const auto connect = agent->poll_connect()) connects.push_back(*connect);
  }
  void wait(i64 seconds) {
    for (i64 i = 0; i < seconds; ++i) {
      now = now + Duration::seconds(1);
      turn();
    }
  }
  void send(const AgentMessage& message) {
    Octets memory(1'000);
    ByteWriter out(memory);
    write_message(message, out);
    agent->on_message(now, out.written());
    turn();
  }
  void follow(std::optional<u32> held = std::nullopt, u32 number = 1) {
    AgentMessage message{.kind = AgentMessageKind::follow, .zone = name_of("example."), .following = number, .group = group};
    if (held.has_value()) {
      message.held = HeldVersion{.soa = primary.soa, .expires_in = Duration::seconds(1000)};
      message.held->soa.serial = dns::Serial(*held);
    }
    send(message);
  }
  runtime::StreamId connected() {
    EXPECT_FALSE(connects.empty());
    const runtime::StreamId id = connects.back().id;
    agent->on_stream_connected(now, id);
    return id;
  }
  dns::MessageId request(runtime::StreamId id) {
    const Bytes framed = agent->stream_output(id);
    const dns::MessageId query = dns::parse_query(framed.subspan(2)).id;
    agent->on_stream_output_sent(now, id, framed.size());
    EXPECT_TRUE(agent->stream_output(id).empty());
    return query;
  }
  // Whether all of it was taken.
  bool receive(runtime::StreamId id, Bytes octets) {
    while (!octets.empty()) {
      const MutableBytes space = agent->stream_input_space(id);
      const size_t count = std::min(space.size(), octets.size());
      if (count == 0) return false;
      std::ranges::copy(octets.first(count), space.begin());
      agent->on_stream_input(now, id, count);
      octets = octets.subspan(count);
      turn();
    }
    return true;
  }
  ZoneStatus status() const { return agent->table().status(*agent->table().find(name_of("example."))); }
};

Octets stream(dns::MessageId id, Lines answers, dns::RrType type = dns::RrType::AXFR) {
  return stream_of({{.answers = std::move(answers), .id = id.value(), .type = type}});
}

TEST(SecondaryAgent, BringsAZoneToItsLoader) {
  Loop loop;
  loop.follow();
  ASSERT_EQ(loop.connects.size(), 1u);
  EXPECT_EQ(loop.connects[0].peer, World::endpoint(a));
  const runtime::StreamId id = loop.connected();
  EXPECT_TRUE(loop.agent->owns(id));
  EXPECT_FALSE(loop.agent->owns(first_stream - 1));
  loop.receive(id, stream(loop.request(id), {soa(3), ns, address, soa(3)}));
  EXPECT_EQ(loop.items, (Lines{"whole 3", "+ " + soa(3), "+ " + ns, "+ " + address, "end"}));
  EXPECT_TRUE(loop.agent->stream_finished(id));
  EXPECT_EQ(loop.status(), ZoneStatus::absent);  // until the loader says so
  loop.agent->on_stream_closed(loop.now, id);
  loop.send({.kind = AgentMessageKind::installed, .transfer = loop.told[0].transfer, .soa = loop.primary.soa});
  EXPECT_EQ(loop.status(), ZoneStatus::current);
  ASSERT_EQ(loop.told.size(), 2u);
  EXPECT_EQ(loop.told[1].kind, AgentMessageKind::confirmed);
  EXPECT_EQ(loop.told[1].expires_in, Duration::seconds(604'800));
  EXPECT_TRUE(loop.aborts.empty());
}

TEST(SecondaryAgent, SaysThatAHeldVersionIsStillGood) {
  Loop loop;
  loop.follow(3);
  ASSERT_EQ(loop.told.size(), 1u);
  EXPECT_EQ(loop.told[0].kind, AgentMessageKind::confirmed);
  EXPECT_TRUE(loop.connects.empty());
}

TEST(SecondaryAgent, TellsOfAZoneByTheNumberWithWhichItIsFollowed) {
  Loop loop;
  loop.follow(std::nullopt, 70'000);
  loop.receive(loop.connected(), stream(loop.request(loop.connects[0].id), {soa(3), ns, soa(3)}));
  ASSERT_EQ(loop.told.size(), 1u);
  EXPECT_EQ(loop.told[0].following, 70'000u);
  loop.send({.kind = AgentMessageKind::unfollow, .zone = name_of("example.")});
  loop.primary.alive = false;
  loop.follow(3, 70'001);
  loop.wait(1'000);
  ASSERT_EQ(loop.told.size(), 2u);
  EXPECT_EQ(loop.told[1].kind, AgentMessageKind::expired);
  EXPECT_EQ(loop.told[1].following, 70'001u);
}

TEST(SecondaryAgent, SaysWhenAZoneExpires) {
  Loop loop;
  loop.primary.alive = false;
  loop.follow(3);
  loop.wait(999);
  EXPECT_TRUE(loop.told.empty());
  loop.wait(1);
  ASSERT_EQ(loop.told.size(), 1u);
  EXPECT_EQ(loop.told[0].kind, AgentMessageKind::expired);
  EXPECT_EQ(loop.told[0].zone, name_of("example."));
}

TEST(SecondaryAgent, TriesAgainAfterAConnectionThatNeverWas) {
  Loop loop;
  loop.follow();
  loop.agent->on_stream_closed(loop.now, loop.connects[0].id);
  loop.wait(3);
  EXPECT_EQ(loop.connects.size(), 2u);
  EXPECT_TRUE(loop.told.empty());
}

TEST(SecondaryAgent, TakesTheWholeZoneWhenTheLoaderRejectsTheDifferences) {
  Loop loop;
  loop.follow(1);
  const runtime::StreamId id = loop.connected();
  loop.receive(id, stream(loop.request(id), {soa(3), soa(1), address, soa(3), soa(3)}, dns::RrType::IXFR));
  EXPECT_EQ(loop.items.front(), "steps 1 3");
  loop.send({.kind = AgentMessageKind::rejected, .transfer = loop.told[0].transfer});
  ASSERT_EQ(loop.connects.size(), 2u);
  const runtime::StreamId again = loop.connected();
  EXPECT_NE(again, id);  // the first stream is not closed yet
  EXPECT_TRUE(loop.receive(again, stream(loop.request(again), {soa(3), ns, address, soa(3)})));
  EXPECT_EQ(loop.items.back(), "end");
}

TEST(SecondaryAgent, TellsTheLoaderThatNoMoreComesOfATransferThatFails) {
  Loop loop;
  loop.follow();
  const runtime::StreamId id = loop.connected();
  const dns::MessageId query = loop.request(id);
  loop.receive(id, stream(query, {soa(3), ns}));
  loop.receive(id, stream(query, {"mail.example. 60 IN MX \\# 2 0001"}));
  ASSERT_EQ(loop.told.size(), 2u);
  EXPECT_EQ(loop.told[0].kind, AgentMessageKind::batch);
  EXPECT_EQ(loop.told[1].kind, AgentMessageKind::dropped);
  EXPECT_EQ(loop.told[1].transfer, loop.told[0].transfer);
  EXPECT_LE(loop.agent->next_deadline(), loop.now);
  loop.turn();
  EXPECT_EQ(loop.aborts, std::vector<runtime::StreamId>{id});
  loop.agent->on_stream_closed(loop.now, id);
  loop.wait(3);
  EXPECT_EQ(loop.connects.size(), 2u);
}

TEST(SecondaryAgent, LetsASlowLoaderSlowThePrimaryDown) {
  Loop loop;
  loop.follow();
  const runtime::StreamId id = loop.connected();
  const dns::MessageId query = loop.request(id);
  loop.loader_reads = false;
  const Octets first = stream(query, {soa(3), ns});
  EXPECT_TRUE(loop.receive(id, first));
  EXPECT_TRUE(loop.agent->stream_input_space(id).empty());
  EXPECT_GT(loop.agent->next_deadline(), loop.now);
  loop.wait(100);
  EXPECT_TRUE(loop.aborts.empty());  // it is not the primary that is slow
  loop.loader_reads = true;
  loop.turn();
  EXPECT_LE(loop.agent->next_deadline(), loop.now);  // the loop looks at its streams again
  loop.turn();
  EXPECT_FALSE(loop.agent->stream_input_space(id).empty());
  EXPECT_GT(loop.agent->next_deadline(), loop.now);  // and once only
  EXPECT_TRUE(loop.receive(id, stream(query, {address, soa(3)})));
  EXPECT_EQ(loop.items.back(), "end");
}

TEST(SecondaryAgent, DropsTheTransferOfAZoneThatIsNotFollowedAnyMore) {
  Loop loop;
  loop.follow();
  const runtime::StreamId id = loop.connected();
  loop.receive(id, stream(loop.request(id), {soa(3), ns}));
  loop.send({.kind = AgentMessageKind::unfollow, .zone = name_of("example.")});
  EXPECT_EQ(loop.told.back().kind, AgentMessageKind::dropped);
  EXPECT_EQ(loop.aborts, std::vector<runtime::StreamId>{id});
  EXPECT_EQ(loop.agent->table().size(), 0u);
  loop.agent->on_stream_closed(loop.now, id);
  loop.follow();
  EXPECT_EQ(loop.connects.size(), 2u);
}

TEST(SecondaryAgent, LooksAtOnceWhenAnotherWorkerWasNotified) {
  Loop loop;
  loop.follow(3);
  loop.wait(10);
  loop.primary.soa.serial = dns::Serial(4);
  loop.send({.kind = AgentMessageKind::notified,
             .zone = name_of("example."),
             .sender = *IpAddress::parse(a),
             .serial = dns::Serial(4)});
  EXPECT_EQ(loop.connects.size(), 1u);
}

TEST(SecondaryAgent, TakesTheZoneWholeWhateverItsSerialWhenItIsTold) {
  Loop loop;
  loop.follow(10);
  loop.wait(2);
  EXPECT_TRUE(loop.connects.empty()) << "the primary is behind";
  loop.send({.kind = AgentMessageKind::retransfer, .zone = name_of("example.")});
  loop.wait(2);
  ASSERT_EQ(loop.connects.size(), 1u);
  const runtime::StreamId id = loop.connected();
  loop.receive(id, stream(loop.request(id), {soa(3), ns, address, soa(3)}));
  EXPECT_EQ(loop.items.front(), "whole 3");
  loop.send({.kind = AgentMessageKind::installed, .transfer = loop.told[0].transfer, .soa = loop.primary.soa});
  EXPECT_EQ(loop.agent->table().serial(*loop.agent->table().find(name_of("example."))), dns::Serial(3));
}

TEST(SecondaryAgent, AsksByTcpWhenNothingComesByUdp) {
  Loop loop;
  loop.primary.alive = false;
  loop.follow(3);
  loop.wait(11);
  ASSERT_EQ(loop.connects.size(), 1u);
  const runtime::StreamId id = loop.connected();
  const Bytes framed_query = loop.agent->stream_output(id);
  const Octets query(framed_query.begin() + 2, framed_query.end());
  EXPECT_EQ(dns::parse_query(query).type, dns::RrType::SOA);
  loop.request(id);
  EXPECT_TRUE(loop.receive(id, framed(World::answer(loop.primary, query))));
  ASSERT_EQ(loop.told.size(), 1u);
  EXPECT_EQ(loop.told[0].kind, AgentMessageKind::confirmed);
  EXPECT_TRUE(loop.agent->stream_finished(id));
  loop.agent->on_stream_closed(loop.now, id);
  loop.primary.soa.serial = dns::Serial(4);
  loop.send({.kind = AgentMessageKind::refresh, .zone = name_of("example.")});
  loop.wait(2);
  ASSERT_EQ(loop.connects.size(), 2u) << "one datagram is enough now";
}

TEST(SecondaryAgent, DropsAPrimaryThatSendsNothingMoreInTime) {
  Loop loop;
  loop.follow();
  const runtime::StreamId id = loop.connected();
  loop.request(id);
  loop.wait(rate_window.seconds() - 1);
  EXPECT_TRUE(loop.aborts.empty());
  loop.wait(2);
  EXPECT_EQ(loop.aborts, std::vector{id});
}

TEST(SecondaryAgent, SaysBothSerialsWhereATransferBringsAnOlderOne) {
  const LogLines log;
  Loop loop;
  loop.follow(1);
  const runtime::StreamId id = loop.connected();
  loop.receive(id, stream(loop.request(id), {soa(2)}, dns::RrType::IXFR));
  loop.wait(1);
  EXPECT_EQ(log.count("IXFR from 192.0.2.1:53 failed: the serial is older than the primary said before (2 there, 1 here)"), 1U);
}

TEST(AgentMessage, ReadsAsItWasWrittenAndNotWhenCutOrLonger) {
  const IpAddress v6 = *IpAddress::parse("2001:db8::1");
  const dns::Name zone = name_of("example.");
  const dns::SoaNumbers soa{.serial = dns::Serial(1), .refresh = 2, .retry = 3, .expire = 4, .minimum = 5};
  const AgentMessage messages[] = {
      {.kind = AgentMessageKind::dropped, .transfer = 7},
      {.kind = AgentMessageKind::confirmed, .zone = zone, .following = 3, .expires_in = Duration::seconds(5)},
      {.kind = AgentMessageKind::expired, .zone = zone, .following = 0xfedcba98},
      {.kind = AgentMessageKind::follow,
       .zone = zone,
       .following = 4,
       .group = 9,
       .held = HeldVersion{soa, Duration::seconds(-5)}},
      {.kind = AgentMessageKind::installed, .transfer = 7, .soa = soa},
      {.kind = AgentMessageKind::notified, .zone = zone, .sender = v6, .serial = dns::Serial(6)},
  };
  for (const AgentMessage& message : messages) {
    Octets memory(max_message_head + 1);
    ByteWriter out(memory);
    write_message(message, out);
    const AgentMessage read = MUST(read_message(out.written()));
    EXPECT_EQ(read.kind, message.kind);
    EXPECT_EQ(read.transfer, message.transfer);
    EXPECT_EQ(read.zone, message.zone);
    EXPECT_EQ(read.following, message.following);
    EXPECT_EQ(read.group, message.group);
    EXPECT_EQ(read.held.has_value(), message.held.has_value());
    if (read.held.has_value()) {
      EXPECT_EQ(read.held->soa, soa);
      EXPECT_EQ(read.held->expires_in, Duration::seconds(-5));
    }
    EXPECT_EQ(read.soa, message.soa);
    EXPECT_EQ(read.expires_in, message.expires_in);
    EXPECT_EQ(read.sender, message.sender);
    EXPECT_EQ(read.serial, message.serial);
    for (size_t cut = 0; cut < out.size(); ++cut) EXPECT_FALSE(read_message(out.written().first(cut)).ok());
    out.u8(0);
    EXPECT_FALSE(read_message(out.written()).ok());
  }
  EXPECT_FALSE(read_message(Octets{0}).ok());
  EXPECT_FALSE(read_message(Octets{12, 0}).ok());
}

}  // namespace
}  // namespace samara::secondary
