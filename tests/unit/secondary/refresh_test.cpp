#include "secondary/refresh.h"

#include "refresh_world.h"

namespace samara::secondary {
namespace {

constexpr const char* a = "192.0.2.1";
constexpr const char* b = "192.0.2.2";
constexpr const char* c = "192.0.2.3";

// ---- serials --------------------------------------------------------------------------------------------------------

TEST(Refresh, LoadsAZoneThatIsNotThereAtOnceAndWhole) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}));
  EXPECT_EQ(world.log, (Lines{"0 axfr example. 192.0.2.1", "0 refreshed"}));
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  EXPECT_EQ(world.table->serial(id), dns::Serial(1));
}

TEST(Refresh, AsksAgainAfterRefreshAndTakesDifferences) {
  World world;
  world.add("example.", world.group({a}));
  world.run_until(3000);
  EXPECT_EQ(world.servers[a].queries, 1u);
  world.servers[a].soa.serial = dns::Serial(2);
  world.run_until(3600);
  EXPECT_EQ(world.servers[a].queries, 2u);
  ASSERT_EQ(world.log.size(), 4u);
  EXPECT_TRUE(world.log[2].ends_with("ixfr example. 192.0.2.1"));
}

TEST(Refresh, OfAnEqualSerialTransfersNothing) {
  World world;
  world.add("example.", world.group({a}), world.held(1));
  EXPECT_EQ(world.log, Lines{"0 refreshed"});
}

TEST(Refresh, FollowsSerialsAroundTheCircle) {
  World world;
  const auto group = world.group({a});
  world.servers[a].soa.serial = dns::Serial(3);
  const ZoneId id = world.add("example.", group, world.held(0xfffffff0));
  EXPECT_EQ(world.table->serial(id), dns::Serial(3));
}

TEST(Refresh, KeepsWhatItHasWhenThePrimaryIsOlderOrHalfACircleAway) {
  for (const u32 theirs : {9U, 10U + 0x80000000U}) {
    World world;
    const auto group = world.group({a});
    world.servers[a].soa.serial = dns::Serial(theirs);
    const ZoneId id = world.add("example.", group, world.held(10));
    world.run_for(5000);
    EXPECT_EQ(world.transfers, 0u);
    EXPECT_EQ(world.table->serial(id), dns::Serial(10));
    EXPECT_EQ(world.log, Lines{});  // it is not refreshed by that either
  }
}

TEST(Refresh, AsksTheNextPrimaryWhenOneIsBehind) {
  World world;
  const auto group = world.group({a, b});
  world.servers[a].soa.serial = dns::Serial(9);
  world.servers[b].soa.serial = dns::Serial(11);
  const ZoneId id = world.add("example.", group, world.held(10));
  EXPECT_EQ(world.table->serial(id), dns::Serial(11));
}

TEST(Refresh, TakesAnySerialAfterExpireOrWhenForced) {
  World world;
  const auto group = world.group({a});
  world.servers[a].soa.serial = dns::Serial(5);
  const ZoneId expired = world.add("expired.", group, world.held(10, -1));
  EXPECT_EQ(world.table->serial(expired), dns::Serial(5));
  const ZoneId kept = world.add("kept.", group, world.held(10));
  EXPECT_EQ(world.table->serial(kept), dns::Serial(10));
  world.run_for(1);
  world.table->retransfer(world.now, kept);
  world.act();
  world.run_for(3);
  EXPECT_EQ(world.table->serial(kept), dns::Serial(5));
  EXPECT_NE(world.log.back().find("refreshed"), std::string::npos);
}

// ---- primaries ------------------------------------------------------------------------------------------------------

TEST(Refresh, FallsBackToTheWholeZoneWhereThereAreNoDifferences) {
  World world;
  const auto group = world.group({a});
  world.servers[a].soa.serial = dns::Serial(2);
  world.servers[a].differences = false;
  const ZoneId id = world.add("example.", group, world.held(1));
  EXPECT_EQ(world.log, (Lines{"0 ixfr example. 192.0.2.1", "0 axfr example. 192.0.2.1", "0 refreshed"}));
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
}

