#include "keeper_life.h"

namespace samara::secondary {
namespace {

TEST(ZoneKeeper, TellsEveryWorkerWhatIsFollowedAndFromWhom) {
  OneZone keeper;
  ASSERT_EQ(keeper.told.size(), 2u);
  EXPECT_EQ(keeper.told[0].kind, Kind::primaries);
  ASSERT_EQ(keeper.told[0].members.size(), 1u);
  EXPECT_EQ(keeper.told[0].members[0].endpoint, one_primary[0].endpoint);
  EXPECT_EQ(keeper.told[1].kind, Kind::follow);
  EXPECT_EQ(keeper.told[1].zone, name_of("example."));
  EXPECT_FALSE(keeper.told[1].held.has_value());
  EXPECT_EQ(keeper.told_others.size(), 2u);
  EXPECT_TRUE(keeper.is_followed("example."));
  EXPECT_EQ(keeper.served("example."), std::nullopt);
}

TEST(ZoneKeeper, ServesWhatWasTransferredBeforeItSaysSo) {
  OneZone keeper;
  const u32 number = keeper.transfer(Zone("example.", zone_text(7)), 7);
  EXPECT_EQ(keeper.served("example."), 7u);
  const auto installed = keeper.last(Kind::installed);
  ASSERT_TRUE(installed.has_value());
  EXPECT_EQ(installed->transfer, number);
  EXPECT_EQ(installed->soa, (dns::SoaNumbers{dns::Serial(7), 7200, 900, 604'800, 300}));
  EXPECT_EQ(keeper.changed, std::vector<std::string>{"example."});
}

TEST(ZoneKeeper, TellsEveryWorkerHowLongAZoneIsGood) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  EXPECT_EQ(keeper.last(Kind::confirmed)->expires_in, Duration::seconds(604'800));
  keeper.send({.kind = Kind::confirmed, .zone = name_of("example."), .expires_in = Duration::seconds(500)});
  EXPECT_EQ(keeper.last(Kind::confirmed)->expires_in, Duration::seconds(500));
  EXPECT_EQ(keeper.told_others.back().kind, Kind::confirmed);
  EXPECT_EQ(keeper.told_others.back().expires_in, Duration::seconds(500));
}

TEST(ZoneKeeper, FollowsDifferences) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(1, "a 60 A 192.0.2.1\n")), 1);
  keeper.differences("example.", 1, 2, {{soa_line(1) + "a 60 A 192.0.2.1\n", soa_line(2) + "b 60 A 192.0.2.1\n"}});
  EXPECT_EQ(keeper.served("example."), 2u);
  EXPECT_TRUE(keeper.has("example.", "b.example."));
  EXPECT_FALSE(keeper.has("example.", "a.example."));
}

TEST(ZoneKeeper, KeepsTheOldZoneWhenALaterDifferenceDoesNotFit) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(1)), 1);
  keeper.differences("example.", 1, 3,
                     {{soa_line(1), soa_line(2) + "b 60 A 192.0.2.1\n"}, {soa_line(2) + "c 60 A 192.0.2.1\n", soa_line(3)}});
  EXPECT_EQ(keeper.count(Kind::rejected), 1u);
  EXPECT_EQ(keeper.served("example."), 1u);
  // The next differences start where the zone in service is, and fit.
  keeper.differences("example.", 1, 2, {{soa_line(1), soa_line(2) + "d 60 A 192.0.2.1\n"}});
  EXPECT_EQ(keeper.served("example."), 2u);
  EXPECT_TRUE(keeper.has("example.", "d.example."));
  EXPECT_FALSE(keeper.has("example.", "b.example."));
}

TEST(ZoneKeeper, RejectsAZoneThatIsNone) {
  OneZone keeper;
  const u32 number = keeper.transfer(Zone("example.", "@ 60 NS ns\n"), 1);
  const auto rejected = keeper.last(Kind::rejected);
  ASSERT_TRUE(rejected.has_value());
  EXPECT_EQ(rejected->transfer, number);
  EXPECT_EQ(keeper.served("example."), std::nullopt);
  // What of it is still on its way says nothing more.
  keeper.send_batch(name_of("example."), number, {});
  EXPECT_EQ(keeper.count(Kind::rejected), 1u);
}

