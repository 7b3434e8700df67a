// RFC 2136 section 3, rule by rule.
#include "server/update.h"

#include <gtest/gtest.h>

#include "update_text.h"

namespace samara::server {
namespace {

class Update : public testing::Test, protected UpdatedZone {
 protected:
  static constexpr std::string_view zone_text = R"($TTL 300
@ SOA ns host 7 7200 900 1209600 60
@ NS ns
@ NS ns.elsewhere.test.
@ TXT "apex"
ns A 192.0.2.1
www A 192.0.2.80
www A 192.0.2.81
www TXT "web"
alias CNAME www
d DNAME elsewhere.test.
a.b.c A 192.0.2.3
cut NS ns.cut
ns.cut A 192.0.2.4
mail MX 10 MX1.Mail
svc WKS 192.0.2.7 TCP smtp
)";
  Update() : UpdatedZone(zone_text) {}
};

// ---- section 3.1: the zone section ----------------------------------------------------------------------------------

TEST_F(Update, Section311TakesOneZoneOfTypeSoa) {
  EXPECT_EQ(update({}), "NOERROR");
  text.zone_type = "A";
  EXPECT_EQ(update({}), "FORMERR");
  text.zone_type = "SOA";
  for (const u8 count : {u8{0}, u8{2}}) {
    std::vector<u8> message = text.message({});
    message[5] = count;
    EXPECT_EQ(update_by(message), "FORMERR");
  }
}

// Records of such a message that say IN are without data, whatever their type.
TEST_F(Update, Section312AnotherClassIsNotauth) {
  text.zone_class = "CH";
  EXPECT_EQ(update({}), "NOTAUTH");
  EXPECT_EQ(update({"! @ 60 IN SOA ns host 99 1 1 1 1", "! new 60 IN A 192.0.2.9"}), "NOTAUTH");
}

TEST_F(Update, ReadsOnlyUpdates) {
  std::vector<u8> message = text.message({});
  message[2] = 0;
  EXPECT_EQ(update_by(message), "NOTIMP");
}

TEST_F(Update, MessagesCutShortAreFormerr) {
  const std::vector<u8> message = text.message({"? www 0 IN A 192.0.2.80", "! mail 60 IN MX 5 x"});
  ASSERT_EQ(update_by(message), "NXRRSET");
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_EQ(update_by(Bytes(message).first(size)), "FORMERR") << size;
  }
}

TEST_F(Update, DataThatIsNotItsTypesIsFormerr) {
  EXPECT_EQ(update({"! www 60 IN TYPE1 \\# 4 c0000201"}), "NOERROR");
  std::vector<u8> message = text.message({"! www 60 IN A 192.0.2.1"});
  message.pop_back();
  message[message.size() - 4] = 3;
  EXPECT_EQ(update_by(message), "FORMERR");
}

// ---- section 3.2: prerequisites -------------------------------------------------------------------------------------

TEST_F(Update, Section321TtlOfAPrerequisiteIsZero) {
  EXPECT_EQ(update({"? www 1 ANY A"}), "FORMERR");
  EXPECT_EQ(update({"? www 1 NONE MX"}), "FORMERR");
  EXPECT_EQ(update({"? mail 1 IN MX 10 mx1.mail"}), "FORMERR");
}

TEST_F(Update, Section321NamesOutsideTheZoneAreNotzone) {
  EXPECT_EQ(update({"? www.example.net. 0 ANY A"}), "NOTZONE");
  EXPECT_EQ(update({"? www.example.net. 0 NONE ANY"}), "NOTZONE");
  EXPECT_EQ(update({"? . 0 IN A 192.0.2.1"}), "NOTZONE");
}

