// From zone texts to versions in service: what a reload changes, what it keeps, and the catalogs made of the zones' names.
#include "server/zone_loader.h"

#include <gtest/gtest.h>

#include <list>
#include <string>

#include "server/catalog_zone.h"
#include "zone/catalog.h"

namespace samara::server {
namespace {

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

class ZoneLoaderTest : public testing::Test {
 protected:
  ZoneLoaderTest() : region_(size_t{32} << 20), loader_(region_) {}

  // A zone's text; the loader reads it at once.
  void give(std::string_view zone, u32 serial, std::string_view records) {
    texts_.push_back("@ 3600 IN SOA ns hostmaster " + std::to_string(serial) + " 3600 600 86400 300\n@ 3600 IN NS ns\n" +
                     "ns 3600 IN A 192.0.2.1\n" + std::string(records));
    const ZoneSource source{.name = name_of(zone), .files = {{"zone", texts_.back()}}};
    for (ZoneSource& old : config_.zones) {
      if (old.name == source.name) {
        old = source;
        return;
      }
    }
    config_.zones.push_back(source);
  }
  bool load(i64 wall = 1'000, const zone::Pause& pause = {}) {
    log_.clear();
    LoadReport report(
        [](void* log, Level, std::string_view line) { (static_cast<std::string*>(log)->append(line)).append("\n"); }, &log_);
    const auto set = loader_.load(config_, UnixTime{wall}, report, pause);
    if (set.has_value()) loader_.published(++generation_);
    return set.has_value() && report.errors() == 0;
  }
  zone::Zone zone(std::string_view name) const { return loader_.zone_in_service(name_of(name)).value(); }

  // A pause of a load in which a zone is changed and published.
  static void change_small(void* of) {
    ZoneLoaderTest& in = *static_cast<ZoneLoaderTest*>(of);
    ++in.pauses_;
    const zone::Zone now = in.zone("small.");
    std::vector<u8> soa(now.soa().first().rdata().begin(), now.soa().first().rdata().end());
    store_be32(soa, soa.size() - 20, now.serial().value() + 1);
    zone::Patch patch;
    patch.delete_record(now.apex(), dns::RrType::SOA, now.soa().first().rdata());
    patch.add_record(now.apex(), dns::RrType::SOA, dns::Ttl(60), soa);
    if (in.loader_.change(now.apex(), patch).ok()) ++in.changes_;
    EXPECT_TRUE(in.loader_.settle());
    EXPECT_TRUE(in.loader_.next_set().has_value());
    in.loader_.published(++in.generation_);
  }

  std::vector<u8> region_;
  ZoneLoader loader_;
  PrimaryConfig config_;
  std::list<std::string> texts_;
  std::string log_;
  u64 generation_ = 0;
  u32 pauses_ = 0;
  u32 changes_ = 0;
};

TEST_F(ZoneLoaderTest, KeepsTheDifferenceOfAReload) {
  give("example.", 1, "a 3600 IN A 192.0.2.2\n");
  ASSERT_TRUE(load()) << log_;
  give("example.", 2, "b 3600 IN A 192.0.2.3\n");
  ASSERT_TRUE(load()) << log_;
  EXPECT_EQ(loader_.take_changed(), std::vector{name_of("example.")});
  std::vector<zone::StoredDifference> steps;
  ASSERT_TRUE(zone::History(zone("example.")).path(dns::Serial(1), steps));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].record_count(), 4U);  // two SOAs, one record deleted, one added
}

TEST_F(ZoneLoaderTest, LeavesAZoneAloneThatAReloadDoesNotChange) {
  give("example.", 1, "");
  ASSERT_TRUE(load());
  const zone::Ref before = zone("example.").header();
  loader_.take_changed();
  ASSERT_TRUE(load());
  EXPECT_EQ(zone("example.").header(), before);
  EXPECT_TRUE(loader_.take_changed().empty());
}