TEST(ZoneKeeper, AnExpiredZoneHasNoDataUntilAnotherComes) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  keeper.send({.kind = Kind::expired, .zone = name_of("example.")});
  EXPECT_TRUE(keeper.is_followed("example."));
  EXPECT_EQ(keeper.served("example."), std::nullopt);
  keeper.transfer(Zone("example.", zone_text(6)), 6);
  EXPECT_EQ(keeper.served("example."), 6u);
}

TEST(ZoneKeeper, AnExpiredZoneThatComesBackUnchangedIsToldOf) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  EXPECT_EQ(keeper.changed.size(), 1u);
  keeper.send({.kind = Kind::expired, .zone = name_of("example.")});
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  EXPECT_EQ(keeper.served("example."), 7u);
  EXPECT_EQ(keeper.changed.size(), 2u);
}

TEST(ZoneKeeper, ADroppedTransferChangesNothing) {
  OneZone keeper;
  std::vector<u8> octets(100);
  ByteWriter out(octets);
  write_whole(dns::Serial(1), out);
  keeper.send_batch(name_of("example."), 1, out.written());
  keeper.send({.kind = Kind::dropped, .transfer = 1});
  keeper.transfers = 1;
  keeper.transfer(Zone("example.", zone_text(2)), 2);
  EXPECT_EQ(keeper.served("example."), 2u);
}

TEST(ZoneKeeper, PassesANotifyOfAnotherWorkerOnToTheAgent) {
  OneZone keeper;
  keeper.send(
      {.kind = Kind::notified, .zone = name_of("example."), .sender = *IpAddress::parse("192.0.2.1"), .serial = dns::Serial(9)},
      1);
  const auto notified = keeper.last(Kind::notified);
  ASSERT_TRUE(notified.has_value());
  EXPECT_EQ(notified->serial, dns::Serial(9));
  EXPECT_EQ(notified->sender, *IpAddress::parse("192.0.2.1"));
}

