// What a secondary does where its first way is of no use: the whole zone for the differences (RFC 1995 section 4), TCP for UDP
// (RFC 7766 section 5), and what it says and can be asked for when its primary is behind.
#include "refresh_world.h"

namespace samara::secondary {
namespace {

constexpr const char* a = "192.0.2.1";
constexpr const char* b = "192.0.2.2";
constexpr auto last_error = TransferError::not_installed;

// ---- the whole zone for the differences -------------------------------------------------------------------------------

struct Fallback {
  Lines transfers;  // until the zone was there, or two hours had gone
  i64 seconds = 0;
};

Fallback after(const TransferResult& failure, std::initializer_list<const char*> servers = {a}) {
  World world;
  const auto group = world.group(servers);
  for (const char* server : servers) world.servers[server].soa.serial = dns::Serial(2);
  world.servers[a].differences = false;
  world.servers[a].ixfr_failure = failure;
  const ZoneId id = world.add("example.", group, world.held(1));
  while (world.table->serial(id) != dns::Serial(2) && world.now.since_boot() < Duration::seconds(7'200)) world.run_for(1);
  Fallback result{.transfers = {}, .seconds = world.now.since_boot().seconds()};
  for (const std::string& line : world.log) {
    const std::string event = line.substr(line.find(' ') + 1);
    if (event.find("xfr") != std::string::npos) result.transfers.push_back(event);
  }
  return result;
}

TEST(FailedDifferences, AreFollowedByTheWholeZoneAtTheLatestTheSecondTime) {
  for (u8 error = 0; error <= static_cast<u8>(last_error); ++error) {
    const TransferResult failure{.error = static_cast<TransferError>(error)};
    // Without a connection nothing is known of differences.
    if (failure.error == TransferError::not_connected) continue;
    const Fallback fallback = after(failure);
    EXPECT_EQ(fallback.transfers, (Lines{"ixfr example. 192.0.2.1", "axfr example. 192.0.2.1"})) << describe(failure.error);
    EXPECT_LE(fallback.seconds, 600) << describe(failure.error);  // RETRY
  }
}

TEST(FailedDifferences, AreFollowedByTheWholeZoneAtOnceWhateverTheRcode) {
  for (u16 rcode = 1; rcode < 24; ++rcode) {
    const Fallback fallback = after({.error = TransferError::refused, .rcode = static_cast<dns::Rcode>(rcode)});
    EXPECT_EQ(fallback.transfers, (Lines{"ixfr example. 192.0.2.1", "axfr example. 192.0.2.1"})) << rcode;
    EXPECT_EQ(fallback.seconds, 0) << rcode;
  }
}

TEST(FailedDifferences, OfAPrimaryThatStallsLeaveTheNextOneItsTurn) {
  const Fallback fallback = after({.error = TransferError::too_slow}, {a, b});
  EXPECT_EQ(fallback.transfers, (Lines{"ixfr example. 192.0.2.1", "ixfr example. 192.0.2.2"}));
  EXPECT_EQ(fallback.seconds, 0);
}

TEST(FailedDifferences, AreTriedAgainWhenTheWholeZoneHasCome) {
  World world;
  const auto group = world.group({a});
  FakePrimary& server = world.servers[a];
  server.soa.serial = dns::Serial(2);
  server.differences = false;
  server.ixfr_failure = {.error = TransferError::too_slow};
  const ZoneId id = world.add("example.", group, world.held(1));
  world.run_for(600);
  ASSERT_EQ(world.table->serial(id), dns::Serial(2));
  server.differences = true;
  server.soa.serial = dns::Serial(3);
  world.notify(id, a, 3);
  world.run_for(2);
  EXPECT_EQ(world.log[world.log.size() - 2].substr(4), "ixfr example. 192.0.2.1");
  EXPECT_EQ(world.table->serial(id), dns::Serial(3));
}

TEST(FailedConnection, SaysNothingOfDifferences) {
  World world;
  const auto group = world.group({a});
  world.servers[a].soa.serial = dns::Serial(2);
  world.servers[a].tcp = false;
  const ZoneId id = world.add("example.", group, world.held(1));
  world.servers[a].tcp = true;
  world.run_for(600);
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
  for (const std::string& line : world.log) EXPECT_EQ(line.find("axfr"), std::string::npos) << line;
}

// As streams: each is what a primary sends to an IXFR request for serial 1, and whether it then closes.
TEST(FailedDifferences, AreSeenInEveryThingAPrimaryMaySend) {
  struct Case {
    const char* name;
    std::vector<Response> responses;
    bool ends;
    TransferError error;
  };
  const auto refusal = [](dns::Rcode rcode) {
    Response response = ixfr({});
    response.rcode = static_cast<u16>(rcode);
    return response;
  };
  Response other_id = ixfr({soa(2), soa(1)});
  other_id.id = 8;
  const std::vector<Case> cases = {
      {"NOTAUTH", {refusal(dns::Rcode::NOTAUTH)}, false, TransferError::refused},
      {"YXDOMAIN", {refusal(dns::Rcode::YXDOMAIN)}, false, TransferError::refused},
      {"NXDOMAIN", {refusal(dns::Rcode::NXDOMAIN)}, false, TransferError::refused},
      {"stall in the middle", {ixfr({soa(2), soa(1)})}, false, TransferError::too_slow},
      {"end in the middle", {ixfr({soa(2), soa(1)})}, true, TransferError::cut_short},
      {"a newer SOA alone", {ixfr({soa(2)})}, false, TransferError::soa_alone},
      {"a newer SOA alone, then the end", {ixfr({soa(2)})}, true, TransferError::cut_short},
      {"the serial held, although a newer one was promised", {ixfr({soa(1)})}, false, TransferError::serial_not_promised},
      {"an older serial", {ixfr({soa(0)})}, false, TransferError::serial_older},
      {"silence", {}, false, TransferError::too_slow},
      {"end without a word", {}, true, TransferError::cut_short},
      {"another id", {other_id}, false, TransferError::wrong_id},
  };
  for (const Case& one : cases) {
    TransferRequest request = differences_request(1);
    request.promised = dns::Serial(2);
    Fed run(request);
    run.feed(one.responses);
    if (one.ends) run.end();
    run.transfer.on_deadline(run.now + rate_window);
    EXPECT_EQ(run.transfer.state(), TransferIn::State::failed) << one.name;
    EXPECT_EQ(run.transfer.error(), one.error) << one.name << ": " << describe(run.transfer.error());
    EXPECT_NE(whole_zone_after(run.transfer.error()), WholeZone::unrelated) << one.name;
  }
}

// ---- TCP for UDP --------------------------------------------------------------------------------------------------------

TEST(SoaByTcp, IsAskedForWhenNothingComesByUdp) {
  World world;
  const auto group = world.group({a});
  world.servers[a].udp = false;
  const ZoneId id = world.add("example.", group);
  world.run_for(11);
  EXPECT_EQ(world.log, (Lines{"10 soa example. 192.0.2.1", "10 axfr example. 192.0.2.1", "10 refreshed"}));
  EXPECT_EQ(world.table->serial(id), dns::Serial(1));
}

TEST(SoaByTcp, TransfersNothingOfAnEqualSerialAndCostsOneDatagramWhenItIsKnownToBeTheWay) {
  World world;
  const auto group = world.group({a});
  FakePrimary& server = world.servers[a];
  server.udp = false;
  const ZoneId id = world.add("example.", group, world.held(1, 7'200));
  world.run_for(11);
  EXPECT_EQ(world.log, (Lines{"10 soa example. 192.0.2.1", "10 refreshed"}));
  EXPECT_EQ(world.table->expires_in(id, world.now), Duration::milliseconds(86'400'000 - 500));
  EXPECT_EQ(server.queries, 3U);
  server.soa.serial = dns::Serial(2);
  world.notify(id, a, 2);
  world.run_for(2);
  EXPECT_EQ(server.queries, 4U);
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
  // Where UDP answers again it is the way again.
  server.udp = true;
  server.soa.serial = dns::Serial(3);
  world.notify(id, a, 3);
  world.run_for(1);
  EXPECT_EQ(world.table->serial(id), dns::Serial(3));
  server.udp = false;
  server.soa.serial = dns::Serial(4);
  world.notify(id, a, 4);
  world.run_for(9);
  EXPECT_EQ(world.table->serial(id), dns::Serial(3));
  EXPECT_EQ(server.queries, 8U) << "three packets, as to a primary that answers by UDP";
}

TEST(SoaByTcp, OfAPrimaryThatAnswersNeitherWayIsTriedOnceAMinuteForAllItsZones) {
  World world;
  const auto group = world.group({a, b});
  world.servers[a].alive = false;
  world.servers[b].alive = false;
  for (int i = 0; i < 200; ++i) world.add("z" + std::to_string(i) + ".", group);
  world.run_for(600);
  std::map<std::string, int> tries;
  for (const std::string& line : world.log) {
    EXPECT_NE(line.find(" soa "), std::string::npos) << line;
    ++tries[line.substr(line.rfind(' ') + 1)];
  }
  for (const char* server : {a, b}) {
    EXPECT_GE(tries[server], 5);
    EXPECT_LE(tries[server], 11);
  }
}

TEST(SoaByTcp, ThatStopsWorkingHoldsUpNoZoneThatWaitsForIt) {
  RefreshLimits limits;
  limits.transfers_per_primary = 1;
  World world(limits);
  const auto group = world.group({a, b});
  world.servers[a].udp = false;
  world.add("first.", group);
  world.run_for(20);
  ASSERT_EQ(world.log.back().substr(3), "refreshed");
  world.servers[b].alive = false;
  std::vector<ZoneId> zones;
  world.hold_transfers = true;
  for (int i = 0; i < 50; ++i) zones.push_back(world.add("z" + std::to_string(i) + ".", group));
  world.run_for(20);
  ASSERT_EQ(world.going.size(), 1U);
  ASSERT_EQ(world.going[0].request.kind, TransferKind::soa);
  world.servers[a].alive = false;
  world.servers[b].alive = true;
  world.hold_transfers = false;
  world.finish(world.going[0]);
  world.act();
  world.run_for(15);
  for (const ZoneId id : zones) EXPECT_EQ(world.table->serial(id), dns::Serial(1));
}

TEST(SoaByTcp, GoesWithoutEdnsToServersThatDoNotKnowIt) {
  World world;
  const auto group = world.group({a});
  world.servers[a].udp = false;
  world.servers[a].has_edns = false;
  const ZoneId id = world.add("example.", group);
  world.run_for(11);
  EXPECT_EQ(world.table->serial(id), dns::Serial(1));
}

TEST(SoaByTcp, ThatIsRefusedLeavesTheNextPrimaryItsTurn) {
  World world;
  const auto group = world.group({a, b});
  world.servers[a].udp = false;
  world.servers[a].rcode = 5;
  const ZoneId id = world.add("example.", group);
  world.run_for(11);
  EXPECT_EQ(world.log, (Lines{"10 soa example. 192.0.2.1", "10 axfr example. 192.0.2.2", "10 refreshed"}));
  EXPECT_EQ(world.table->serial(id), dns::Serial(1));
}

// As a stream.
TEST(SoaByTcp, IsAnsweredByWhatBelongsToItAndFailsWithTheRest) {
  TransferRequest request = whole_request();
  request.kind = TransferKind::soa;
  FakePrimary server;
  server.soa.serial = dns::Serial(9);
  server.expire_option = 77;
  {
    Fed run(request);
    run.feed(framed(World::answer(server, run.request())));
    EXPECT_EQ(run.transfer.state(), TransferIn::State::answered);
    EXPECT_EQ(run.transfer.soa_reply().soa.serial, dns::Serial(9));
    EXPECT_EQ(run.transfer.soa_reply().expire, 77U);
    EXPECT_TRUE(run.lines.empty());
  }
  {
    Fed run(request);
    Octets answer = World::answer(server, run.request());
    answer[1] ^= 1;
    run.feed(framed(answer));
    EXPECT_EQ(run.transfer.state(), TransferIn::State::failed);
  }
  {
    Fed run(request);
    run.end();
    EXPECT_EQ(run.transfer.error(), TransferError::cut_short);
  }
  {
    Fed run(request);
    run.transfer.on_deadline(run.now + rate_window);
    EXPECT_EQ(run.transfer.error(), TransferError::too_slow);
  }
}

TEST(SoaByTcp, IsSignedWhereThereIsAKeyAndOnlyASignedAnswerIsGood) {
  const dns::TsigKey key{name_of("k."), dns::TsigAlgorithm::hmac_sha256, crypto::SecretBytes(Octets(32, 7)), 0};
  TransferRequest request = whole_request();
  request.kind = TransferKind::soa;
  request.key = &key;
  FakePrimary server;
  for (const bool is_signed : {true, false}) {
    Fed run(request);
    const Octets query = run.request();
    Octets memory(2'000);
    ByteWriter out(memory);
    out.bytes(World::answer(server, query));
    dns::TsigKeyring ring;
    ring.add({name_of("k."), dns::TsigAlgorithm::hmac_sha256, crypto::SecretBytes(Octets(32, 7)), 0});
    dns::TsigServer tsig;
    ASSERT_EQ(tsig.on_request(query, dns::parse_query(query).tsig_at, ring, Fed::wall), dns::TsigVerdict::verified);
    if (is_signed) tsig.sign_response(out, Fed::wall);
    run.feed(framed({out.written().begin(), out.written().end()}));
    ASSERT_EQ(run.transfer.state(), TransferIn::State::answered);
    EXPECT_EQ(run.transfer.soa_reply().answer, is_signed ? SoaAnswer::good : SoaAnswer::bad_signature);
  }
}

// ---- a primary that is behind -------------------------------------------------------------------------------------------

TEST(NotifiedZone, ThatHasExpiredIsAskedForWhateverTheSerial) {
  World world;
  world.group({a});
  world.servers[a].alive = false;
  const ZoneId id = world.add("example.", world.group({a}), world.held(1, 300));
  world.run_until(1'000);
  EXPECT_EQ(std::ranges::count(world.log, "300 expired"), 1);
  // Between two attempts.
  for (int i = 0; i < 100 && world.table->next_deadline() < world.now + Duration::seconds(30); ++i) world.run_for(7);
  world.servers[a].alive = true;
  world.log.clear();
  world.notify(id, a, 1);
  ASSERT_FALSE(world.log.empty());
  EXPECT_EQ(world.log.back(), world.stamp() + "refreshed");
}

// One packet is enough for a primary that fails. It failed with one zone while another was on its way.
TEST(FailedTransfer, IsForgottenWhenAnotherZoneHasCome) {
  World world;
  const auto group = world.group({a});
  FakePrimary& server = world.servers[a];
  world.hold_transfers = true;
  const ZoneId id = world.add("example.", group);
  world.add("other.", group);
  ASSERT_EQ(world.going.size(), 2u);
  server.tcp = false;
  world.finish(world.going[1]);
  server.tcp = true;
  world.finish(world.going[0]);
  server.alive = false;
  world.notify(id, a);
  world.run_for(20);
  EXPECT_EQ(world.sent_by_zone[id.index].size(), 4u) << "one at the start, and three now";
}

TEST(Primaries, AreOneToSixtyFourInAGroup) {
  Primaries primaries;
  std::vector<Primary> list;
  EXPECT_FALSE(primaries.add_group(list).has_value());
  for (size_t i = 0; i < max_primaries_per_group; ++i) {
    list.push_back({{IpAddress::v4({192, 0, 2, static_cast<u8>(i)}), Port(53)}});
    EXPECT_TRUE(primaries.add_group(list).has_value());
  }
  const auto most = primaries.add_group(list);
  list.push_back({{IpAddress::v4({198, 51, 100, 1}), Port(53)}});
  EXPECT_FALSE(primaries.add_group(list).has_value());
  list.back() = list.front();
  EXPECT_FALSE(primaries.add_group(list).has_value()) << "one too many, though it is there already";
  list.pop_back();
  EXPECT_EQ(primaries.add_group(list), most);
}

TEST(PrimaryBehind, IsSaidOnceWithBothSerialsAndCounted) {
  World world;
  const auto group = world.group({a});
  world.servers[a].soa.serial = dns::Serial(3);
  const LogLines log;
  const ZoneId id = world.add("example.", group, world.held(10));
  world.run_for(1'900);  // three times RETRY and its doublings
  EXPECT_EQ(log.count("zone example.: primary 192.0.2.1:53 is behind: it has serial 3, which is not newer than 10 here"), 1U);
  EXPECT_EQ(log.count("is behind: it"), 1U);
  EXPECT_GE(world.table->counters().behind, 2U);
  EXPECT_EQ(world.table->serial(id), dns::Serial(10));
}

TEST(PrimaryBehind, IsSaidAgainWhenItWasAheadMeanwhile) {
  for (const u32 meanwhile : {10U, 11U}) {
    World world;
    const auto group = world.group({a});
    world.servers[a].soa.serial = dns::Serial(3);
    const LogLines log;
    const ZoneId id = world.add("example.", group, world.held(10));
    world.servers[a].soa.serial = dns::Serial(meanwhile);
    world.log.clear();
    for (int i = 0; i < 5'000 && world.log.empty(); ++i) world.run_for(1);
    EXPECT_EQ(world.table->serial(id), dns::Serial(meanwhile));
    EXPECT_EQ(log.count("is behind: it"), 1U);
    world.servers[a].soa.serial = dns::Serial(4);
    world.run_for(5'000);
    EXPECT_EQ(log.count("is behind: it has serial 4, which is not newer than"), 1U) << meanwhile;
  }
}

}  // namespace
}  // namespace samara::secondary
