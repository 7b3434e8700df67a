#include "zone/format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "master_file_zone.h"

namespace samara::zone {
namespace {

std::string formatted(const Zone& zone) {
  std::string all;
  write_zone(zone, [&all](std::string_view line) { all += line; });
  return all;
}

TEST(Format, WritesTheSoaFirstAndTheRestInCanonicalOrder) {
  TestZones zones;
  const Zone zone = zones.build(
      "$TTL 60\n"
      "z A 192.0.2.3\n"
      "*.z A 192.0.2.4\n"
      "Www.Example. 30 A 192.0.2.2\n"
      "www 30 A 192.0.2.1\n"
      "a.b TXT \"x y\" z\n"
      "@ NS NS1\n"
      "@ SOA ns1 h\\.m 1 2 3 4 5\n"
      "@ A 192.0.2.9\n");
  EXPECT_EQ(formatted(zone),
            "example. 60 IN SOA ns1.example. h\\.m.example. 1 2 3 4 5\n"
            "example. 60 IN A 192.0.2.9\n"
            "example. 60 IN NS NS1.example.\n"
            "a.b.example. 60 IN TXT \"x y\" \"z\"\n"
            "www.example. 30 IN A 192.0.2.1\n"
            "www.example. 30 IN A 192.0.2.2\n"
            "z.example. 60 IN A 192.0.2.3\n"
            "*.z.example. 60 IN A 192.0.2.4\n");
}

TEST(Format, PutsSignaturesBehindWhatTheyCover) {
  TestZones zones;
  const std::string text =
      "example. 60 IN SOA a.example. b.example. 1 2 3 4 5\n"
      "example. 60 IN RRSIG SOA 13 1 60 20260101000000 20250101000000 1 example. AAAA\n"
      "example. 60 IN NS a.example.\n"
      "a.example. 60 IN A 192.0.2.1\n"
      "a.example. 60 IN RRSIG A 13 2 60 20260101000000 20250101000000 1 example. AAAA\n"
      "a.example. 60 IN TXT \"x\"\n"
      "a.example. 60 IN RRSIG TXT 13 2 60 20260101000000 20250101000000 1 example. AAAA\n";
  EXPECT_EQ(formatted(zones.build(text)), text);
}

TEST(Format, ReadsBackAsTheSameZone) {
  // Every test zone whose apex is example. or example.com.
  namespace fs = std::filesystem;
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(SAMARA_TEST_DATA "/zone/zonemd")) {
    if (entry.path().filename().string().find("root-servers") != std::string::npos) continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    TestZones zones;
    const std::string once = formatted(zones.build(text.str()));
    const std::string twice = formatted(zones.build(once));
    EXPECT_EQ(once, twice) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3u);
}

TEST(Format, WritesTheRootZone) {
  TestZones zones(".");
  EXPECT_EQ(formatted(zones.build(". 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.\nCOM. 60 NS a.\n")),
            ". 60 IN SOA a. b. 1 2 3 4 5\n. 60 IN NS a.\ncom. 60 IN NS a.\n");
}

TEST(Format, HasRoomForTheLongestRecords) {
  // An NSEC that lists every type, and rdata of the greatest size.
  std::string all_types = "x 60 NSEC x";
  for (int type = 1; type < 65536; ++type) all_types += " TYPE" + std::to_string(type);
  TestZones zones;
  const Zone zone = zones.build("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n" + all_types + "\ny 60 TYPE65280 \\# 64866 " +
                                std::string(size_t{2} * 64'866, 'a') + "\n");
  const std::string text = formatted(zone);
  EXPECT_NE(text.find(" TYPE65535\n"), std::string::npos);
  EXPECT_EQ(formatted(zones.build(text)), text);
}

}  // namespace
}  // namespace samara::zone
