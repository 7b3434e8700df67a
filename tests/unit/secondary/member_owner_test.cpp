// Which of several catalogs has a zone that all of them name, also over a restart (RFC 9432 sections 4.4.1, 5.2 and 5.6).
#include "../log_lines.h"
#include "../zone/store/store_version.h"
#include "keeper_life.h"

namespace samara::secondary {
namespace {

const server::PeerList second_primary{{*Endpoint::parse("192.0.2.2:53"), std::nullopt}};

struct TwoCatalogs : Keeper {
  TwoCatalogs() {
    for (const char* name : {"first.", "second."}) {
      config.catalogs.push_back({.name = name_of(name),
                                 .primaries = config.catalogs.empty() ? one_primary : second_primary,
                                 .member_primaries = {},
                                 .overrides = {}});
    }
  }
  void name(u32 catalog, u32 serial, std::string_view members) {
    const char* const names[] = {"first.", "second."};
    transfer(Zone(names[catalog], catalog_text(serial, members)), serial);
  }
  std::optional<AgentMessage> follow(std::string_view zone) const {
    std::optional<AgentMessage> found;
    for (const AgentMessage& message : told) {
      if (message.kind == Kind::follow && message.zone == name_of(zone)) found = message;
    }
    return found;
  }
  // The catalog that has the zone, as the workers were told.
  std::optional<u16> owner(std::string_view zone) const {
    const auto found = follow(zone);
    return is_followed(zone) && found.has_value() ? found->catalog : std::nullopt;
  }
  // Until what was confirmed is on the medium.
  void wait() {
    at.now = keeper->next_deadline();
    keeper->work(at);
    settle();
  }
};

constexpr std::string_view by_x = "x.zones 0 PTR a.example.\n";
constexpr std::string_view by_y = "y.zones 0 PTR a.example.\n";

// `owner` has a.example. under the label x with data of serial 4, and the other catalog, which is number 1 - owner, names it.
void run_with_a_claim(Restarts& restarts, u32 owner, std::string_view claim) {
  TwoCatalogs keeper;
  restarts.start(keeper);
  keeper.name(owner, 1, by_x);
  keeper.transfer(Zone("a.example.", zone_text(4)), 4);
  keeper.name(1 - owner, 1, claim);
  EXPECT_EQ(keeper.owner("a.example."), owner);
}

TEST(MemberOwner, StaysTheSameOverARestartWhicheverCatalogIsListedFirst) {
  for (const u32 owner : {0U, 1U}) {
    Restarts restarts;
    run_with_a_claim(restarts, owner, by_y);
    for (int restart = 0; restart < 2; ++restart) {
      TwoCatalogs keeper;
      restarts.start(keeper);
      EXPECT_EQ(keeper.owner("a.example."), owner);
      EXPECT_EQ(keeper.served("a.example."), 4u);
      keeper.name(1 - owner, 2 + static_cast<u32>(restart), by_y);
      EXPECT_EQ(keeper.owner("a.example."), owner);
    }
  }
}

TEST(MemberOwner, OfAZoneThatWasNeverTransferredStaysTheSameToo) {
  for (const u32 owner : {0U, 1U}) {
    Restarts restarts;
    {
      TwoCatalogs keeper;
      restarts.start(keeper);
      keeper.name(owner, 1, by_x);
      keeper.name(1 - owner, 1, by_y);
    }
    TwoCatalogs keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.owner("a.example."), owner);
    keeper.name(owner, 2, "");
    EXPECT_EQ(keeper.owner("a.example."), 1 - owner);
  }
}

TEST(MemberOwner, ThatLetsGoAfterARestartLeavesTheZoneToTheOtherWithoutWhatWasKeptOfIt) {
  for (const u32 owner : {0U, 1U}) {
    Restarts restarts;
    run_with_a_claim(restarts, owner, by_x);
    {
      TwoCatalogs keeper;
      restarts.start(keeper);
      keeper.name(owner, 2, "");
      EXPECT_EQ(keeper.owner("a.example."), 1 - owner);
      EXPECT_EQ(keeper.served("a.example."), std::nullopt);
    }
    TwoCatalogs keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.owner("a.example."), 1 - owner);
  }
}