TEST(Refresh, TriesTheNextPrimaryAfterABadTransferAndBacksOff) {
  World world;
  const auto group = world.group({a, b});
  for (const char* server : {a, b}) {
    world.servers[server].soa.serial = dns::Serial(2);
    world.servers[server].transfers = false;
  }
  const ZoneId id = world.add("example.", group, world.held(1));
  EXPECT_EQ(world.log, (Lines{"0 ixfr example. 192.0.2.1", "0 axfr example. 192.0.2.1", "0 ixfr example. 192.0.2.2",
                              "0 axfr example. 192.0.2.2"}));
  EXPECT_EQ(world.table->serial(id), dns::Serial(1));  // the old zone stays in service
  world.run_until(500);
  EXPECT_EQ(world.transfers, 4u);
  world.servers[b].transfers = true;
  world.run_until(600);
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
}

TEST(Refresh, AsksAFailingPrimaryLastAndWithOnePacket) {
  World world;
  const auto group = world.group({a, b});
  world.servers[a].alive = false;
  world.add("example.", group);
  world.run_until(20);
  EXPECT_EQ(world.servers[a].queries, 3u);
  EXPECT_EQ(world.servers[b].queries, 1u);
  world.add("other.", group);
  EXPECT_EQ(world.servers[a].queries, 3u);  // not asked: the other one answers
  world.servers[b].alive = false;
  world.add("third.", group);
  world.run_for(40);
  EXPECT_GE(world.servers[b].queries, 3u);
  EXPECT_GT(world.servers[a].queries, 3u);
}

TEST(Refresh, AsksWhoSentTheNotifyFirst) {
  World world;
  const auto group = world.group({a, b, c});
  const ZoneId id = world.add("example.", group, world.held(1));
  world.run_for(100);
  world.servers[c].soa.serial = dns::Serial(2);
  world.notify(id, c);
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
  EXPECT_EQ(world.servers[c].queries, 1u);
  EXPECT_EQ(world.servers[a].queries, 1u);
}

TEST(Refresh, AsksWithoutEdnsWhoDoesNotKnowIt) {
  World world;
  const auto group = world.group({a});
  world.servers[a].has_edns = false;
  const ZoneId id = world.add("example.", group);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  EXPECT_EQ(world.servers[a].queries, 2u);
  world.add("other.", group);
  EXPECT_EQ(world.servers[a].queries, 3u);
}

TEST(Refresh, DoesNotBelieveAnswersThatAreNotAuthoritativeOrRefused) {
  World world;
  const auto group = world.group({a, b});
  world.servers[a].authoritative = false;
  world.servers[b].rcode = 5;
  const ZoneId id = world.add("example.", group);
  EXPECT_EQ(world.table->status(id), ZoneStatus::absent);
  EXPECT_EQ(world.transfers, 0u);
}

TEST(Refresh, IgnoresForgedAnswers) {
  World world;
  const auto group = world.group({a});
  ASSERT_TRUE(world.table->add_zone(world.now, name_of("example."), group, world.held(1)).has_value());
  Octets room(max_soa_query);
  Endpoint peer;
  const size_t size = world.table->poll_datagram(world.now, Fed::wall, peer, room);
  ASSERT_NE(size, 0u);
  FakePrimary newer;
  newer.soa.serial = dns::Serial(7);
  const Octets good = World::answer(newer, Bytes(room).first(size));
  const auto nothing_comes_of = [&](const Endpoint& from, const Octets& octets) {
    world.table->on_datagram(world.now, Fed::wall, from, octets);
    return !world.table->poll_transfer(world.now).has_value() && !world.table->poll_event(world.now).has_value();
  };
  EXPECT_TRUE(nothing_comes_of(World::endpoint("198.51.100.1"), good));
  EXPECT_TRUE(nothing_comes_of(*Endpoint::parse("192.0.2.1:54"), good));
  for (const size_t at : {0U, 1U, 2U, 13U, 22U, 24U}) {  // id, QR, question's name, type and class
    Octets forged = good;
    forged[at] ^= at == 2 ? 0x80 : 1;
    EXPECT_TRUE(nothing_comes_of(peer, forged)) << at;
  }
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_TRUE(nothing_comes_of(peer, Octets(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut))));
  world.table->on_datagram(world.now, Fed::wall, peer, good);
  EXPECT_TRUE(world.table->poll_transfer(world.now).has_value());
}

