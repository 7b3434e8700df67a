#include "ops/zone/second_opinion.h"

#include <gtest/gtest.h>

#include "dns-core/dnssec/verify.h"
#include "ops/zone/loaded_zone.h"

namespace samara::ops {
namespace {

const std::string zones_folder = SAMARA_TEST_DATA "/../../zones/";

// The set, its signature and the key that made it, out of an example zone.
struct Signed {
  dns::Name owner;
  dns::RrType type;
  dns::Ttl ttl;
  std::vector<u8> rdata;
  std::vector<u8> rrsig;
  std::vector<u8> dnskey;
};

class SecondOpinion : public ::testing::TestWithParam<std::string> {
 protected:
  static dns::Name name(const std::string& text) { return MUST(dns::Name::parse(text, dns::Name())); }

  Signed address_of_mail() const {
    return signed_in(zones_folder + GetParam() + ".zone", "mail." + GetParam() + ".", dns::RrType::A);
  }
  static Signed signed_in(const std::string& path, const std::string& owner, dns::RrType type) {
    Diagnostics found;
    const auto loaded = LoadedZone::load(path, {}, found);
    EXPECT_TRUE(loaded.has_value());
    const zone::Zone& zone = loaded->zone();
    Signed out{name(owner), type, {}, {}, {}, {}};
    const auto set = zone.find(out.owner, out.type);
    out.ttl = set->ttl();
    set->for_each_record([&](zone::RecordView r) { out.rdata.assign(r.rdata().begin(), r.rdata().end()); });
    set->signatures().for_each_record([&](zone::RecordView r) { out.rrsig.assign(r.rdata().begin(), r.rdata().end()); });
    const u16 tag = dns::RrsigView::parse(out.rrsig).value().key_tag.value();
    zone.apex_node().find(dns::RrType::DNSKEY)->for_each_record([&](zone::RecordView r) {
      if (tag == tag_of(r.rdata())) out.dnskey.assign(r.rdata().begin(), r.rdata().end());
    });
    return out;
  }

  static u16 tag_of(Bytes dnskey);

  Opinion theirs(const Signed& s) const {
    const std::array<Bytes, 1> rdata{Bytes(s.rdata)};
    return ldns_opinion({s.owner, s.type, dns::RrClass::IN, rdata}, s.ttl, s.rrsig, name(GetParam() + "."), s.dnskey);
  }
  bool ours(const Signed& s) const {
    const std::array<Bytes, 1> rdata{Bytes(s.rdata)};
    std::vector<u8> memory;
    return dns::verify_rrsig({s.owner, s.type, dns::RrClass::IN, rdata}, s.rrsig, name(GetParam() + "."), s.dnskey, memory)
        .ok();
  }
};

// RFC 4034 appendix B, written again so that the test does not lean on what it tests.
u16 SecondOpinion::tag_of(Bytes dnskey) {
  u32 sum = 0;
  for (size_t i = 0; i < dnskey.size(); ++i) sum += (i & 1) != 0 ? dnskey[i] : u32{dnskey[i]} << 8;
  return static_cast<u16>(sum + (sum >> 16));
}

class SecondOpinionOfATypeThatLdnsMisreads : public SecondOpinion {};

TEST_F(SecondOpinionOfATypeThatLdnsMisreads, does_not_count) {
  const Signed pointer = signed_in(SAMARA_TEST_DATA "/zone/nsap-ptr/n.test.zone", "p.n.test.", dns::RrType::NSAP_PTR);
  const std::array<Bytes, 1> rdata{Bytes(pointer.rdata)};
  const dns::RrsetView set{pointer.owner, pointer.type, dns::RrClass::IN, rdata};
  std::vector<u8> memory;
  EXPECT_TRUE(dns::verify_rrsig(set, pointer.rrsig, name("n.test."), pointer.dnskey, memory).ok());
  EXPECT_EQ(ldns_opinion(set, pointer.ttl, pointer.rrsig, name("n.test."), pointer.dnskey), Opinion::bad);
  EXPECT_NE(fault_of_ldns(pointer.type), "");
  EXPECT_EQ(fault_of_ldns(dns::RrType::A), "");
}

TEST_P(SecondOpinion, BothAcceptTheGoodSignature) {
  const Signed good = address_of_mail();
  EXPECT_EQ(theirs(good), Opinion::good);
  EXPECT_TRUE(ours(good));
}

TEST_P(SecondOpinion, BothRefuseOtherData) {
  Signed other = address_of_mail();
  other.rdata[3] ^= 1;
  EXPECT_EQ(theirs(other), Opinion::bad);
  EXPECT_FALSE(ours(other));
}

TEST_P(SecondOpinion, BothRefuseAnotherOwner) {
  Signed other = address_of_mail();
  other.owner = name("ns1." + GetParam() + ".");
  EXPECT_EQ(theirs(other), Opinion::bad);
  EXPECT_FALSE(ours(other));
}

TEST_P(SecondOpinion, BothRefuseADamagedSignature) {
  for (const size_t from_end : {1, 20, 40}) {
    Signed damaged = address_of_mail();
    damaged.rrsig[damaged.rrsig.size() - from_end] ^= 0x40;
    EXPECT_EQ(theirs(damaged), Opinion::bad) << from_end;
    EXPECT_FALSE(ours(damaged)) << from_end;
  }
}

TEST_P(SecondOpinion, UnreadableDataHasNoOpinion) {
  Signed cut = address_of_mail();
  cut.rrsig.resize(10);
  EXPECT_EQ(theirs(cut), Opinion::none);
}

INSTANTIATE_TEST_SUITE_P(Zones, SecondOpinion, ::testing::Values("nsec.example", "nsec3.example"),
                         [](const auto& info) { return info.param.substr(0, info.param.find('.')); });

}  // namespace
}  // namespace samara::ops