TEST(ZoneKeeper, AddsRemovesAndMovesZonesOnReload) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  const std::vector<server::SecondaryZone> both{{name_of("example."), other_primary, {}},
                                                {name_of("example.org."), one_primary, {}}};
  keeper.keeper->reload(keeper.at, both);
  keeper.settle();
  EXPECT_EQ(keeper.served("example."), 7u);
  EXPECT_TRUE(keeper.is_followed("example.org."));
  // It comes from elsewhere now, and what is held stays.
  const auto moved = std::ranges::find_if(
      keeper.told, [](const AgentMessage& message) { return message.kind == Kind::follow && message.group == 1; });
  ASSERT_NE(moved, keeper.told.end());
  EXPECT_EQ(moved->zone, name_of("example."));
  ASSERT_TRUE(moved->held.has_value());
  EXPECT_EQ(moved->held->expires_in, Duration::seconds(604'800));

  keeper.keeper->reload(keeper.at, std::span(both).last(1));
  keeper.settle();
  EXPECT_FALSE(keeper.is_followed("example."));
  EXPECT_TRUE(keeper.is_followed("example.org."));
  EXPECT_EQ(keeper.last(Kind::unfollow)->zone, name_of("example."));
}

// The agent hears later than the loader that a zone comes from elsewhere; what it has told of it until then is on its way.
TEST(ZoneKeeper, TakesNothingForAZoneThatIsLeftOfWhereItCameFromBefore) {
  OneZone keeper;
  const dns::Name zone = name_of("example.");
  keeper.transfer(Zone("example.", zone_text(7)), 7);
  const u32 before = keeper.following(zone);
  keeper.keeper->reload(keeper.at, std::vector<server::SecondaryZone>{{zone, other_primary, {}}});
  keeper.settle();
  ASSERT_NE(keeper.following(zone), before);
  const size_t installed = keeper.count(Kind::installed);
  const size_t confirmed = keeper.count(Kind::confirmed);

  std::vector<u8> octets(max_batch_size);
  ByteWriter whole(octets);
  write_whole(dns::Serial(8), whole);
  Zone("example.", zone_text(8)).for_each([&](const zone::Record& record) { write_record(ItemTag::added, record, whole); });
  write_end(std::nullopt, whole);
  keeper.send({.kind = Kind::batch, .transfer = 90, .zone = zone, .following = before, .items = whole.written()});
  keeper.send({.kind = Kind::expired, .zone = zone, .following = before});
  keeper.send({.kind = Kind::confirmed, .zone = zone, .following = before, .expires_in = Duration::seconds(1)});
  EXPECT_EQ(keeper.served("example."), 7u);
  EXPECT_EQ(keeper.count(Kind::installed), installed);
  EXPECT_EQ(keeper.count(Kind::rejected), 0u);
  EXPECT_EQ(keeper.count(Kind::confirmed), confirmed);

  keeper.transfer(Zone("example.", zone_text(9)), 9);
  EXPECT_EQ(keeper.served("example."), 9u);
}

// Nothing is forgotten of primaries that were named once.
TEST(ZoneKeeper, SaysThatZonesStayAtTheirPrimariesWhenTooManyWereNamed) {
  OneZone keeper;
  const auto named = [](size_t first) {
    server::PeerList list;
    for (size_t i = first; i < first + 60; ++i) {
      list.push_back({{IpAddress::v4({10, 0, static_cast<u8>(i >> 8), static_cast<u8>(i)}), Port(53)}, std::nullopt});
    }
    return list;
  };
  size_t at = 0;
  for (; at + 60 < max_primaries - 1; at += 60) {
    EXPECT_EQ(keeper.keeper->reload(keeper.at, std::vector<server::SecondaryZone>{{name_of("example."), named(at), {}}}), 0U);
    keeper.settle();
  }
  const u32 following = keeper.following(name_of("example."));
  EXPECT_EQ(keeper.keeper->reload(keeper.at, std::vector<server::SecondaryZone>{{name_of("example."), named(at), {}},
                                                                                {name_of("new."), named(at), {}}}),
            2U);
  keeper.settle();
  EXPECT_EQ(keeper.following(name_of("example.")), following);
  EXPECT_FALSE(keeper.is_followed("new."));
  EXPECT_EQ(keeper.keeper->reload(keeper.at, std::vector<server::SecondaryZone>{{name_of("example."), named(0), {}}}), 0U);
}

// Transfers come without end: the zone that came first is stored all the same, and what is grown too large copied together.
TEST(ZoneKeeper, DoesTheWorkOfAllZonesInTurn) {
  zone::store::CrashingStorage storage{u64{4} << 20};
  Keeper keeper;
  for (int i = 0; i < 40; ++i) keeper.config.zones.push_back({name_of("z" + std::to_string(i) + "."), one_primary, {}});
  keeper.works = false;
  keeper.start(&storage);
  const auto take = [&keeper](int i, u32 serial) {
    keeper.transfer(Zone("z" + std::to_string(i) + ".", zone_text(serial)), serial);
  };
  take(0, 1);
  take(1, 1);
  for (int i = 2; i < 40; ++i) {
    take(i, 1);
    keeper.keeper->work(keeper.at);
  }
  for (const char* name : {"z0.", "z1."}) EXPECT_TRUE(keeper.archive->find(name_of(name)).has_value()) << name;
}

TEST(ZoneKeeper, HoldsAZoneToTheLimitsThatAReloadBrought) {
  Keeper keeper;
  keeper.config.listen.push_back(*Endpoint::parse("192.0.2.53:53"));
  keeper.config.zones.push_back({name_of("example."), one_primary, {}});
  keeper.start();
  keeper.transfer(Zone("example.", zone_text(1, "a 60 A 192.0.2.1\nb 60 A 192.0.2.1\n")), 1);
  ASSERT_EQ(keeper.served("example."), 1u);
  server::SecondaryZone limited{name_of("example."), one_primary, {}};
  limited.overrides.limits = server::ZoneLimits{.max_records = 5};
  keeper.keeper->reload(keeper.at, std::vector{limited});
  keeper.settle();
  keeper.transfer(Zone("example.", zone_text(2, "a 60 A 192.0.2.1\nb 60 A 192.0.2.1\nc 60 A 192.0.2.1\n")), 2);
  EXPECT_EQ(keeper.served("example."), 2u) << "five";
  keeper.transfer(Zone("example.", zone_text(3, "a 60 A 192.0.2.1\nb 60 A 192.0.2.1\nc 60 A 192.0.2.1\nd 60 A 192.0.2.1\n")),
                  3);
  EXPECT_EQ(keeper.served("example."), 2u) << "one too many";
}

TEST(ZoneKeeper, LooksAtSignaturesWhenItSaysThatItWants) {
  OneZone keeper;
  keeper.at.now = keeper.keeper->next_deadline();
  keeper.settle();
  keeper.keeper->work(keeper.at);
  EXPECT_GT(keeper.keeper->next_deadline(), keeper.at.now);
}

// What had come of them is given back; else it would be taken for the transfer that holds most, and refused, later.
TEST(ZoneKeeper, EndsTheTransfersOfZonesThatGo) {
  Keeper keeper;
  keeper.zone_memory = size_t{2} << 20;
  keeper.config.zones.push_back({name_of("example."), one_primary, {}});
  keeper.start();
  std::string records;
  for (int i = 0; i < 400; ++i) records += "n" + std::to_string(i) + " 60 TXT " + std::string(100, 'x') + "\n";
  const Zone zone("left.", zone_text(1, records));
  const std::vector<server::SecondaryZone> one{{name_of("example."), one_primary, {}}};
  const std::vector<server::SecondaryZone> two{one[0], {name_of("left."), one_primary, {}}};
  for (int round = 0; round < 60; ++round) {
    keeper.keeper->reload(keeper.at, two);
    keeper.settle();
    std::vector<u8> octets(max_batch_size);
    ByteWriter out(octets);
    write_whole(dns::Serial(1), out);
    zone.for_each([&](const zone::Record& record) { write_record(ItemTag::added, record, out); });
    keeper.send_batch(zone.apex, ++keeper.transfers, out.written());
    keeper.keeper->reload(keeper.at, one);
    keeper.settle();
  }
  keeper.transfer(Zone("example.", zone_text(1)), 1);
  EXPECT_EQ(keeper.served("example."), 1u);
  EXPECT_EQ(keeper.count(Kind::rejected), 0u);
}

TEST(ZoneKeeper, TellsWorkersWhatNewZonesHaveOfTheirOwnBeforeItTellsOfThem) {
  Keeper keeper;
  keeper.config.listen.push_back(*Endpoint::parse("192.0.2.53:53"));
  keeper.config.zones.push_back({name_of("example."), one_primary, {}});
  keeper.start();
  std::vector<server::SecondaryZone> zones = keeper.config.zones;
  zones.push_back({name_of("plain."), one_primary, {}});
  keeper.keeper->reload(keeper.at, zones);
  keeper.settle();
  EXPECT_FALSE(keeper.settings_came_behind.has_value());  // nothing of theirs has changed
  zones.push_back({name_of("own."), one_primary, {}});
  zones.back().overrides.transfer.emplace();
  const size_t before = keeper.told.size();
  keeper.keeper->reload(keeper.at, zones);
  keeper.settle();
  EXPECT_EQ(keeper.settings_came_behind, before);
  EXPECT_EQ(keeper.told.back().zone, name_of("own."));
}

TEST(ZoneKeeper, HasTheAgentTakeAZoneAgain) {
  OneZone keeper;
  EXPECT_TRUE(keeper.keeper->retransfer(name_of("EXAMPLE.")));
  EXPECT_FALSE(keeper.keeper->retransfer(name_of("other.")));
  keeper.settle();
  ASSERT_EQ(keeper.count(Kind::retransfer), 1u);
  EXPECT_EQ(keeper.last(Kind::retransfer)->zone, name_of("example."));
  EXPECT_EQ(std::ranges::count(keeper.told_others, Kind::retransfer, &AgentMessage::kind), 0);
  // The zone that comes has an older serial, and is served.
  keeper.transfer(Zone("example.", zone_text(9)), 9);
  keeper.transfer(Zone("example.", zone_text(3)), 3);
  EXPECT_EQ(keeper.served("example."), 3u);
}

TEST(ZoneKeeper, AnExpireOptionIsNeverMoreThanTheSoaSays) {
  OneZone keeper;
  std::vector<u8> octets(max_batch_size);
  ByteWriter out(octets);
  write_whole(dns::Serial(1), out);
  Zone("example.", zone_text(1)).for_each([&](const zone::Record& record) { write_record(ItemTag::added, record, out); });
  write_end(10'000'000, out);
  keeper.send_batch(name_of("example."), 1, out.written());
  EXPECT_EQ(keeper.last(Kind::confirmed)->expires_in, Duration::seconds(604'800));
}

TEST(ZoneKeeper, TakesATransfersNumberAgainWhenItIsOver) {
  OneZone keeper;
  for (const u32 serial : {1U, 2U, 3U}) {
    keeper.transfers = 6;
    keeper.transfer(Zone("example.", zone_text(serial)), serial);
    EXPECT_EQ(keeper.served("example."), serial);
    EXPECT_EQ(keeper.last(Kind::installed)->transfer, 7u);
  }
}

TEST(ZoneKeeper, AZoneConfirmedAfterItExpiredIsServedAgain) {
  OneZone keeper;
  keeper.transfer(Zone("example.", zone_text(5)), 5);
  keeper.send({.kind = Kind::expired, .zone = name_of("example.")});
  EXPECT_EQ(keeper.served("example."), std::nullopt);
  keeper.send({.kind = Kind::confirmed, .zone = name_of("example."), .expires_in = Duration::seconds(50)});
  EXPECT_EQ(keeper.served("example."), 5u);
}

// ---- catalogs -------------------------------------------------------------------------------------------------------

TEST(ZoneKeeper, FollowsTheMembersOfACatalog) {
  OneCatalog keeper;
  keeper.start();
  keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\nm2.zones 0 PTR b.example.\n")), 1);
  EXPECT_TRUE(keeper.is_followed("a.example."));
  EXPECT_TRUE(keeper.is_followed("b.example."));
  EXPECT_EQ(keeper.last(Kind::follow)->catalog, u16{0});
  keeper.transfer(Zone("a.example.", zone_text(4)), 4);
  EXPECT_EQ(keeper.served("a.example."), 4u);
  keeper.transfer(Zone("catalog.", catalog_text(2, "m1.zones 0 PTR a.example.\n")), 2);
  EXPECT_EQ(keeper.served("a.example."), 4u);
  EXPECT_FALSE(keeper.is_followed("b.example."));
}

TEST(ZoneKeeper, AMemberWithAnotherLabelStartsAnew) {
  OneCatalog keeper;
  keeper.start();
  keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\n")), 1);
  keeper.transfer(Zone("a.example.", zone_text(4)), 4);
  keeper.transfer(Zone("catalog.", catalog_text(2, "other.zones 0 PTR a.example.\n")), 2);
  EXPECT_TRUE(keeper.is_followed("a.example."));
  EXPECT_EQ(keeper.served("a.example."), std::nullopt);
}

TEST(ZoneKeeper, AConfiguredZoneIsNoCatalogs) {
  OneCatalog keeper;
  keeper.config.zones.push_back({name_of("a.example."), other_primary, {}});
  keeper.start();
  keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\n")), 1);
  keeper.transfer(Zone("catalog.", catalog_text(2, "")), 2);
  EXPECT_TRUE(keeper.is_followed("a.example."));
}

TEST(ZoneKeeper, AMemberThatBecomesConfiguredStaysWhenItsCatalogLetsGoOfIt) {
  OneCatalog keeper;
  keeper.start();
  keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\n")), 1);
  keeper.transfer(Zone("a.example.", zone_text(4)), 4);
  const std::vector<server::SecondaryZone> zones{{name_of("a.example."), other_primary, {}}};
  keeper.keeper->reload(keeper.at, zones);
  keeper.settle();
  EXPECT_EQ(keeper.served("a.example."), 4u) << "the same data, from another primary";
  EXPECT_EQ(keeper.last(Kind::follow)->catalog, std::nullopt);
  EXPECT_EQ(keeper.last(Kind::follow)->held->soa.serial, dns::Serial(4));
  keeper.transfer(Zone("catalog.", catalog_text(2, "")), 2);
  EXPECT_EQ(keeper.served("a.example."), 4u);
  // And the other way round: what is configured no more is nobody's, as the catalog does not name it.
  keeper.keeper->reload(keeper.at, {});
  keeper.settle();
  EXPECT_FALSE(keeper.is_followed("a.example."));
}

// So that its place is free for the next one, and many are published together.
TEST(ZoneKeeper, LetsGoOfATransferBeforeTheZoneIsPublishedAndTellsOfItAfterwards) {
  OneZone keeper;
  keeper.publishes = false;
  const u32 number = keeper.transfer(Zone("example.", zone_text(1)), 1);
  ASSERT_TRUE(keeper.last(Kind::installed).has_value());
  EXPECT_EQ(keeper.last(Kind::installed)->transfer, number);
  EXPECT_EQ(keeper.served("example."), std::nullopt);
  EXPECT_TRUE(keeper.changed.empty());
  keeper.transfer(Zone("example.", zone_text(2)), 2);
  keeper.publishes = true;
  keeper.settle();
  EXPECT_EQ(keeper.generation, 2u);
  EXPECT_EQ(keeper.served("example."), 2u);
  EXPECT_EQ(keeper.changed.back(), "example.");
}

TEST(ZoneKeeper, TellsTheAgentWhichZonesAreCatalogs) {
  OneCatalog keeper;
  keeper.start();
  EXPECT_TRUE(keeper.last(Kind::follow)->is_catalog);
  keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\n")), 1);
  EXPECT_EQ(keeper.last(Kind::follow)->zone, name_of("a.example."));
  EXPECT_FALSE(keeper.last(Kind::follow)->is_catalog);
}

// ---- many zones -------------------------------------------------------------------------------------------------------

TEST(ZoneKeeper, PublishesOfManyMembersWhatChanges) {
  OneCatalog keeper;
  keeper.start();
  std::string members;
  const auto member = [](int i) { return "n" + std::to_string(i) + ".example."; };
  for (int i = 0; i < 600; ++i) members += "m" + std::to_string(i) + ".zones 0 PTR " + member(i) + "\n";
  keeper.transfer(Zone("catalog.", catalog_text(1, members)), 1);
  int written_whole = 0;
  for (int i = 0; i < 600; i += 2) {
    const zone::Extent before = keeper.set->extent();
    keeper.transfer(Zone(member(i), zone_text(1)), 1);
    written_whole += keeper.set->extent() == before ? 0 : 1;
  }
  EXPECT_LT(written_whole, 30);
  // Another one goes to the place of the last.
  keeper.transfer(Zone("catalog.", catalog_text(2, members.substr(members.find('\n') + 1) + "x.zones 0 PTR x.example.\n")), 2);
  keeper.transfer(Zone("x.example.", zone_text(5)), 5);
  keeper.transfer(Zone(member(4), zone_text(2)), 2);
  keeper.send({.kind = Kind::expired, .zone = name_of(member(6))});
  EXPECT_FALSE(keeper.is_followed(member(0)));
  EXPECT_EQ(keeper.served("x.example."), 5u);
  EXPECT_EQ(keeper.served(member(4)), 2u);
  EXPECT_TRUE(keeper.is_followed(member(6)));
  EXPECT_EQ(keeper.served(member(6)), std::nullopt);
  for (int i = 8; i < 600; i += 2) EXPECT_EQ(keeper.served(member(i)), 1u);
  for (int i = 1; i < 600; i += 2) EXPECT_TRUE(keeper.is_followed(member(i)) && !keeper.served(member(i)).has_value());
}

}  // namespace
}  // namespace samara::secondary
