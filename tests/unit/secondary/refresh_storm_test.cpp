// Days of bad weather on a clock of its own: however the primaries and their NOTIFYs behave, packets stay within their bounds,
// and zones expire when they should and not before.
#include "refresh_world.h"

namespace samara::secondary {
namespace {

constexpr const char* a = "192.0.2.1";
constexpr const char* b = "192.0.2.2";
constexpr i64 day = 86'400;
// What zone_query_interval and zone_query_burst allow in a minute.
constexpr size_t zone_bound = 60 + zone_query_burst;

size_t most_in_a_minute(const std::vector<i64>& sent) {
  size_t most = 0;
  size_t first = 0;
  for (size_t last = 0; last < sent.size(); ++last) {
    while (sent[first] <= sent[last] - 60) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

TEST(Storm, APrimaryDeadForDaysIsAskedEverMoreSeldomAndTheZoneExpiresOnTime) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}));
  world.servers[a].alive = false;
  world.run_until(day - 1);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  EXPECT_LT(world.sent.size(), 50u);
  world.run_until(10 * day);
  EXPECT_EQ(world.table->status(id), ZoneStatus::expired);
  EXPECT_EQ(std::ranges::count(world.log, "86400 expired"), 1);
  // RETRY is 600 s, its limit an hour, less a tenth: at most 27 a day.
  EXPECT_LT(world.sent.size(), 50u + 9 * 27);
  EXPECT_LE(most_in_a_minute(world.sent), 3u);