TEST(Refresh, AsksByTcpWhenTheAnswerIsTruncated) {
  World world;
  ASSERT_TRUE(world.table->add_zone(world.now, name_of("example."), world.group({a}), world.held(1)).has_value());
  Octets room(max_soa_query);
  Endpoint peer;
  const size_t size = world.table->poll_datagram(world.now, Fed::wall, peer, room);
  Octets answer = World::answer({}, Bytes(room).first(size));
  answer[2] |= 2;
  world.table->on_datagram(world.now, Fed::wall, peer, answer);
  const auto start = world.table->poll_transfer(world.now);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->request.kind, TransferKind::soa);
  FakePrimary newer;
  newer.soa.serial = dns::Serial(7);
  Fed stream(start->request);
  stream.feed(framed(World::answer(newer, stream.request())));
  world.table->on_transfer_done(world.now, *start,
                                {.outcome = TransferResult::Outcome::answered, .reply = stream.transfer.soa_reply()});
  const auto transfer = world.table->poll_transfer(world.now);
  ASSERT_TRUE(transfer.has_value());
  EXPECT_EQ(transfer->request.kind, TransferKind::differences);
  EXPECT_EQ(transfer->request.promised, dns::Serial(7));
  EXPECT_EQ(transfer->request.ours, dns::Serial(1));
}

TEST(Refresh, AcceptsOnlySignedAnswersWhereThereIsAKey) {
  World world;
  dns::TsigKey key{name_of("k."), dns::TsigAlgorithm::hmac_sha256, crypto::SecretBytes(Octets(32, 7)), 0};
  const Primary primary{World::endpoint(a), &key};
  const auto group = *world.primaries.add_group(std::span(&primary, 1));
  ASSERT_TRUE(world.table->add_zone(world.now, name_of("example."), group, world.held(1)).has_value());
  Octets room(max_soa_query);
  Endpoint peer;
  const size_t size = world.table->poll_datagram(world.now, Fed::wall, peer, room);
  const Bytes query = Bytes(room).first(size);
  FakePrimary newer;
  newer.soa.serial = dns::Serial(7);
  const Octets answer = World::answer(newer, query);
  world.table->on_datagram(world.now, Fed::wall, peer, answer);
  EXPECT_FALSE(world.table->poll_transfer(world.now).has_value());
  // The true answer still counts after the forged one.
  dns::TsigKeyring ring;
  ring.add({name_of("k."), dns::TsigAlgorithm::hmac_sha256, crypto::SecretBytes(Octets(32, 7)), 0});
  dns::TsigServer server;
  ASSERT_EQ(server.on_request(query, dns::parse_query(query).tsig_at, ring, Fed::wall), dns::TsigVerdict::verified);
  Octets memory(2'000);
  ByteWriter out(memory);
  out.bytes(answer);
  server.sign_response(out, Fed::wall);
  world.table->on_datagram(world.now, Fed::wall, peer, out.written());
  const auto start = world.table->poll_transfer(world.now);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->request.key, &key);
  EXPECT_EQ(start->request.promised, dns::Serial(7));
}

// As Knot DNS refuses queries for its catalogs by UDP, without a signature; by TCP it may give the zone. When that fails by the
// key as well, what the answer said is the reason.
TEST(Refresh, AsksByTcpWhenNoAnswerCanBeBelieved) {
  World world;
  dns::TsigKey key{name_of("k."), dns::TsigAlgorithm::hmac_sha256, crypto::SecretBytes(Octets(32, 7)), 0};
  const Primary primary{World::endpoint(a), &key};
  const auto group = *world.primaries.add_group(std::span(&primary, 1));
  ASSERT_TRUE(world.table->add_zone(world.now, name_of("example."), group, world.held(1)).has_value());
  Octets room(max_soa_query);
  Endpoint peer;
  const size_t size = world.table->poll_datagram(world.now, Fed::wall, peer, room);
  FakePrimary refusing;
  refusing.rcode = 5;
  world.table->on_datagram(world.now, Fed::wall, peer, World::answer(refusing, Bytes(room).first(size)));
  EXPECT_FALSE(world.table->poll_transfer(world.now).has_value()) << "the true answer has its time";
  world.now = world.now + query_timeouts[0];
  world.table->on_deadline(world.now);
  const auto start = world.table->poll_transfer(world.now);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->request.ours, dns::Serial(1));
  EXPECT_EQ(start->request.promised, std::nullopt);
  EXPECT_EQ(start->request.key, &key);
}

