#include "zone/revision.h"

#include <gtest/gtest.h>

#include "zone_model.h"

namespace samara::zone {
namespace {

using dns::RrType;
using Octets = std::vector<u8>;

Octets soa_rdata(u32 serial) {
  Octets rdata{1, 'a', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 1, 'b', 0};
  for (const u32 field : {serial, 2U, 3U, 4U, 5U}) {
    for (int shift = 24; shift >= 0; shift -= 8) rdata.push_back(static_cast<u8>(field >> shift));
  }
  return rdata;
}

class RevisionTest : public testing::Test {
 protected:
  static std::string start() { return "@ 60 SOA a b. 1 2 3 4 5\n@ 60 NS n\n"; }
  Zone adopt(const std::string& text) {
    const Zone zone = zones_.build(text);
    versions_.adopt(zone);
    return zone;
  }
  // A patch with the next serial in it.
  Patch next() {
    Patch patch;
    const u32 serial = versions_.zone()->serial().value();
    patch.delete_record(apex_, RrType::SOA, versions_.zone()->soa().first().rdata());
    patch.add_record(apex_, RrType::SOA, dns::Ttl(60), soa_rdata(serial + 1));
    return patch;
  }
  Zone apply(Patch patch) {
    const auto made = versions_.apply(patch);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : describe(made.error().error));
    return *versions_.zone();
  }
  Zone apply_a(const std::string& name, u8 last) {
    Patch patch = next();
    patch.add_record(name_of(name), RrType::A, dns::Ttl(60), Octets{192, 0, 2, last});
    return apply(std::move(patch));
  }
  std::vector<StoredDifference> path(u32 from) {
    std::vector<StoredDifference> steps;
    has_path_ = History(*versions_.zone()).path(dns::Serial(from), steps);
    return steps;
  }

