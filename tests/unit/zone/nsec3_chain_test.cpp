#include "zone/nsec3_chain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dns-core/dnssec/nsec3.h"
#include "master_file_zone.h"

namespace samara::zone {
namespace {

const std::string apex_lines = "@ 60 SOA ns host 1 7200 900 1209600 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n";

// The parameters of an NSEC3PARAM record: "1 0 0 ab".
std::string parameter_line(const std::string& parameters) {
  return "@ 0 NSEC3PARAM " + parameters + "\n";
}

std::string hash_text(std::string_view owner, const std::vector<u8>& salt) {
  const dns::Nsec3ParameterView parameters{dns::Nsec3ParameterView::sha1, 0, 0, salt};
  const auto hash = dns::nsec3_hash(name_of(owner), parameters, 0);
  return text_of(dns::nsec3_owner(hash.value(), dns::Name()).value());
}

// An NSEC3 record of the chain with one octet of salt; where it leads to does not matter here.
std::string link(std::string_view owner, u8 salt, const std::string& salt_text) {
  const std::string hash = hash_text(owner, {salt});
  return hash + "example. 60 NSEC3 1 0 0 " + salt_text + " " + hash.substr(0, 32) + " A\n";
}

std::string served_parameters(const Zone& zone) {
  const auto parameters = zone.nsec3_parameters();
  if (!parameters.has_value()) return "none";
  std::string text;
  for (const u8 octet : parameters->rdata().subspan(4)) text += std::to_string(octet) + " ";
  return text;
}

size_t owners_of_all_chains(const Zone& zone) {
  size_t count = 0;
  zone.for_each_nsec3([&](const NodeView&) { ++count; });
  return count;
}

std::string served_owners(const Zone& zone, std::initializer_list<std::string_view> names, u8 salt) {
  std::string found;
  for (const std::string_view name : names) {
    const LookupKey key(name_of(hash_text(name, {salt})));
    if (zone.nsec3_names().find(key.symbols()).exact) found += std::string(name) + " ";
  }
  return found;
}

TEST(Nsec3Chain, that_lacks_the_apex_is_passed_over_for_one_that_has_it) {
  TestZones zones;
  const Zone zone = zones.build(apex_lines + parameter_line("1 0 0 01") + parameter_line("1 0 0 02") +
                                link("ns.example.", 1, "01") + link("example.", 2, "02") + link("ns.example.", 2, "02"));
  EXPECT_EQ(served_parameters(zone), "1 2 ");
  EXPECT_EQ(served_owners(zone, {"example.", "ns.example."}, 2), "example. ns.example. ");
  EXPECT_EQ(served_owners(zone, {"example.", "ns.example."}, 1), "");
  EXPECT_EQ(owners_of_all_chains(zone), 3U);  // they are all data of the zone
}

TEST(Nsec3Chain, that_is_whole_and_comes_first_is_served) {
  TestZones zones;
  const Zone zone = zones.build(apex_lines + parameter_line("1 0 0 02") + parameter_line("1 0 0 01") +
                                link("example.", 1, "01") + link("example.", 2, "02") + link("ns.example.", 1, "01"));
  EXPECT_EQ(served_parameters(zone), "1 1 ");  // in canonical order
  EXPECT_EQ(served_owners(zone, {"example.", "ns.example."}, 1), "example. ns.example. ");
  EXPECT_EQ(served_owners(zone, {"example."}, 2), "");
}

TEST(Nsec3Chain, is_not_served_when_its_parameters_are_marked_as_not_for_use_or_unknown) {
  TestZones zones;
  const std::string both = link("example.", 1, "01") + link("example.", 2, "02");
  EXPECT_EQ(served_parameters(zones.build(apex_lines + parameter_line("1 1 0 01") + parameter_line("1 0 0 02") + both)),
            "1 2 ");
  EXPECT_EQ(served_parameters(zones.build(apex_lines + parameter_line("2 0 0 01") + both)), "none");
  EXPECT_EQ(served_parameters(zones.build(apex_lines + parameter_line("1 0 2501 01") + both)), "none");
  EXPECT_EQ(served_parameters(zones.build(apex_lines + parameter_line("1 0 0 03") + both)), "none");
  EXPECT_EQ(served_parameters(zones.build(apex_lines + both)), "none");
  EXPECT_EQ(served_parameters(zones.build(apex_lines + parameter_line("1 0 0 01"))), "none");
}

TEST(Nsec3Chain, is_served_with_a_hole_when_there_is_no_better_one) {
  TestZones zones;
  const Zone zone = zones.build(apex_lines + parameter_line("1 0 0 01") + link("ns.example.", 1, "01"));
  EXPECT_EQ(served_parameters(zone), "1 1 ");
}

TEST(Nsec3Chain, is_looked_for_among_a_few_parameters_only) {
  TestZones zones;
  std::string text = apex_lines + link("example.", 0xff, "ff");
  for (u32 i = 0; i < max_nsec3_chains; ++i) text += parameter_line("1 0 0 0" + std::to_string(i));
  EXPECT_EQ(served_parameters(zones.build(text + parameter_line("1 0 0 ff"))), "none");
}

}  // namespace
}  // namespace samara::zone
