#include "dns-core/tsig/key.h"

#include "messages.h"

namespace samara::dns {
namespace {

constexpr TsigAlgorithm all[] = {TsigAlgorithm::hmac_sha1, TsigAlgorithm::hmac_sha224, TsigAlgorithm::hmac_sha256,
                                 TsigAlgorithm::hmac_sha384, TsigAlgorithm::hmac_sha512};

TEST(TsigAlgorithm, is_known_by_its_text_and_its_name_in_any_case) {
  for (const TsigAlgorithm algorithm : all) {
    EXPECT_EQ(parse_tsig_algorithm(algorithm_mnemonic(algorithm)), algorithm);
    EXPECT_EQ(parse_tsig_algorithm(std::string(algorithm_mnemonic(algorithm)) + "."), algorithm);
    EXPECT_EQ(tsig_algorithm(algorithm_name(algorithm)), algorithm);
  }
  EXPECT_EQ(parse_tsig_algorithm("HMAC-SHA256."), TsigAlgorithm::hmac_sha256);
  EXPECT_EQ(tsig_algorithm(name("Hmac-Sha512.")), TsigAlgorithm::hmac_sha512);
}

TEST(TsigAlgorithm, others_are_unknown) {
  for (const char* text :
       {"", ".", "hmac-md5", "hmac-md5.sig-alg.reg.int.", "hmac-sha25", "hmac-sha2566", "hmac-sha256..", "sha256"}) {
    EXPECT_FALSE(parse_tsig_algorithm(text).has_value()) << text;
  }
  EXPECT_FALSE(tsig_algorithm(name("hmac-md5.sig-alg.reg.int.")).has_value());
  EXPECT_FALSE(tsig_algorithm(name("hmac-sha256.example.")).has_value());
  EXPECT_FALSE(tsig_algorithm(Name()).has_value());
}

TEST(TsigKey, a_shortened_mac_stays_within_what_the_rfc_allows) {
  EXPECT_EQ(key("k.", TsigAlgorithm::hmac_sha256, "AAAA").used_mac_size(), 32U);
  EXPECT_EQ(key("k.", TsigAlgorithm::hmac_sha256, "AAAA", 16).used_mac_size(), 16U);
  EXPECT_EQ(key("k.", TsigAlgorithm::hmac_sha256, "AAAA", 1).used_mac_size(), 16U);
  EXPECT_EQ(key("k.", TsigAlgorithm::hmac_sha256, "AAAA", 200).used_mac_size(), 32U);
  EXPECT_EQ(least_mac_size(TsigAlgorithm::hmac_sha1), 10U);
  EXPECT_EQ(least_mac_size(TsigAlgorithm::hmac_sha224), 14U);
  EXPECT_EQ(least_mac_size(TsigAlgorithm::hmac_sha512), 32U);
}

TEST(TsigKeyring, finds_by_name_and_algorithm) {
  TsigKeyring keyring;
  keyring.add(key("a.example.", TsigAlgorithm::hmac_sha256, "AAAA"));
  keyring.add(key("b.example.", TsigAlgorithm::hmac_sha512, "BBBB"));
  EXPECT_NE(keyring.find(name("A.Example."), TsigAlgorithm::hmac_sha256), nullptr);
  EXPECT_EQ(keyring.find(name("a.example."), TsigAlgorithm::hmac_sha512), nullptr);
  EXPECT_EQ(keyring.find(name("c.example."), TsigAlgorithm::hmac_sha256), nullptr);
  EXPECT_EQ(keyring.find(name("b.example."))->algorithm, TsigAlgorithm::hmac_sha512);
  EXPECT_EQ(keyring.find(Name()), nullptr);
}

}  // namespace
}  // namespace samara::dns
