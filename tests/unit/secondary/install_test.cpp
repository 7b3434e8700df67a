#include "secondary/install.h"

#include "../dns-core/rdata_cases.h"
#include "../zone/master_file_zone.h"
#include "dns-core/rdata/rdata_text.h"
#include "messages.h"
#include "zone/content_digest.h"
#include "zone/format.h"

namespace samara::secondary {
namespace {

const std::string ns = "example. 60 IN NS ns.example.";
const std::string address = "ns.example. 60 IN A 192.0.2.1";
const std::string other_address = "ns.example. 60 IN A 192.0.2.2";

std::string formatted(const zone::Zone& zone) {
  std::string all;
  zone::write_zone(zone, [&all](std::string_view line) { all += line; });
  return all;
}

std::string base_text(u32 serial, std::string_view more = "ns 60 A 192.0.2.1\n") {
  return "@ 60 SOA ns host " + std::to_string(serial) + " 7200 900 604800 300\n@ 60 NS ns\n" + std::string(more);
}

// From a primary's messages by way of TransferIn's batches to a zone.
struct Installed {
  zone::TestZones zones;
  std::optional<zone::Zone> base;
  std::optional<zone::VersionedZone> versions;
  std::optional<ZoneInstaller> installer;
  std::optional<InstallError> error;
  std::optional<zone::Zone> zone;

