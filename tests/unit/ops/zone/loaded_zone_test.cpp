#include "ops/zone/loaded_zone.h"

#include <gtest/gtest.h>

#include "ops/files.h"

namespace samara::ops {
namespace {

const std::string config_folder = SAMARA_TEST_DATA "/config/zones/";
const std::string zones_folder = SAMARA_TEST_DATA "/../../zones/";

dns::Name name(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

TEST(ZoneNameOfFile, IsTheFileNameLessItsSuffix) {
  EXPECT_EQ(zone_name_of_file("zones/example.com.zone"), name("example.com."));
  EXPECT_EQ(zone_name_of_file("example.com"), name("example.com."));
  EXPECT_EQ(zone_name_of_file("/a.b/2.0.192.in-addr.arpa.zone"), name("2.0.192.in-addr.arpa."));
  EXPECT_FALSE(zone_name_of_file("a..b.zone").has_value());
  EXPECT_FALSE(zone_name_of_file("zones/.zone").has_value());
  EXPECT_FALSE(zone_name_of_file("zones/").has_value());
}

TEST(LoadedZone, ReadsWhatIsIncluded) {
  Diagnostics found;
  const auto loaded = LoadedZone::load(config_folder + "example.com.zone", {}, found);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(found.all().empty());
  EXPECT_EQ(loaded->zone().record_count(), 4U);
  EXPECT_TRUE(loaded->zone().find(name("www.example.com."), dns::RrType::A).has_value());
}

TEST(LoadedZone, ExampleZonesAreFreeOfErrorsAndWarnings) {
  constexpr UnixTime when{1'800'000'000};  // in 2027, within the years their signatures are good for
  for (const char* zone : {"example.com", "2.0.192.in-addr.arpa", "nsec.example", "nsec3.example"}) {
    Diagnostics found;
    EXPECT_TRUE(LoadedZone::load_and_check(zones_folder + zone + ".zone", {}, when, found).has_value()) << zone;
    for (const Diagnostic& diagnostic : found.all()) ADD_FAILURE() << diagnostic.to_text();
  }
}

TEST(LoadedZone, SignaturesAreCheckedAtTheTimeAsked) {
  for (const i64 seconds : {1'500'000'000, 2'147'000'000}) {  // 2017 and 2038
    Diagnostics found;
    LoadedZone::load_and_check(zones_folder + "nsec.example.zone", {}, UnixTime{seconds}, found);
    EXPECT_FALSE(found.good()) << seconds;
  }
}

TEST(LoadedZone, warns_of_signatures_that_end_without_taking_the_zone_for_bad) {
  constexpr UnixTime later{2'500'000'000};
  Diagnostics found;
  const auto loaded = LoadedZone::load_and_check(zones_folder + "nsec.example.zone", {}, std::nullopt, found);
  ASSERT_TRUE(loaded.has_value());
  loaded->warn_of_signatures(UnixTime{1'800'000'000}, Duration::seconds(86'400), found);
  EXPECT_TRUE(found.all().empty());
  loaded->warn_of_signatures(later, Duration::seconds(86'400), found);
  EXPECT_TRUE(found.good());
  ASSERT_EQ(found.all().size(), 1U);
  EXPECT_NE(found.all()[0].to_text().find("signed sets have expired"), std::string::npos) << found.all()[0].to_text();
}

TEST(LoadedZone, MissingFilesAreNamedWithThePlaceThatAsksForThem) {
  Diagnostics found;
  EXPECT_FALSE(LoadedZone::load(config_folder + "broken-include.zone", {}, found).has_value());
  ASSERT_EQ(found.all().size(), 1U);
  EXPECT_EQ(found.all().front().to_text(),
            config_folder + "broken-include.zone:2:10: zone file \"" + config_folder +
                "nowhere.inc\" cannot be read: No such file or directory (expected a readable file)");
}

TEST(LoadedZone, AnotherNameThanTheFilesMakesItsRecordsForeign) {
  Diagnostics found;
  EXPECT_FALSE(LoadedZone::load(zones_folder + "example.com.zone", name("example.net."), found).has_value());
  ASSERT_FALSE(found.all().empty());
  EXPECT_EQ(found.all().front().at.file, zones_folder + "example.com.zone");
  EXPECT_EQ(found.all().front().at.line, 14U);  // the SOA, under $ORIGIN example.com.
}

}  // namespace
}  // namespace samara::ops
