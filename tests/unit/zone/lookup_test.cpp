#include "zone/lookup.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "master_file_zone.h"

namespace samara::zone {

static void PrintTo(Finding finding, std::ostream* out) {
  static constexpr std::array<std::string_view, 5> names{"data", "wildcard", "delegation", "dname", "nxdomain"};
  *out << names[static_cast<size_t>(finding)];
}

namespace {

class LookupTest : public testing::Test {
 protected:
  static constexpr std::string_view apex_data = "@ 1 IN SOA ns. host. 1 2 3 4 5\n@ 1 IN NS ns.\n";

  void build(std::string_view records) { zone_.emplace(zones_.build(std::string(apex_data) + std::string(records))); }
  void expect(std::string_view name, Finding finding, std::string_view node, bool exists, bool ds = false) {
    const Lookup found = lookup(*zone_, SearchName(name_of(name)), 1, ds);
    EXPECT_EQ(found.finding, finding) << name;
    EXPECT_EQ(text_of(zone_->owner(zone_->node(found.node))), node) << name;
    EXPECT_EQ(found.exists, exists) << name;
    const dns::Name owner = name_of(node);
    const size_t depth = finding == Finding::wildcard ? owner.label_count() - 1 : owner.label_count();
    EXPECT_EQ(found.encloser_depth, depth) << name;
  }
  TestZones zones_;
  std::optional<Zone> zone_;
};

TEST_F(LookupTest, finds_names_with_data_and_empty_non_terminals) {
  build("a.b.c A 192.0.2.1\n");
  expect("example.", Finding::data, "example.", true);
  expect("A.b.C.EXAMPLE.", Finding::data, "a.b.c.example.", true);
  expect("b.c.example.", Finding::data, "b.c.example.", true);
  expect("c.example.", Finding::data, "c.example.", true);
}

TEST_F(LookupTest, finds_names_that_were_made_to_collide) {
  // 60 names and the apex take 128 slots: hashes that begin with seven zeros all want the first.
  std::vector<std::string> colliding;
  for (unsigned i = 0; colliding.size() < 70; ++i) {
    const std::string name = "x" + std::to_string(i);
    if (SearchName(name_of(name + ".example.")).hash(2) >> 57 == 0) colliding.push_back(name);
  }
  std::string records;
  for (size_t i = 0; i < 60; ++i) records += colliding[i] + " A 192.0.2.1\n";
  build(records);
  for (size_t i = 0; i < 60; ++i) expect(colliding[i] + ".example.", Finding::data, colliding[i] + ".example.", true);
  for (size_t i = 60; i < 70; ++i) expect(colliding[i] + ".example.", Finding::nxdomain, "example.", false);
}

TEST_F(LookupTest, names_the_closest_encloser_of_what_does_not_exist) {
  build("a.b.c A 192.0.2.1\nbb.c A 192.0.2.1\n");
  expect("x.example.", Finding::nxdomain, "example.", false);
  expect("x.a.b.c.example.", Finding::nxdomain, "a.b.c.example.", false);
  expect("z.y.x.b.c.example.", Finding::nxdomain, "b.c.example.", false);
  // Names that share the beginning of a label, but not the label.
  expect("bbb.c.example.", Finding::nxdomain, "c.example.", false);
  expect("aa.b.c.example.", Finding::nxdomain, "b.c.example.", false);
  expect("cc.example.", Finding::nxdomain, "example.", false);
}

TEST_F(LookupTest, matches_wildcards_as_the_examples_of_rfc4592_section_2_2_1) {
  build(
      "* 3600 TXT \"this is a wildcard\"\n* 3600 MX 10 host1.example.\nsub.* 3600 TXT \"this is not a wildcard\"\n"
      "host1 3600 A 192.0.2.1\n_ssh._tcp.host1 3600 SRV 0 0 22 host1.example.\n_ssh._tcp.host2 3600 SRV 0 0 22 host2.example.\n"
      "subdel 3600 NS ns.example.com.\nsubdel 3600 NS ns.example.net.\n");
  expect("host3.example.", Finding::wildcard, "*.example.", false);
  expect("foo.bar.example.", Finding::wildcard, "*.example.", false);
  expect("host1.example.", Finding::data, "host1.example.", true);
  expect("sub.*.example.", Finding::data, "sub.*.example.", true);
  expect("_telnet._tcp.host1.example.", Finding::nxdomain, "_tcp.host1.example.", false);
  expect("host.subdel.example.", Finding::delegation, "subdel.example.", false);
  expect("ghost.*.example.", Finding::nxdomain, "*.example.", false);
  // Further ones: the wildcard by its own name, and the name that blocks it.
  expect("*.example.", Finding::data, "*.example.", true);
  expect("host2.example.", Finding::data, "host2.example.", true);
  expect("x.host2.example.", Finding::nxdomain, "host2.example.", false);
}

TEST_F(LookupTest, matches_a_wildcard_that_is_an_empty_non_terminal) {
  build("sub.*.w A 192.0.2.1\n");
  expect("x.w.example.", Finding::wildcard, "*.w.example.", false);
  expect("sub.x.w.example.", Finding::wildcard, "*.w.example.", false);
}

TEST_F(LookupTest, matches_the_wildcard_at_the_closest_encloser_only) {
  build("* A 192.0.2.1\na.b A 192.0.2.1\n*.c.b A 192.0.2.1\n");
  expect("x.b.example.", Finding::nxdomain, "b.example.", false);
  expect("y.x.c.b.example.", Finding::wildcard, "*.c.b.example.", false);
  expect("y.example.", Finding::wildcard, "*.example.", false);
}

TEST_F(LookupTest, refers_at_and_below_a_cut) {
  build("cut NS ns.cut\nns.cut A 192.0.2.1\nx.y.cut A 192.0.2.1\n*.cut A 192.0.2.1\ncu A 192.0.2.1\ncut2 A 192.0.2.1\n");
  expect("cut.example.", Finding::delegation, "cut.example.", true);
  expect("ns.cut.example.", Finding::delegation, "cut.example.", true);
  expect("y.cut.example.", Finding::delegation, "cut.example.", true);
  expect("z.y.cut.example.", Finding::delegation, "cut.example.", false);
  expect("q.cut.example.", Finding::delegation, "cut.example.", false);
  expect("cut2.example.", Finding::data, "cut2.example.", true);
}

TEST_F(LookupTest, answers_for_ds_at_a_cut_but_not_below_it) {
  build("cut NS ns.\nbelow.cut NS ns.\n");
  expect("cut.example.", Finding::data, "cut.example.", true, true);
  expect("below.cut.example.", Finding::delegation, "cut.example.", true, true);
  expect("x.cut.example.", Finding::delegation, "cut.example.", false, true);
  expect("example.", Finding::data, "example.", true, true);
}

TEST_F(LookupTest, refers_to_the_upper_of_nested_cuts) {
  build("a NS ns.\nb.a NS ns.\nc.b.a NS ns.\nx.c.b.a A 192.0.2.1\n");
  for (const char* name : {"b.a.example.", "c.b.a.example.", "x.c.b.a.example."})
    expect(name, Finding::delegation, "a.example.", true);
  expect("y.x.c.b.a.example.", Finding::delegation, "a.example.", false);
}

TEST_F(LookupTest, finds_the_dname_above_a_name) {
  build("d DNAME t.\nhidden.d A 192.0.2.1\ne A 192.0.2.1\n");
  expect("d.example.", Finding::data, "d.example.", true);
  expect("x.d.example.", Finding::dname, "d.example.", false);
  expect("y.x.d.example.", Finding::dname, "d.example.", false);
  expect("hidden.d.example.", Finding::dname, "d.example.", true);
  expect("z.hidden.d.example.", Finding::dname, "d.example.", false);
}

TEST_F(LookupTest, finds_a_dname_at_the_apex) {
  build("@ DNAME t.\nhidden A 192.0.2.1\n");
  expect("example.", Finding::data, "example.", true);
  expect("x.example.", Finding::dname, "example.", false);
  expect("hidden.example.", Finding::dname, "example.", true);
}

TEST_F(LookupTest, lets_the_upper_of_cut_and_dname_rule) {
  build("cut NS ns.\nd.cut DNAME t.\nx.d.cut A 192.0.2.1\nd DNAME t.\ncut.d NS ns.\nx.cut.d A 192.0.2.1\n");
  expect("x.d.cut.example.", Finding::delegation, "cut.example.", true);
  expect("x.cut.d.example.", Finding::dname, "d.example.", true);
}

TEST(Lookup, works_in_the_root_zone) {
  TestZones zones(".");
  const Zone zone = zones.build(". 1 IN SOA ns. host. 1 2 3 4 5\n. 1 IN NS ns.\ncom. 1 IN NS a.gtld.\n");
  EXPECT_EQ(lookup(zone, SearchName(dns::Name()), 0, false).finding, Finding::data);
  EXPECT_EQ(lookup(zone, SearchName(name_of("www.example.com.")), 0, false).finding, Finding::delegation);
  const Lookup missing = lookup(zone, SearchName(name_of("x.net.")), 0, false);
  EXPECT_EQ(missing.finding, Finding::nxdomain);
  EXPECT_EQ(missing.encloser_depth, 0U);
}

TEST(Lookup, looks_for_a_wildcard_below_the_longest_names) {
  TestZones zones;
  dns::Name deep = name_of("example.");
  while (deep.child(std::array<u8, 1>{'a'}).ok()) deep = deep.child(std::array<u8, 1>{'a'}).value();
  const std::string wildcard = text_of(deep.parent().child(std::array<u8, 1>{'*'}).value());
  const Zone zone = zones.build("@ 1 IN SOA ns. host. 1 2 3 4 5\n@ 1 IN NS ns.\n" + wildcard + " 1 IN A 192.0.2.1\n");
  EXPECT_EQ(lookup(zone, SearchName(deep), 1, false).finding, Finding::wildcard);
}

}  // namespace
}  // namespace samara::zone