  explicit Installed(std::optional<std::string> base_zone = std::nullopt, InstallLimits limits = {}) {
    if (base_zone.has_value()) base = zones.build(*base_zone);
    versions.emplace(zones.memory());
    if (base.has_value()) versions->adopt(*base);
    installer.emplace(zones.memory(), name_of("example."), base, limits);
  }
  void take(const TransferRequest& request, const std::vector<Response>& responses) {
    Fed fed(request);
    fed.feed(responses);
    ASSERT_EQ(fed.transfer.state(), TransferIn::State::complete);
    bool complete = false;
    for (const Octets& batch : fed.batches) {
      const auto taken = installer->on_batch(batch);
      if (!taken.ok()) {
        error = taken.error();
        return;
      }
      complete = taken.value();
    }
    ASSERT_TRUE(complete);
    const auto finished = installer->finish(*versions);
    if (finished.ok()) {
      zone = finished.value();
    } else {
      error = finished.error();
    }
  }
  void take_whole(Lines answers) { take(whole_request(), {{.answers = std::move(answers)}}); }
  void take_differences(u32 ours, Lines answers) { take(differences_request(ours), {ixfr(std::move(answers))}); }
  std::string reason() const {
    TextBuffer<200> text;
    installer->write_reason(*error, text.writer());
    return std::string(text.view());
  }
};

TEST(ZoneInstaller, BuildsAWholeZone) {
  Installed result;
  result.take_whole({soa(3), ns, address, soa(3)});
  ASSERT_TRUE(result.zone.has_value());
  zone::TestZones expected;
  EXPECT_EQ(formatted(*result.zone), formatted(expected.build(base_text(3))));
}

TEST(ZoneInstaller, AppliesDifferencesStepByStep) {
  Installed result(base_text(1));
  result.take_differences(1, {soa(3), soa(1), address, soa(2), other_address, soa(2), other_address, soa(3), address, soa(3)});
  ASSERT_TRUE(result.zone.has_value());
  zone::TestZones expected;
  EXPECT_EQ(formatted(*result.zone), formatted(expected.build(base_text(3))));
}

TEST(ZoneInstaller, RefusesDeletionsThatDoNotExistAndKeepsTheOldZone) {
  Installed result(base_text(1));
  const std::string before = formatted(*result.base);
  result.take_differences(1, {soa(3), soa(1), soa(2), other_address, soa(2), "a.example. 60 IN A 192.0.2.7", soa(3), soa(3)});
  EXPECT_EQ(result.error, InstallError::bad_difference);
  EXPECT_EQ(result.reason(), "a difference does not fit the zone: a record to delete is not in the zone");
  EXPECT_EQ(formatted(*result.base), before);
}

TEST(ZoneInstaller, LeavesTheZoneAsItWasWhenDifferencesFailHalfWay) {
  Installed result(base_text(1));
  const size_t in_use = result.zones.memory().in_use();
  result.take_differences(1, {soa(3), soa(1), soa(2), other_address, soa(2), "a.example. 60 IN A 192.0.2.7", soa(3), soa(3)});
  ASSERT_EQ(result.error, InstallError::bad_difference);
  EXPECT_EQ(result.versions->zone()->header(), result.base->header());
  EXPECT_EQ(result.zones.memory().in_use(), in_use);
  // The next differences start where the zone is.
  result.installer.emplace(result.zones.memory(), name_of("example."), result.base, InstallLimits{});
  result.take_differences(1, {soa(3), soa(1), address, soa(3), other_address, soa(3)});
  ASSERT_TRUE(result.zone.has_value());
  zone::TestZones expected;
  EXPECT_EQ(formatted(*result.zone), formatted(expected.build(base_text(3, "ns 60 A 192.0.2.2\n"))));
}

TEST(ZoneInstaller, BadTransfersOfAWholeZoneGiveTheirMemoryBack) {
  Installed result(base_text(1));
  const size_t in_use = result.zones.memory().in_use();
  result.take_whole({soa(3), ns, address, "example. 60 IN ZONEMD 4 1 1 " + std::string(96, '0'), soa(3)});
  EXPECT_EQ(result.error, InstallError::wrong_digest);
  EXPECT_EQ(result.zones.memory().in_use(), in_use);
}

TEST(ZoneInstaller, RefusesAdditionsThatAreThereAlready) {
  Installed result(base_text(1));
  result.take_differences(1, {soa(2), soa(1), soa(2), address, soa(2)});
  EXPECT_EQ(result.error, InstallError::bad_difference);
}

TEST(ZoneInstaller, RefusesDifferencesForAnotherSerialOrNoZone) {
  Installed other(base_text(5));
  other.take_differences(1, {soa(2), soa(1), soa(2), soa(2)});
  EXPECT_EQ(other.error, InstallError::wrong_base);
  Installed none;
  none.take_differences(1, {soa(2), soa(1), soa(2), soa(2)});
  EXPECT_EQ(none.error, InstallError::no_base);
}

// ---- zones as other servers serve them ------------------------------------------------------------------------------

Lines warnings_of(const Installed& result) {
  Lines lines;
  for (size_t i = 0; i < result.installer->warnings().size(); ++i) lines.emplace_back(result.installer->warnings()[i].text);
  return lines;
}

TEST(ZoneInstaller, serves_data_that_breaks_a_rule_for_publishers_and_names_the_rule) {
  size_t copied = 0;
  for (const auto& c : dns::test::read_cases("copied.txt", 4)) {
    if (c.columns[2] != "copied") continue;
    const dns::RrType type = dns::test::type_of(c.columns[0]);
    if (type == dns::RrType::TSIG || type == dns::RrType::TKEY || type == dns::RrType::NXNAME) continue;
    SCOPED_TRACE("copied.txt:" + std::to_string(c.line));
    const std::string hex = dns::test::to_hex(dns::test::from_hex(c.columns[1]));
    const std::string type_text(c.columns[0]);
    const std::string record = "x.example. 60 IN " + type_text + " \\# " + std::to_string(hex.size() / 2) + " " + hex;
    Installed whole;
    whole.take_whole({soa(3), ns, address, record, soa(3)});
    ASSERT_TRUE(whole.zone.has_value()) << whole.reason();
    Installed steps(base_text(1));
    steps.take_differences(1, {soa(2), soa(1), soa(2), record, soa(2)});
    ASSERT_TRUE(steps.zone.has_value()) << steps.reason();
    for (const Installed* result : {&whole, &steps}) {
      const auto node = result->zone->find(name_of("x.example."));
      ASSERT_TRUE(type == dns::RrType::NSEC3 || node.has_value());
      const Lines warnings = warnings_of(*result);
      ASSERT_EQ(warnings.size(), c.columns[3] == "no rule" ? 0u : 1u);
      if (warnings.empty()) continue;
      EXPECT_TRUE(warnings[0].starts_with("x.example. ")) << warnings[0];
      EXPECT_TRUE(warnings[0].ends_with(": " + std::string(c.columns[3]))) << warnings[0];
    }
    // What came can be taken away again.
    Installed back(base_text(1));
    back.take_differences(1, {soa(3), soa(1), soa(2), record, soa(2), record, soa(3), soa(3)});
    EXPECT_TRUE(back.zone.has_value());
    ++copied;
  }
  EXPECT_GT(copied, 100u);
}

TEST(ZoneInstaller, serves_a_zone_without_name_servers_and_owners_with_what_does_not_go_together) {
  Installed no_ns;
  no_ns.take_whole({soa(3), address, soa(3)});
  ASSERT_TRUE(no_ns.zone.has_value());
  EXPECT_EQ(warnings_of(no_ns), (Lines{"example. NS: no NS record at the apex"}));
  Installed others;
  others.take_whole({soa(3), ns, address, "ns.example. 60 IN CNAME a.example.", "d.example. 60 IN DNAME a.",
                     "d.example. 60 IN DNAME b.", "c.example. 60 IN CNAME a.", "c.example. 60 IN CNAME b.", soa(3)});
  ASSERT_TRUE(others.zone.has_value());
  EXPECT_EQ(warnings_of(others), (Lines{"c.example. CNAME: CNAME beside other data", "d.example. DNAME: more than one DNAME",
                                        "ns.example. CNAME: CNAME beside other data"}));
  Installed without_ns(base_text(1));
  without_ns.take_differences(1, {soa(2), soa(1), ns, soa(2), "ns.example. 60 IN CNAME a.example.", soa(2)});
  ASSERT_TRUE(without_ns.zone.has_value());
  EXPECT_EQ(warnings_of(without_ns),
            (Lines{"example. NS: no NS record at the apex", "ns.example. CNAME: CNAME beside other data"}));
}

TEST(ZoneInstaller, serves_300_types_at_one_name) {
  Lines answers{soa(3), ns, address};
  for (int type = 1000; type < 1300; ++type) answers.push_back("x.example. 60 IN TYPE" + std::to_string(type) + " \\# 1 07");
  answers.push_back(soa(3));
  Installed result;
  result.take_whole(answers);
  ASSERT_TRUE(result.zone.has_value());
  EXPECT_EQ(result.zone->find(name_of("x.example."))->rrset_count(), 300u);
}

TEST(ZoneInstaller, leaves_out_what_cannot_be_in_the_zone_and_what_takes_it_away_again) {
  const std::string outside = "example.org. 60 IN A 192.0.2.9";
  const std::string above = ". 60 IN NS a.";
  const std::string meta = "a.example. 60 IN TYPE250 \\# 1 00";
  const std::string option = "example. 0 IN TYPE41 \\# 0 ";
  Installed whole;
  whole.take_whole({soa(3), ns, outside, address, above, meta, option, soa(3)});
  ASSERT_TRUE(whole.zone.has_value());
  zone::TestZones expected;
  EXPECT_EQ(formatted(*whole.zone), formatted(expected.build(base_text(3))));
  EXPECT_EQ(warnings_of(whole),
            (Lines{"example.org. A: left out: it lies outside the zone", ". NS: left out: it lies outside the zone",
                   "a.example. TSIG: left out: its type is no zone data", "example. OPT: left out: its type is no zone data"}));
  Installed steps(base_text(1));
  steps.take_differences(1,
                         {soa(3), soa(1), outside, meta, soa(2), above, soa(2), above, address, soa(3), other_address, soa(3)});
  ASSERT_TRUE(steps.zone.has_value());
  EXPECT_EQ(formatted(*steps.zone), formatted(expected.build(base_text(3, "ns 60 A 192.0.2.2\n"))));
  EXPECT_EQ(warnings_of(steps), (Lines{". NS: left out: it lies outside the zone"}));
}

TEST(ZoneInstaller, counts_the_warnings_it_does_not_keep) {
  Installed result;
  Lines answers{soa(3), ns, address};
  for (int i = 0; i < 500; ++i) answers.push_back("t" + std::to_string(i) + ".example. 60 IN TXT \\# 0 ");
  answers.push_back(soa(3));
  result.take_whole(answers);
  ASSERT_TRUE(result.zone.has_value());
  EXPECT_EQ(result.installer->warnings().warning_count(), 500u);
  EXPECT_LE(result.installer->warnings().size(), zone::max_diagnostics);
}

TEST(ZoneInstaller, RefusesWhatIsNoZone) {
  using enum ItemTag;
  Octets memory(500);
  ByteWriter out(memory);
  write_whole(dns::Serial(3), out);
  out.u8(static_cast<u8>(added));
  put_record(address, out);
  write_end(std::nullopt, out);
  memory.resize(out.size());
  Installed no_soa;
  ASSERT_TRUE(no_soa.installer->on_batch(memory).value());
  no_soa.error = no_soa.installer->finish(*no_soa.versions).error();
  EXPECT_EQ(no_soa.reason(), "the records make no zone: no SOA record at the apex at ns.example.");
}

TEST(ZoneInstaller, KeepsTheLimits) {
  Installed records(std::nullopt, {.records = 2});
  records.take_whole({soa(3), ns, address, soa(3)});
  EXPECT_EQ(records.error, InstallError::too_many_records);
  Installed octets(std::nullopt, {.octets = 100});
  octets.take_whole({soa(3), ns, address, soa(3)});
  EXPECT_EQ(octets.error, InstallError::too_large);
  Installed memory(std::nullopt, {.octets = 1'000});  // enough for what comes, not for the zone
  memory.take_whole({soa(3), ns, address, soa(3)});
  EXPECT_EQ(memory.error, InstallError::too_large);
  Installed ttl(std::nullopt, {.longest_ttl = 59});
  ttl.take_whole({soa(3), ns, address, soa(3)});
  EXPECT_EQ(ttl.error, InstallError::ttl_too_long);
}

TEST(ZoneInstaller, refuses_a_zone_larger_than_it_may_be_and_names_the_set) {
  const auto with_addresses = [](int count) {
    Lines lines{soa(3), ns};
    for (int i = 0; i < count; ++i) lines.push_back("www.example. 60 IN A 192.0.2." + std::to_string(i));
    lines.push_back(soa(3));
    return lines;
  };
  Installed set(std::nullopt, {.zone = {.rrset_records = 3}});
  set.take_whole(with_addresses(4));
  EXPECT_EQ(set.reason(),
            "the records make no zone: more records in one RRset than max-records-per-rrset (3) at www.example. A");
  Installed records(std::nullopt, {.zone = {.records = 5}});
  records.take_whole(with_addresses(4));
  EXPECT_EQ(records.reason(), "the records make no zone: more records in the zone than max-records (5) at www.example.");
  Installed octets(std::nullopt, {.zone = {.octets = 150}});
  octets.take_whole(with_addresses(4));
  EXPECT_EQ(octets.reason(), "the records make no zone: more octets in the zone than max-octets (150) at www.example.");
  Installed good(std::nullopt, {.zone = {.records = 6, .octets = 300, .rrset_records = 4}});
  good.take_whole(with_addresses(4));
  EXPECT_TRUE(good.zone.has_value());
  EXPECT_EQ(good.installer->zone_octets(), zone::content_octets(*good.zone));
}

TEST(ZoneInstaller, lets_no_difference_make_a_zone_larger_than_it_may_be) {
  const std::string three = "ns 60 A 192.0.2.1\nns 60 A 192.0.2.2\nns 60 A 192.0.2.3\n";
  const std::string added = "ns.example. 60 IN A 192.0.2.9";
  const auto after = [&](const std::string& before, const zone::SizeLimits& limits, Lines changes) {
    auto result = std::make_unique<Installed>(base_text(1, before), InstallLimits{.zone = limits});
    Lines lines{soa(2), soa(1)};
    lines.insert(lines.end(), changes.begin(), changes.end());
    lines.push_back(soa(2));
    result->take_differences(1, lines);
    return result;
  };
  EXPECT_EQ(after(three, {.rrset_records = 3}, {soa(2), added})->reason(),
            "a difference does not fit the zone: the changes leave something that is no zone: more records in one RRset than "
            "max-records-per-rrset (3) at ns.example. A");
  // One that was larger before may change and shrink.
  EXPECT_TRUE(after(three, {.rrset_records = 2}, {address, soa(2), added})->zone.has_value());
  EXPECT_TRUE(after(three, {.rrset_records = 1}, {address, soa(2)})->zone.has_value());
  const std::string text = "ns.example. 60 IN TXT a";
  EXPECT_TRUE(after(three, {.name_types = 2}, {soa(2), text})->zone.has_value());
  EXPECT_EQ(after(three, {.name_types = 2}, {soa(2), text, "ns.example. 60 IN AAAA 2001:db8::1"})->reason(),
            "a difference does not fit the zone: the changes leave something that is no zone: more types at one owner than "
            "max-types-per-name (2)");
  EXPECT_EQ(after(three, {.records = 5}, {soa(2), added})->reason(),
            "the records make no zone: more records in the zone than max-records (5)");
  EXPECT_TRUE(after(three, {.records = 4}, {address, soa(2), added})->zone.has_value());
  const auto grown = after(three, {.octets = 1'000}, {soa(2), added});
  ASSERT_TRUE(grown->zone.has_value());
  const u64 octets = zone::content_octets(*grown->zone);
  EXPECT_EQ(grown->installer->zone_octets(), octets) << "counted by what changed";
  EXPECT_TRUE(after(three, {.octets = octets}, {soa(2), added})->zone.has_value());
  EXPECT_EQ(after(three, {.octets = octets - 1}, {soa(2), added})->reason(),
            "the records make no zone: more octets in the zone than max-octets (" + std::to_string(octets - 1) + ")");
  EXPECT_TRUE(after(three, {.octets = 10}, {address, soa(2)})->zone.has_value()) << "it shrinks";
}

// Differences whose zone grows step by step past the limit.
TEST(ZoneInstaller, KeepsTheLimitOnRecordsForWhatComesOut) {
  Installed result(base_text(1), {.records = 4});
  result.take_differences(1, {soa(2), soa(1), soa(2), "a.example. 60 IN A 192.0.2.7", soa(2)});
  EXPECT_TRUE(result.zone.has_value());
  Installed over(base_text(1, "ns 60 A 192.0.2.1\nb 60 A 192.0.2.1\n"), {.records = 4});
  over.take_differences(1, {soa(2), soa(1), soa(2), "a.example. 60 IN A 192.0.2.7", soa(2)});
  EXPECT_EQ(over.error, InstallError::too_many_records);
}

std::string zonemd_line(const zone::Zone& zone, zone::ZonemdAlgorithm algorithm) {
  Octets memory(200);
  ByteWriter rdata(memory);
  zone::write_zonemd(zone, algorithm, rdata);
  std::vector<char> text(1'000);
  TextWriter out(text);
  dns::write_rdata_text(dns::RrType::ZONEMD, rdata.written(), out);
  return "example. 60 IN ZONEMD " + std::string(out.view());
}

TEST(ZoneInstaller, ChecksTheDigestWhereThereIsOne) {
  zone::TestZones zones;
  const zone::Zone same = zones.build(base_text(3));
  for (const auto algorithm : {zone::ZonemdAlgorithm::sha384, zone::ZonemdAlgorithm::sha512}) {
    const std::string digest = zonemd_line(same, algorithm);
    Installed good;
    good.take_whole({soa(3), ns, address, digest, soa(3)});
    EXPECT_TRUE(good.zone.has_value());
    EXPECT_EQ(good.installer->zonemd(), zone::ZonemdFinding::verified);
    Installed bad;
    bad.take_whole({soa(3), ns, other_address, digest, soa(3)});
    EXPECT_EQ(bad.error, InstallError::wrong_digest);
    Installed old;
    old.take_whole({soa(4), ns, address, digest, soa(4)});
    EXPECT_EQ(old.installer->zonemd(), zone::ZonemdFinding::wrong_serial);
    EXPECT_EQ(old.error, InstallError::wrong_digest);
  }
  Installed unknown;
  unknown.take_whole({soa(3), ns, address, "example. 60 IN ZONEMD 3 1 240 0123456789abcdef01234567", soa(3)});
  EXPECT_TRUE(unknown.zone.has_value());
}

// ---- batches are trusted no more than messages ------------------------------------------------------------------------

Octets batch(std::initializer_list<ItemTag> tags) {
  Octets memory(5'000);
  ByteWriter out(memory);
  for (const ItemTag tag : tags) {
    if (tag == ItemTag::whole) write_whole(dns::Serial(3), out);
    if (tag == ItemTag::steps) write_steps(dns::Serial(1), dns::Serial(3), out);
    if (tag == ItemTag::end) write_end(std::nullopt, out);
    if (tag == ItemTag::old_soa || tag == ItemTag::new_soa || tag == ItemTag::added || tag == ItemTag::removed) {
      out.u8(static_cast<u8>(tag));
      put_record(tag == ItemTag::added || tag == ItemTag::removed ? ns : soa(tag == ItemTag::old_soa ? 1 : 3), out);
    }
  }
  memory.resize(out.size());
  return memory;
}

TEST(ZoneInstaller, RefusesItemsOutOfOrder) {
  using enum ItemTag;
  const std::initializer_list<ItemTag> rows[] = {
      {added},
      {end},
      {old_soa},
      {whole, whole},
      {whole, steps},
      {whole, old_soa},
      {whole, removed},
      {steps, end},
      {steps, added},
      {steps, new_soa},
      {steps, removed},
      {steps, old_soa, end},
      {steps, old_soa, old_soa},
      {steps, old_soa, added},
      {whole, end, added},
      {steps, old_soa, new_soa, new_soa},
      {steps, old_soa, new_soa, removed},
  };
  for (const auto& row : rows) {
    Installed result(base_text(1));
    const auto taken = result.installer->on_batch(batch(row));
    ASSERT_FALSE(taken.ok()) << row.size();
    EXPECT_EQ(taken.error(), InstallError::out_of_order);
  }
  Installed unfinished;
  EXPECT_FALSE(unfinished.installer->on_batch(batch({whole, added})).value());
  EXPECT_EQ(unfinished.installer->finish(*unfinished.versions).error(), InstallError::out_of_order);
}

TEST(ZoneInstaller, RefusesBatchesCutAnywhereAndOtherOctets) {
  using enum ItemTag;
  const Octets good = batch({whole, added});
  for (size_t cut = 1; cut < good.size(); ++cut) {
    Installed result;
    const auto taken = result.installer->on_batch(Bytes(good).first(cut));
    if (cut != 5) EXPECT_EQ(taken.error(), InstallError::malformed_batch) << cut;
  }
  for (const u8 tag : {0, 8, 255}) {
    Installed result;
    EXPECT_EQ(result.installer->on_batch(Octets{tag}).error(), InstallError::malformed_batch);
  }
}

TEST(ZoneInstaller, RefusesASerialOtherThanAnnounced) {
  Installed result;
  Octets all = batch({ItemTag::whole, ItemTag::added});
  Octets memory(500);
  ByteWriter out(memory);
  out.u8(static_cast<u8>(ItemTag::added));
  put_record(soa(4), out);
  write_end(std::nullopt, out);
  memory.resize(out.size());
  append(all, memory);
  EXPECT_TRUE(result.installer->on_batch(all).value());
  EXPECT_EQ(result.installer->finish(*result.versions).error(), InstallError::wrong_serial);
}

}  // namespace
}  // namespace samara::secondary