TEST(MemberOwner, TellsOfAFewMembersByNameThatACatalogDoesNotGetAndOfTheOthersByNumber) {
  TwoCatalogs keeper;
  keeper.start();
  std::string members;
  for (int i = 0; i < 40; ++i) members += "m" + std::to_string(i) + ".zones 0 PTR z" + std::to_string(i) + ".example.\n";
  keeper.name(0, 1, members);
  for (u32 serial = 1; serial <= 2; ++serial) {
    const LogLines log;
    keeper.name(1, serial, members);
    EXPECT_EQ(log.count("catalog second.: member z"), 5u);
    EXPECT_EQ(log.count("is ignored: the zone is a member of another catalog"), 5u);
    EXPECT_EQ(log.count("catalog second.: 35 more members are ignored"), 1u);
  }
  const LogLines log;
  keeper.name(1, 3, members.substr(0, members.find("m5.")));
  EXPECT_EQ(log.count("catalog second.: member z"), 5u);
  EXPECT_EQ(log.count("more members are ignored"), 0u);
}

TEST(MemberOwner, KeepsAZoneWhenItsOwnVersionIsLostAndForgetsItWhenTheLabelHasChangedMeanwhile) {
  for (const bool same_label : {true, false}) {
    Restarts restarts;
    run_with_a_claim(restarts, 1, by_y);
    {
      zone::store::SeededRng rng{2};
      const auto archive = ZoneArchive::open(restarts.storage, rng);
      archive->remove(name_of("second."));
      ASSERT_TRUE(archive->sync());
    }
    TwoCatalogs keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.owner("a.example."), 1u);
    EXPECT_EQ(keeper.served("a.example."), 4u);
    keeper.name(1, 2, same_label ? by_x : by_y);
    EXPECT_EQ(keeper.owner("a.example."), 1u);
    EXPECT_EQ(keeper.served("a.example."), same_label ? std::optional(4u) : std::nullopt);
    EXPECT_EQ(keeper.follow("a.example.")->held.has_value(), same_label);
  }
}

TEST(MemberOwner, ResetsAZoneWhoseLabelChangedWhileTheServerWasDown) {
  Restarts restarts;
  run_with_a_claim(restarts, 1, by_y);
  {
    TwoCatalogs keeper;
    restarts.start(keeper);
    keeper.name(1, 2, "z.zones 0 PTR a.example.\n");
    EXPECT_EQ(keeper.owner("a.example."), 1u);
    EXPECT_EQ(keeper.served("a.example."), std::nullopt);
    keeper.transfer(Zone("a.example.", zone_text(9)), 9);
  }
  TwoCatalogs keeper;
  restarts.start(keeper);
  EXPECT_EQ(keeper.owner("a.example."), 1u);
  EXPECT_EQ(keeper.served("a.example."), 9u);
}

// The owner's agreement and the new owner's claim came while the server was down; which is transferred first is chance.
TEST(MemberOwner, HandsAZoneOverThatWasAgreedUponWhileTheServerWasDown) {
  for (const bool agreement_first : {true, false}) {
    for (const bool same_label : {true, false}) {
      Restarts restarts;
      run_with_a_claim(restarts, 1, "");
      {
        TwoCatalogs keeper;
        restarts.start(keeper);
        for (const bool agreement : {agreement_first, !agreement_first}) {
          if (agreement) keeper.name(1, 2, std::string(by_x) + "coo.x.zones 0 PTR first.\n");
          if (!agreement) keeper.name(0, 2, same_label ? by_x : by_y);
        }
        EXPECT_EQ(keeper.owner("a.example."), 0u);
        EXPECT_EQ(keeper.served("a.example."), same_label ? std::optional(4u) : std::nullopt);
        EXPECT_EQ(keeper.follow("a.example.")->group, keeper.follow("first.")->group);
      }
      TwoCatalogs keeper;
      restarts.start(keeper);
      EXPECT_EQ(keeper.owner("a.example."), 0u);
      keeper.name(1, 3, "");
      EXPECT_EQ(keeper.owner("a.example."), 0u);
    }
  }
}

