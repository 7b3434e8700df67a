#include "zone/zonemd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "master_file_zone.h"

namespace samara::zone {
namespace {

std::string example(const std::string& name) {
  std::ifstream in(std::string(SAMARA_TEST_DATA "/zone/zonemd/") + name + ".zone");
  EXPECT_TRUE(in.good()) << name;
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Zonemd, VerifiesTheExamplesOfRfc8976) {
  TestZones zones("example.");
  EXPECT_EQ(verify_zonemd(zones.build(example("rfc8976-a1-simple"))), ZonemdFinding::verified);
  EXPECT_EQ(verify_zonemd(zones.build(example("rfc8976-a2-complex"))), ZonemdFinding::verified);
  EXPECT_EQ(verify_zonemd(zones.build(example("rfc8976-a3-several"))), ZonemdFinding::verified);
  TestZones root_servers("root-servers.net.");
  EXPECT_EQ(verify_zonemd(root_servers.build(example("rfc8976-a5-root-servers-net"))), ZonemdFinding::verified);
}

TEST(Zonemd, ComputesBothDigestsOfRfc8976A3) {
  TestZones zones;
  const Zone zone = zones.build(example("rfc8976-a3-several"));
  for (const auto algorithm : {ZonemdAlgorithm::sha384, ZonemdAlgorithm::sha512}) {
    std::vector<u8> memory(100);
    ByteWriter rdata(memory);
    write_zonemd(zone, algorithm, rdata);
    bool found = false;
    zone.apex_node().find(dns::RrType::ZONEMD)->for_each_record([&](RecordView record) {
      found = found || std::ranges::equal(record.rdata(), rdata.written());
    });
    EXPECT_TRUE(found) << static_cast<int>(algorithm);
  }
}

TEST(Zonemd, NoticesAnyChange) {
  TestZones zones;
  const std::string text = example("rfc8976-a1-simple");
  EXPECT_EQ(verify_zonemd(zones.build(replaced(text, "203.0.113.63", "203.0.113.64"))), ZonemdFinding::wrong_digest);
  EXPECT_EQ(verify_zonemd(zones.build(replaced(text, "3600", "3601"))), ZonemdFinding::wrong_digest);
  EXPECT_EQ(verify_zonemd(zones.build(text + "extra 60 IN TXT x\n")), ZonemdFinding::wrong_digest);
  EXPECT_EQ(verify_zonemd(zones.build(replaced(text, "ns2           3600", "ns3           3600"))),
            ZonemdFinding::wrong_digest);
}

TEST(Zonemd, DoesNotDependOnCaseOrOrder) {
  TestZones zones;
  std::string text = example("rfc8976-a1-simple");
  text = replaced(text, "ns1           3600", "NS1           3600");
  text = replaced(text, "NS      ns2", "NS      Ns2");
  EXPECT_EQ(verify_zonemd(zones.build(text)), ZonemdFinding::verified);
}

TEST(Zonemd, MustBeForThisSerial) {
  TestZones zones;
  const std::string text = example("rfc8976-a1-simple");
  EXPECT_EQ(verify_zonemd(zones.build(replaced(text, "admin 2018031900", "admin 2018031901"))), ZonemdFinding::wrong_serial);
}

TEST(Zonemd, IsAbsentUnlessAtTheApex) {
  TestZones zones;
  const std::string soa = "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n";
  const std::string zonemd = "60 ZONEMD 1 1 1 " + std::string(96, 'a') + "\n";
  EXPECT_EQ(verify_zonemd(zones.build(soa)), ZonemdFinding::absent);
  EXPECT_EQ(verify_zonemd(zones.build(soa + "x " + zonemd)), ZonemdFinding::absent);
  EXPECT_EQ(verify_zonemd(zones.build(soa + "@ " + zonemd)), ZonemdFinding::wrong_digest);
}

TEST(Zonemd, PassesOverWhatItCannotUse) {
  TestZones zones;
  const std::string soa = "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n";
  const auto with = [&](const std::string& rdata) { return verify_zonemd(zones.build(soa + "@ 60 ZONEMD " + rdata + "\n")); };
  EXPECT_EQ(with("1 2 1 " + std::string(96, 'a')), ZonemdFinding::unsupported) << "another scheme";
  EXPECT_EQ(with("1 1 3 " + std::string(96, 'a')), ZonemdFinding::unsupported) << "another algorithm";
  EXPECT_EQ(with("1 1 1 " + std::string(94, 'a')), ZonemdFinding::unsupported) << "another length";
  // RFC 8976 section 2.2: two of the same scheme and algorithm are not used, even if one is right.
  std::string doubled = example("rfc8976-a1-simple");
  doubled += "@ 86400 ZONEMD 2018031900 1 1 " + std::string(96, 'a') + "\n";
  EXPECT_EQ(verify_zonemd(zones.build(doubled)), ZonemdFinding::unsupported);
}

TEST(Zonemd, DigestsTheRootZoneToo) {
  TestZones zones(".");
  const Zone zone = zones.build(". 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.\na. 60 A 192.0.2.1\n");
  EXPECT_EQ(zone_digest(zone, ZonemdAlgorithm::sha384).size(), 48u);
  EXPECT_EQ(zone_digest(zone, ZonemdAlgorithm::sha512).size(), 64u);
}

}  // namespace
}  // namespace samara::zone