TEST(Refresh, CountsWhatBecomesOfTransfers) {
  World world;
  const auto group = world.group({a});
  world.add("example.", group);
  EXPECT_EQ(world.table->counters(),
            (RefreshCounters{.queries = 1, .installed = 1, .up_to_date = 0, .failed = 0, .expired = 0, .behind = 0}));
  world.servers[a].transfers = false;
  world.servers[a].soa.serial = dns::Serial(2);
  world.run_until(3'600);
  EXPECT_GE(world.table->counters().failed, 1U);
  EXPECT_EQ(world.table->counters().installed, 1U);
  world.run_until(2 * 86'400);
  EXPECT_EQ(world.table->counters().expired, 1U);
}

// ---- EXPIRE (RFC 7314 section 4) --------------------------------------------------------------------------------------

TEST(Expire, CountsFromTheLastGoodWord) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}));
  world.servers[a].alive = false;
  world.run_until(86'399);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  world.run_until(86'400);
  EXPECT_EQ(world.table->status(id), ZoneStatus::expired);
  EXPECT_EQ(world.log.back(), "86400 expired");
  EXPECT_EQ(world.table->serial(id), std::nullopt);
}

TEST(Expire, OptionOfATransferShortensIt) {
  World world;
  const auto group = world.group({a});
  world.servers[a].expire_option = 5'000;
  const ZoneId id = world.add("example.", group);
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::seconds(5'000));
  world.servers[a].soa.serial = dns::Serial(2);
  world.servers[a].expire_option = 3'000;
  world.run_for(10);
  world.notify(id, a);
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::seconds(3'000)) << "the second transfer's as well";
}

TEST(Expire, OptionThatSaysTheSameAsTheSoaLeavesItToTheLimits) {
  World world({.min_expire = 60});
  const auto group = world.group({a});
  world.servers[a].soa.expire = 8;
  world.servers[a].expire_option = 8;
  const ZoneId id = world.add("example.", group);
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::seconds(60));
  world.servers[a].soa.serial = dns::Serial(2);
  world.servers[a].expire_option = 7;
  world.notify(id, a);
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::seconds(7)) << "another secondary has no more left";
}