// The manifest names another catalog in place of the one that had the zone.
TEST(MemberOwner, ThatIsConfiguredNoMoreLeavesWhatWasKeptToTheSameLabelInAnother) {
  for (const bool same_label : {true, false}) {
    Restarts restarts;
    run_with_a_claim(restarts, 1, same_label ? by_x : by_y);
    TwoCatalogs keeper;
    keeper.config.catalogs.pop_back();
    restarts.start(keeper);
    EXPECT_EQ(keeper.owner("a.example."), 0u);
    EXPECT_EQ(keeper.served("a.example."), same_label ? std::optional(4u) : std::nullopt);
  }
}

TEST(MemberOwner, IsForgottenWhenTheZoneIsConfigured) {
  Restarts restarts;
  run_with_a_claim(restarts, 1, "");
  {
    TwoCatalogs keeper;
    keeper.config.zones.push_back({name_of("a.example."), one_primary, {}});
    restarts.start(keeper);
    EXPECT_EQ(keeper.owner("a.example."), std::nullopt);
    EXPECT_EQ(keeper.served("a.example."), 4u);
    keeper.wait();
    EXPECT_FALSE(keeper.archive->mark_of(name_of("a.example.")).is_there());
  }
}

// As a build left it that did not remember whose a member is.
TEST(MemberOwner, IsTheFirstListedOnceWhereAnEarlierBuildKeptTheStore) {
  Restarts restarts;
  run_with_a_claim(restarts, 1, by_y);
  {
    zone::store::SeededRng rng{2};
    const auto archive = ZoneArchive::open(restarts.storage, rng);
    const auto now = Instant::since_boot(Duration::seconds(1));
    auto state = *archive->find(name_of("a.example."))->state;
    state.member = {};
    archive->confirm(now, name_of("a.example."), state);
    ASSERT_TRUE(archive->sync());
    zone::store::set_versions(restarts.storage.content(), 2);
    restarts.storage.medium = restarts.storage.content();
  }
  {
    TwoCatalogs keeper;
    restarts.start(keeper);
    EXPECT_EQ(keeper.owner("a.example."), 0u);
    EXPECT_EQ(keeper.served("a.example."), 4u);
    keeper.wait();
  }
  const auto versions = zone::store::versions_of(restarts.storage.medium);
  EXPECT_EQ(versions, std::vector<u16>(versions.size(), zone::store::format_version));
  TwoCatalogs keeper;
  std::swap(keeper.config.catalogs[0], keeper.config.catalogs[1]);
  restarts.start(keeper);
  EXPECT_EQ(keeper.owner("a.example."), 1u);
  EXPECT_EQ(keeper.served("a.example."), 4u);
}

// Its label changes between the end of its transfer and when it would have been written to the storage.
TEST(MemberOwner, ResetsAZoneThatIsStillToBeStored) {
  Restarts restarts;
  TwoCatalogs keeper;
  restarts.start(keeper);
  keeper.name(0, 1, by_x);
  keeper.works = false;
  keeper.transfer(Zone("a.example.", zone_text(4)), 4);
  keeper.name(0, 2, by_y);
  keeper.works = true;
  keeper.settle();
  EXPECT_EQ(keeper.served("a.example."), std::nullopt);
  EXPECT_FALSE(keeper.archive->find(name_of("a.example.")).has_value());
  keeper.transfer(Zone("a.example.", zone_text(5)), 5);
  EXPECT_EQ(keeper.archive->find(name_of("a.example."))->serial, dns::Serial(5));
}

}  // namespace
}  // namespace samara::secondary
