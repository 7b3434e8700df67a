// A second opinion on signatures, key tags, DS, NSEC, NSEC3 and TSIG: ldns.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "dns-core/dnssec/ds.h"
#include "dns-core/dnssec/nsec.h"
#include "dns-core/dnssec/nsec3.h"
#include "dns-core/dnssec/sign.h"
#include "dns-core/dnssec/verify.h"
#include "dns-core/tsig/client.h"
#include "dns-core/tsig/server.h"
#include "platform/crypto/drbg.h"
#include "records_from_text.h"

// Last: its macros break the standard library's headers.
#include <ldns/ldns.h>

namespace samara::dns {
namespace {

struct Release {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_rdf* field) const { ldns_rdf_deep_free(field); }
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
  void operator()(ldns_key_list* keys) const { ldns_key_list_free(keys); }
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(u8* octets) const { std::free(octets); }
  void operator()(char* text) const { std::free(text); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;
using LdnsRr = Owned<ldns_rr>;
using LdnsRdf = Owned<ldns_rdf>;
using LdnsList = Owned<ldns_rr_list>;

LdnsRr to_ldns(const Name& owner, RrType type, Bytes data) {
  std::vector<u8> wire(owner.size() + 10 + data.size());
  ByteWriter out(wire);
  out.bytes(owner.wire());
  out.u16(code(type));
  out.u16(code(RrClass::IN));
  out.u32(3600);
  out.u16(static_cast<u16>(data.size()));
  out.bytes(data);
  ldns_rr* rr = nullptr;
  size_t at = 0;
  EXPECT_EQ(ldns_wire2rr(&rr, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER), LDNS_STATUS_OK);
  return LdnsRr(rr);
}

LdnsRdf to_ldns(const Name& from) {
  return LdnsRdf(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, from.size(), from.wire().data()));
}

LdnsList to_ldns(const Name& owner, RrType type, const std::vector<std::vector<u8>>& records) {
  LdnsList list(ldns_rr_list_new());
  for (const std::vector<u8>& record : records) ldns_rr_list_push_rr(list.get(), to_ldns(owner, type, record).release());
  return list;
}

std::vector<u8> data_of(const ldns_rr* rr) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  EXPECT_EQ(ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &size), LDNS_STATUS_OK);
  const Owned<u8> owned(wire);
  ByteReader at(Bytes(wire, size));
  (void)MUST(Name::from_wire(at));
  MUST(at.skip(10));
  return {at.rest().begin(), at.rest().end()};
}

struct Sample {
  RrType type;
  std::vector<std::string_view> records;
};
const Sample samples[] = {
    {RrType::A, {"192.0.2.1", "192.0.2.200", "10.0.0.1", "0.0.0.0"}},
    {RrType::AAAA, {"2001:db8::1", "::", "ffff::"}},
    {RrType::NS, {"Ns1.Example.", "a.NS.example.", "ns.", "b.example."}},
    {RrType::MX, {"10 Mail.example.", "5 mail.example.", "10 a.MAIL.example.", "10 ."}},
    {RrType::SOA, {"NS.Example. Host.Example. 1 2 3 4 5"}},
    {RrType::TXT, {"\"b\"", "\"a\" \"z\"", "\"\"", "\"UPPER and lower\""}},
    {RrType::SRV, {"1 2 3 Host.Example.", "0 0 0 .", "1 2 2 host.example."}},
    {RrType::NAPTR, {"1 2 \"U\" \"E2U\" \"!x!y!\" Rep.Example.", "1 1 \"\" \"\" \"\" ."}},
    {RrType::DNAME, {"Target.Example."}},
    {RrType::CAA, {"0 issue \"Ca.Example\"", "128 iodef \"mailto:a@b\""}},
    {RrType::NSEC, {"Next.Example. A NS TYPE1234"}},
    {RrType::DNSKEY, {"257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", "256 3 8 AwEAAQ=="}},
    {RrType{65280}, {"\\# 3 010203", "\\# 2 0102", "\\# 0"}},
};

std::vector<std::vector<u8>> records_of(const Sample& sample, std::mt19937& random) {
  std::vector<std::vector<u8>> records;
  for (const std::string_view text : sample.records) records.push_back(rdata(sample.type, text));
  std::ranges::shuffle(records, random);
  records.resize(1 + random() % records.size());
  return records;
}

Name random_case(std::string_view text, std::mt19937& random) {
  std::string changed(text);
  for (char& c : changed) {
    if (c >= 'a' && c <= 'z' && random() % 2 == 0) c = static_cast<char>(c - 32);
  }
  return name(changed);
}