TEST(Expire, OptionOfASoaAnswerNeverShortensIt) {
  World world;
  const auto group = world.group({a});
  world.servers[a].expire_option = 5'000;
  const ZoneId id = world.add("example.", group, world.held(1, 6'000));
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::seconds(6'000));
  const ZoneId other = world.add("other.", group, world.held(1, 4'000));
  EXPECT_EQ(world.table->expires_in(other, world.now), Duration::seconds(5'000));
}

TEST(Expire, OptionIsNeverMoreThanTheSoaSays) {
  World world;
  const auto group = world.group({a});
  world.servers[a].expire_option = 0xffffffff;
  const ZoneId id = world.add("example.", group);
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::seconds(86'400));
}

TEST(Expire, OfAChainOfSecondariesDoesNotStartAnew) {
  // The primary has itself not heard of its own primary for long; each refresh hands on what is left.
  World world;
  const auto group = world.group({a});
  world.servers[a].expire_option = 10'000;
  const ZoneId id = world.add("example.", group);
  world.run_until(4'000);
  EXPECT_EQ(world.servers[a].queries, 2u);
  world.servers[a].expire_option = 6'000;
  world.run_until(9'000);
  world.servers[a].rcode = 2;  // expired there
  world.run_until(13'500);
  EXPECT_EQ(world.table->status(id), ZoneStatus::expired);
}

TEST(Expire, IsNotSleptThrough) {
  // What is left is less than REFRESH: the next question comes while the zone is good.
  World world;
  const auto group = world.group({a});
  world.servers[a].expire_option = 2'000;
  const ZoneId id = world.add("example.", group);
  world.run_until(1'000);
  EXPECT_EQ(world.servers[a].queries, 2u);
  EXPECT_GT(world.table->expires_in(id, world.now), Duration::seconds(1'800));
}

TEST(Expire, IsNotSleptThroughAfterManyFailures) {
  // RETRY of 600 s has been doubled to an hour; the primary is back half an hour before the zone expires.
  World world;
  const auto group = world.group({a});
  world.servers[a].alive = false;
  const ZoneId id = world.add("example.", group, world.held(1));
  world.run_until(86'400 - 1'800);
  world.servers[a].alive = true;
  world.run_until(86'400 + 1);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  EXPECT_EQ(std::ranges::find(world.log, "86400 expired"), world.log.end());
}

TEST(Expire, AfterARestartGoesOnWhereItWas) {
  World world;
  const auto group = world.group({a});
  world.servers[a].alive = false;
  const ZoneId id = world.add("example.", group, world.held(1, 100));
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  world.run_until(99);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  world.run_until(100);
  EXPECT_EQ(world.log, (Lines{"10 soa example. 192.0.2.1", "100 expired"}));
}

// ---- NOTIFY -----------------------------------------------------------------------------------------------------------

TEST(NotifiedZone, IsAskedForAtOnce) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}), world.held(1));
  world.run_for(50);
  world.servers[a].soa.serial = dns::Serial(2);
  world.notify(id, a, 2);
  EXPECT_EQ(world.log.back(), "50 refreshed");
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
}

TEST(NotifiedZone, IsNotTakenAtItsWord) {
  // Absurd serials: whatever the NOTIFY says, what counts is what the primary has.
  for (const u32 absurd : {0U, 0xffffffffU, 0x80000001U, 999U}) {
    World world;
    const ZoneId id = world.add("example.", world.group({a}), world.held(1));
    world.run_for(50);
    world.notify(id, a, absurd);
    EXPECT_EQ(world.table->serial(id), dns::Serial(1));
    EXPECT_EQ(world.transfers, 0u);
    EXPECT_EQ(world.servers[a].queries, 2u);
    world.servers[a].soa.serial = dns::Serial(2);
    world.run_for(5);
    world.notify(id, a);
    EXPECT_EQ(world.table->serial(id), dns::Serial(2));
  }
}

TEST(NotifiedZone, OfTheSerialHeldNeedsNoQuery) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}), world.held(1));
  world.run_for(50);
  world.notify(id, a, 1);
  world.run_for(50);
  EXPECT_EQ(world.servers[a].queries, 1u);
}

TEST(NotifiedZone, WhileItIsBeingTransferredIsAskedForOnceMore) {
  World world;
  const auto group = world.group({a});
  world.hold_transfers = true;
  world.servers[a].soa.serial = dns::Serial(2);
  const ZoneId id = world.add("example.", group, world.held(1));
  ASSERT_EQ(world.going.size(), 1u);
  world.run_for(10);
  for (int i = 0; i < 20; ++i) world.notify(id, a);
  EXPECT_EQ(world.servers[a].queries, 1u);
  world.hold_transfers = false;
  world.finish(world.going[0]);
  world.servers[a].soa.serial = dns::Serial(3);
  world.run_for(5);
  EXPECT_EQ(world.servers[a].queries, 2u);
  EXPECT_EQ(world.table->serial(id), dns::Serial(3));
}

// ---- many zones -------------------------------------------------------------------------------------------------------

TEST(ManyZones, TransferWithinTheLimitsInAllAndPerPrimary) {
  World world({.transfers = 3, .transfers_per_primary = 2});
  world.hold_transfers = true;
  const auto group_a = world.group({a});
  const auto group_b = world.group({b});
  for (int i = 0; i < 4; ++i) world.add("a" + std::to_string(i) + ".", group_a);
  for (int i = 0; i < 4; ++i) world.add("b" + std::to_string(i) + ".", group_b);
  const auto from = [&](const char* server) {
    return std::ranges::count(world.going, *IpAddress::parse(server),
                              [](const StartTransfer& s) { return s.primary.endpoint.address; });
  };
  EXPECT_EQ(from(a), 2);
  EXPECT_EQ(from(b), 1);
  for (size_t done = 0; done < 8; ++done) {
    ASSERT_LT(done, world.going.size());
    world.finish(world.going[done]);
    world.act();
    EXPECT_LE(world.going.size() - done - 1, 3u);
  }
  EXPECT_EQ(world.transfers, 8u);
}

TEST(ManyZones, OfACatalogAreAskedForAndTransferredAfterIt) {
  World world({.queries_per_second = 10, .transfers = 1});
  world.hold_transfers = true;
  const auto group = world.group({a});
  for (int i = 0; i < 40; ++i) world.table->add_zone(world.now, name_of("m" + std::to_string(i) + "."), group, std::nullopt);
  world.act();
  ASSERT_EQ(world.servers[a].queries, 10u);
  const auto catalog = *world.table->add_zone(world.now, name_of("catalog."), group, world.held(1), true);
  world.servers[a].soa.serial = dns::Serial(2);
  world.run_for(1);
  EXPECT_LT(world.servers[a].queries, 25u);
  ASSERT_EQ(world.going.size(), 1u);
  world.finish(world.going[0]);
  world.act();
  ASSERT_EQ(world.going.size(), 2u);
  EXPECT_EQ(world.going[1].zone, catalog);
  // A NOTIFY for it meanwhile.
  world.finish(world.going[1]);
  world.act();
  ASSERT_EQ(world.going.size(), 3u);
  world.servers[a].soa.serial = dns::Serial(3);
  world.notify(catalog, a);
  world.run_for(1);
  world.finish(world.going[2]);
  world.act();
  ASSERT_EQ(world.going.size(), 4u);
  EXPECT_EQ(world.going[3].zone, catalog);
}

TEST(ManyZones, RemovedWhileTransferredLeaveTheirPlace) {
  World world({.transfers = 1});
  world.hold_transfers = true;
  const auto group = world.group({a});
  const ZoneId first = world.add("first.", group);
  const ZoneId second = world.add("second.", group);
  ASSERT_EQ(world.going.size(), 1u);
  world.table->remove_zone(first);
  EXPECT_FALSE(world.table->find(name_of("first.")).has_value());
  world.hold_transfers = false;
  world.finish(world.going[0]);
  world.act();
  EXPECT_EQ(world.table->status(second), ZoneStatus::current);
  const ZoneId again = world.add("first.", group);
  EXPECT_NE(again, first);
  EXPECT_EQ(world.table->status(again), ZoneStatus::current);
}

TEST(ManyZones, HaveNothingOfTheZoneWhosePlaceTheyTake) {
  World world;
  const auto group = world.group({a});
  world.servers[a].rcode = 5;
  const ZoneId old = world.add("old.", group, world.held(7));
  world.table->retransfer(world.now, old);
  world.run_for(1'000);  // with failures
  world.table->remove_zone(old);
  world.servers[a].rcode = 0;
  world.hold_transfers = true;
  world.log.clear();
  const ZoneId fresh = world.add("fresh.", group);
  EXPECT_EQ(fresh.index, old.index);
  EXPECT_EQ(world.table->status(fresh), ZoneStatus::absent);
  ASSERT_EQ(world.going.size(), 1u);
  EXPECT_EQ(world.going[0].request.kind, TransferKind::whole);
  EXPECT_FALSE(world.going[0].request.ours.has_value());
  EXPECT_FALSE(world.going[0].request.promised.has_value() && *world.going[0].request.promised != dns::Serial(1));
}

TEST(Refresh, SaysHowManyTimesInARowItFailed) {
  World world;
  const auto group = world.group({a});
  world.servers[a].rcode = 5;
  const LogLines log;
  world.add("example.", group);
  world.run_for(60);
  EXPECT_EQ(log.count("zone example.: not refreshed (the query is refused); next try in"), 1U);
  EXPECT_EQ(log.count("zone example.: not refreshed (the query is refused), 2 times in a row; next try in"), 1U);
  EXPECT_EQ(log.count("3 times in a row"), 0U);
  EXPECT_EQ(log.count(", 4 times in a row; next try in"), 1U);
}

TEST(ManyZones, AreFoundByNameInAnyCaseAndHaveALimit) {
  World world({.zones = 300, .queries_per_second = 1});
  const auto group = world.group({a});
  std::vector<ZoneId> ids;
  for (int i = 0; i < 300; ++i)
    ids.push_back(*world.table->add_zone(world.now, name_of("z" + std::to_string(i) + ".Example."), group, std::nullopt));
  EXPECT_FALSE(world.table->add_zone(world.now, name_of("one.more."), group, std::nullopt).has_value());
  for (int i = 0; i < 300; i += 2) world.table->remove_zone(ids[static_cast<size_t>(i)]);
  EXPECT_FALSE(world.table->add_zone(world.now, name_of("Z1.example."), group, std::nullopt).has_value());
  for (int i = 0; i < 300; ++i) {
    const auto found = world.table->find(name_of("Z" + std::to_string(i) + ".EXAMPLE."));
    EXPECT_EQ(found.has_value(), i % 2 == 1) << i;
    if (found.has_value()) EXPECT_EQ(*found, ids[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(world.table->size(), 150u);
}

}  // namespace
}  // namespace samara::secondary
