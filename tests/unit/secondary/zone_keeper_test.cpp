#include "secondary/zone_keeper.h"

#include "../zone/master_file_zone.h"
#include "../zone/store/crashing_storage.h"
#include "platform/runtime/application.h"
#include "server/loader_messages.h"

namespace samara::secondary {
namespace {

using Kind = AgentMessageKind;
using zone::name_of;

const server::PeerList one_primary{{*Endpoint::parse("192.0.2.1:53"), std::nullopt}};
const server::PeerList other_primary{{*Endpoint::parse("192.0.2.2:53"), u16{0}}};

// Records as a primary would send them, from a master file's lines.
struct Zone {
  explicit Zone(std::string_view apex, std::string text) : apex(name_of(apex)), text(std::move(text)) {}
  template <class F>
  void for_each(F&& f) const {
    const zone::SourceFile file{"test.zone", text};
    zone::MasterFile reader(std::span(&file, 1), apex);
    zone::Record record;
    for (auto more = reader.next(record); more.ok() && more.value(); more = reader.next(record)) f(record);
  }
  dns::Name apex;
  std::string text;
};

std::string zone_text(u32 serial, std::string_view more = "") {
  return "@ 60 SOA ns host " + std::to_string(serial) + " 7200 900 604800 300\n@ 60 NS ns\n" + std::string(more);
}

void write_record(ItemTag tag, const zone::Record& record, ByteWriter& out) {
  out.u8(static_cast<u8>(tag));
  out.bytes(record.owner->wire());
  out.u16(dns::code(record.type));
  out.u16(1);
  out.u32(record.ttl.seconds());
  out.u16(static_cast<u16>(record.rdata.size()));
  out.bytes(record.rdata);
}

// A keeper, what it publishes and what it tells the workers.
struct Keeper {
  zone::TestRegion region{size_t{64} << 20};
  server::SecondaryConfig config;
  zone::store::SeededRng rng{1};
  std::unique_ptr<ZoneArchive> archive;
  std::optional<ZoneKeeper> keeper;
  std::optional<zone::ZoneSet> set;
  u64 generation = 0;
  Moment at{.now = Instant::since_boot(Duration::seconds(100)), .wall = {1'000'000}};
  std::vector<AgentMessage> told;         // worker 0
  std::vector<AgentMessage> told_others;  // worker 1
  std::vector<std::string> changed;
  server::ReloadedSettings<server::SecondaryConfig> settings{server::read_secondary_config};
  std::optional<size_t> settings_came_behind;  // so many messages
  u32 transfers = 0;