TEST(DnssecAndLdns, our_signatures_verify_there) {
  std::mt19937 random(1);
  crypto::Drbg rng(std::array<u8, crypto::Drbg::seed_size>{9});
  std::vector<u8> memory;
  using enum DnssecAlgorithm;
  for (const DnssecAlgorithm algorithm : {ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448}) {
    constexpr auto key_size = [](DnssecAlgorithm a) { return a == ED448 ? 57U : a == ECDSAP384SHA384 ? 48U : 32U; };
    std::vector<u8> secret(key_size(algorithm));
    rng.fill(secret);
    secret.front() &= 0x7f;  // below the group's order
    const SigningKey key = SigningKey::create(name("example."), algorithm, 256, secret).value();
    for (const Sample& sample : samples) {
      for (const char* owner_text : {"example.", "www.example.", "a.b.c.example.", "*.example."}) {
        const std::vector<std::vector<u8>> records = records_of(sample, random);
        const std::vector<Bytes> views(records.begin(), records.end());
        const Name owner = random_case(owner_text, random);
        std::vector<u8> rrsig(500);
        ByteWriter out(rrsig);
        ASSERT_TRUE(
            sign_rrset({owner, sample.type, RrClass::IN, views}, Ttl(3600), key, {{0}, {1'000}}, rng, memory, out).ok());
        // ldns is shown another spelling, and for a wildcard a name it stands for.
        const Name shown = random_case(owner.is_wildcard() ? "x.y.example." : owner_text, random);
        const LdnsList rrset = to_ldns(shown, sample.type, records);
        const LdnsRr signature = to_ldns(shown, RrType::RRSIG, out.written());
        const LdnsList keys(ldns_rr_list_new());
        ldns_rr_list_push_rr(keys.get(), to_ldns(name("example."), RrType::DNSKEY, key.dnskey()).release());
        EXPECT_EQ(ldns_verify_rrsig_keylist_notime(rrset.get(), signature.get(), keys.get(), nullptr), LDNS_STATUS_OK)
            << int{code(algorithm)} << ' ' << owner_text << ' ' << code(sample.type);
      }
    }
  }
}

TEST(DnssecAndLdns, its_signatures_verify_here) {
  std::mt19937 random(2);
  std::vector<u8> memory;
  for (const auto& [algorithm, bits] : {std::pair{LDNS_SIGN_RSASHA256, 1024U}, std::pair{LDNS_SIGN_RSASHA512, 2048U},
                                        std::pair{LDNS_SIGN_ECDSAP256SHA256, 256U}, std::pair{LDNS_SIGN_ECDSAP384SHA384, 384U},
                                        std::pair{LDNS_SIGN_ED25519, 256U}, std::pair{LDNS_SIGN_ED448, 456U}}) {
    ldns_key* key = ldns_key_new_frm_algorithm(algorithm, static_cast<uint16_t>(bits));
    ASSERT_NE(key, nullptr);
    ldns_key_set_pubkey_owner(key, to_ldns(name("example.")).release());
    ldns_key_set_flags(key, 256);
    const LdnsRr public_key(ldns_key2rr(key));
    ldns_key_set_keytag(key, ldns_calc_keytag(public_key.get()));
    ldns_key_set_inception(key, 1'000);
    ldns_key_set_expiration(key, 2'000);
    ldns_key_set_use(key, true);
    const Owned<ldns_key_list> keys(ldns_key_list_new());
    ldns_key_list_push_key(keys.get(), key);
    const std::vector<u8> dnskey = data_of(public_key.get());
    EXPECT_EQ(key_tag(dnskey), KeyTag(ldns_calc_keytag(public_key.get())));
    for (const auto& [digest, ours] : {std::pair{LDNS_SHA1, DsDigest::SHA1}, std::pair{LDNS_SHA256, DsDigest::SHA256},
                                       std::pair{LDNS_SHA384, DsDigest::SHA384}}) {
      const LdnsRr ds(ldns_key_rr2ds(public_key.get(), digest));
      EXPECT_TRUE(ds_matches(data_of(ds.get()), name("Example."), dnskey)) << static_cast<int>(ours);
    }
    for (const Sample& sample : samples) {
      for (const char* owner_text : {"example.", "a.b.c.example.", "*.example."}) {
        const std::vector<std::vector<u8>> records = records_of(sample, random);
        const std::vector<Bytes> views(records.begin(), records.end());
        const LdnsList rrset = to_ldns(random_case(owner_text, random), sample.type, records);
        const LdnsList signatures(ldns_sign_public(rrset.get(), keys.get()));
        ASSERT_EQ(ldns_rr_list_rr_count(signatures.get()), 1U);
        const std::vector<u8> rrsig = data_of(ldns_rr_list_rr(signatures.get(), 0));
        const Name owner = random_case(owner_text[0] == '*' ? "x.y.example." : owner_text, random);
        const auto result = verify_rrsig({owner, sample.type, RrClass::IN, views}, rrsig, name("example."), dnskey, memory);
        EXPECT_TRUE(result.ok()) << int{rrsig[2]} << ' ' << owner_text << ' ' << code(sample.type) << ": "
                                 << (result.ok() ? "" : describe(result.error()));
        EXPECT_TRUE(check_validity(RrsigView::parse(rrsig).value(), UnixTime{1'500}).ok());
      }
    }
  }
}

constexpr const char* tree[] = {"example.",       "a.example.",   "\\000.a.example.", "b.a.example.",
                                "B.example.",     "*.b.example.", "x.*.b.example.",   "c.c.example.",
                                "\\200.example.", "z.example.",   "a.z.example."};

TEST(DnssecAndLdns, nsec_gaps_are_the_same) {
  for (const char* owner : tree) {
    for (const char* next : tree) {
      const LdnsRr nsec = to_ldns(name(owner), RrType::NSEC, rdata(RrType::NSEC, std::string(next) + " A"));
      for (const char* asked : tree) {
        // ldns counts the owner itself as covered; and where the gap is the whole zone it has another idea of "covers".
        if (name(asked) == name(owner) || name(owner) == name(next)) continue;
        // Around the end of the zone only the apex may come next; ldns does not look.
        if (canonical_compare(name(next), name(owner)) < 0 && name(next) != name("example.")) continue;
        EXPECT_EQ(nsec_covers(name(owner), name(next), name(asked)),
                  ldns_nsec_covers_name(nsec.get(), to_ldns(name(asked)).get()))
            << owner << ' ' << next << ' ' << asked;
      }
    }
  }
}

TEST(DnssecAndLdns, nsec3_hashes_are_the_same) {
  const std::vector<u8> salt{1, 2, 3, 250};
  for (const char* owner : tree) {
    for (const u16 iterations : {0, 1, 10, 150}) {
      for (const size_t salt_size : {0U, 1U, 4U}) {
        Nsec3ParameterView parameters;
        parameters.algorithm = 1;
        parameters.iterations = iterations;
        parameters.salt = Bytes(salt).first(salt_size);
        const LdnsRdf hashed(
            ldns_nsec3_hash_name(to_ldns(name(owner)).get(), 1, iterations, static_cast<u8>(salt_size), salt.data()));
        const Name ours = nsec3_owner(nsec3_hash(name(owner), parameters, 150).value(), Name()).value();
        EXPECT_EQ(text_of(ours), text_of(name(Owned<char>(ldns_rdf2str(hashed.get())).get())));
      }
    }
  }
}

TEST(TsigAndLdns, its_request_verifies_here_and_ours_there) {
  constexpr const char* secret = "c2FtYXJhLXRlc3Qta2V5LW9uZQ==";
  TsigKeyring keyring;
  keyring.add({name("key.example."), TsigAlgorithm::hmac_sha256, crypto::SecretBytes(base64(secret)), 0});
  const Owned<ldns_pkt> packet(
      ldns_pkt_query_new(to_ldns(name("example.")).release(), LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN, LDNS_RD));
  ASSERT_EQ(ldns_pkt_tsig_sign(packet.get(), "key.example.", secret, 300, "hmac-sha256.", nullptr), LDNS_STATUS_OK);
  uint8_t* wire = nullptr;
  size_t size = 0;
  ASSERT_EQ(ldns_pkt2wire(&wire, packet.get(), &size), LDNS_STATUS_OK);
  const Owned<u8> owned(wire);
  constexpr size_t tsig_at = 12 + 9 + 4;
  TsigServer server;
  const Bytes request(wire, size);
  const auto record = TsigRecordView::parse(request, tsig_at);
  ASSERT_TRUE(record.ok());
  const UnixTime now{static_cast<i64>(record.value().time_signed)};
  EXPECT_EQ(server.on_request(request, tsig_at, keyring, now), TsigVerdict::verified);

  TsigClient client(*keyring.find(name("key.example.")));
  std::vector<u8> memory(500);
  ByteWriter out(memory);
  out.bytes(request.first(tsig_at));
  out.patch_u16(10, 0);
  client.sign_request(out, now);
  ldns_pkt* parsed = nullptr;
  ASSERT_EQ(ldns_wire2pkt(&parsed, out.written().data(), out.size()), LDNS_STATUS_OK);
  const Owned<ldns_pkt> ours(parsed);
  EXPECT_TRUE(ldns_pkt_tsig_verify(ours.get(), out.written().data(), out.size(), "key.example.", secret, nullptr));
}

}  // namespace
}  // namespace samara::dns