  world.servers[a].alive = true;
  world.servers[a].soa.serial = dns::Serial(5);
  world.run_until(10 * day + 3'700);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  EXPECT_EQ(world.table->serial(id), dns::Serial(5));
}

TEST(Storm, BackOffStartsAnewAfterSuccess) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}));
  world.servers[a].alive = false;
  world.run_until(day / 2);
  world.servers[a].alive = true;
  world.run_until(day / 2 + 3'700);
  ASSERT_EQ(world.table->status(id), ZoneStatus::current);
  world.servers[a].alive = false;
  const i64 asked = world.now.since_boot().seconds();
  world.sent.clear();
  world.run_until(asked + 3'600 + 10);  // REFRESH has passed: the first failure
  ASSERT_FALSE(world.sent.empty());
  const i64 first = world.sent.front();
  world.run_until(first + 660);
  EXPECT_GT(world.sent.back(), first + 500);  // and RETRY, not the hour it had come to
}

TEST(Storm, AZoneThatNeverWasIsTriedSoonAndThenEveryFewMinutes) {
  World world;
  const auto group = world.group({a});
  world.servers[a].alive = false;
  const ZoneId id = world.add("example.", group);
  world.run_until(60);
  EXPECT_GE(world.sent.size(), 5u);
  world.run_until(day);
  EXPECT_LT(world.sent.size(), static_cast<size_t>(day / 270 + 20));
  world.servers[a].alive = true;
  world.run_until(day + 302);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
}

TEST(Storm, FlappingPrimariesLoseNoZone) {
  World world;
  const auto group = world.group({a, b});
  const ZoneId id = world.add("example.", group);
  u32 random = 7;
  for (i64 second = 0; second < 3 * day; second += 97) {
    random = random * 1'664'525 + 1'013'904'223;
    world.servers[a].alive = (random >> 16 & 3) != 0;
    world.servers[b].alive = (random >> 20 & 3) == 0;
    if ((random >> 24) == 0) {
      world.servers[a].soa.serial = world.servers[b].soa.serial = world.servers[a].soa.serial.next();
    }
    world.run_until(second);
    ASSERT_EQ(world.table->status(id), ZoneStatus::current);
  }
  world.servers[a].alive = world.servers[b].alive = true;
  world.run_for(3'700);
  EXPECT_EQ(world.table->serial(id), world.servers[a].soa.serial);
  EXPECT_LE(world.most_in_a_minute, zone_bound);
}

TEST(Storm, AFloodOfNotifiesIsOneQueryASecond) {
  World world;
  const ZoneId id = world.add("example.", world.group({a}), world.held(1));
  for (int i = 0; i < 60'000; ++i) {
    world.now = world.now + Duration::milliseconds(5);
    if (world.table->next_deadline() <= world.now) world.table->on_deadline(world.now);
    world.notify(id, i % 3 == 0 ? a : "198.51.100.1", static_cast<u32>(i));
  }
  EXPECT_LE(world.most_in_a_minute, zone_bound);
  EXPECT_GT(world.sent.size(), 200u);  // and it is not deaf
  EXPECT_EQ(world.transfers, 0u);
}

// Who can forge a primary's address can have all its zones asked for. Each stands in the line once, so that an honest NOTIFY
// waits for as many queries as there are zones, and no longer.
TEST(Storm, AFloodOfNotifiesForManyZonesDelaysAChangeByOneQueryForEachOfThem) {
  constexpr u32 zones = 1'000;
  constexpr u32 per_second = 50;
  World world({.queries_per_second = per_second});
  const auto group = world.group({a});
  std::vector<ZoneId> ids;
  for (u32 i = 0; i < zones; ++i) ids.push_back(world.add("z" + std::to_string(i) + ".", group, world.held(1)));
  world.run_until(10);
  const auto flood = [&](int seconds, auto&& done) {
    for (int i = 0; i < seconds * 1'000; ++i) {
      if (done()) return i / 1'000;
      world.now = world.now + Duration::milliseconds(1);
      if (world.table->next_deadline() <= world.now) world.table->on_deadline(world.now);
      world.notify(ids[1 + static_cast<u32>(i) * 7 % (zones - 1)], a, static_cast<u32>(i) + 100);
    }
    return seconds;
  };
  flood(60, [] { return false; });
  EXPECT_LE(most_in_a_minute(world.sent), size_t{60 * per_second + per_second});
  const std::deque<i64>& asked = world.sent_by_zone[ids[0].index];
  const i64 last = asked.back();
  ASSERT_LT(last, world.now.since_boot().milliseconds());
  world.notify(ids[0], a, 2);
  EXPECT_LE(flood(60, [&] { return asked.back() != last; }), int{zones / per_second} + 1);
}

// Zone `id` has news at its primary b every ten seconds, of which b tells once a minute, and EXPIRE is 30 s: it never
// expires, and what b tells of is there in three seconds.
void expect_to_follow(World& world, ZoneId id, int rounds) {
  world.servers[b].soa = {.serial = dns::Serial(1), .refresh = 10, .retry = 1, .expire = 30};
  for (int round = 0; round < rounds; ++round) {
    world.servers[b].soa.serial = world.servers[b].soa.serial.next();
    if (round % 6 == 0) {
      world.notify(id, b, world.servers[b].soa.serial.value());
      world.run_for(3);
      ASSERT_EQ(world.table->serial(id), world.servers[b].soa.serial) << round;
      world.run_for(7);
    } else {
      world.run_for(10);
    }
    ASSERT_EQ(world.table->status(id), ZoneStatus::current) << round;
  }
}

// A catalog may name any number of zones that its primary does not have: they come all at once, and each is tried for ever.
TEST(Storm, ZonesThatNoPrimaryHasDelayNoOtherZone) {
  World world({.queries_per_second = 50});
  const auto dead = world.group({a});
  world.servers[a].rcode = 5;
  const ZoneId id = world.add("example.", world.group({b}));
  for (int i = 0; i < 30'000; ++i) world.add("z" + std::to_string(i) + ".", dead);
  expect_to_follow(world, id, 120);
  // And who waits long among the many is not forgotten.
  world.servers[a].rcode = 0;
  world.run_for(3'600);
  EXPECT_EQ(world.table->status(*world.table->find(name_of("z29999."))), ZoneStatus::current);
}

TEST(Storm, ZonesWhosePrimaryDiesDelayNoOtherZone) {
  World world({.queries_per_second = 50});
  const auto dying = world.group({a});
  world.servers[a].soa = {.serial = dns::Serial(1), .refresh = 10, .retry = 1, .expire = 3'600};
  const ZoneId id = world.add("example.", world.group({b}));
  for (int i = 0; i < 10'000; ++i) world.add("z" + std::to_string(i) + ".", dying, world.held(1, 600));
  world.servers[a].alive = false;
  expect_to_follow(world, id, 120);
}

// The zones of one primary share its part: those that are held have a quarter of it at least, however many come or fail.
TEST(Storm, NewZonesOfAPrimaryDoNotEndThoseItHas) {
  World world({.queries_per_second = 50});
  const auto group = world.group({b});
  const ZoneId id = world.add("example.", group);
  expect_to_follow(world, id, 2);
  for (int i = 0; i < 30'000; ++i) world.add("z" + std::to_string(i) + ".", group);
  const auto expired = [](const std::string& line) { return line.ends_with(" expired"); };
  world.run_for(25);
  EXPECT_EQ(world.table->status(id), ZoneStatus::current);
  EXPECT_TRUE(std::ranges::none_of(world.log, expired));
}

// A zone that stands in the line already, at the end of 30,000, is asked for at once when there is news of it.
TEST(Storm, ANotifyMovesAZoneThatWaitsToTheFront) {
  World world({.queries_per_second = 50});
  const auto group = world.group({a});
  world.servers[a].alive = false;
  for (int i = 0; i < 30'000; ++i) world.add("z" + std::to_string(i) + ".", group, world.held(1));
  const auto live = world.group({b});
  const ZoneId id = world.add("example.", live, world.held(1));
  world.servers[b].soa.serial = dns::Serial(2);
  world.notify(id, b, 2);
  world.run_for(2);
  EXPECT_EQ(world.table->serial(id), dns::Serial(2));
}

TEST(Storm, AWishForTheWholeZoneOutlivesADifferenceThatWasUnderWay) {
  for (const bool fails : {false, true}) {
    World world;
    const ZoneId id = world.add("example.", world.group({a}), world.held(1));
    world.run_for(1);
    world.hold_transfers = true;
    world.servers[a].soa.serial = dns::Serial(2);
    world.notify(id, a, 2);
    ASSERT_EQ(world.going.size(), 1U);
    ASSERT_EQ(world.going[0].request.kind, TransferKind::differences);
    world.table->retransfer(world.now, id);
    world.hold_transfers = false;
    world.servers[a].transfers = !fails;
    world.finish(world.going[0]);
    world.servers[a].transfers = true;
    world.log.clear();
    world.act();
    world.run_for(700);
    EXPECT_EQ(std::ranges::count_if(world.log, [](const std::string& line) { return line.find(" axfr ") != line.npos; }), 1);
    EXPECT_EQ(world.table->serial(id), dns::Serial(2));
  }
}

TEST(Storm, AFloodOfNotifiesForAPrimaryThatIsDeadOrBrokenDies) {
  for (const bool dead : {true, false}) {
    World world;
    const auto group = world.group({a});
    world.servers[a].alive = !dead;
    world.servers[a].transfers = false;
    world.servers[a].soa.serial = dns::Serial(2);
    const ZoneId id = world.add("example.", group, world.held(1));
    for (int i = 0; i < 36'000; ++i) {
      world.now = world.now + Duration::milliseconds(100);
      if (world.table->next_deadline() <= world.now) world.table->on_deadline(world.now);
      world.notify(id, a);
    }
    // An hour: an attempt a minute once it has failed six times.
    EXPECT_LT(world.sent.size(), 80u) << dead;
    EXPECT_LT(world.transfers, 160u);
  }
}

TEST(Storm, ManyPrimariesThatRefuseAreAskedOneByOne) {
  World world;
  std::vector<Primary> list;
  for (int i = 1; i <= 40; ++i) {
    const std::string server = "192.0.2." + std::to_string(i);
    list.push_back({World::endpoint(server)});
    world.servers[server].rcode = 5;
  }
  world.add("example.", *world.primaries.add_group(list));
  EXPECT_EQ(world.sent.size(), zone_query_burst);
  world.run_until(29);
  EXPECT_EQ(world.sent.size(), 39u);
  world.run_until(day);
  for (const auto& [server, state] : world.servers) EXPECT_GT(state.queries, 100u) << server;
  EXPECT_LE(world.most_in_a_minute, zone_bound);
}

TEST(Storm, ManyZonesWithoutTheirPrimaryStayWithinTheLimitInAll) {
  constexpr u32 per_second = 50;
  World world({.queries_per_second = per_second});
  const auto group = world.group({a});
  world.servers[a].alive = false;
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(world.table->add_zone(world.now, name_of("z" + std::to_string(i) + "."), group, std::nullopt).has_value());
  }
  world.act();
  world.run_until(1'800);
  EXPECT_LE(most_in_a_minute(world.sent), size_t{60 * per_second + per_second});
  EXPECT_GT(world.sent.size(), 5'000u);
  world.servers[a].alive = true;
  world.run_until(1'800 + 450);
  for (const std::string& line : world.log) ASSERT_EQ(line.find("expired"), std::string::npos);
  EXPECT_EQ(world.transfers, 5'000u);
}

TEST(Storm, AHundredThousandZonesAreAskedForInTheirTime) {
  World world({.queries_per_second = 1'000});
  const auto group = world.group({a});
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(world.table->add_zone(world.now, name_of("z" + std::to_string(i) + "."), group, world.held(1)).has_value());
  }
  world.act();
  world.run_until(110);
  EXPECT_EQ(world.servers[a].queries, 100'000u);
  EXPECT_LE(most_in_a_minute(world.sent), 61'000u);
}

}  // namespace
}  // namespace samara::secondary