  void start(hal::Storage* storage = nullptr) {
    if (storage != nullptr) archive = ZoneArchive::open(*storage, rng);
    keeper.emplace(config, region.bytes(), archive.get(), rng);
    keeper->start(at);
    settle();
  }
  void settle() {
    if (keeper->is_changed()) {
      set = keeper->next_set();
      ASSERT_TRUE(set.has_value());
      keeper->published(++generation);
      keeper->release_before(generation, [](zone::Extent) {});
    }
    EXPECT_TRUE(keeper->send_all(2, [&](u32 worker, Bytes octets) {
      if (server::kind_of(octets) == server::LoaderMessage::zones_changed) {
        server::for_each_changed_zone(octets, [&](const dns::Name& name) { changed.push_back(zone::text_of(name)); });
        return true;
      }
      if (server::kind_of(octets) == server::LoaderMessage::zone_settings) {
        if (const auto* config = settings.on_message(octets); worker == 0 && config != nullptr) {
          settings_came_behind = told.size();
        }
        return true;
      }
      (worker == 0 ? told : told_others).push_back(MUST(read_message(octets)));
      return true;
    }));
    for (int i = 0; keeper->has_work() && i < 1000; ++i) keeper->work(at);
    EXPECT_FALSE(keeper->has_work());
    if (keeper->is_changed()) settle();
  }
  void send(AgentMessage message, u32 worker = 0) {
    std::vector<u8> octets(runtime::max_message);
    ByteWriter out(octets);
    write_message(message, out);
    keeper->on_message(at, worker, out.written());
    settle();
  }
  void send_batch(const dns::Name& zone, u32 transfer, Bytes items) {
    send({.kind = Kind::batch, .transfer = transfer, .zone = zone, .items = items});
  }
  // A whole zone; the number of the transfer.
  u32 transfer(const Zone& zone, u32 serial) {
    std::vector<u8> octets(max_batch_size);
    ByteWriter out(octets);
    write_whole(dns::Serial(serial), out);
    zone.for_each([&](const zone::Record& record) { write_record(ItemTag::added, record, out); });
    write_end(std::nullopt, out);
    send_batch(zone.apex, ++transfers, out.written());
    return transfers;
  }
  // Steps from one serial to the next: the lines deleted and added, SOAs first.
  struct Step {
    std::string deleted;
    std::string added;
  };
  u32 differences(std::string_view apex, u32 from, u32 to, const std::vector<Step>& steps) {
    std::vector<u8> octets(max_batch_size);
    ByteWriter out(octets);
    write_steps(dns::Serial(from), dns::Serial(to), out);
    for (const Step& step : steps) {
      Zone(apex, step.deleted).for_each([&](const zone::Record& record) {
        write_record(record.type == dns::RrType::SOA ? ItemTag::old_soa : ItemTag::removed, record, out);
      });
      Zone(apex, step.added).for_each([&](const zone::Record& record) {
        write_record(record.type == dns::RrType::SOA ? ItemTag::new_soa : ItemTag::added, record, out);
      });
    }
    write_end(std::nullopt, out);
    send_batch(name_of(apex), ++transfers, out.written());
    return transfers;
  }
  std::optional<u32> served(std::string_view apex) const {
    const auto match = set->at(name_of(apex));
    if (!match.has_value() || !match->zone.has_value()) return std::nullopt;
    return match->zone->serial().value();
  }
  bool has(std::string_view apex, std::string_view name) const {
    return set->at(name_of(apex))->zone->find(name_of(name)).has_value();
  }
  bool is_followed(std::string_view apex) const { return set->at(name_of(apex)).has_value(); }
  std::optional<AgentMessage> last(Kind kind) const {
    std::optional<AgentMessage> found;
    for (const AgentMessage& message : told) {
      if (message.kind == kind) found = message;
    }
    return found;
  }
  size_t count(Kind kind) const { return static_cast<size_t>(std::ranges::count(told, kind, &AgentMessage::kind)); }
};

std::string soa_line(u32 serial) {
  return "@ 60 SOA ns host " + std::to_string(serial) + " 7200 900 604800 300\n";
}

struct OneZone : Keeper {
  OneZone() {
    config.zones.push_back({name_of("example."), one_primary, {}});
    start();
  }
};

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
  EXPECT_EQ(installed->soa, (SoaFields{dns::Serial(7), 7200, 900, 604'800}));
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

std::string catalog_text(u32 serial, std::string_view members) {
  return "@ 0 SOA invalid. invalid. " + std::to_string(serial) + " 3600 600 604800 0\n@ 0 NS invalid.\nversion 0 TXT \"2\"\n" +
         std::string(members);
}

struct OneCatalog : Keeper {
  OneCatalog() {
    config.catalogs.push_back({.name = name_of("catalog."), .primaries = one_primary, .member_primaries = {}, .overrides = {}});
  }
};

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

// ---- storage --------------------------------------------------------------------------------------------------------

struct Restarts {
  zone::store::CrashingStorage storage{u64{4} << 20};
  // A keeper on what is certain to be on the medium now.
  template <class K>
  void start(K& keeper) {
    storage = zone::store::CrashingStorage(storage.medium, 512);
    keeper.start(&storage);
  }
};

struct Kept : Keeper {
  Kept() { config.zones.push_back({name_of("example."), one_primary, {}}); }
};

TEST(ZoneKeeper, ServesWhatWasKeptWithTheTimeThatIsLeft) {
  Restarts restarts;
  {
    Kept keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("example.", zone_text(1)), 1);
    keeper.differences("example.", 1, 2, {{soa_line(1), soa_line(2) + "b 60 A 192.0.2.1\n"}});
  }
  Kept keeper;
  keeper.at = {.now = Instant::since_boot(Duration::seconds(5)), .wall = {1'000'000 + 4'800}};
  restarts.start(keeper);
  EXPECT_EQ(keeper.served("example."), 2u);
  EXPECT_TRUE(keeper.has("example.", "b.example."));
  const auto follow = keeper.last(Kind::follow);
  ASSERT_TRUE(follow->held.has_value());
  EXPECT_EQ(follow->held->soa.serial, dns::Serial(2));
  EXPECT_EQ(follow->held->expires_in, Duration::seconds(600'000));
}

TEST(ZoneKeeper, AKeptZoneLivesNoLongerThanExpireWhenTheClockWasSetBack) {
  Restarts restarts;
  {
    Kept keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("example.", zone_text(1)), 1);
  }
  Kept keeper;
  keeper.at.wall.seconds -= 500'000;
  restarts.start(keeper);
  EXPECT_EQ(keeper.served("example."), 1u);
  EXPECT_EQ(keeper.last(Kind::follow)->held->expires_in, Duration::seconds(604'800));
}

TEST(ZoneKeeper, WhatWasConfirmedLivesLonger) {
  Restarts restarts;
  {
    Kept keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("example.", zone_text(1)), 1);
    keeper.at.wall.seconds += 600'000;
    keeper.send({.kind = Kind::confirmed, .zone = name_of("example."), .expires_in = Duration::seconds(604'800)});
    keeper.at.now = keeper.keeper->next_deadline();
    keeper.keeper->work(keeper.at);
  }
  Kept keeper;
  keeper.at.wall.seconds += 700'000;
  restarts.start(keeper);
  EXPECT_EQ(keeper.served("example."), 1u);
}

TEST(ZoneKeeper, DoesNotServeWhatExpiredMeanwhile) {
  Restarts restarts;
  {
    Kept keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("example.", zone_text(1)), 1);
  }
  Kept keeper;
  keeper.at.wall.seconds += 604'800;
  restarts.start(keeper);
  EXPECT_EQ(keeper.served("example."), std::nullopt);
  EXPECT_FALSE(keeper.last(Kind::follow)->held.has_value());
}

TEST(ZoneKeeper, AFullStorageCostsOnlyTheStoring) {
  Restarts restarts;
  restarts.storage = zone::store::CrashingStorage(zone::store::min_store_size);
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "a" + std::to_string(i) + " 60 A 192.0.2.1\n";
  {
    Kept keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("example.", zone_text(1)), 1);
    std::vector<u8> octets(max_batch_size);
    // Twenty thousand records come in several batches.
    const Zone large("example.", zone_text(2, many));
    ByteWriter out(octets);
    ++keeper.transfers;
    write_whole(dns::Serial(2), out);
    large.for_each([&](const zone::Record& record) {
      if (out.remaining() < 1000) {
        keeper.send_batch(large.apex, keeper.transfers, out.written());
        out = ByteWriter(octets);
      }
      write_record(ItemTag::added, record, out);
    });
    write_end(std::nullopt, out);
    keeper.send_batch(large.apex, keeper.transfers, out.written());
    EXPECT_EQ(keeper.served("example."), 2u);
  }
  Kept keeper;
  restarts.start(keeper);
  EXPECT_EQ(keeper.served("example."), 1u);
}

TEST(ZoneKeeper, AFailingStorageCostsOnlyTheStoring) {
  Restarts restarts;
  Kept keeper;
  restarts.start(keeper);
  restarts.storage.fail_after = 0;
  keeper.transfer(Zone("example.", zone_text(1)), 1);
  keeper.transfer(Zone("example.", zone_text(2)), 2);
  EXPECT_EQ(keeper.served("example."), 2u);
}

TEST(ZoneKeeper, RestoresACatalogWithItsMembersAndForgetsWhatLeft) {
  Restarts restarts;
  {
    OneCatalog keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\nm2.zones 0 PTR b.example.\n")), 1);
    keeper.transfer(Zone("a.example.", zone_text(4)), 4);
    keeper.transfer(Zone("b.example.", zone_text(5)), 5);
  }
  {
    OneCatalog keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.served("a.example."), 4u);
    EXPECT_EQ(keeper.served("b.example."), 5u);
    keeper.transfer(Zone("catalog.", catalog_text(2, "m1.zones 0 PTR a.example.\n")), 2);
  }
  {
    OneCatalog keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.served("a.example."), 4u);
    EXPECT_FALSE(keeper.is_followed("b.example."));
    keeper.transfer(Zone("catalog.", catalog_text(3, "m1.zones 0 PTR a.example.\nm2.zones 0 PTR b.example.\n")), 3);
    EXPECT_EQ(keeper.served("b.example."), std::nullopt);
  }
}

TEST(ZoneKeeper, ABrokenCatalogKeepsItsMembersAlsoOverARestart) {
  Restarts restarts;
  {
    OneCatalog keeper;
    restarts.start(keeper);
    keeper.transfer(Zone("catalog.", catalog_text(1, "m1.zones 0 PTR a.example.\n")), 1);
    keeper.transfer(Zone("a.example.", zone_text(4)), 4);
    keeper.transfer(Zone("catalog.", "@ 0 SOA invalid. invalid. 2 3600 600 604800 0\n@ 0 NS invalid.\n"), 2);
    EXPECT_EQ(keeper.served("catalog."), 2u);
    EXPECT_TRUE(keeper.is_followed("a.example."));
    EXPECT_EQ(keeper.served("a.example."), 4u);
  }
  for (int restart = 0; restart < 2; ++restart) {
    OneCatalog keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.served("a.example."), 4u);
    keeper.transfer(Zone("catalog.", "@ 0 SOA invalid. invalid. 2 3600 600 604800 0\n@ 0 NS invalid.\n"), 2);
    EXPECT_EQ(keeper.served("a.example."), 4u);
  }
}

}  // namespace
}  // namespace samara::secondary