  dns::Name apex_ = name_of("example.");
  TestZones zones_;
  VersionedZone versions_{zones_.memory(), {.differences = 3, .octets = 10'000}};
  bool has_path_ = false;
};

TEST_F(RevisionTest, of_nothing_is_the_version_there_is) {
  const Zone zone = adopt(start() + "a 60 A 192.0.2.1\n");
  const size_t in_use = zones_.memory().in_use();
  Patch same;
  same.delete_record(name_of("a.example."), RrType::A, Octets{192, 0, 2, 1});
  same.add_record(name_of("a.example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 1});
  EXPECT_EQ(apply(std::move(same)).header(), zone.header());
  EXPECT_EQ(apply(Patch()).header(), zone.header());
  EXPECT_EQ(zones_.memory().in_use(), in_use);
}

TEST_F(RevisionTest, keeps_steps_as_an_incremental_transfer_has_them) {
  adopt(start() + "a 60 A 192.0.2.1\nb 60 A 192.0.2.1\n");
  Patch patch = next();
  patch.delete_record(name_of("B.example."), RrType::A, Octets{192, 0, 2, 1});
  patch.add_record(name_of("c.Example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 3});
  patch.add_record(name_of("a.example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 2});
  apply(std::move(patch));
  const auto steps = path(1);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].from(), dns::Serial(1));
  EXPECT_EQ(steps[0].to(), dns::Serial(2));
  EXPECT_EQ(steps[0].record_count(), 5U);
  std::vector<std::string> owners;
  for (const std::string& record : records_of_step(steps[0])) {
    const Bytes octets(reinterpret_cast<const u8*>(record.data()), record.size());
    ByteReader reader(octets);
    owners.push_back(text_of(MUST(dns::Name::from_wire(reader))));
  }
  EXPECT_EQ(owners, (std::vector<std::string>{"example.", "b.example.", "example.", "a.example.", "c.example."}));
}

TEST_F(RevisionTest, that_lowers_a_ttl_lowers_it_for_the_set_and_says_so) {
  const Zone before = adopt(start() + "a 60 A 192.0.2.1\n");
  Patch patch = next();
  patch.add_record(name_of("a.example."), RrType::A, dns::Ttl(30), Octets{192, 0, 2, 2});
  const Zone now = apply(std::move(patch));
  EXPECT_EQ(path(1).at(0).record_count(), 5U) << "one deleted, two added";
  RecordList list = list_of(before);
  replay(path(1).at(0), list);
  EXPECT_EQ(list, list_of(now));
}

TEST_F(RevisionTest, keeps_as_many_steps_as_the_limits_say) {
  adopt(start());
  for (u8 i = 1; i <= 5; ++i) apply_a("a.example.", i);
  EXPECT_EQ(History(*versions_.zone()).count(), 3U);
  for (const u32 gone : {1U, 2U, 7U}) EXPECT_TRUE(path(gone).empty() && !has_path_) << gone;
  for (const u32 kept : {3U, 4U, 5U, 6U}) {
    EXPECT_EQ(path(kept).size(), 6 - kept);
    EXPECT_TRUE(has_path_);
  }
  size_t octets = 0;
  for (const StoredDifference& step : path(3)) octets += step.size();
  EXPECT_EQ(History(*versions_.zone()).octets(), octets);
}

TEST_F(RevisionTest, keeps_no_more_octets_of_steps_than_the_limits_say) {
  adopt(start());
  const auto apply_text = [&](size_t records) {
    Patch patch = next();
    for (size_t i = 0; i < records; ++i) {
      Octets text(201, static_cast<u8>(i));
      text[0] = 200;
      text[1] = static_cast<u8>(versions_.zone()->serial().value());
      patch.add_record(name_of("t.example."), RrType::TXT, dns::Ttl(60), text);
    }
    apply(std::move(patch));
  };
  apply_text(18);
  apply_text(18);
  EXPECT_EQ(History(*versions_.zone()).count(), 2U);
  apply_text(18);
  EXPECT_EQ(History(*versions_.zone()).count(), 2U) << "three are more than 10,000 octets";
  EXPECT_EQ(path(2).size(), 2U);
  apply_text(60);
  EXPECT_EQ(History(*versions_.zone()).count(), 0U) << "one step is, and what is before it leads nowhere";
}

TEST_F(RevisionTest, that_does_not_raise_the_serial_ends_the_history) {
  adopt(start());
  apply_a("a.example.", 1);
  Patch silent;
  silent.add_record(name_of("b.example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 1});
  apply(std::move(silent));
  EXPECT_EQ(History(*versions_.zone()).count(), 0U);
  EXPECT_TRUE(path(2).empty() && has_path_) << "who is there needs nothing";
  EXPECT_TRUE(path(1).empty() && !has_path_);
  apply_a("a.example.", 2);
  EXPECT_TRUE(path(2).empty() && !has_path_) << "serial 2 was two zones";
  apply_a("a.example.", 3);
  EXPECT_EQ(path(3).size(), 1U);
}

TEST_F(RevisionTest, keeps_no_step_from_a_serial_that_may_be_another_zone) {
  const auto build = [this](u32 serial, u32 host) {
    return zones_.build("@ 60 SOA a b. " + std::to_string(serial) + " 2 3 4 5\n@ 60 NS n\na 60 A 192.0.2." +
                        std::to_string(host) + "\n");
  };
  adopt(start());
  versions_.replace(build(9, 1));
  versions_.replace(build(7, 2));  // back
  versions_.replace(build(8, 3));
  versions_.replace(build(9, 4));
  versions_.replace(build(10, 5));
  EXPECT_EQ(History(*versions_.zone()).count(), 0U) << "7, 8 and 9 were other zones once";
  versions_.replace(build(11, 6));
  EXPECT_EQ(path(10).size(), 1U);
  EXPECT_TRUE(path(9).empty() && !has_path_);
}

TEST_F(RevisionTest, by_a_zone_built_anew_is_a_step_too) {
  const Zone first = adopt(start() + "a 60 A 192.0.2.1\n");
  apply_a("a.example.", 2);
  const size_t in_use = zones_.memory().in_use();
  const Zone same = versions_.replace(zones_.build("@ 60 SOA a b. 2 2 3 4 5\n@ 60 NS n\na 60 A 192.0.2.1\na 60 A 192.0.2.2\n"));
  EXPECT_EQ(same.serial(), dns::Serial(2));
  EXPECT_EQ(zones_.memory().in_use(), in_use) << "the same again is given back";
  EXPECT_TRUE(versions_.take_retired().empty());

  const Zone now = versions_.replace(zones_.build("@ 60 SOA a b. 9 2 3 4 5\n@ 60 NS n\nb 60 A 192.0.2.1\n"));
  ASSERT_EQ(path(1).size(), 2U);
  RecordList list = list_of(first);
  for (const StoredDifference& step : path(1)) replay(step, list);
  EXPECT_EQ(list, list_of(now));
  EXPECT_EQ(path(2).at(0).record_count(), 5U);
  EXPECT_EQ(versions_.take_retired().size(), 2U) << "the first zone and its growth";

  versions_.replace(zones_.build("@ 60 SOA a b. 3 2 3 4 5\n@ 60 NS n\n"));
  EXPECT_EQ(History(*versions_.zone()).count(), 0U) << "the serial went back";
}

TEST_F(RevisionTest, is_compacted_when_much_has_been_left_behind) {
  adopt(start());
  u8 last = 0;
  while (!versions_.compaction_due()) {
    ASSERT_LT(versions_.growth(), size_t{80} << 10);
    Patch patch = next();
    if (last != 0) patch.delete_record(name_of("a.example."), RrType::A, Octets{192, 0, 2, last});
    patch.add_record(name_of("a.example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, ++last});
    apply(std::move(patch));
  }
  const Zone before = *versions_.zone();
  const u32 serial = before.serial().value();
  const auto compacted = versions_.compact();
  ASSERT_TRUE(compacted.ok());
  expect_same_zone(compacted.value(), before);
  EXPECT_EQ(versions_.growth(), 0U);
  EXPECT_FALSE(versions_.compaction_due());
  EXPECT_EQ(path(serial - 3).size(), 3U) << "the history is carried along";
  for (const Extent& extent : versions_.take_retired()) zones_.memory().give_back(extent);
  EXPECT_EQ(compacted.value().extent().size, 0U) << "it is all in what grows";
  EXPECT_LT(zones_.memory().in_use() - versions_.copy_octets(), extent_alignment);
}

// Zone memory had free twice what the copy takes, in pieces a quarter of it.
TEST_F(RevisionTest, is_compacted_into_pieces_where_no_free_extent_is_large_enough) {
  adopt(start());
  Patch patch = next();
  for (int i = 0; i < 2'000; ++i) {
    Octets text(200, static_cast<u8>(i));
    text[0] = 199;
    text[1] = static_cast<u8>(i >> 8);
    patch.add_record(name_of("n" + std::to_string(i) + ".example."), RrType::TXT, dns::Ttl(60), text);
  }
  apply(std::move(patch));
  ZoneMemory& memory = zones_.memory();
  const size_t piece = versions_.copy_octets() / 4 / extent_alignment * extent_alignment;
  std::vector<Extent> pieces;
  while (const auto extent = memory.take(piece)) pieces.push_back(*extent);
  while (memory.take(extent_alignment).has_value()) {
  }
  for (size_t i = 0; i < 16; i += 2) memory.give_back(pieces.at(i));
  const RecordList before = list_of(*versions_.zone());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(versions_.compact(true).ok()) << round;
    for (const Extent& extent : versions_.take_retired()) memory.give_back(extent);
    ASSERT_TRUE(list_of(*versions_.zone()) == before) << round;
    EXPECT_EQ(versions_.growth(), 0U);
  }
  Patch change = next();
  change.add_record(name_of("more.example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 1});
  apply(std::move(change));
  EXPECT_LT(versions_.growth(), size_t{16} << 10);
}

TEST_F(RevisionTest, needs_compaction_when_the_index_is_short_of_slots) {
  adopt(start());
  Patch patch = next();
  for (int i = 0; i < 100; ++i) {
    patch.add_record(name_of("n" + std::to_string(i) + ".example."), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 1});
  }
  apply(std::move(patch));
  EXPECT_LT(versions_.growth(), size_t{64} << 10);
  EXPECT_TRUE(versions_.compaction_due());
  ASSERT_TRUE(versions_.compact().ok());
  EXPECT_FALSE(versions_.compaction_due());
}

// What a patch needs is refused to it a page later each time.
TEST(RevisionWithoutMemory, leaves_the_version_before_whole) {
  TestRegion region(size_t{1} << 22);
  ZoneMemory memory(region.bytes());
  VersionedZone versions(memory);
  TestZones zones;
  const Zone model = zones.build("@ 60 SOA a b. 1 2 3 4 5\n@ 60 NS n\nx.a 60 A 192.0.2.1\ny.a 60 NS n\n");
  const Zone first = MUST(Model(model).build(memory));
  versions.adopt(first);
  Patch patch;
  patch.delete_record(name_of("example."), RrType::SOA, model.soa().first().rdata());
  patch.add_record(name_of("example."), RrType::SOA, dns::Ttl(60), soa_rdata(2));
  patch.add_record(name_of("a.example."), RrType::NS, dns::Ttl(60), Octets{1, 'n', 0});
  for (int i = 0; i < 150; ++i) {
    const dns::Name owner = name_of("m" + std::to_string(i) + ".l" + std::to_string(i % 7) + ".example.");
    patch.add_record(owner, RrType::NSEC, dns::Ttl(60), Octets{1, 'n', 0, 0, 1, 0x40});
  }
  std::vector<Extent> taken;
  while (const auto extent = memory.take(extent_alignment)) taken.push_back(*extent);
  const RecordList before = list_of(first);
  unsigned refused = 0;
  for (;; ++refused) {
    const size_t in_use = memory.in_use();
    const auto made = versions.apply(patch);
    if (made.ok()) break;
    EXPECT_EQ(made.error().build, BuildError::out_of_memory);
    EXPECT_EQ(memory.in_use(), in_use);
    ASSERT_EQ(versions.zone()->header(), first.header());
    ASSERT_EQ(list_of(*versions.zone()), before);
    if (refused == 0) ASSERT_FALSE(versions.compact().ok());
    EXPECT_EQ(memory.in_use(), in_use);
    ASSERT_FALSE(taken.empty());
    memory.give_back(taken.back());
    taken.pop_back();
  }
  EXPECT_GT(refused, 5U);
  EXPECT_EQ(versions.zone()->record_count(), 155U);
  for (const Extent& extent : taken) memory.give_back(extent);
  versions.abandon();
  for (const Extent& extent : versions.take_retired()) memory.give_back(extent);
  EXPECT_EQ(memory.in_use(), 0U);
}

TEST(RevisionOfALargeZone, costs_what_changes) {
  TestRegion region;
  ZoneMemory memory(region.bytes());
  const dns::Name apex = name_of("example.");
  ZoneBuilder builder(memory, apex);
  ASSERT_TRUE(builder.add(apex, RrType::SOA, dns::Ttl(60), soa_rdata(1)).ok());
  ASSERT_TRUE(builder.add(apex, RrType::NS, dns::Ttl(60), Octets{1, 'n', 0}).ok());
  const auto name = [](u32 i) { return name_of("host" + std::to_string(i * 7919) + ".example."); };
  for (u32 i = 0; i < 100'000; ++i) ASSERT_TRUE(builder.add(name(i), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 1}).ok());
  VersionedZone versions(memory);
  versions.adopt(MUST(builder.finish()));
  for (u32 i = 0; i < 300; ++i) {
    const size_t before = versions.growth();
    Patch patch;
    patch.delete_record(apex, RrType::SOA, versions.zone()->soa().first().rdata());
    patch.add_record(apex, RrType::SOA, dns::Ttl(60), soa_rdata(i + 2));
    patch.delete_record(name(i * 331), RrType::A, Octets{192, 0, 2, 1});
    if (i % 2 == 0) patch.add_record(name(i * 331), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 2});
    if (i % 3 == 0) patch.add_record(name(100'000 + i), RrType::A, dns::Ttl(60), Octets{192, 0, 2, 3});
    const auto made = versions.apply(patch);
    ASSERT_TRUE(made.ok()) << describe(made.error().error);
    EXPECT_LT(versions.growth() - before, size_t{8} << 10);
  }
  EXPECT_LT(versions.growth() / 300, size_t{5} << 10) << "on the average";
}

TEST_F(RevisionTest, a_row_of_changes_is_taken_back_to_its_savepoint) {
  adopt(start() + "a 60 A 192.0.2.1\n");
  const Zone first = apply_a("b.example.", 1);
  const size_t in_use = zones_.memory().in_use();
  const size_t growth = versions_.growth();
  auto savepoint = versions_.savepoint();
  for (u8 i = 0; i < 200; ++i) apply_a("c" + std::to_string(i) + ".example.", i);
  ASSERT_GT(zones_.memory().in_use(), in_use);
  versions_.back_to(std::move(savepoint));
  EXPECT_EQ(versions_.zone()->header(), first.header());
  EXPECT_EQ(zones_.memory().in_use(), in_use);
  EXPECT_EQ(versions_.growth(), growth);
  // The history goes on from there.
  const Zone next = apply_a("d.example.", 1);
  EXPECT_EQ(next.serial().value(), first.serial().value() + 1);
  EXPECT_FALSE(next.find(name_of("c1.example.")).has_value());
  EXPECT_TRUE(next.find(name_of("d.example.")).has_value());
  EXPECT_EQ(path(first.serial().value()).size(), 1u);
  EXPECT_TRUE(has_path_);
  EXPECT_EQ(path(1).size(), 2u);
}

}  // namespace
}  // namespace samara::zone