TEST_F(ZoneLoaderTest, AReloadSaysNothingOfWhatStays) {
  give("a.example.", 1, "");
  give("b.example.", 1, "");
  ASSERT_TRUE(load());
  EXPECT_EQ(log_, "zone a.example.: serial 1, 3 records\nzone b.example.: serial 1, 3 records\n");
  give("b.example.", 2, "");
  ASSERT_TRUE(load());
  EXPECT_EQ(log_, "zone b.example.: serial 2, 3 records\n");
  // What is wrong is said as long as it is.
  give("b.example.", 3, "www 3600 IN A 192.0.2.300\n");
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(load());
    EXPECT_NE(log_.find("192.0.2.300"), std::string::npos);
    EXPECT_EQ(log_.find("a.example."), std::string::npos);
  }
  give("b.example.", 2, "");
  ASSERT_TRUE(load());
  EXPECT_EQ(log_, "") << "it is what is served";
}

TEST_F(ZoneLoaderTest, TextsAreKnownByAllThatIsInThem) {
  // Longer than a piece of the hash, of the same length, and different at the end; then at the border of two files.
  const std::string long_comment = ';' + std::string(3 * 4096, 'x') + '\n';
  give("example.", 1, long_comment + "a 3600 IN A 192.0.2.2\n");
  ASSERT_TRUE(load());
  give("example.", 1, long_comment + "a 3600 IN A 192.0.2.3\n");
  ASSERT_TRUE(load());
  EXPECT_NE(log_.find("changed, but its serial is still 1"), std::string::npos) << log_;
}