TEST_F(Update, Section321ClassAnyAsksThatARRsetExists) {
  EXPECT_EQ(update({"? www 0 ANY A"}), "NOERROR");
  EXPECT_EQ(update({"? WWW 0 ANY TXT"}), "NOERROR");
  EXPECT_EQ(update({"? www 0 ANY AAAA"}), "NXRRSET");
  EXPECT_EQ(update({"? nothing 0 ANY A"}), "NXRRSET");
  EXPECT_EQ(update({"? ns.cut 0 ANY A"}), "NOERROR");
}

TEST_F(Update, Section321ClassAnyTypeAnyAsksThatANameIsInUse) {
  EXPECT_EQ(update({"? www 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(update({"? nothing 0 ANY ANY"}), "NXDOMAIN");
}

TEST_F(Update, Section244EmptyNonTerminalsAreNotInUse) {
  EXPECT_EQ(update({"? b.c 0 ANY ANY"}), "NXDOMAIN");
  EXPECT_EQ(update({"? b.c 0 NONE ANY"}), "NOERROR");
}

TEST_F(Update, Section321ClassAnyHasNoData) {
  EXPECT_EQ(update({"? www 0 ANY A 192.0.2.80"}), "FORMERR");
}

TEST_F(Update, Section322ClassNoneAsksThatARRsetDoesNotExist) {
  EXPECT_EQ(update({"? www 0 NONE AAAA"}), "NOERROR");
  EXPECT_EQ(update({"? www 0 NONE A"}), "YXRRSET");
}

TEST_F(Update, Section322ClassNoneTypeAnyAsksThatANameIsNotInUse) {
  EXPECT_EQ(update({"? nothing 0 NONE ANY"}), "NOERROR");
  EXPECT_EQ(update({"? www 0 NONE ANY"}), "YXDOMAIN");
}

TEST_F(Update, Section322ClassNoneHasNoData) {
  EXPECT_EQ(update({"? www 0 NONE A 192.0.2.80"}), "FORMERR");
}

TEST_F(Update, Section323RRsetsByValueAreWholeAndExact) {
  EXPECT_EQ(update({"? www 0 IN A 192.0.2.80", "? www 0 IN A 192.0.2.81"}), "NOERROR");
  EXPECT_EQ(update({"? www 0 IN A 192.0.2.81", "? www 0 IN TXT \"web\"", "? WWW 0 IN A 192.0.2.80"}), "NOERROR");
  EXPECT_EQ(update({"? www 0 IN A 192.0.2.80"}), "NXRRSET");
  EXPECT_EQ(update({"? www 0 IN A 192.0.2.80", "? www 0 IN A 192.0.2.82"}), "NXRRSET");
  EXPECT_EQ(update({"? www 0 IN A 192.0.2.80", "? www 0 IN A 192.0.2.81", "? www 0 IN A 192.0.2.82"}), "NXRRSET");
  EXPECT_EQ(update({"? nothing 0 IN A 192.0.2.80"}), "NXRRSET");
  EXPECT_EQ(update({"? mail 0 IN MX 10 mx1.MAIL"}), "NOERROR");
  EXPECT_EQ(update({"? mail 0 IN MX 10 mx1.mail", "? mail 0 IN MX 10 MX1.mail"}), "NOERROR");
}

// Section 3.2.5 goes through them one by one.
TEST_F(Update, Section325AMalformedOneBehindOneThatFailsIsNotReached) {
  for (const std::string malformed : {"? www 0 CH A", "? www 1 ANY A", "? www 0 IN TYPE252 \\# 3 010203"}) {
    EXPECT_EQ(update({"? www 0 ANY MX", malformed}), "NXRRSET") << malformed;
    EXPECT_EQ(update({malformed, "? www 0 ANY MX"}), "FORMERR") << malformed;
    EXPECT_EQ(update({"? www 0 ANY A", malformed}), "FORMERR") << malformed;
  }
  // An address of three octets, the last of the message.
  const auto with_bad_data = [this](const std::string& first) {
    auto message = text.message({first, "? www 0 IN A 192.0.2.80"});
    message.pop_back();
    message[message.size() - 4] = 3;
    return message;
  };
  EXPECT_EQ(update_by(with_bad_data("? www 0 ANY MX")), "NXRRSET");
  EXPECT_EQ(update_by(with_bad_data("? www 0 ANY A")), "FORMERR");
}

TEST_F(Update, Section323OtherClassesAndMetaTypesAreFormerr) {
  EXPECT_EQ(update({"? www 0 CH A"}), "FORMERR");
  EXPECT_EQ(update({"? www 0 IN TYPE252 \\# 0"}), "FORMERR");
}

TEST_F(Update, Section32TheFirstPrerequisiteThatFailsDecidesAndNothingChanges) {
  EXPECT_EQ(update({"? www 0 ANY AAAA", "? www 0 NONE A", "! www 0 ANY A"}), "NXRRSET");
  EXPECT_EQ(changes(), Lines{"same"});
}

// ---- section 3.3: permission ----------------------------------------------------------------------------------------

TEST_F(Update, Section33ComesAfterPrerequisitesButStrangersLearnNothing) {
  everything = false;
  EXPECT_EQ(update({"? www 0 NONE A"}), "REFUSED");
  rules.push_back(rule_for({dns::RrType::TXT}));
  EXPECT_EQ(update({"? www 0 NONE A", "! www 60 IN A 192.0.2.9"}), "YXRRSET");
  EXPECT_EQ(update({"? www 0 ANY A", "! www 60 IN A 192.0.2.9"}), "REFUSED");
  EXPECT_EQ(outcome.why, dns::ExtendedError::prohibited);
  EXPECT_EQ(update({"! www 60 IN TXT x"}), "NOERROR");
}

// ---- section 3.4.1: prescan -----------------------------------------------------------------------------------------

TEST_F(Update, Section341NamesOutsideTheZoneAreNotzone) {
  EXPECT_EQ(update({"! www.example.net. 60 IN A 192.0.2.1"}), "NOTZONE");
  EXPECT_EQ(update({"! www.example.net. 0 ANY A"}), "NOTZONE");
  EXPECT_EQ(update({"! test. 0 NONE A 192.0.2.1"}), "NOTZONE");
}

TEST_F(Update, Section341MetaTypesAreFormerr) {
  for (const std::string type : {"TYPE0", "TYPE41", "TYPE128", "TYPE251", "TYPE252", "TYPE253", "TYPE254"}) {
    EXPECT_EQ(update({"! www 60 IN " + type + " \\# 0"}), "FORMERR") << type;
    EXPECT_EQ(update({"! www 0 ANY " + type}), "FORMERR") << type;
    EXPECT_EQ(update({"! www 0 NONE " + type + " \\# 0"}), "FORMERR") << type;
  }
  EXPECT_EQ(update({"! www 60 IN TYPE255 \\# 0"}), "FORMERR");
  EXPECT_EQ(update({"! www 0 NONE TYPE255 \\# 0"}), "FORMERR");
}

TEST_F(Update, Section341DeletionsHaveNoTtlAndThoseOfSetsNoData) {
  EXPECT_EQ(update({"! www 1 ANY A"}), "FORMERR");
  EXPECT_EQ(update({"! www 1 ANY ANY"}), "FORMERR");
  EXPECT_EQ(update({"! www 0 ANY A 192.0.2.80"}), "FORMERR");
  EXPECT_EQ(update({"! www 1 NONE A 192.0.2.80"}), "FORMERR");
}

TEST_F(Update, Section341OtherClassesAreFormerr) {
  EXPECT_EQ(update({"! www 60 CH A"}), "FORMERR");
}

TEST_F(Update, Section341ABadRecordUndoesTheGoodOnes) {
  EXPECT_EQ(update({"! www 0 ANY A", "! x 60 IN A 192.0.2.1", "! www.example.net. 60 IN A 192.0.2.1"}), "NOTZONE");
  EXPECT_EQ(changes(), Lines{"same"});
}

// ---- section 3.4.2.2: add -------------------------------------------------------------------------------------------

TEST_F(Update, Section3422AddsRecords) {
  EXPECT_EQ(update({"! new 60 IN A 192.0.2.9", "! www 300 IN A 192.0.2.82", "! x.y.z 60 IN TXT a b"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"+ new.example. 60 IN A 192.0.2.9", "+ www.example. 300 IN A 192.0.2.82",
                              "+ x.y.z.example. 60 IN TXT \"a\" \"b\""}));
}

TEST_F(Update, Section3422AddingWhatIsThereChangesNothing) {
  EXPECT_EQ(update({"! www 300 IN A 192.0.2.80"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
  EXPECT_EQ(zone().serial(), dns::Serial(7));
}

// Section 1.1.1: names are compared without their case, so nothing has changed and no secondary need come.
TEST_F(Update, what_differs_in_letter_case_alone_is_there_already) {
  EXPECT_EQ(update({"! mail 300 IN MX 10 mx1.mail", "! @ 300 IN NS NS", "! alias 300 IN CNAME WWW",
                    "! d 300 IN DNAME Elsewhere.TEST.", "! @ 300 IN NS ns.ELSEWHERE.test."}),
            "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
  EXPECT_EQ(zone().serial(), dns::Serial(7));
  // Text is not a name.
  EXPECT_EQ(update({"! www 300 IN TXT Web"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"+ www.example. 300 IN TXT \"Web\""}));
}

TEST_F(Update, another_ttl_counts_whatever_the_letter_case) {
  EXPECT_EQ(update({"! mail 60 IN MX 10 mx1.mail"}), "NOERROR");
  EXPECT_EQ(changes(),
            (Lines{"- mail.example. 300 IN MX 10 MX1.Mail.example.", "+ mail.example. 60 IN MX 10 MX1.Mail.example."}));
}

// Strings of 255 octets, so that the data has `octets` of them.
std::string long_text(size_t octets) {
  std::string text;
  for (; octets > 256; octets -= 256) text += "\"" + std::string(255, 'x') + "\" ";
  return text + "\"" + std::string(octets - 1, 'y') + "\"";
}

TEST_F(Update, a_record_that_no_transfer_could_send_is_refused) {
  // RFC 1035 section 4.2.2: a message has 65,535 octets, and a transfer's has a header, a question and a signature too.
  const size_t most = 64'887 - 10 - dns::Name::parse("big.example.", dns::Name()).value().size();
  EXPECT_EQ(update({"! big 60 IN TXT " + long_text(most + 1)}), "REFUSED");
  EXPECT_EQ(changes(), Lines{"same"});
  EXPECT_EQ(update({"! big 60 IN TXT " + long_text(most)}), "NOERROR");
  EXPECT_EQ(changes().size(), 1U);
}

TEST_F(Update, TheTtlAddedLastHoldsForTheWholeSet) {
  EXPECT_EQ(update({"! www 60 IN A 192.0.2.82"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- www.example. 300 IN A 192.0.2.80", "- www.example. 300 IN A 192.0.2.81",
                              "+ www.example. 60 IN A 192.0.2.80", "+ www.example. 60 IN A 192.0.2.81",
                              "+ www.example. 60 IN A 192.0.2.82"}));
}

TEST_F(Update, Section3422OneCnameReplacesAnother) {
  EXPECT_EQ(update({"! alias 300 IN CNAME ns"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- alias.example. 300 IN CNAME www.example.", "+ alias.example. 300 IN CNAME ns.example."}));
}

TEST_F(Update, Section3422CnameIsIgnoredWhereOtherDataIs) {
  EXPECT_EQ(update({"! www 300 IN CNAME ns", "! @ 300 IN CNAME ns", "! d 300 IN CNAME ns"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

TEST_F(Update, Section3422OtherDataIsIgnoredWhereACnameIs) {
  EXPECT_EQ(update({"! alias 300 IN A 192.0.2.9", "! alias 60 IN TXT x", "! alias 60 IN DNAME x"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

TEST_F(Update, Section3422CnameAfterDeletionInTheSameMessageIsTaken) {
  EXPECT_EQ(update({"! www 0 ANY ANY", "! www 60 IN CNAME ns", "! www 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- www.example. 300 IN A 192.0.2.80", "- www.example. 300 IN A 192.0.2.81",
                              "- www.example. 300 IN TXT \"web\"", "+ www.example. 60 IN CNAME ns.example."}));
}

TEST_F(Update, Section3422WksOfOneAddressAndProtocolIsReplaced) {
  EXPECT_EQ(update({"! svc 300 IN WKS 192.0.2.7 TCP http", "! svc 300 IN WKS 192.0.2.7 UDP domain"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- svc.example. 300 IN WKS 192.0.2.7 6 25", "+ svc.example. 300 IN WKS 192.0.2.7 17 53",
                              "+ svc.example. 300 IN WKS 192.0.2.7 6 80"}));
}

TEST_F(Update, Rfc6672Section52OneDnameReplacesAnother) {
  EXPECT_EQ(update({"! d 300 IN DNAME other.test."}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- d.example. 300 IN DNAME elsewhere.test.", "+ d.example. 300 IN DNAME other.test."}));
}

TEST_F(Update, Section3422TakesANewerSoa) {
  EXPECT_EQ(update({"! @ 900 IN SOA ns host 20 1 2 3 4"}), "NOERROR");
  EXPECT_EQ(zone().serial(), dns::Serial(20));
  EXPECT_EQ(zone().soa().ttl().seconds(), 900U);
}

TEST_F(Update, Section3422IgnoresAnSoaThatIsNotNewer) {
  for (const std::string serial : {"7", "6", "2147483655", "4294967295"}) {
    EXPECT_EQ(update({"! @ 300 IN SOA ns other " + serial + " 1 2 3 4"}), "NOERROR");
    EXPECT_EQ(changes(), Lines{"same"}) << serial;
  }
  EXPECT_EQ(update({"! @ 300 IN SOA ns other 2147483654 1 2 3 4"}), "NOERROR");
  EXPECT_EQ(zone().serial(), dns::Serial(2147483654));
}

TEST_F(Update, Section3422IgnoresAnSoaBelowTheApex) {
  EXPECT_EQ(update({"! www 300 IN SOA ns host 20 1 2 3 4"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

// ---- section 3.4.2.3: delete an RRset, or all of a name -------------------------------------------------------------

TEST_F(Update, Section3423DeletesAnRRset) {
  EXPECT_EQ(update({"! www 0 ANY A"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- www.example. 300 IN A 192.0.2.80", "- www.example. 300 IN A 192.0.2.81"}));
}

TEST_F(Update, Section3423DeletesAllRRsetsOfAName) {
  EXPECT_EQ(update({"! www 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- www.example. 300 IN A 192.0.2.80", "- www.example. 300 IN A 192.0.2.81",
                              "- www.example. 300 IN TXT \"web\""}));
}

TEST_F(Update, Section3423DeletingWhatIsNotThereChangesNothing) {
  EXPECT_EQ(update({"! www 0 ANY AAAA", "! nothing 0 ANY ANY", "! b.c 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

TEST_F(Update, Section3423SoaAndNsOfTheApexStay) {
  EXPECT_EQ(update({"! @ 0 ANY SOA", "! @ 0 ANY NS"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
  EXPECT_EQ(update({"! @ 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"- example. 300 IN TXT \"apex\""});
}

TEST_F(Update, Section3423NsBelowTheApexGo) {
  EXPECT_EQ(update({"! cut 0 ANY NS", "! ns.cut 0 ANY ANY"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- cut.example. 300 IN NS ns.cut.example.", "- ns.cut.example. 300 IN A 192.0.2.4"}));
}

// ---- section 3.4.2.4: delete a record -------------------------------------------------------------------------------

TEST_F(Update, Section3424DeletesARecord) {
  EXPECT_EQ(update({"! www 0 NONE A 192.0.2.80", "! mail 0 NONE MX 10 mx1.mail"}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- mail.example. 300 IN MX 10 MX1.Mail.example.", "- www.example. 300 IN A 192.0.2.80"}));
}

TEST_F(Update, Section3424DeletingARecordThatIsNotThereChangesNothing) {
  EXPECT_EQ(update({"! www 0 NONE A 192.0.2.82", "! nothing 0 NONE A 192.0.2.80"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

TEST_F(Update, Section3424TheSoaStays) {
  EXPECT_EQ(update({"! @ 0 NONE SOA ns host 7 7200 900 1209600 60"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

TEST_F(Update, Section3424TheLastNsOfTheApexStays) {
  EXPECT_EQ(update({"! @ 0 NONE NS ns", "! @ 0 NONE NS ns.elsewhere.test."}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"- example. 300 IN NS ns.example."});
  EXPECT_EQ(update({"! @ 300 IN NS ns2", "! @ 0 NONE NS ns.elsewhere.test."}), "NOERROR");
  EXPECT_EQ(changes(), (Lines{"- example. 300 IN NS ns.elsewhere.test.", "+ example. 300 IN NS ns2.example."}));
}

// ---- order, atomicity and serials -----------------------------------------------------------------------------------

TEST_F(Update, Section342EachChangeSeesThoseBeforeIt) {
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.1", "! x 0 ANY ANY", "! x 60 IN TXT a", "! www 0 NONE A 192.0.2.80",
                    "! www 300 IN A 192.0.2.80", "! X 0 NONE TXT a"}),
            "NOERROR");
  EXPECT_EQ(changes(), Lines{"same"});
}

TEST_F(Update, Section342SpellingOfOwnersDoesNotMatter) {
  EXPECT_EQ(update({"! new 60 IN A 192.0.2.1", "! NEW 60 IN A 192.0.2.2", "! NeW 0 NONE A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(changes(), Lines{"+ new.example. 60 IN A 192.0.2.2"});
}

// 7 to 0x70000000 to 0xe0000000: up twice, and down for who sees only both.
TEST_F(Update, Section342TwoSoasDoNotTakeTheSerialDown) {
  EXPECT_EQ(update({"! @ 300 IN SOA ns host 1879048192 1 2 3 4", "! @ 300 IN SOA ns host 3758096384 5 6 7 8"}), "NOERROR");
  EXPECT_EQ(zone().serial(), dns::Serial(1879048192));
}

TEST_F(Update, Section36TheSerialIsRaisedWhenTheUpdateDidNot) {
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone().serial(), dns::Serial(8));
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.2", "! @ 300 IN SOA ns host 100 1 2 3 4"}), "NOERROR");
  EXPECT_EQ(zone().serial(), dns::Serial(100));
  EXPECT_EQ(update({"! x 60 IN A 192.0.2.3", "! @ 300 IN SOA ns host 90 1 2 3 4"}), "NOERROR");
  EXPECT_EQ(zone().serial(), dns::Serial(101));
}

TEST(UpdateSerial, PassesOverZero) {
  UpdatedZone zone("@ 300 SOA ns host 4294967295 2 3 4 5\n@ 300 NS ns\n");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1"}), "NOERROR");
  EXPECT_EQ(zone.zone().serial(), dns::Serial(1));
}

TEST_F(Update, ManyChangesOfOneLargeSet) {
  room.limits.max_records_per_rrset = 2000;
  Lines lines;
  for (int i = 0; i < 1500; ++i)
    lines.push_back("! big 60 IN A 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  EXPECT_EQ(update(lines), "NOERROR");
  EXPECT_EQ(zone().find(zone::name_of("big.example."), dns::RrType::A)->count(), 1500U);
  for (std::string& line : lines) line.replace(line.find("60 IN"), 5, "0 NONE");
  lines.pop_back();
  EXPECT_EQ(update(lines), "NOERROR");
  EXPECT_EQ(zone().find(zone::name_of("big.example."), dns::RrType::A)->count(), 1U);
}

TEST(UpdateRefusal, NamesTheRecordAndTheRule) {
  UpdatedZone zone("$TTL 300\n@ SOA ns host 7 2 3 4 5\n@ NS ns\nwww A 192.0.2.1\nwww TXT \"x\"\n");
  zone.everything = false;
  UpdateRule foreign;
  foreign.zones = {zone::name_of("other.")};
  UpdateRule dynamic;
  dynamic.match = UpdateNames::subtree;
  dynamic.names = {zone::name_of("dyn.example.")};
  dynamic.types = {dns::RrType::A};
  dynamic.remove = false;
  zone.rules = {foreign, dynamic};
  const auto refusal = [&zone](const std::string& line) {
    EXPECT_EQ(zone.update({line}), "REFUSED");
    return std::string(zone.outcome.reason.view());
  };
  EXPECT_EQ(refusal("! www 60 IN A 192.0.2.2"),
            "no right to add A (rule 2 of update-policy gives no such name) at www.example.");
  EXPECT_EQ(refusal("! www.dyn 60 IN TXT x"),
            "no right to add TXT (rule 2 of update-policy gives no such type) at www.dyn.example.");
  EXPECT_EQ(refusal("! www.dyn 0 ANY A"),
            "no right to delete A (rule 2 of update-policy gives no such operation) at www.dyn.example.");
  zone.rules[1].names = {zone::name_of("example.")};
  zone.rules[1].remove = true;
  EXPECT_EQ(refusal("! www 0 ANY ANY"), "no right to delete TXT (rule 2 of update-policy gives no such type) at www.example.");
  EXPECT_EQ(refusal("! @ 60 IN NS ns2"), "no right to add NS (rule 2 of update-policy gives no such type) at example.");
}

// ---- signed zones ---------------------------------------------------------------------------------------------------

TEST(UpdateOfSignedZone, IsRefusedUnlessARuleSaysThatTheSenderSigns) {
  const std::string signature = " 13 2 300 20370101000000 20260101000000 1 example. ";
  UpdatedZone zone(R"($TTL 300
@ SOA ns host 7 2 3 4 5
@ NS ns
@ DNSKEY 257 3 13 AAAA
www A 192.0.2.1
www RRSIG A)" + signature +
                   "AAAA\n");
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1"}), "REFUSED");
  EXPECT_EQ(zone.outcome.why, dns::ExtendedError::prohibited);
  EXPECT_EQ(zone.outcome.reason.view(), "the zone is signed elsewhere");
  zone.rules.push_back(rule_for({dns::RrType::ANY}));
  EXPECT_EQ(zone.update({"! x 60 IN A 192.0.2.1"}), "REFUSED");
  zone.rules.back().signed_zones = true;
  EXPECT_EQ(zone.update({"! www 0 ANY RRSIG", "! www 300 IN A 192.0.2.2", "! www 300 IN RRSIG A" + signature + "AAAB",
                         "! www 60 IN RRSIG TXT" + signature + "AAAC"}),
            "NOERROR");
  EXPECT_EQ(zone.changes(), (Lines{"- www.example. 300 IN RRSIG A" + signature + "AAAA", "+ www.example. 300 IN A 192.0.2.2",
                                   "+ www.example. 60 IN RRSIG TXT" + signature + "AAAC",
                                   "+ www.example. 300 IN RRSIG A" + signature + "AAAB"}));
  EXPECT_EQ(zone.update({"? www 0 ANY RRSIG", "! www 0 ANY ANY"}), "NOERROR");
  EXPECT_FALSE(zone.zone().find(zone::name_of("www.example.")).has_value());
}

// Else whoever may write one name could lock the zone for everybody, himself included.
TEST(UpdateOfSignedZone, is_what_an_update_may_not_make_of_another_without_the_right_for_signed_zones) {
  const std::string hashed = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";
  const Lines makers{"! x 60 IN NSEC y.example. A", "! " + hashed + " 60 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
                     "! @ 60 IN NSEC3PARAM 1 0 0 -", "! @ 60 IN DNSKEY 257 3 13 AAAA",
                     "! @ 60 IN RRSIG SOA 13 1 60 20370101000000 20260101000000 1 example. AAAA"};
  for (const std::string& maker : makers) {
    UpdatedZone zone("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n");
    zone.rules.push_back(rule_for({dns::RrType::ANY}));
    EXPECT_EQ(zone.update({maker}), "REFUSED") << maker;
    EXPECT_EQ(zone.outcome.reason.view(), "this change makes the zone a signed one, for signers to change");
    EXPECT_EQ(zone.update({"! a 60 IN A 192.0.2.1"}), "NOERROR") << "after " << maker;
    zone.rules.back().signed_zones = true;
    EXPECT_EQ(zone.update({maker}), "NOERROR") << maker;
  }
}

TEST(UpdateOfSignedZone, is_judged_as_it_would_be_in_every_change) {
  UpdatedZone zone("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n");
  zone.rules.push_back(rule_for({dns::RrType::DNSKEY}));
  zone.rules.back().signed_zones = true;
  EXPECT_EQ(zone.update({"! @ 60 IN DNSKEY 257 3 13 AAAA", "! a 60 IN A 192.0.2.1"}), "REFUSED")
      << "the address by a right for unsigned zones";
  EXPECT_EQ(zone.update({"! a 60 IN A 192.0.2.1", "! @ 60 IN DNSKEY 257 3 13 AAAA"}), "REFUSED") << "in any order";
  EXPECT_EQ(zone.update({"! @ 60 IN DNSKEY 257 3 13 AAAA"}), "NOERROR");
}

TEST(UpdateOfSignedZone, has_its_keys_and_parameters_at_the_apex_and_hashes_below_it) {
  UpdatedZone zone("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n");
  zone.rules.push_back(rule_for({dns::RrType::ANY}));
  zone.rules.back().signed_zones = true;
  for (const char* line : {"! x 60 IN DNSKEY 257 3 13 AAAA", "! x 60 IN NSEC3PARAM 1 0 0 -",
                           "! @ 60 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
                           "! a.x 60 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"}) {
    EXPECT_EQ(zone.update({line}), "REFUSED") << line;
    EXPECT_NE(zone.outcome.reason.view().find(" cannot be at "), std::string_view::npos) << zone.outcome.reason.view();
  }
  EXPECT_EQ(zone.update({"! x 0 NONE DNSKEY 257 3 13 AAAA"}), "NOERROR") << "what is there can be taken away";
}

TEST(UpdateOfSignedZone, ReachesNsec3Records) {
  const std::string hashed = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";
  UpdatedZone zone("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n" + hashed + " 60 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n" +
                   hashed + " 60 TXT x\n");
  zone.rules.push_back(rule_for({dns::RrType::ANY}));
  zone.rules.back().signed_zones = true;
  EXPECT_EQ(zone.update({"? " + hashed + " 0 ANY NSEC3", "? " + hashed + " 0 ANY TXT", "! " + hashed + " 0 ANY NSEC3"}),
            "NOERROR");
  EXPECT_FALSE(zone.zone().has_nsec3());
  EXPECT_EQ(zone.update({"? " + hashed + " 0 NONE NSEC3", "? " + hashed + " 0 ANY TXT"}), "NOERROR");
}

}  // namespace
}  // namespace samara::server
