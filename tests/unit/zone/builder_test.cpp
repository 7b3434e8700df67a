#include "zone/builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "dns-core/rdata/rdata_text.h"
#include "master_file_zone.h"
#include "random_names.h"
#include "zone/format.h"

namespace samara::zone {
namespace {

using dns::RrType;

std::vector<u8> rdata_of(RrType type, std::string_view text) {
  std::vector<u8> memory(65'535);
  ByteWriter out(memory);
  dns::Lexer lexer(text);
  EXPECT_TRUE(dns::parse_rdata(type, lexer, name_of("example."), out).ok()) << text;
  memory.resize(out.size());
  return memory;
}

std::string text_of_zone(const Zone& zone) {
  std::string all;
  write_zone(zone, [&all](std::string_view line) { all += line; });
  return all;
}

class ZoneBuilderTest : public testing::Test {
 protected:
  void begin(std::string_view apex = "example.") { builder_.emplace(memory_, name_of(apex)); }
  Result<void, BuildError> add(std::string_view owner, RrType type, std::string_view data, u32 ttl = 300) {
    return builder_->add(name_of(owner), type, dns::Ttl(ttl), rdata_of(type, data));
  }
  void add_apex() {
    ASSERT_TRUE(add("example.", RrType::SOA, "ns. host. 7 1 2 3 60", 3600).ok());
    ASSERT_TRUE(add("example.", RrType::NS, "ns.").ok());
  }
  Zone finish() {
    const auto zone = builder_->finish();
    EXPECT_TRUE(zone.ok()) << (zone.ok() ? "" : describe(zone.error()));
    return zone.value();
  }
  void expect_error(BuildError error, std::string_view owner) {
    const auto zone = builder_->finish();
    ASSERT_FALSE(zone.ok());
    EXPECT_EQ(zone.error(), error) << describe(zone.error());
    EXPECT_EQ(builder_->error_owner(), name_of(owner));
    builder_.reset();
    EXPECT_EQ(memory_.in_use(), 0U);
  }
  static NodeView node(const Zone& zone, std::string_view name) {
    const auto found = zone.find(name_of(name));
    EXPECT_TRUE(found.has_value()) << name;
    return found.has_value() ? *found : zone.apex_node();
  }

  TestRegion region_{size_t{64} << 20};
  ZoneMemory memory_{region_.bytes()};
  std::optional<ZoneBuilder> builder_;
};

constexpr std::string_view signature = "A 13 2 300 20370101000000 20260101000000 1 example. AAAA";

std::string signature_over(std::string_view type, std::string_view octets = "AAAA") {
  return std::string(type) + " 13 2 300 20370101000000 20260101000000 1 example. " + std::string(octets);
}

TEST_F(ZoneBuilderTest, tells_what_the_apex_says) {
  begin("EXAMPLE.");
  add_apex();
  const Zone zone = finish();
  EXPECT_EQ(zone.serial(), dns::Serial(7));
  EXPECT_EQ(zone.negative_ttl(), dns::Ttl(60));
  EXPECT_EQ(zone.record_count(), 2U);
  EXPECT_EQ(zone.node_count(), 1U);
  EXPECT_TRUE(std::ranges::equal(zone.apex_wire(), name_of("EXAMPLE.").wire()));
  EXPECT_EQ(zone.extent().size, memory_.in_use());
  EXPECT_FALSE(zone.has_nsec());
  EXPECT_FALSE(zone.has_nsec3());
  memory_.give_back(zone.extent());
  EXPECT_EQ(memory_.in_use(), 0U);
}

TEST_F(ZoneBuilderTest, makes_the_same_zone_from_any_order_of_records) {
  struct One {
    dns::Name owner;
    RrType type;
    std::vector<u8> rdata;
  };
  RandomNames names(31);
  std::vector<One> records{{name_of("example."), RrType::SOA, rdata_of(RrType::SOA, "ns. host. 7 1 2 3 60")},
                           {name_of("example."), RrType::NS, rdata_of(RrType::NS, "ns.")}};
  for (int i = 0; i < 2'000; ++i) {
    const dns::Name owner = names.name(name_of("example."), 4);
    const u8 octet = static_cast<u8>(names.below(4));
    records.push_back({owner, RrType::A, {192, 0, 2, octet}});
    if (names.below(4) == 0) records.push_back({owner, RrType::TXT, {2, 'a', octet}});
    if (names.below(4) == 0) records.push_back({owner, RrType::RRSIG, rdata_of(RrType::RRSIG, signature)});
  }
  std::string first;
  std::mt19937 order(1);
  for (int round = 0; round < 4; ++round) {
    begin();
    for (const One& one : records) ASSERT_TRUE(builder_->add(one.owner, one.type, dns::Ttl(300), one.rdata).ok());
    const Zone zone = finish();
    const std::string text = text_of_zone(zone);
    if (round == 0) first = text;
    ASSERT_EQ(text, first);
    EXPECT_GT(builder_->duplicates(), 0U);
    EXPECT_EQ(static_cast<size_t>(std::ranges::count(text, '\n')), zone.record_count());
    for (const One& one : records) ASSERT_TRUE(zone.find(one.owner).has_value());
    std::ranges::shuffle(records, order);
  }
}

TEST_F(ZoneBuilderTest, keeps_equal_records_once_and_names_are_equal_in_any_case) {
  begin();
  add_apex();
  ASSERT_TRUE(add("A.example.", RrType::NS, "NS.b.example.").ok());
  ASSERT_TRUE(add("a.EXAMPLE.", RrType::NS, "ns.B.example.").ok());
  ASSERT_TRUE(add("a.example.", RrType::NS, "ns2.b.example.").ok());
  const Zone zone = finish();
  EXPECT_EQ(zone.find(name_of("a.example."), RrType::NS)->count(), 2U);
  EXPECT_EQ(builder_->duplicates(), 1U);
}

TEST_F(ZoneBuilderTest, gives_all_records_of_a_set_its_least_ttl) {
  begin();
  add_apex();
  ASSERT_TRUE(add("a.example.", RrType::A, "192.0.2.1", 300).ok());
  ASSERT_TRUE(add("a.example.", RrType::A, "192.0.2.2", 100).ok());
  ASSERT_TRUE(add("a.example.", RrType::A, "192.0.2.3", 200).ok());
  finish().find(name_of("a.example."), RrType::A)->for_each_record([](RecordView record) {
    EXPECT_EQ(record.ttl(), dns::Ttl(100));
  });
}

TEST_F(ZoneBuilderTest, orders_records_canonically) {
  begin();
  add_apex();
  for (const char* address : {"192.0.2.9", "10.0.0.1", "192.0.2.10"}) ASSERT_TRUE(add("a.example.", RrType::A, address).ok());
  std::vector<u8> firsts;
  finish().find(name_of("a.example."), RrType::A)->for_each_record([&](RecordView record) {
    firsts.push_back(record.rdata()[3]);
  });
  EXPECT_EQ(firsts, (std::vector<u8>{1, 9, 10}));
}

TEST_F(ZoneBuilderTest, keeps_signatures_with_the_set_they_cover) {
  begin();
  add_apex();
  ASSERT_TRUE(add("a.example.", RrType::RRSIG, signature_over("AAAA")).ok());
  ASSERT_TRUE(add("a.example.", RrType::RRSIG, signature_over("A", "AAAB")).ok());
  ASSERT_TRUE(add("a.example.", RrType::RRSIG, signature_over("A")).ok());
  ASSERT_TRUE(add("a.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("a.example.", RrType::AAAA, "2001:db8::1").ok());
  ASSERT_TRUE(add("a.example.", RrType::TXT, "unsigned").ok());
  const Zone zone = finish();
  const NodeView a = node(zone, "a.example.");
  EXPECT_TRUE(a.has(node_has_signatures));
  EXPECT_EQ(a.rrset_count(), 3U);
  EXPECT_FALSE(a.find(RrType::RRSIG).has_value());
  ASSERT_TRUE(a.find(RrType::A)->has_signatures());
  EXPECT_EQ(a.find(RrType::A)->signatures().count(), 2U);
  ASSERT_TRUE(a.find(RrType::AAAA)->has_signatures());
  EXPECT_EQ(a.find(RrType::AAAA)->signatures().count(), 1U);
  EXPECT_FALSE(a.find(RrType::TXT)->has_signatures());
  EXPECT_FALSE(node(zone, "example.").has(node_has_signatures));
}

TEST_F(ZoneBuilderTest, keeps_signatures_of_nothing_as_a_set_of_their_own) {
  begin();
  add_apex();
  ASSERT_TRUE(add("a.example.", RrType::RRSIG, signature_over("A")).ok());
  ASSERT_TRUE(add("b.example.", RrType::RRSIG, signature_over("SOA")).ok());
  const Zone zone = finish();
  ASSERT_TRUE(node(zone, "a.example.").find(RrType::RRSIG).has_value());
  EXPECT_FALSE(node(zone, "a.example.").find(RrType::A).has_value());
  EXPECT_TRUE(node(zone, "b.example.").find(RrType::RRSIG).has_value());
  EXPECT_EQ(zone.record_count(), 4U);
}

TEST_F(ZoneBuilderTest, makes_empty_non_terminals_nodes) {
  begin();
  add_apex();
  ASSERT_TRUE(add("a.b.c.d.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("z.c.d.example.", RrType::A, "192.0.2.1").ok());
  const Zone zone = finish();
  for (const char* name : {"b.c.d.example.", "c.d.example.", "d.example."}) {
    const auto found = zone.find(name_of(name));
    ASSERT_TRUE(found.has_value()) << name;
    EXPECT_TRUE(found->empty()) << name;
    EXPECT_EQ(zone.owner(*found), name_of(name));
  }
  EXPECT_FALSE(zone.find(name_of("e.example.")).has_value());
  EXPECT_EQ(zone.node_count(), 6U);
  EXPECT_EQ(zone.record_count(), 4U);
}

TEST_F(ZoneBuilderTest, holds_a_name_of_127_labels_and_all_above_it) {
  begin();
  add_apex();
  dns::Name name = name_of("example.");
  const std::array<u8, 1> label{0xff};
  while (name.child(label).ok()) name = name.child(label).value();
  ASSERT_TRUE(builder_->add(name, RrType::A, dns::Ttl(1), std::array<u8, 4>{1, 2, 3, 4}).ok());
  const Zone zone = finish();
  for (; !name.is_root(); name = name.parent()) ASSERT_TRUE(zone.find(name).has_value());
}

TEST_F(ZoneBuilderTest, stores_equal_sets_once) {
  begin();
  add_apex();
  for (const char* owner : {"a.example.", "b.example."}) {
    ASSERT_TRUE(add(owner, RrType::NS, "ns1.provider.test.").ok());
    ASSERT_TRUE(add(owner, RrType::NS, "ns2.provider.test.").ok());
  }
  ASSERT_TRUE(add("c.example.", RrType::NS, "ns1.provider.test.").ok());
  ASSERT_TRUE(add("d.example.", RrType::NS, "ns1.provider.test.", 301).ok());
  const Zone zone = finish();
  const auto set = [&](std::string_view name) { return zone.find(name_of(name), RrType::NS)->ref(); };
  EXPECT_EQ(set("a.example."), set("b.example."));
  EXPECT_NE(set("a.example."), set("c.example."));
  EXPECT_NE(set("c.example."), set("d.example."));
  EXPECT_EQ(zone.record_count(), 8U);
}

TEST_F(ZoneBuilderTest, marks_cuts_and_what_lies_below_them) {
  begin();
  add_apex();
  ASSERT_TRUE(add("cut.example.", RrType::NS, "ns.cut.example.").ok());
  ASSERT_TRUE(add("cut.example.", RrType::DS, "1 13 2 " + std::string(64, 'a')).ok());
  ASSERT_TRUE(add("ns.cut.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("a.deep.cut.example.", RrType::NS, "ns.").ok());
  ASSERT_TRUE(add("b.a.deep.cut.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("cutter.example.", RrType::A, "192.0.2.1").ok());
  const Zone zone = finish();
  EXPECT_FALSE(node(zone, "example.").has(node_delegation));
  const NodeView cut = node(zone, "cut.example.");
  EXPECT_TRUE(cut.has(node_delegation));
  EXPECT_TRUE(cut.has(node_secure_delegation));
  EXPECT_FALSE(cut.has(node_governed));
  // A cut below another one is ruled over by the upper one, and so is what lies below both.
  for (const char* name : {"ns.cut.example.", "deep.cut.example.", "a.deep.cut.example.", "b.a.deep.cut.example."}) {
    EXPECT_TRUE(node(zone, name).has(node_governed)) << name;
    EXPECT_EQ(node(zone, name).governing_depth(), 1U) << name;
  }
  EXPECT_FALSE(node(zone, "cutter.example.").has(node_governed));
}

TEST_F(ZoneBuilderTest, marks_what_lies_below_a_dname) {
  begin();
  add_apex();
  ASSERT_TRUE(add("x.d.example.", RrType::DNAME, "target.").ok());
  ASSERT_TRUE(add("x.d.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("hidden.x.d.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("y.d.example.", RrType::A, "192.0.2.1").ok());
  const Zone zone = finish();
  EXPECT_TRUE(node(zone, "x.d.example.").has(node_dname));
  EXPECT_FALSE(node(zone, "x.d.example.").has(node_governed));
  EXPECT_TRUE(node(zone, "hidden.x.d.example.").has(node_governed));
  EXPECT_EQ(node(zone, "hidden.x.d.example.").governing_depth(), 2U);
  EXPECT_FALSE(node(zone, "y.d.example.").has(node_governed));
}

TEST_F(ZoneBuilderTest, lets_a_dname_at_the_apex_rule_over_everything) {
  begin();
  add_apex();
  ASSERT_TRUE(add("example.", RrType::DNAME, "target.").ok());
  ASSERT_TRUE(add("a.b.example.", RrType::A, "192.0.2.1").ok());
  const Zone zone = finish();
  for (const char* name : {"b.example.", "a.b.example."}) {
    EXPECT_TRUE(node(zone, name).has(node_governed));
    EXPECT_EQ(node(zone, name).governing_depth(), 0U);
  }
}

TEST_F(ZoneBuilderTest, marks_the_parents_of_wildcards) {
  begin();
  add_apex();
  ASSERT_TRUE(add("*.a.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("x*.b.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("*x.c.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("sub.*.d.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("\\000.e.example.", RrType::A, "192.0.2.1").ok());
  const Zone zone = finish();
  EXPECT_TRUE(node(zone, "a.example.").has(node_has_wildcard));
  EXPECT_FALSE(node(zone, "b.example.").has(node_has_wildcard));
  EXPECT_FALSE(node(zone, "c.example.").has(node_has_wildcard));
  // RFC 4592 section 2.2.2: a wildcard that is an empty non-terminal exists.
  EXPECT_TRUE(node(zone, "d.example.").has(node_has_wildcard));
  EXPECT_FALSE(node(zone, "e.example.").has(node_has_wildcard));
  EXPECT_FALSE(node(zone, "example.").has(node_has_wildcard));
}

TEST_F(ZoneBuilderTest, takes_no_octet_value_for_a_wildcard_but_the_asterisk) {
  begin();
  add_apex();
  for (unsigned octet = 0; octet < 256; ++octet) {
    const std::array<u8, 1> label{static_cast<u8>(octet)};
    const std::array<u8, 2> parent{'p', static_cast<u8>(octet)};
    const auto owner = name_of("example.").child(parent).value().child(label).value();
    ASSERT_TRUE(builder_->add(owner, RrType::A, dns::Ttl(1), std::array<u8, 4>{1, 2, 3, 4}).ok());
  }
  const Zone zone = finish();
  for (unsigned octet = 0; octet < 256; ++octet) {
    const std::array<u8, 2> parent{'p', static_cast<u8>(octet)};
    const auto found = zone.find(name_of("example.").child(parent).value());
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->has(node_has_wildcard), octet == '*') << octet;
  }
}

TEST_F(ZoneBuilderTest, chains_authoritative_names_with_nsec) {
  begin();
  add_apex();
  ASSERT_TRUE(add("example.", RrType::NSEC, "b.example. SOA NS NSEC").ok());
  ASSERT_TRUE(add("b.example.", RrType::NS, "ns.").ok());
  ASSERT_TRUE(add("b.example.", RrType::NSEC, "example. NS NSEC").ok());
  ASSERT_TRUE(add("glue.b.example.", RrType::A, "192.0.2.1").ok());
  ASSERT_TRUE(add("glue.b.example.", RrType::NSEC, "example. A").ok());
  const Zone zone = finish();
  EXPECT_TRUE(zone.has_nsec());
  const LookupKey key(name_of("m.example."));
  const Ref before = zone.nsec_names().at_or_before(key.symbols().subspan(key.prefix_size(1)));
  EXPECT_EQ(zone.owner(zone.node(before)), name_of("b.example."));
}

TEST_F(ZoneBuilderTest, keeps_nsec3_owners_out_of_the_names) {
  begin();
  add_apex();
  const std::string hash = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";
  ASSERT_TRUE(add("example.", RrType::NSEC3PARAM, "1 0 0 -").ok());
  ASSERT_TRUE(add(hash + ".example.", RrType::NSEC3, "1 0 0 - " + hash + " A").ok());
  ASSERT_TRUE(add(hash + ".example.", RrType::RRSIG, signature_over("NSEC3")).ok());
  ASSERT_TRUE(add("1" + hash.substr(1) + ".example.", RrType::NSEC3, "1 0 0 - " + hash + " A").ok());
  ASSERT_TRUE(add("1" + hash.substr(1) + ".example.", RrType::A, "192.0.2.1").ok());
  const Zone zone = finish();
  EXPECT_TRUE(zone.has_nsec3());
  EXPECT_FALSE(zone.find(name_of(hash + ".example.")).has_value());
  const LookupKey key(name_of(hash + ".example."));
  const TrieMatch match = zone.nsec3_names().find(key.symbols().subspan(key.prefix_size(1)));
  ASSERT_TRUE(match.exact);
  EXPECT_TRUE(zone.node(match.node).find(RrType::NSEC3)->has_signatures());
  // An owner with other data besides is visible with that alone.
  const NodeView both = node(zone, "1" + hash.substr(1) + ".example.");
  EXPECT_TRUE(both.find(RrType::A).has_value());
  EXPECT_FALSE(both.find(RrType::NSEC3).has_value());
  size_t records = 0;
  zone.for_each_record([&](const dns::Name&, RecordView) { ++records; });
  EXPECT_EQ(records, zone.record_count());
}

TEST_F(ZoneBuilderTest, refuses_what_cannot_be_zone_data) {
  begin();
  const auto error_of = [&](std::string_view owner, RrType type, Bytes rdata) {
    const auto added = builder_->add(name_of(owner), type, dns::Ttl(1), rdata);
    EXPECT_FALSE(added.ok());
    return added.ok() ? BuildError::no_soa : added.error();
  };
  const std::array<u8, 4> address{1, 2, 3, 4};
  EXPECT_EQ(error_of("example.org.", RrType::A, address), BuildError::out_of_zone);
  EXPECT_EQ(error_of(".", RrType::A, address), BuildError::out_of_zone);
  EXPECT_EQ(error_of("notexample.", RrType::A, address), BuildError::out_of_zone);
  for (const RrType type :
       {RrType::OPT, RrType::TSIG, RrType::TKEY, RrType::ANY, RrType::AXFR, RrType::NXNAME, static_cast<RrType>(0)}) {
    EXPECT_EQ(error_of("example.", type, address), BuildError::meta_type);
  }
  EXPECT_EQ(error_of("example.", RrType::RRSIG, Bytes(address).first(1)), BuildError::bad_rdata);
  const std::vector<u8> huge(65'536);
  EXPECT_EQ(error_of("example.", RrType::TXT, huge), BuildError::record_too_long);
  // Nothing of it was taken.
  add_apex();
  EXPECT_EQ(finish().record_count(), 2U);
}

TEST_F(ZoneBuilderTest, wants_an_soa_at_the_apex) {
  begin();
  expect_error(BuildError::no_soa, "example.");
  begin();
  ASSERT_TRUE(add("example.", RrType::NS, "ns.").ok());
  expect_error(BuildError::no_soa, "example.");
  begin();
  ASSERT_TRUE(add("a.example.", RrType::A, "192.0.2.1").ok());
  expect_error(BuildError::no_soa, "a.example.");
}

TEST_F(ZoneBuilderTest, wants_one_soa_only) {
  begin();
  add_apex();
  ASSERT_TRUE(add("example.", RrType::SOA, "ns. host. 7 1 2 3 60", 3600).ok());  // the same again is nothing new
  EXPECT_EQ(finish().record_count(), 2U);
  begin();
  add_apex();
  ASSERT_TRUE(add("example.", RrType::SOA, "ns. host. 8 1 2 3 60").ok());
  const auto zone = builder_->finish();
  ASSERT_FALSE(zone.ok());
  EXPECT_EQ(zone.error(), BuildError::several_soa);
}

TEST_F(ZoneBuilderTest, refuses_an_soa_below_the_apex) {
  begin();
  add_apex();
  ASSERT_TRUE(add("sub.example.", RrType::SOA, "ns. host. 7 1 2 3 60").ok());
  expect_error(BuildError::soa_below_apex, "sub.example.");
}

TEST_F(ZoneBuilderTest, wants_name_servers_at_the_apex) {
  begin();
  ASSERT_TRUE(add("example.", RrType::SOA, "ns. host. 7 1 2 3 60").ok());
  ASSERT_TRUE(add("a.example.", RrType::NS, "ns.").ok());
  expect_error(BuildError::no_apex_ns, "example.");
}

TEST_F(ZoneBuilderTest, lets_only_dnssec_records_stand_beside_a_cname) {
  begin();
  add_apex();
  ASSERT_TRUE(add("a.example.", RrType::CNAME, "b.example.").ok());
  ASSERT_TRUE(add("a.example.", RrType::NSEC, "example. CNAME").ok());
  ASSERT_TRUE(add("a.example.", RrType::RRSIG, signature_over("CNAME")).ok());
  EXPECT_EQ(finish().record_count(), 5U);

  for (const auto& [type, data] : {std::pair{RrType::A, "192.0.2.1"}, std::pair{RrType::CNAME, "c.example."}}) {
    ZoneBuilder fresh(memory_, name_of("example."));
    const std::vector<u8> soa = rdata_of(RrType::SOA, "ns. host. 7 1 2 3 60");
    ASSERT_TRUE(fresh.add(name_of("example."), RrType::SOA, dns::Ttl(1), soa).ok());
    ASSERT_TRUE(fresh.add(name_of("example."), RrType::NS, dns::Ttl(1), rdata_of(RrType::NS, "ns.")).ok());
    ASSERT_TRUE(fresh.add(name_of("a.example."), RrType::CNAME, dns::Ttl(1), rdata_of(RrType::CNAME, "b.example.")).ok());
    ASSERT_TRUE(fresh.add(name_of("a.example."), type, dns::Ttl(1), rdata_of(type, data)).ok());
    const auto zone = fresh.finish();
    ASSERT_FALSE(zone.ok());
    EXPECT_EQ(zone.error(), BuildError::cname_and_data);
    EXPECT_EQ(fresh.error_owner(), name_of("a.example."));
  }
}

TEST_F(ZoneBuilderTest, refuses_two_dnames_at_one_owner) {
  begin();
  add_apex();
  ASSERT_TRUE(add("d.example.", RrType::DNAME, "a.").ok());
  ASSERT_TRUE(add("d.example.", RrType::DNAME, "b.").ok());
  expect_error(BuildError::several_dname, "d.example.");
}

TEST_F(ZoneBuilderTest, holds_4096_types_at_an_owner_and_no_more) {
  const std::array<u8, 1> data{0};
  const auto fill = [&](u16 count) {
    begin();
    add_apex();
    for (u16 i = 0; i < count; ++i)
      ASSERT_TRUE(builder_->add(name_of("a.example."), static_cast<RrType>(40'000 + i), dns::Ttl(1), data).ok());
  };
  fill(4097);
  expect_error(BuildError::too_many_rrsets, "a.example.");
  fill(4096);
  const Zone zone = finish();
  const NodeView full = node(zone, "a.example.");
  EXPECT_EQ(full.rrset_count(), 4096U);
  for (u16 i = 0; i < 4096; ++i) {
    const auto type = static_cast<RrType>(40'000 + i);
    ASSERT_TRUE(full.find(type).has_value()) << i;
    EXPECT_EQ(full.find(type)->type(), type);
  }
  EXPECT_FALSE(full.find(static_cast<RrType>(39'999)).has_value());
  EXPECT_FALSE(full.find(static_cast<RrType>(44'096)).has_value());
  EXPECT_FALSE(full.find(RrType::A).has_value());
}

TEST_F(ZoneBuilderTest, refuses_a_record_that_no_message_of_a_transfer_can_hold) {
  begin();
  add_apex();
  const dns::Name owner = name_of("a.example.");
  const size_t most = max_record_octets - owner.size() - dns::record_fixed_size;
  const auto added = builder_->add(owner, RrType{65280}, dns::Ttl(1), std::vector<u8>(most + 1));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error(), BuildError::record_too_long);
  EXPECT_TRUE(builder_->add(owner, RrType{65280}, dns::Ttl(1), std::vector<u8>(most)).ok());
  EXPECT_EQ(finish().record_count(), 3U);
}

TEST_F(ZoneBuilderTest, holds_65535_records_of_a_type_and_no_more) {
  const auto fill = [&](u32 count) {
    begin();
    add_apex();
    std::array<u8, 4> address{};
    for (u32 i = 0; i < count; ++i) {
      store_be32(address, 0, i);
      ASSERT_TRUE(builder_->add(name_of("a.example."), RrType::A, dns::Ttl(1), address).ok());
    }
  };
  fill(65'536);
  expect_error(BuildError::too_many_records, "a.example.");
  fill(65'535);
  EXPECT_EQ(finish().find(name_of("a.example."), RrType::A)->count(), 65'535U);
}

TEST_F(ZoneBuilderTest, gives_memory_back_when_it_does_not_suffice) {
  // One page more each time until the zone fits: wherever the space ends, nothing is lost.
  RandomNames random(33);
  std::vector<dns::Name> names;
  for (int i = 0; i < 300; ++i) names.push_back(random.name(name_of("example."), 3));
  bool fits = false;
  for (size_t pages = 0; !fits; ++pages) {
    ASSERT_LT(pages, 64U);
    std::vector<u8> region(pages * extent_alignment);
    ZoneMemory memory(region);
    {
      ZoneBuilder builder(memory, name_of("example."));
      ASSERT_TRUE(
          builder.add(name_of("example."), RrType::SOA, dns::Ttl(1), rdata_of(RrType::SOA, "ns. host. 7 1 2 3 60")).ok());
      ASSERT_TRUE(builder.add(name_of("example."), RrType::NS, dns::Ttl(1), rdata_of(RrType::NS, "ns.")).ok());
      for (const dns::Name& name : names)
        ASSERT_TRUE(builder.add(name, RrType::A, dns::Ttl(1), std::array<u8, 4>{1, 2, 3, 4}).ok());
      const auto zone = builder.finish();
      fits = zone.ok();
      if (fits) {
        EXPECT_GT(pages, 0U);
        for (const dns::Name& name : names) EXPECT_TRUE(zone.value().find(name, RrType::A).has_value());
        memory.give_back(zone.value().extent());
      } else {
        EXPECT_EQ(zone.error(), BuildError::out_of_memory);
      }
    }
    EXPECT_EQ(memory.in_use(), 0U);
  }
}

TEST_F(ZoneBuilderTest, writes_over_memory_that_was_used_before) {
  std::ranges::fill(region_.bytes().first(size_t{1} << 20), u8{0xa5});
  begin();
  add_apex();
  ASSERT_TRUE(add("*.a.b.example.", RrType::MX, "10 mail.example.").ok());
  ASSERT_TRUE(add("*.a.b.example.", RrType::MX, "10 mail.example.").ok());
  const Zone zone = finish();
  EXPECT_EQ(zone.find(name_of("*.a.b.example."), RrType::MX)->count(), 1U);
  EXPECT_TRUE(node(zone, "b.example.").empty());
  EXPECT_EQ(node(zone, "b.example.").flags(), 0U);
  EXPECT_FALSE(zone.has_nsec());
}

TEST_F(ZoneBuilderTest, gives_memory_back_when_it_is_dropped_unfinished) {
  begin();
  add_apex();
  builder_.reset();
  EXPECT_EQ(memory_.in_use(), 0U);
}

}  // namespace
}  // namespace samara::zone
