// How much updates may add: to an RRset, to a zone, and at the names of a rule.
#include "server/update_quota.h"

#include <gtest/gtest.h>

#include "update_text.h"

namespace samara::server {
namespace {

constexpr std::string_view small =
    "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\nbig 60 A 192.0.2.1\nbig 60 A 192.0.2.2\n"
    "big 60 A 192.0.2.3\nbig 60 A 192.0.2.4\n";

class Quota : public testing::Test {
 protected:
  static std::string address(int last) { return "192.0.2." + std::to_string(last); }
  UpdateRule& rule() {
    zone.everything = false;
    return zone.rules.emplace_back();
  }
  UpdateRule& rule_below(std::string_view top) {
    UpdateRule& made = rule();
    made.match = UpdateNames::subtree;
    made.names = {zone::name_of(top)};
    return made;
  }
  UpdatedZone zone{small};
};

TEST_F(Quota, an_rrset_grows_to_its_limit_and_no_further) {
  zone.room.limits.max_records_per_rrset = 3;
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1", "! x 60 IN A 192.0.2.2"}), "NOERROR");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.3", "! x 60 IN A 192.0.2.4"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "the RRset x.example. A would have more records than max-records-per-rrset (3)");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.3"}), "NOERROR");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.4"}), "REFUSED");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.4", "! x 0 NONE A 192.0.2.1"}), "NOERROR") << "one comes, one goes";
  EXPECT_EQ(zone.update({"! x 60 IN TXT a", "! y 60 IN A 192.0.2.1"}), "NOERROR") << "each RRset by itself";
}

