#include "server/update_policy.h"

#include <gtest/gtest.h>

#include "update_text.h"

namespace samara::server {
namespace {

using dns::RrType;
using zone::name_of;

class Policy : public testing::Test {
 protected:
  UpdateRights rights(bool is_signed = false, std::string_view zone = "example.") {
    return UpdateRights(rules, everything, who, name_of(zone), is_signed);
  }
  bool adds(std::string_view owner, RrType type = RrType::A) {
    return rights().allows(name_of(owner), type, UpdateOperation::add);
  }
  void sign_with(u16 key, std::string_view name) {
    who.key = key;
    who.key_name = name_of(name);
  }
  UpdateRule& rule() { return rules.emplace_back(); }

  std::vector<UpdateRule> rules;
  bool everything = false;
  Requester who = requester();
};

TEST_F(Policy, NothingIsAllowedWithoutARule) {
  EXPECT_FALSE(rights().any());
  EXPECT_FALSE(adds("www.example."));
}

TEST_F(Policy, AccessToAllCoversEveryTypeOfUnsignedZones) {
  everything = true;
  EXPECT_TRUE(adds("example.", RrType::SOA));
  EXPECT_FALSE(rights(true).any());
  EXPECT_TRUE(rights(true).refused_as_signed());
}

TEST_F(Policy, RulesAreForTheirAddressesKeysAndZones) {
  rule().from = IpPrefix::parse("192.0.2.0/24");
  EXPECT_TRUE(rights().any());
  who.address = *IpAddress::parse("198.51.100.1");
  EXPECT_FALSE(rights().any());

  rules.clear();
  rule().key = u16{1};
  EXPECT_FALSE(rights().any());
  sign_with(0, "a.");
  EXPECT_FALSE(rights().any());
  sign_with(1, "b.");
  EXPECT_TRUE(rights().any());

  rules.back().zones = {name_of("other."), name_of("EXAMPLE.")};
  EXPECT_TRUE(rights().any());
  EXPECT_FALSE(rights(false, "third.").any());
}

TEST_F(Policy, NamesAreExactOrSubtrees) {
  rule().match = UpdateNames::exact;
  rules.back().names = {name_of("a.example."), name_of("b.example.")};
  EXPECT_TRUE(adds("A.example."));
  EXPECT_TRUE(adds("b.example."));
  EXPECT_FALSE(adds("x.a.example."));
  rules.back().match = UpdateNames::subtree;
  EXPECT_TRUE(adds("x.a.example."));
  EXPECT_TRUE(adds("a.example."));
  EXPECT_FALSE(adds("xa.example."));
  EXPECT_FALSE(adds("example."));
}

TEST_F(Policy, SelfIsTheNameOfTheKey) {
  rule().match = UpdateNames::self;
  EXPECT_FALSE(rights().any());
  sign_with(3, "host.example.");
  EXPECT_TRUE(adds("HOST.example."));
  EXPECT_FALSE(adds("x.host.example."));
  rules.back().match = UpdateNames::self_subtree;
  EXPECT_TRUE(adds("x.host.example."));
  EXPECT_FALSE(adds("other.example."));
}

TEST_F(Policy, TypesThatMakeTheZoneMustBeNamed) {
  rule();
  EXPECT_TRUE(adds("www.example.", RrType::A));
  for (const RrType type : {RrType::SOA, RrType::NS, RrType::DNSKEY, RrType::RRSIG, RrType::NSEC, RrType::NSEC3}) {
    EXPECT_FALSE(adds("example.", type)) << dns::code(type);
  }
  rules.back().types = {RrType::NS, RrType::TXT};
  EXPECT_TRUE(adds("example.", RrType::NS));
  EXPECT_FALSE(adds("example.", RrType::A));
  rules.back().types = {RrType::ANY};
  EXPECT_TRUE(adds("example.", RrType::SOA));
}

TEST_F(Policy, AddingAndDeletingAreDifferentRights) {
  rule().remove = false;
  EXPECT_TRUE(rights().allows(name_of("a.example."), RrType::A, UpdateOperation::add));
  EXPECT_FALSE(rights().allows(name_of("a.example."), RrType::A, UpdateOperation::remove));
  EXPECT_FALSE(rights().allows_some_type(name_of("a.example."), UpdateOperation::remove));
}

TEST_F(Policy, AnyRuleThatGivesItIsEnough) {
  rule().types = {RrType::TXT};
  rule().types = {RrType::AAAA};
  EXPECT_TRUE(adds("www.example.", RrType::TXT));
  EXPECT_TRUE(adds("www.example.", RrType::AAAA));
  EXPECT_FALSE(adds("www.example.", RrType::A));
}

TEST_F(Policy, SignedZonesNeedARuleThatSaysSo) {
  rule();
  rule().types = {RrType::TXT};
  rules.back().signed_zones = true;
  EXPECT_FALSE(rights(true).allows(name_of("a.example."), RrType::A, UpdateOperation::add));
  EXPECT_TRUE(rights(true).allows(name_of("a.example."), RrType::TXT, UpdateOperation::add));
  EXPECT_FALSE(rights(true).refused_as_signed());
}

// ---- as an update meets them ----------------------------------------------------------------------------------------

class PolicyOnUpdate : public testing::Test, protected UpdatedZone {
 protected:
  PolicyOnUpdate()
      : UpdatedZone("$TTL 300\n@ SOA ns host 7 2 3 4 5\n@ NS ns\n@ TXT apex\nwww A 192.0.2.1\nwww TXT web\nalias CNAME www\n") {
    everything = false;
  }
};

TEST_F(PolicyOnUpdate, EveryRecordMustBeAllowed) {
  rules.push_back(rule_for({dns::RrType::TXT}));
  EXPECT_EQ(update({"! www 60 IN TXT x", "! www 60 IN A 192.0.2.2"}), "REFUSED");
  EXPECT_EQ(update({"! www 0 NONE A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(update({"! www 0 ANY A"}), "REFUSED");
  EXPECT_EQ(update({"! www 0 ANY TXT", "! www 60 IN TXT x"}), "NOERROR");
}

TEST_F(PolicyOnUpdate, DeletingANameNeedsAllItsTypes) {
  rules.push_back(rule_for({dns::RrType::TXT}));
  EXPECT_EQ(update({"! www 0 ANY ANY"}), "REFUSED");
  EXPECT_EQ(update({"! nothing 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(update({"! @ 0 ANY ANY"}), "NOERROR");  // SOA and NS stay, so only the TXT goes
  EXPECT_EQ(changes(), Lines{"- example. 300 IN TXT \"apex\""});
  rules.push_back(rule_for({dns::RrType::A}));
  EXPECT_EQ(update({"! www 0 ANY ANY"}), "NOERROR");
}

TEST_F(PolicyOnUpdate, WhoMayOnlyAddCannotReplace) {
  rules.push_back(rule_for({dns::RrType::ANY}));
  rules.back().remove = false;
  EXPECT_EQ(update({"! alias 300 IN CNAME elsewhere.test."}), "REFUSED");
  EXPECT_EQ(update({"! @ 300 IN SOA ns host 99 1 2 3 4"}), "REFUSED");
  EXPECT_EQ(update({"! alias2 300 IN CNAME www", "! www 300 IN A 192.0.2.2"}), "NOERROR");
}

}  // namespace
}  // namespace samara::server
