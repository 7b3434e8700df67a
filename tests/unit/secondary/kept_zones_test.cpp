#include "keeper_life.h"

namespace samara::secondary {
namespace {

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

// A catalog that broke before there was a rule to keep its last good version, or that was stored as an ordinary zone.
TEST(ZoneKeeper, WhatIsKeptOfMembersOutlivesACatalogThatIsKeptBroken) {
  const Zone broken("catalog.", "@ 0 SOA invalid. invalid. 2 3600 600 604800 0\n@ 0 NS invalid.\n");
  Restarts restarts;
  {
    Keeper keeper;
    for (const char* name : {"catalog.", "a.example."}) keeper.config.zones.push_back({name_of(name), one_primary, {}});
    restarts.start(keeper);
    keeper.transfer(broken, 2);
    keeper.transfer(Zone("a.example.", zone_text(4)), 4);
  }
  OneCatalog keeper;
  restarts.start(keeper);
  EXPECT_EQ(keeper.served("catalog."), 2u);
  keeper.transfer(Zone("catalog.", catalog_text(3, "m1.zones 0 PTR a.example.\n")), 3);
  EXPECT_EQ(keeper.served("a.example."), 4u);
}

}  // namespace
}  // namespace samara::secondary