TEST_F(ZoneLoaderTest, AReloadOfManyZonesCostsWhatChanged) {
  for (int i = 0; i < 5'000; ++i) give("z" + std::to_string(i) + ".example.", 1, "");
  region_.resize(size_t{64} << 20);
  ZoneLoader many(region_);
  const auto load_many = [&] {
    log_.clear();
    LoadReport report(
        [](void* log, Level, std::string_view line) { (static_cast<std::string*>(log)->append(line)).append("\n"); }, &log_);
    return many.load(config_, UnixTime{1}, report).has_value() && report.errors() == 0;
  };
  ASSERT_TRUE(load_many());
  many.take_changed();
  give("z4711.example.", 2, "");
  const size_t before = many.memory_in_use();
  ASSERT_TRUE(load_many());
  EXPECT_EQ(many.take_changed(), std::vector{name_of("z4711.example.")});
  EXPECT_EQ(log_, "zone z4711.example.: serial 2, 3 records\n");
  // Nothing was built but that zone and the set.
  EXPECT_LT(many.memory_in_use() - before, size_t{1} << 20);
  EXPECT_EQ(many.zone_in_service(name_of("Z4711.example."))->serial(), dns::Serial(2));
  EXPECT_FALSE(many.zone_in_service(name_of("z5000.example.")).has_value());
}

TEST_F(ZoneLoaderTest, SaysThatAChangeWithoutANewSerialIsNotNoticed) {
  give("example.", 1, "");
  ASSERT_TRUE(load());
  give("example.", 1, "a 3600 IN A 192.0.2.2\n");
  ASSERT_TRUE(load());
  EXPECT_NE(log_.find("zone example.: changed, but its serial is still 1; secondaries will not notice"), std::string::npos);
  std::vector<zone::StoredDifference> steps;
  EXPECT_TRUE(zone::History(zone("example.")).path(dns::Serial(1), steps));
  EXPECT_TRUE(steps.empty());
}

TEST_F(ZoneLoaderTest, GivesTheMemoryOfEarlierVersionsBackOnceNobodyReadsThem) {
  config_.history = {.differences = 0, .octets = 0};
  give("example.", 1, "");
  ASSERT_TRUE(load());
  const size_t before = loader_.memory_in_use();
  for (u32 serial = 2; serial < 20; ++serial) {
    give("example.", serial, "");
    ASSERT_TRUE(load());
    loader_.release_before(generation_, [](zone::Extent) {});
  }
  EXPECT_LE(loader_.memory_in_use(), before + 4 * zone::extent_alignment);
  config_.zones.clear();
  ASSERT_TRUE(load());
  loader_.release_before(generation_, [](zone::Extent) {});
  EXPECT_LT(loader_.memory_in_use(), before);
}

// A reload of millions of records holds up nobody who changes another zone.
// Zones of all sizes around what fits: the others are served, at the start and after a reload.
TEST(ZoneLoaderMemory, AZoneThatFillsItDoesNotKeepOthersFromBeingServed) {
  constexpr std::string_view apex = "@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN NS ns\n";
  size_t both = 0;
  size_t alone = 0;
  for (size_t records = 1'000; records < 3'500; records += 5) {
    std::string large(apex);
    for (size_t i = 0; i < records; ++i) large += "h" + std::to_string(i) + " 60 IN A 192.0.2.1\n";
    std::vector<u8> region(size_t{256} << 10);
    ZoneLoader loader(region);
    PrimaryConfig config;
    config.zones.push_back({name_of("large."), {{"large", large}}});
    config.zones.push_back({name_of("small."), {{"small", apex}}});
    LoadReport report([](void*, Level, std::string_view) {}, nullptr);
    ASSERT_TRUE(loader.load(config, UnixTime{}, report, {}).has_value()) << records;
    loader.published(1);
    ASSERT_TRUE(loader.load(config, UnixTime{}, report, {}).has_value()) << records;
    (loader.zones_served() == 2 ? both : alone) += loader.zones_served() == 0 ? 0 : 1;
  }
  EXPECT_GT(both, 0U);
  EXPECT_GT(alone, 0U);
}

TEST_F(ZoneLoaderTest, lets_zones_be_changed_and_published_while_a_large_one_is_read) {
  std::string large;
  for (int i = 0; i < 40'000; ++i) large += "n" + std::to_string(i) + " 60 A 192.0.2.1\n";
  give("small.", 1, "");
  give("large.", 1, large);
  ASSERT_TRUE(load()) << log_;
  give("large.", 2, large);
  ASSERT_TRUE(load(1'000, {.call = change_small, .context = this})) << log_;
  EXPECT_GE(pauses_, 20U);
  EXPECT_EQ(changes_, pauses_);
  EXPECT_EQ(zone("small.").serial(), dns::Serial(1 + changes_));
  EXPECT_EQ(zone("large.").serial(), dns::Serial(2));
}

TEST_F(ZoneLoaderTest, leaves_others_memory_to_grow_while_a_large_zone_is_written) {
  std::string large;
  for (int i = 0; i < 40'000; ++i) large += "n" + std::to_string(i * 7'919 % 40'000) + " 60 A 192.0.2.1\n";
  give("large.", 1, large);
  struct Watch {
    ZoneLoader& loader;
    size_t most = 0;
  } watch{loader_};
  ASSERT_TRUE(load(1'000, {.call =
                               [](void* of) {
                                 auto& in = *static_cast<Watch*>(of);
                                 in.most = std::max(in.most, in.loader.memory_in_use());
                               },
                           .context = &watch}));
  EXPECT_GT(watch.most, 0U) << "it is written with pauses";
  EXPECT_LT(watch.most, region_.size() / 2);
}

// A zone is changed at each pause, or at one, while its own file is held against it.
TEST_F(ZoneLoaderTest, decides_anew_when_the_zone_itself_changes_meanwhile) {
  constexpr u32 every_pause = 0;
  u32 pauses = 0;
  for (u32 when = every_pause; when <= pauses; ++when) {
    SCOPED_TRACE(when);
    ZoneLoader loader(region_);
    std::string records;
    for (int i = 0; i < 10'000; ++i) records += "n" + std::to_string(i * 7'919 % 10'000) + " 60 A 192.0.2.1\n";
    config_.zones.clear();
    give("example.", 1, records);
    struct Context {
      ZoneLoaderTest& test;
      ZoneLoader& loader;
      u32 when;
      u32 pauses = 0;
      u32 serial = 1;
    } context{*this, loader, when};
    LoadReport report(
        [](void* log, Level, std::string_view line) { (static_cast<std::string*>(log)->append(line)).append("\n"); }, &log_);
    ASSERT_TRUE(loader.load(config_, UnixTime{1}, report).has_value());
    loader.published(1);
    give("example.", 1'000, records + "new 60 A 192.0.2.1\n");
    log_.clear();
    const zone::Pause pause{.call =
                                [](void* of) {
                                  Context& in = *static_cast<Context*>(of);
                                  ++in.pauses;
                                  if (in.when != every_pause && in.when != in.pauses) return;
                                  const zone::Zone now = in.loader.zone_in_service(name_of("example.")).value();
                                  if (now.serial() == dns::Serial(1'000)) return;  // it has been replaced
                                  const Bytes rdata = now.soa().first().rdata();
                                  std::vector<u8> soa(rdata.begin(), rdata.end());
                                  store_be32(soa, soa.size() - 20, ++in.serial);
                                  zone::Patch patch;
                                  patch.delete_record(now.apex(), dns::RrType::SOA, rdata);
                                  patch.add_record(now.apex(), dns::RrType::SOA, dns::Ttl(60), soa);
                                  EXPECT_TRUE(in.loader.change(now.apex(), patch).ok());
                                  EXPECT_TRUE(in.loader.settle());
                                  EXPECT_TRUE(in.loader.next_set().has_value());
                                },
                            .context = &context};
    ASSERT_TRUE(loader.load(config_, UnixTime{2}, report, pause).has_value());
    const zone::Zone made = loader.zone_in_service(name_of("example.")).value();
    EXPECT_EQ(made.serial(), dns::Serial(1'000));
    EXPECT_TRUE(made.find(name_of("new.example.")).has_value());
    EXPECT_EQ(made.record_count(), 10'004U);
    if (context.serial != 1) {
      EXPECT_NE(log_.find("replaces the zone with serial " + std::to_string(context.serial)), std::string::npos) << log_;
    }
    std::vector<zone::StoredDifference> steps;
    if (when == every_pause) {
      EXPECT_FALSE(zone::History(made).path(dns::Serial(context.serial), steps)) << "it could not be compared";
      EXPECT_LT(context.pauses, 200U);
      pauses = context.pauses;
    } else {
      ASSERT_TRUE(zone::History(made).path(dns::Serial(context.serial), steps));
      EXPECT_EQ(steps.back().record_count(), 3U) << "two SOAs and what is new";
    }
  }
  EXPECT_GT(pauses, 10U);
}

TEST_F(ZoneLoaderTest, refuses_what_is_larger_than_a_zone_may_be_and_keeps_what_it_has) {
  config_.zone_limits = {.max_records = 100, .max_octets = 10'000, .max_records_per_rrset = 3};
  const auto addresses = [](int count) {
    std::string text = "x 60 TXT a\n";
    for (int i = 0; i < count; ++i) text += "www 60 A 192.0.2." + std::to_string(i) + "\n";
    return text;
  };
  give("a.example.", 1, addresses(3));
  ASSERT_TRUE(load()) << log_;
  give("a.example.", 2, addresses(4));
  EXPECT_FALSE(load());
  EXPECT_EQ(log_,
            "zone:8:1: www.a.example. A: more records in one RRset than max-records-per-rrset (3)\n"
            "zone a.example.: not loaded; the version with serial 1 stays in service\n");
  EXPECT_EQ(zone("a.example.").serial(), dns::Serial(1));
  // A limit of the zone's own counts instead, and is looked at though the text is the same.
  config_.zones[0].overrides.limits = {.max_records = 100, .max_octets = 10'000, .max_records_per_rrset = 4};
  ASSERT_TRUE(load()) << log_;
  EXPECT_EQ(zone("a.example.").serial(), dns::Serial(2));
  config_.zones[0].overrides.limits->max_records = 7;
  EXPECT_FALSE(load());
  EXPECT_NE(log_.find("more records in the zone than max-records (7)\n"), std::string::npos) << log_;
  config_.zones[0].overrides.limits = {.max_records = 100, .max_octets = 200, .max_records_per_rrset = 4};
  EXPECT_FALSE(load());
  EXPECT_NE(log_.find("more octets in the zone than max-octets (200)\n"), std::string::npos) << log_;
  EXPECT_EQ(zone("a.example.").serial(), dns::Serial(2));
  give("a.example.", 3, "y 60 A 192.0.2.1\ny 60 TXT a\ny 60 MX 1 y\n");
  config_.zones[0].overrides.limits = {.max_types_per_name = 2};
  EXPECT_FALSE(load());
  EXPECT_NE(log_.find("y.a.example.: more types at one owner than max-types-per-name (2)\n"), std::string::npos) << log_;
}

TEST_F(ZoneLoaderTest, warns_of_sets_that_no_message_can_hold) {
  std::string large;
  for (int i = 0; i < 300; ++i) large += "big 60 TXT " + std::to_string(1000 + i) + std::string(240, 'x') + "\n";
  give("example.", 1, large);
  ASSERT_TRUE(load()) << log_;
  EXPECT_EQ(log_,
            "zone example.: big.example. TXT: no message can hold this set of 300 records: who asks for it gets none of them\n"
            "zone example.: serial 1, 303 records\n");
}

TEST_F(ZoneLoaderTest, MakesACatalogOfItsZones) {
  give("b.example.", 1, "");
  give("a.example.", 1, "");
  config_.catalogs.push_back({.name = name_of("catalog."), .members = {}, .groups = {{"fast", {name_of("b.example.")}}}});
  ASSERT_TRUE(load(5'000)) << log_;
  const zone::Zone made = zone("catalog.");
  EXPECT_EQ(made.serial(), dns::Serial(5'000));
  const auto catalog = zone::Catalog::read(made);
  ASSERT_TRUE(catalog.ok());
  ASSERT_EQ(catalog.value().size(), 2U);
  EXPECT_TRUE(catalog.value()[0].groups.empty());
  EXPECT_FALSE(catalog.value()[1].groups.empty());
}

TEST_F(ZoneLoaderTest, GivesACatalogTheSameSerialAfterARestartAndAHigherOneAfterAnyChange) {
  give("a.example.", 1, "");
  config_.catalogs.push_back({.name = name_of("catalog."), .members = {}, .groups = {}, .written = 4'000});
  ASSERT_TRUE(load(5'000));
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(4'000)) << "whatever the time of the start";
  // Written without a change of members: the zone is the same.
  config_.catalogs[0].written = 4'500;
  ASSERT_TRUE(load(5'100));
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(4'000));
  give("b.example.", 1, "");
  config_.catalogs[0].written = 5'200;
  ASSERT_TRUE(load(5'201));
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(5'200)) << "as a start would have it now";
  give("c.example.", 1, "");
  ASSERT_TRUE(load(5'202));  // within the same second
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(5'201));
  // Around the circle (RFC 1982).
  give("d.example.", 1, "");
  config_.catalogs[0].written = u64{0xffff'ffff} + 5;
  ASSERT_TRUE(load(5'203));
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(5'202)) << "less than half a circle back";
}

TEST_F(ZoneLoaderTest, TellsOfChangedCatalogsFirst) {
  give("a.example.", 1, "");
  config_.catalogs.push_back({.name = name_of("catalog."), .members = {}, .groups = {}});
  ASSERT_TRUE(load(1));
  const auto changed = loader_.take_changed();
  EXPECT_EQ(changed, (std::vector{name_of("catalog."), name_of("a.example.")}));
}

TEST_F(ZoneLoaderTest, GivesACatalogANewSerialOnlyWhenItsZonesChange) {
  give("a.example.", 1, "");
  config_.catalogs.push_back({.name = name_of("catalog."), .members = {}, .groups = {}});
  ASSERT_TRUE(load(5'000));
  give("a.example.", 2, "");
  ASSERT_TRUE(load(6'000));
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(5'000));
  give("b.example.", 1, "");
  ASSERT_TRUE(load(4'000));  // the clock went back
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(5'001));
  std::vector<zone::StoredDifference> steps;
  EXPECT_TRUE(zone::History(zone("catalog.")).path(dns::Serial(5'000), steps));
  give("c.example.", 1, "");
  ASSERT_TRUE(load(9'000));
  EXPECT_EQ(zone("catalog.").serial(), dns::Serial(9'000));
}

}  // namespace
}  // namespace samara::server
