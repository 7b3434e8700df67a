#include "dns-core/dnssec/verify.h"

#include <optional>

#include "records_from_text.h"
#include "signing_vectors.h"

namespace samara::dns {
namespace {

struct Signed {
  Name owner, zone;
  RrType type;
  std::vector<std::vector<u8>> records;
  std::vector<u8> rrsig, dnskey;

  explicit Signed(const SigningVector& v)
      : owner(name(v.owner)),
        zone(name(v.zone)),
        type(v.type),
        records{rdata(v.type, v.rdata)},
        rrsig(rdata(RrType::RRSIG, v.rrsig)),
        dnskey(rdata(RrType::DNSKEY, v.dnskey)) {}

  std::optional<RrsigError> verify() const {
    const std::vector<Bytes> views(records.begin(), records.end());
    std::vector<u8> memory;
    const auto result = verify_rrsig({owner, type, RrClass::IN, views}, rrsig, zone, dnskey, memory);
    if (result.ok()) return std::nullopt;
    return result.error();
  }
};

const SigningVector& p256 = signing_vectors[2];

TEST(VerifyRrsig, accepts_the_examples_of_the_rfcs) {
  for (const SigningVector& v : signing_vectors) EXPECT_EQ(Signed(v).verify(), std::nullopt) << v.what;
}

TEST(VerifyRrsig, does_not_mind_the_case_of_names) {
  Signed s(signing_vectors[4]);
  s.owner = name("EXAMPLE.com.");
  s.records = {rdata(RrType::MX, "10 Mail.Example.COM.")};
  EXPECT_EQ(s.verify(), std::nullopt);
}

TEST(VerifyRrsig, takes_a_record_given_twice_once) {
  Signed s(p256);
  s.records.push_back(s.records.front());
  EXPECT_EQ(s.verify(), std::nullopt);
}

TEST(VerifyRrsig, refuses_changed_records_owners_classes_and_times) {
  for (const SigningVector& v : signing_vectors) {
    Signed other_record(v);
    other_record.records.front()[1] ^= 1;
    EXPECT_EQ(other_record.verify(), RrsigError::bad_signature) << v.what;
    Signed more_records(v);
    more_records.records.push_back(v.type == RrType::A ? rdata(v.type, "192.0.2.2") : rdata(v.type, "20 mail.example.com."));
    EXPECT_EQ(more_records.verify(), RrsigError::bad_signature) << v.what;
    for (const size_t at : {4U, 7U, 8U, 11U, 12U, 15U}) {  // original TTL, expiration, inception
      Signed changed(v);
      changed.rrsig[at] ^= 1;
      EXPECT_EQ(changed.verify(), RrsigError::bad_signature) << v.what << ' ' << at;
    }
    Signed changed(v);
    changed.rrsig.back() ^= 1;
    EXPECT_EQ(changed.verify(), RrsigError::bad_signature) << v.what;
  }
  Signed other_owner(p256);
  other_owner.owner = name("wwx.example.net.");
  EXPECT_EQ(other_owner.verify(), RrsigError::bad_signature);
}

TEST(VerifyRrsig, refuses_what_does_not_belong_together) {
  Signed other_type(p256);
  other_type.type = RrType::AAAA;
  EXPECT_EQ(other_type.verify(), RrsigError::other_type);
  Signed out_of_zone(p256);
  out_of_zone.owner = name("www.example.org.");
  EXPECT_EQ(out_of_zone.verify(), RrsigError::out_of_zone);
  Signed other_zone(p256);
  other_zone.zone = name("net.");
  EXPECT_EQ(other_zone.verify(), RrsigError::wrong_key);
  Signed other_key(p256);
  other_key.dnskey.back() ^= 1;
  EXPECT_EQ(other_key.verify(), RrsigError::wrong_key);
  Signed other_algorithm(p256);
  other_algorithm.rrsig[2] = 14;
  EXPECT_EQ(other_algorithm.verify(), RrsigError::wrong_key);
}

// Changes the DNSKEY and lets the RRSIG name it all the same, so that the tag is not what refuses it.
template <class Change>
std::optional<RrsigError> with_key(const SigningVector& v, Change change) {
  Signed s(v);
  change(s.dnskey);
  if (s.dnskey.size() >= 4) s.rrsig[2] = s.dnskey[3];
  u32 sum = 0;
  for (size_t i = 0; i < s.dnskey.size(); ++i) sum += i % 2 == 0 ? u32{s.dnskey[i]} << 8 : s.dnskey[i];
  sum += sum >> 16;
  s.rrsig[16] = static_cast<u8>(sum >> 8);
  s.rrsig[17] = static_cast<u8>(sum);
  return s.verify();
}

TEST(VerifyRrsig, refuses_keys_that_may_not_sign) {
  EXPECT_EQ(with_key(p256, [](auto& key) { key[0] = 0; }), RrsigError::unusable_key);
  EXPECT_EQ(with_key(p256, [](auto& key) { key[1] |= 0x80; }), RrsigError::unusable_key);
  EXPECT_EQ(with_key(p256, [](auto& key) { key[2] = 2; }), RrsigError::unusable_key);
  for (const u8 algorithm : {0, 2, 3, 5, 6, 7, 9, 12, 17, 253, 255}) {
    EXPECT_EQ(with_key(p256, [algorithm](auto& key) { key[3] = algorithm; }), RrsigError::unsupported_algorithm)
        << int{algorithm};
  }
}

TEST(VerifyRrsig, refuses_malformed_keys_of_every_algorithm) {
  for (const SigningVector& v : signing_vectors) {
    EXPECT_EQ(with_key(v, [](auto& key) { key.resize(4); }), RrsigError::bad_key) << v.what;
    EXPECT_EQ(with_key(v, [](auto& key) { key.resize(5); }), RrsigError::bad_key) << v.what;
    EXPECT_EQ(with_key(v, [](auto& key) { key.resize(65'000, 0xff); }), RrsigError::bad_key) << v.what;
    EXPECT_EQ(with_key(v, [](auto& key) { key.resize(3); }), RrsigError::malformed) << v.what;
    EXPECT_NE(with_key(v, [](auto& key) { std::ranges::fill(std::span(key).subspan(4), u8{0}); }), std::nullopt) << v.what;
    EXPECT_NE(with_key(v, [](auto& key) { std::ranges::fill(std::span(key).subspan(4), u8{0xff}); }), std::nullopt) << v.what;
  }
  const SigningVector& rsa = signing_vectors[0];
  EXPECT_EQ(with_key(rsa, [](auto& key) { key[4] = 0; }), RrsigError::bad_key);    // length in two octets, beyond the end
  EXPECT_EQ(with_key(rsa, [](auto& key) { key[4] = 200; }), RrsigError::bad_key);  // beyond the end
  EXPECT_EQ(with_key(rsa, [](auto& key) { key.back() &= 0xfe; }), RrsigError::bad_key);
}

TEST(VerifyRrsig, accepts_an_rsa_exponent_with_a_long_length) {
  // RFC 3110 section 2: a zero and two octets say the same.
  EXPECT_EQ(with_key(signing_vectors[0], [](auto& key) { key.insert(key.begin() + 4, {0, 0}); }), std::nullopt);
}

TEST(VerifyRrsig, every_truncation_of_the_records_is_an_error) {
  for (const SigningVector& v : signing_vectors) {
    const Signed whole(v);
    for (size_t size = 0; size < whole.rrsig.size(); ++size) {
      Signed s = whole;
      s.rrsig.resize(size);
      EXPECT_NE(s.verify(), std::nullopt) << v.what << ' ' << size;
    }
    for (size_t size = 0; size < whole.dnskey.size(); ++size) {
      Signed s = whole;
      s.dnskey.resize(size);
      EXPECT_NE(s.verify(), std::nullopt) << v.what << ' ' << size;
    }
  }
}

TEST(VerifyRrsig, label_counts_beyond_the_owner_or_above_the_zone_are_refused) {
  Signed s(p256);
  s.rrsig[3] = 4;
  EXPECT_EQ(s.verify(), RrsigError::bad_labels);
  s.rrsig[3] = 255;
  EXPECT_EQ(s.verify(), RrsigError::bad_labels);
  s.rrsig[3] = 1;
  EXPECT_EQ(s.verify(), RrsigError::bad_labels);
  s.rrsig[3] = 2;
  EXPECT_EQ(s.verify(), RrsigError::bad_signature);
}

TEST(VerifyRrsig, an_rrset_that_fits_into_no_message_is_refused) {
  Signed s(p256);
  s.records.assign(70'000, s.records.front());
  EXPECT_EQ(s.verify(), RrsigError::too_large);
  s.type = RrType::TXT;
  s.rrsig[0] = 0;
  s.rrsig[1] = 16;
  s.records = {std::vector<u8>(65'000, 0)};
  EXPECT_EQ(s.verify(), RrsigError::bad_signature);
  s.records = {std::vector<u8>(65'535, 0)};
  EXPECT_EQ(s.verify(), RrsigError::too_large);
}

TEST(Validity, includes_both_ends) {
  RrsigView rrsig;
  rrsig.inception = 1'000;
  rrsig.expiration = 2'000;
  EXPECT_EQ(check_validity(rrsig, UnixTime{999}).error(), RrsigError::not_yet_valid);
  EXPECT_TRUE(check_validity(rrsig, UnixTime{1'000}).ok());
  EXPECT_TRUE(check_validity(rrsig, UnixTime{1'500}).ok());
  EXPECT_TRUE(check_validity(rrsig, UnixTime{2'000}).ok());
  EXPECT_EQ(check_validity(rrsig, UnixTime{2'001}).error(), RrsigError::expired);
}

TEST(Validity, goes_around_in_2106) {
  RrsigView rrsig;
  rrsig.inception = 0xffffff00;
  rrsig.expiration = 0x100;
  constexpr i64 around = i64{1} << 32;
  EXPECT_TRUE(check_validity(rrsig, UnixTime{around - 0x10}).ok());
  EXPECT_TRUE(check_validity(rrsig, UnixTime{around}).ok());
  EXPECT_TRUE(check_validity(rrsig, UnixTime{around + 0x100}).ok());
  EXPECT_EQ(check_validity(rrsig, UnixTime{around + 0x101}).error(), RrsigError::expired);
  EXPECT_EQ(check_validity(rrsig, UnixTime{around - 0x101}).error(), RrsigError::not_yet_valid);
}

TEST(Validity, a_period_that_ends_before_it_begins_is_never_valid) {
  RrsigView rrsig;
  rrsig.inception = 2'000;
  rrsig.expiration = 1'000;
  for (const i64 now : {0, 999, 1'000, 1'500, 2'000, 2'001}) EXPECT_FALSE(check_validity(rrsig, UnixTime{now}).ok()) << now;
}

}  // namespace
}  // namespace samara::dns
