#include "zone/diff.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "master_file_zone.h"
#include "zone/format.h"
#include "zone/revision.h"

namespace samara::zone {
namespace {

using Lines = std::vector<std::string>;

std::string line_of(const dns::Name& owner, RecordView record) {
  std::vector<char> memory(max_record_line);
  TextWriter out(memory);
  write_record_line(owner, record, out);
  return std::string(out.view().substr(0, out.view().size() - 1));
}

std::string formatted(const Zone& zone) {
  std::string all;
  write_zone(zone, [&all](std::string_view line) { all += line; });
  return all;
}

struct Lists {
  Lines deleted;
  Lines added;
};
Lists lists_of(const Difference& difference) {
  Lists lists;
  difference.for_each_deleted([&](const dns::Name& owner, RecordView r) { lists.deleted.push_back("- " + line_of(owner, r)); });
  difference.for_each_added([&](const dns::Name& owner, RecordView r) { lists.added.push_back("+ " + line_of(owner, r)); });
  return lists;
}

std::string soa(int serial) {
  return "@ 60 SOA a b " + std::to_string(serial) + " 2 3 4 5\n@ 60 NS ns.example.net.\n";
}
std::string soa_line(char sign, int serial) {
  return std::string(1, sign) + " example. 60 IN SOA a.example. b.example. " + std::to_string(serial) + " 2 3 4 5";
}

Patch patch_of(const Difference& difference) {
  Patch patch;
  difference.for_each_deleted([&](const dns::Name& owner, RecordView r) { patch.delete_record(owner, r.type(), r.rdata()); });
  difference.for_each_added(
      [&](const dns::Name& owner, RecordView r) { patch.add_record(owner, r.type(), r.ttl(), r.rdata()); });
  return patch;
}

Result<Zone, Patch::Failed> applied_to(const Zone& base, Patch patch, ZoneMemory& memory) {
  VersionedZone versions(memory);
  versions.adopt(base);
  return versions.apply(patch);
}

TEST(Difference, ListsDeletionsAndAdditionsWithTheSoasFirst) {
  TestZones zones;
  const Zone from = zones.build(soa(1) + "a 60 A 192.0.2.1\na 60 A 192.0.2.2\nb 60 A 192.0.2.3\nd 60 TXT x\n");
  const Zone to = zones.build(soa(2) + "a 60 A 192.0.2.2\na 60 A 192.0.2.4\na 60 TXT new\nc.d 60 A 192.0.2.5\nd 60 TXT x\n");
  const auto difference = Difference::between(from, to);
  ASSERT_TRUE(difference.has_value());
  const Lists lists = lists_of(*difference);
  EXPECT_EQ(lists.deleted, (Lines{soa_line('-', 1), "- a.example. 60 IN A 192.0.2.1", "- b.example. 60 IN A 192.0.2.3"}));
  EXPECT_EQ(lists.added, (Lines{soa_line('+', 2), "+ a.example. 60 IN A 192.0.2.4", "+ a.example. 60 IN TXT \"new\"",
                                "+ c.d.example. 60 IN A 192.0.2.5"}));
  EXPECT_EQ(difference->deleted_count(), 2u);
  EXPECT_EQ(difference->added_count(), 3u);
  EXPECT_EQ(difference->from_serial(), dns::Serial(1));
  EXPECT_EQ(difference->to_serial(), dns::Serial(2));
}

TEST(Difference, OfEqualZonesIsEmpty) {
  TestZones zones;
  const std::string text = soa(1) + "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\n";
  const auto difference = Difference::between(zones.build(text), zones.build(text));
  EXPECT_TRUE(difference->empty());
  EXPECT_EQ(lists_of(*difference).deleted, Lines{soa_line('-', 1)});
}

TEST(Difference, SeesTtlsSignaturesAndTheCaseOfData) {
  TestZones zones;
  const std::string signature = " 60 RRSIG A 13 2 60 20260101000000 20250101000000 1 example. ";
  const Zone from = zones.build(soa(1) + "a 60 A 192.0.2.1\nb 60 CNAME x\nc 60 A 192.0.2.1\nc" + signature + "AAAA\n");
  const Zone to = zones.build(soa(2) + "a 61 A 192.0.2.1\nb 60 CNAME X\nc 60 A 192.0.2.1\nc" + signature + "AAAB\n");
  const Lists lists = lists_of(*Difference::between(from, to));
  EXPECT_EQ(lists.deleted, (Lines{soa_line('-', 1), "- a.example. 60 IN A 192.0.2.1", "- b.example. 60 IN CNAME x.example.",
                                  "- c.example. 60 IN RRSIG A 13 2 60 20260101000000 20250101000000 1 example. AAAA"}));
  EXPECT_EQ(lists.added, (Lines{soa_line('+', 2), "+ a.example. 61 IN A 192.0.2.1", "+ b.example. 60 IN CNAME X.example.",
                                "+ c.example. 60 IN RRSIG A 13 2 60 20260101000000 20250101000000 1 example. AAAB"}));
}

TEST(Difference, DoesNotMindTheOrderOfTheText) {
  TestZones zones;
  const Zone from = zones.build(soa(1) + "a 60 A 192.0.2.1\nB 60 A 192.0.2.2\nb 60 A 192.0.2.3\n");
  const Zone to = zones.build("b 60 A 192.0.2.3\nb 60 A 192.0.2.2\nA 60 A 192.0.2.1\n" + soa(1));
  EXPECT_TRUE(Difference::between(from, to)->empty());
}

TEST(Difference, OfOtherZonesDoesNotExist) {
  TestZones one("example.");
  TestZones two("example.net.");
  EXPECT_FALSE(Difference::between(one.build(soa(1)), two.build(soa(1))).has_value());
}

TEST(Difference, HandlesDataBesideNsec3Records) {
  TestZones zones;
  const std::string hashed = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 60 ";
  const std::string nsec3 = hashed + "NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n";
  const Zone plain = zones.build(soa(1) + "a 60 A 192.0.2.1\n");
  const Zone hash = zones.build(soa(2) + "a 60 A 192.0.2.1\n" + nsec3);
  const Zone both = zones.build(soa(3) + "a 60 A 192.0.2.1\n" + nsec3 + hashed + "TXT x\n");
  for (const Zone& from : {plain, hash, both}) {
    for (const Zone& to : {plain, hash, both}) {
      const auto applied = applied_to(from, patch_of(*Difference::between(from, to)), zones.memory());
      ASSERT_TRUE(applied.ok());
      EXPECT_EQ(formatted(applied.value()), formatted(to));
    }
  }
}

TEST(Patch, MakesTheNewVersionFromTheOld) {
  TestZones zones;
  const std::vector<std::string> versions = {
      soa(1) + "a 60 A 192.0.2.1\nb 60 MX 10 x\nb 60 MX 20 y\n",
      soa(2) + "a 60 A 192.0.2.2\nb 60 MX 10 x\n*.c 60 TXT w\n",
      soa(3) + "d 60 NS ns.d\nns.d 60 A 192.0.2.9\n",
      soa(4) + "b 90 MX 10 x\na 60 A 192.0.2.1\na 60 A 192.0.2.2\n",
  };
  for (const std::string& a : versions) {
    for (const std::string& b : versions) {
      const Zone from = zones.build(a);
      const Zone to = zones.build(b);
      auto applied = applied_to(from, patch_of(*Difference::between(from, to)), zones.memory());
      ASSERT_TRUE(applied.ok());
      EXPECT_EQ(formatted(applied.value()), formatted(to));
      EXPECT_EQ(formatted(from), formatted(zones.build(a))) << "the base stays as it was";
    }
  }
}

std::vector<u8> a_record(u8 last) {
  return {192, 0, 2, last};
}

TEST(Patch, MustDeleteWhatIsThere) {
  TestZones zones;
  const Zone base = zones.build(soa(1) + "a 60 A 192.0.2.1\n");
  const size_t before = zones.memory().in_use();
  for (const auto& [owner, type, rdata] :
       {std::tuple{"a.example.", dns::RrType::A, a_record(2)}, std::tuple{"b.example.", dns::RrType::A, a_record(1)},
        std::tuple{"a.example.", dns::RrType::TXT, std::vector<u8>{1, 'x'}},
        std::tuple{"a.net.", dns::RrType::A, a_record(1)}}) {
    Patch patch;
    patch.delete_record(name_of(owner), type, rdata);
    const auto applied = applied_to(base, patch, zones.memory());
    ASSERT_FALSE(applied.ok());
    EXPECT_EQ(applied.error().error, PatchError::not_there);
    EXPECT_EQ(zones.memory().in_use(), before);
  }
  Patch twice;
  twice.delete_record(name_of("a.example."), dns::RrType::A, a_record(1));
  twice.delete_record(name_of("a.example."), dns::RrType::A, a_record(1));
  EXPECT_EQ(applied_to(base, twice, zones.memory()).error().error, PatchError::not_there);
}

TEST(Patch, MustAddWhatIsNotThere) {
  TestZones zones;
  const Zone base = zones.build(soa(1) + "a 60 A 192.0.2.1\n");
  const size_t before = zones.memory().in_use();
  Patch patch;
  patch.add_record(name_of("A.example."), dns::RrType::A, dns::Ttl(60), a_record(1));
  const auto applied = applied_to(base, patch, zones.memory());
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().error, PatchError::already_there);
  EXPECT_EQ(zones.memory().in_use(), before) << "what was built is given back";
}

TEST(Patch, MustLeaveAZone) {
  TestZones zones;
  const Zone base = zones.build(soa(1) + "a 60 A 192.0.2.1\n");
  Patch no_soa;
  no_soa.delete_record(name_of("example."), dns::RrType::SOA, base.soa().first().rdata());
  const auto applied = applied_to(base, no_soa, zones.memory());
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().error, PatchError::bad_zone);
  EXPECT_EQ(applied.error().build, BuildError::no_soa);
  Patch outside;
  outside.add_record(name_of("a.net."), dns::RrType::A, dns::Ttl(60), a_record(1));
  EXPECT_EQ(applied_to(base, outside, zones.memory()).error().build, BuildError::out_of_zone);
}

