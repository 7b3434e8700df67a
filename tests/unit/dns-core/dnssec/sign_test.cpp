#include "dns-core/dnssec/sign.h"

#include "dns-core/dnssec/ds.h"
#include "dns-core/dnssec/signed_data.h"
#include "dns-core/dnssec/verify.h"
#include "platform/crypto/drbg.h"
#include "records_from_text.h"
#include "signing_vectors.h"

namespace samara::dns {
namespace {

constexpr std::array<u8, crypto::Drbg::seed_size> seed{42};

SigningKey key_of(const SigningVector& v) {
  const std::vector<u8> dnskey = rdata(RrType::DNSKEY, v.dnskey);
  return SigningKey::create(name(v.zone), DnssecAlgorithm{dnskey[3]}, 257, base64(v.private_key)).value();
}

Result<std::vector<u8>, SigningError> sign(const RrsetView& rrset, const SigningKey& key, SigningPeriod period,
                                           size_t room = 1'000) {
  crypto::Drbg rng(seed);
  std::vector<u8> memory;
  std::vector<u8> rrsig(room);
  ByteWriter out(rrsig);
  TRY(sign_rrset(rrset, Ttl(3600), key, period, rng, memory, out));
  rrsig.resize(out.size());
  return rrsig;
}

bool verifies(const RrsetView& rrset, Bytes rrsig, const SigningKey& key) {
  std::vector<u8> memory;
  return verify_rrsig(rrset, rrsig, key.zone(), key.dnskey(), memory).ok();
}

constexpr SigningPeriod period{UnixTime{1'438'207'200}, UnixTime{1'440'021'600}};

TEST(SigningKey, has_the_dnskey_of_the_rfcs) {
  for (const SigningVector& v : signing_vectors) {
    if (v.private_key.empty()) continue;
    EXPECT_EQ(hex(key_of(v).dnskey()), hex(rdata(RrType::DNSKEY, v.dnskey))) << v.what;
    EXPECT_EQ(key_of(v).tag(), RrsigView::parse(rdata(RrType::RRSIG, v.rrsig)).value().key_tag) << v.what;
  }
}

TEST(SignRrset, gives_the_signatures_of_rfc_8080) {
  for (const SigningVector& v : signing_vectors) {
    if (v.private_key.empty() || !v.repeatable) continue;
    const std::vector<u8> record = rdata(v.type, v.rdata);
    const std::vector<Bytes> views{record};
    EXPECT_EQ(hex(sign({name(v.owner), v.type, RrClass::IN, views}, key_of(v), period).value()),
              hex(rdata(RrType::RRSIG, v.rrsig)))
        << v.what;
  }
}

TEST(SignRrset, verifies_whatever_the_order_of_the_records) {
  const std::vector<u8> a = rdata(RrType::TXT, "\"b\"");
  const std::vector<u8> b = rdata(RrType::TXT, "\"a\" \"z\"");
  const std::vector<u8> c = rdata(RrType::TXT, "\"a\"");
  const std::vector<Bytes> one{a, b, c};
  const std::vector<Bytes> other{c, a, b, a};
  for (const SigningVector& v : signing_vectors) {
    if (v.private_key.empty()) continue;
    const SigningKey key = key_of(v);
    const Name owner = name("Www." + std::string(v.zone));
    const std::vector<u8> rrsig = sign({owner, RrType::TXT, RrClass::IN, one}, key, period).value();
    EXPECT_TRUE(verifies({owner, RrType::TXT, RrClass::IN, other}, rrsig, key)) << v.what;
    EXPECT_FALSE(verifies({owner, RrType::TXT, RrClass::CH, other}, rrsig, key)) << v.what;
    EXPECT_FALSE(verifies({owner, RrType::TXT, RrClass::IN, std::span(other).first(2)}, rrsig, key)) << v.what;
  }
}

TEST(SignRrset, a_wildcards_signature_verifies_for_the_names_it_stands_for) {
  const SigningKey key = key_of(signing_vectors[4]);
  const std::vector<u8> record = rdata(RrType::A, "192.0.2.7");
  const std::vector<Bytes> views{record};
  const std::vector<u8> rrsig = sign({name("*.w.example.com."), RrType::A, RrClass::IN, views}, key, period).value();
  EXPECT_EQ(RrsigView::parse(rrsig).value().labels, 3);
  for (const char* owner : {"*.w.example.com.", "x.w.example.com.", "x.y.z.w.example.com."}) {
    EXPECT_TRUE(verifies({name(owner), RrType::A, RrClass::IN, views}, rrsig, key)) << owner;
  }
  for (const char* owner : {"w.example.com.", "x.v.example.com.", "example.com."}) {
    EXPECT_FALSE(verifies({name(owner), RrType::A, RrClass::IN, views}, rrsig, key)) << owner;
  }
}

TEST(SignRrset, a_name_of_255_octets_can_come_from_a_wildcard) {
  const SigningKey key = key_of(signing_vectors[4]);
  const std::vector<u8> record = rdata(RrType::A, "192.0.2.7");
  const std::vector<Bytes> views{record};
  const std::vector<u8> rrsig = sign({name("*.example.com."), RrType::A, RrClass::IN, views}, key, period).value();
  std::string longest;
  for (int i = 0; i < 120; ++i) longest += "a.";
  longest += "b.example.com.";
  ASSERT_EQ(name(longest).size(), 255U);
  EXPECT_TRUE(verifies({name(longest), RrType::A, RrClass::IN, views}, rrsig, key));
}

TEST(SignRrset, names_in_old_types_are_signed_in_lower_case_and_in_new_types_as_they_are) {
  const SigningKey key = key_of(signing_vectors[4]);
  const auto both = [&](RrType type, std::string_view upper, std::string_view lower) {
    const std::vector<u8> a = rdata(type, upper);
    const std::vector<u8> b = rdata(type, lower);
    const std::vector<Bytes> one{a};
    const std::vector<Bytes> other{b};
    const std::vector<u8> rrsig = sign({name("example.com."), type, RrClass::IN, one}, key, period).value();
    return verifies({name("example.com."), type, RrClass::IN, other}, rrsig, key);
  };
  EXPECT_TRUE(both(RrType::NS, "NS.Example.", "ns.example."));
  EXPECT_TRUE(both(RrType::SRV, "1 2 3 HOST.Example.", "1 2 3 host.example."));
  EXPECT_FALSE(both(RrType::NSEC, "B.Example. A", "b.example. A"));  // RFC 6840 section 5.1
  EXPECT_FALSE(both(RrType::SVCB, "1 Host.Example.", "1 host.example."));
}

TEST(SignRrset, rsa_signs_with_the_numbers_of_rfc_5702) {
  const auto number = [](std::string_view text) { return base64(text); };
  const std::vector<u8> modulus =
      number("wVwaxrHF2CK64aYKRUibLiH30KpPuPBjel7E8ZydQW1HYWHfoGmidzC2RnhwCC293hCzw+TFR2nqn8OVSY5t2Q==");
  const std::vector<u8> exponent = number("AQAB");
  const std::vector<u8> prime1 = number("4c8IvFu1AVXGWeFLLFh5vs7fbdzdC6U82fduE6KkSWk=");
  const std::vector<u8> prime2 = number("2zZpBE8ZXVnL74QjG4zINlDfH+EOEtjJJ3RtaYDugvE=");
  const std::vector<u8> exponent1 = number("G2xAPFfK0KGxGANDVNxd1K1c9wOmmJ51mGbzKFFNMFk=");
  const std::vector<u8> exponent2 = number("GYxP1Pa7CAwtHm8SAGX594qZVofOMhgd6YFCNyeVpKE=");
  const std::vector<u8> coefficient = number("icQdNRjlZGPmuJm2TIadubcO8X7V4y07aVhX464tx8Q=");
  const crypto::RsaPrivateKeyView numbers{{modulus, exponent}, prime1, prime2, exponent1, exponent2, coefficient};
  const SigningVector& v = signing_vectors[0];
  const SigningKey key = SigningKey::create_rsa(name(v.zone), DnssecAlgorithm::RSASHA256, 256, numbers).value();
  EXPECT_EQ(hex(key.dnskey()), hex(rdata(RrType::DNSKEY, v.dnskey)));
  const std::vector<u8> record = rdata(v.type, v.rdata);
  const std::vector<Bytes> views{record};
  constexpr SigningPeriod thirty_years{UnixTime{946'684'800}, UnixTime{1'893'456'000}};
  EXPECT_EQ(hex(sign({name(v.owner), v.type, RrClass::IN, views}, key, thirty_years).value()),
            hex(rdata(RrType::RRSIG, v.rrsig)));
  EXPECT_EQ(SigningKey::create_rsa(name(v.zone), DnssecAlgorithm::ED25519, 256, numbers).error(), SigningError::bad_key);
}

TEST(SigningKey, refuses_private_keys_that_are_none) {
  const Name zone = name("example.");
  using enum DnssecAlgorithm;
  for (const DnssecAlgorithm algorithm :
       {ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448, RSASHA256, RSASHA512, DnssecAlgorithm{5}}) {
    EXPECT_EQ(SigningKey::create(zone, algorithm, 256, {}).error(), SigningError::bad_key);
    EXPECT_EQ(SigningKey::create(zone, algorithm, 256, std::vector<u8>(300, 1)).error(), SigningError::bad_key);
  }
  EXPECT_EQ(SigningKey::create(zone, ECDSAP256SHA256, 256, std::vector<u8>(32, 0)).error(), SigningError::bad_key);
  EXPECT_EQ(SigningKey::create_rsa(zone, RSASHA256, 256, {}).error(), SigningError::bad_key);
}

TEST(SignRrset, refuses_names_outside_the_zone_and_says_when_there_is_no_room) {
  const SigningKey key = key_of(signing_vectors[4]);
  const std::vector<u8> record = rdata(RrType::A, "192.0.2.7");
  const std::vector<Bytes> views{record};
  EXPECT_EQ(sign({name("www.example.org."), RrType::A, RrClass::IN, views}, key, period).error(), SigningError::not_in_zone);
  EXPECT_EQ(sign({name("www.example.com."), RrType::A, RrClass::IN, views}, key, period, 50).error(), SigningError::no_room);
  const size_t exact = rrsig_fixed_size + name("example.com.").size() + 64;
  EXPECT_EQ(sign({name("www.example.com."), RrType::A, RrClass::IN, views}, key, period, exact - 1).error(),
            SigningError::no_room);
  EXPECT_TRUE(sign({name("www.example.com."), RrType::A, RrClass::IN, views}, key, period, exact).ok());
}

TEST(SignedData, counts_labels_without_root_and_asterisk) {
  EXPECT_EQ(rrsig_labels(Name()), 0);
  EXPECT_EQ(rrsig_labels(name("example.")), 1);
  EXPECT_EQ(rrsig_labels(name("*.example.")), 1);
  EXPECT_EQ(rrsig_labels(name("a.*.example.")), 3);
}

TEST(SignedData, is_in_the_order_of_rfc_4034) {
  const std::vector<u8> a = rdata(RrType::MX, "10 B.example.");
  const std::vector<u8> b = rdata(RrType::MX, "10 a.example.");
  const std::vector<Bytes> views{a, b};
  RrsigView rrsig;
  rrsig.covered = RrType::MX;
  rrsig.algorithm = DnssecAlgorithm::ED25519;
  rrsig.labels = 1;
  rrsig.original_ttl = 0x01020304;
  rrsig.expiration = 2;
  rrsig.inception = 1;
  rrsig.key_tag = KeyTag(0xabcd);
  rrsig.signer = name("EX.");
  std::vector<u8> memory;
  const Name owner = name("Ex.");
  const Bytes data = write_signed_data(rrsig, {owner, RrType::MX, RrClass::IN, views}, memory).value();
  EXPECT_EQ(hex(data),
            "000f0f01010203040000000200000001abcd02657800"
            "02657800000f000101020304000d000a0161076578616d706c6500"
            "02657800000f000101020304000d000a0162076578616d706c6500");
}

}  // namespace
}  // namespace samara::dns