TEST_F(Quota, an_rrset_that_is_larger_already_may_shrink_and_change) {
  zone.room.limits.max_records_per_rrset = 2;
  EXPECT_EQ(zone.update({"! big 60 IN A 192.0.2.5"}), "REFUSED");
  EXPECT_EQ(zone.update({"! big 60 IN A 192.0.2.5", "! big 0 NONE A 192.0.2.4"}), "NOERROR");
  EXPECT_EQ(zone.update({"! big 0 NONE A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.update({"! big 300 IN A 192.0.2.2"}), "NOERROR") << "another TTL";
}

// Each change of a name reads all of its types.
TEST_F(Quota, a_name_gets_so_many_types_and_no_more) {
  EXPECT_EQ(zone.room.limits.max_types_per_name, 100U) << "by default";
  zone.room.limits.max_types_per_name = 3;
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1", "! x 60 IN TXT a", "! x 60 IN TYPE65400 \\# 0"}), "NOERROR");
  EXPECT_EQ(zone.update({"! x 60 IN AAAA 2001:db8::1"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "there would be more types than max-types-per-name (3) at x.example.");
  EXPECT_EQ(zone.update({"! x 60 IN AAAA 2001:db8::1", "! x 0 ANY TXT"}), "NOERROR") << "one comes, one goes";
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.2", "! y 60 IN A 192.0.2.1"}), "NOERROR");
  zone.room.limits.max_types_per_name = 2;
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.3", "! x 0 ANY AAAA", "! x 60 IN TXT b"}), "NOERROR")
      << "a name that has more may change";
  EXPECT_EQ(zone.update({"! x 60 IN MX 1 y"}), "REFUSED");
}

TEST_F(Quota, no_rule_gives_more_than_the_zone_may_be) {
  rule().max_records_per_rrset = 5;
  zone.room.most_records_per_rrset = 4;
  EXPECT_EQ(zone.update({"! big 60 IN A 192.0.2.5"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "the RRset big.example. A would have more records than max-records-per-rrset (4)");
  zone.room.most_records_per_rrset = 5;
  EXPECT_EQ(zone.update({"! big 60 IN A 192.0.2.5"}), "NOERROR");
}

TEST_F(Quota, a_rule_may_have_another_limit_of_an_rrset) {
  zone.room.limits.max_records_per_rrset = 2;
  rule().max_records_per_rrset = 5;
  EXPECT_EQ(zone.update({"! big 60 IN A 192.0.2.5"}), "NOERROR");
  EXPECT_EQ(zone.update({"! big 60 IN A 192.0.2.6"}), "REFUSED");
  zone.rules[0].max_records_per_rrset = 1;
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1", "! x 60 IN A 192.0.2.2"}), "REFUSED");
  rule();
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1", "! x 60 IN A 192.0.2.2"}), "NOERROR") << "the most generous counts";
}

TEST_F(Quota, a_zone_grows_to_its_records_and_octets) {
  zone.room.limits.max_records = zone.zone().record_count() + 1;
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1", "! y 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "the zone would have more records than max-records");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.update({"! y 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(zone.update({"! y 60 IN A 192.0.2.1", "! x 0 ANY A"}), "NOERROR");
  zone.room.limits = {};
  // One address: owner, ten octets, four.
  zone.room.limits.max_octets = zone::content_octets(zone.zone()) + zone::name_of("x.example.").size() + 14;
  EXPECT_EQ(zone.update({"! xx 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "the zone would have more octets than max-octets");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.update({"! x 0 ANY A"}), "NOERROR");
}

TEST_F(Quota, what_is_at_a_rules_names_is_counted_whoever_put_it_there) {
  rule_below("dyn.example.").max_records = 3;
  zone.everything = true;
  EXPECT_EQ(zone.update({"! a.dyn 60 IN A 192.0.2.1", "! other 60 IN A 192.0.2.1"}), "NOERROR");
  zone.everything = false;
  EXPECT_EQ(zone.update({"! dyn 60 IN TXT x", "! b.c.dyn 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.update({"! d.dyn 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "the rule's limit is reached");
  EXPECT_EQ(zone.update({"! d.dyn 60 IN A 192.0.2.1", "! a.dyn 0 ANY A"}), "NOERROR") << "one comes, one goes";
  EXPECT_EQ(zone.update({"! d.dyn 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(zone.update({"! e.dyn 60 IN A 192.0.2.1"}), "NOERROR");
  zone.everything = true;
  EXPECT_EQ(zone.update({"! f.dyn 60 IN A 192.0.2.1"}), "NOERROR") << "who has another right is not bound by the rule";
}

TEST_F(Quota, other_types_and_names_do_not_count) {
  UpdateRule& limited = rule_below("dyn.example.");
  limited.types = {dns::RrType::TXT};
  limited.max_records = 1;
  rule_below("dynamic.example.").types = {dns::RrType::A};
  rule_below("dyn.example.").types = {dns::RrType::A};
  EXPECT_EQ(zone.update({"! x.dyn 60 IN A 192.0.2.1", "! y.dynamic 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.update({"! x.dyn 60 IN TXT a"}), "NOERROR");
  EXPECT_EQ(zone.update({"! y.dyn 60 IN TXT a"}), "REFUSED");
}

TEST_F(Quota, a_key_has_so_many_octets_at_its_own_name) {
  zone.who.key = u16{0};
  zone.who.key_name = zone::name_of("host.example.");
  UpdateRule& own = rule();
  own.key = u16{0};
  own.match = UpdateNames::self;
  own.max_octets = 2 * (zone::name_of("host.example.").size() + 14);
  EXPECT_EQ(zone.update({"! host 60 IN A 192.0.2.1", "! host 60 IN A 192.0.2.2"}), "NOERROR");
  EXPECT_EQ(zone.update({"! host 60 IN TXT x"}), "REFUSED");
  EXPECT_EQ(zone.update({"! host 0 NONE A 192.0.2.1", "! host 60 IN TXT x"}), "NOERROR");
}

TEST_F(Quota, when_room_is_scarce_only_rules_without_limits_add) {
  rule_below("dyn.example.").max_records = 1000;
  rule_below("staff.example.");
  EXPECT_EQ(zone.update({"! x.dyn 60 IN A 192.0.2.1"}), "NOERROR");
  zone.room.scarce = true;
  EXPECT_EQ(zone.update({"! y.dyn 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(zone.outcome.reason.view(), "storage or memory run short: what is left is for rules without limits");
  EXPECT_EQ(zone.update({"! y.staff 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.update({"! x.dyn 0 ANY ANY"}), "NOERROR") << "what is taken away makes room";
}

// RFC 2181 section 5.2 makes the TTL of one that of all.
TEST_F(Quota, who_may_only_add_leaves_the_ttl_of_what_is_there) {
  rule().remove = false;
  EXPECT_EQ(zone.update({"! big 5 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.changes(), Lines{"same"});
  EXPECT_EQ(zone.update({"! big 0 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(zone.changes(), Lines{"+ big.example. 60 IN A 192.0.2.9"});
  EXPECT_EQ(zone.update({"! new 5 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(zone.changes(), Lines{"+ new.example. 5 IN A 192.0.2.9"});
  zone.rules[0].remove = true;
  EXPECT_EQ(zone.update({"! new 7 IN A 192.0.2.9"}), "NOERROR");
  EXPECT_EQ(zone.changes(), (Lines{"- new.example. 5 IN A 192.0.2.9", "+ new.example. 7 IN A 192.0.2.9"}));
}

}  // namespace
}  // namespace samara::server