TEST(Patch, FindsRecordsWhateverTheirCaseAndTtl) {
  TestZones zones;
  const Zone base = zones.build(soa(1) + "a 60 MX 10 Mail.Example.\n");
  Patch patch;
  patch.delete_record(name_of("A.EXAMPLE."), dns::RrType::MX,
                      std::vector<u8>{0, 10, 4, 'm', 'a', 'i', 'l', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0});
  const auto applied = applied_to(base, patch, zones.memory());
  ASSERT_TRUE(applied.ok());
  EXPECT_EQ(applied.value().record_count(), 2u);
}

TEST(Patch, CanBeAppliedAgain) {
  TestZones zones;
  const Zone base = zones.build(soa(1) + "a 60 A 192.0.2.1\n");
  Patch patch;
  patch.delete_record(name_of("a.example."), dns::RrType::A, a_record(1));
  patch.add_record(name_of("b.example."), dns::RrType::A, dns::Ttl(60), a_record(2));
  const auto first = applied_to(base, patch, zones.memory());
  const auto second = applied_to(base, patch, zones.memory());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(formatted(first.value()), formatted(second.value()));
  EXPECT_EQ(applied_to(first.value(), patch, zones.memory()).error().error, PatchError::not_there);
}

}  // namespace
}  // namespace samara::zone
