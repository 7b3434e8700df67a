#include "ops/keys/tsig_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "ops/files.h"
#include "ops/keys/key_clause.h"

namespace samara::ops {
namespace {

constexpr std::string_view secret_text = "MDEyMzQ1Njc4OWFiY2RlZg==";  // 0123456789abcdef

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}

std::string secret_of(const dns::TsigKey& key) {
  const Bytes octets = key.secret.bytes();
  return {octets.begin(), octets.end()};
}

std::string first_error(const Diagnostics& found) {
  return found.all().empty() ? "no error" : found.sorted().front().to_text();
}

std::string error_of(std::string_view text) {
  Diagnostics found;
  read_key_file(text, "k", found);
  return first_error(found);
}

TEST(KeyFile, WhatIsWrittenForUsAndForNamedIsReadBack) {
  for (const auto algorithm :
       {dns::TsigAlgorithm::hmac_sha1, dns::TsigAlgorithm::hmac_sha256, dns::TsigAlgorithm::hmac_sha512}) {
    const auto key = generate_key(name_of("Transfer.example.com"), algorithm);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(key->secret.size(), key->full_mac_size());
    for (const KeyFormat format : {KeyFormat::yaml, KeyFormat::bind}) {
      Diagnostics found;
      const auto keys = read_key_file(write_key(*key, format), "k", found);
      ASSERT_EQ(keys.size(), 1U) << first_error(found);
      EXPECT_EQ(keys.front().name, key->name);
      EXPECT_EQ(keys.front().algorithm, algorithm);
      EXPECT_EQ(secret_of(keys.front()), secret_of(*key));
    }
  }
}

TEST(KeyFile, TwoKeysHaveTwoSecretsAndTwoNames) {
  const auto first = generate_key(name_of("k"), dns::TsigAlgorithm::hmac_sha256);
  const auto second = generate_key(name_of("k"), dns::TsigAlgorithm::hmac_sha256);
  EXPECT_NE(secret_of(*first), secret_of(*second));
  EXPECT_NE(random_key_name(), random_key_name());
}

TEST(KeyFile, EveryServerGetsItsOwnWords) {
  dns::TsigKey key;
  key.name = name_of("k.example");
  key.secret = crypto::SecretBytes(std::vector<u8>(16));
  const std::string secret = "AAAAAAAAAAAAAAAAAAAAAA==";
  EXPECT_EQ(write_key(key, KeyFormat::yaml), "keys:\n  \"k.example.\": {algorithm: hmac-sha256, secret: \"" + secret + "\"}\n");
  EXPECT_EQ(write_key(key, KeyFormat::bind),
            "key \"k.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + secret + "\";\n};\n");
  EXPECT_EQ(write_key(key, KeyFormat::nsd),
            "key:\n  name: \"k.example\"\n  algorithm: hmac-sha256\n  secret: \"" + secret + "\"\n");
  EXPECT_EQ(write_key(key, KeyFormat::knot),
            "key:\n  - id: k.example\n    algorithm: hmac-sha256\n    secret: " + secret + "\n");
  EXPECT_EQ(write_key(key, KeyFormat::secret), secret + "\n");
}

TEST(KeyFile, ClausesMayHaveCommentsOfAllKinds) {
  Diagnostics found;
  const auto keys = read_key_file(
      "# one\n// two\n/* three\n * four */ key k.example. { /* five */ secret \"" + std::string(secret_text) +
          "\"; algorithm HMAC-SHA512; }; ;\nkey \"l\" {algorithm hmac-sha1; secret " + std::string(secret_text) + ";};",
      "k", found);
  ASSERT_EQ(keys.size(), 2U) << first_error(found);
  EXPECT_EQ(keys[0].name, name_of("k.example"));
  EXPECT_EQ(keys[0].algorithm, dns::TsigAlgorithm::hmac_sha512);
  EXPECT_EQ(secret_of(keys[1]), "0123456789abcdef");
}

TEST(KeyFile, ErrorsSayWhereAndDoNotShowTheSecret) {
  constexpr std::string_view form = " (expected key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };)";
  EXPECT_EQ(error_of("key \"k\" {\n  algorithm hmac-sha3;\n"),
            "k:2:13: unknown algorithm \"hmac-sha3\" (expected hmac-sha256 or the like)");
  EXPECT_EQ(error_of("key \"k\" {\n  secret \"sesame!\";"),
            "k:2:10: the secret is not base 64 (expected base 64 of 16 to 512 octets)");
  EXPECT_EQ(error_of("key \"k\" { secret \"AAAA\"; };"), "k:1:18: a secret of 3 octets (expected base 64 of 16 to 512 octets)");
  EXPECT_EQ(error_of("key \"k\" { algorithm hmac-sha256; };"), "k:1:5: a key without secret" + std::string(form));
  EXPECT_EQ(error_of("key \"k\" { algorithm hmac-sha256"), "k:1:32: the file ends within a key clause" + std::string(form));
  EXPECT_EQ(error_of("key \"k\" { algorithm hmac-sha256; color red; };"),
            "k:1:34: unknown word \"color\" in a key clause" + std::string(form));
  EXPECT_EQ(error_of("key \"a..b\" {"), "k:1:5: \"a..b\" is not a domain name" + std::string(form));
  EXPECT_EQ(error_of("key k { algorithm hmac-sha256; secret \"MDEyMzQ1Njc4OWFiY2RlZg==\"; }; zone x {};"),
            "k:1:70: unknown clause \"zone\"" + std::string(form));
}

TEST(KeyFile, AYamlFileIsReadAsAManifestsKeys) {
  EXPECT_EQ(error_of("keys: {k: {secret: \"MDEyMzQ1Njc4OWFiY2RlZg==\"}}\nzones: {}\n"),
            "k:2:1: unknown key \"zones\" in the key file (expected one of keys)");
  EXPECT_EQ(error_of("role: primary\n").substr(0, 6), "k:1:1:");
}

TEST(KeyFile, OfAManifestTheKeysAreReadAndNothingElse) {
  Diagnostics found;
  const auto keys =
      read_key_file("role: primary\nlisten: [nonsense]\nkeys: {k: {secret: \"MDEyMzQ1Njc4OWFiY2RlZg==\"}}\nzones: {}\n",
                    "primary.yaml", found);
  EXPECT_TRUE(found.all().empty());
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys.front().name, name_of("k"));
}

class KeyOption : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-key-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& content) const {
    EXPECT_TRUE(write_file(folder_ + "/key", content, 0600).ok());
    return folder_ + "/key";
  }

  std::string folder_;
};

TEST_F(KeyOption, NameAlgorithmAndSecretFileMayBeSaidApart) {
  const std::string path = file("\n  " + std::string(secret_text) + " \n");
  Diagnostics found;
  const auto key = read_key_option("k.example:hmac-sha512:" + path, "", found);
  ASSERT_TRUE(key.has_value()) << first_error(found);
  EXPECT_EQ(key->name, name_of("k.example"));
  EXPECT_EQ(key->algorithm, dns::TsigAlgorithm::hmac_sha512);
  EXPECT_EQ(secret_of(*key), "0123456789abcdef");
}

TEST_F(KeyOption, OneOfSeveralKeysIsChosenByName) {
  const std::string path = file("keys:\n  a.: {secret: " + std::string(secret_text) +
                                "}\n  b.: {secret: " + std::string(secret_text) + ", algorithm: hmac-sha384}\n");
  Diagnostics found;
  const auto key = read_key_option(path, "B", found);
  ASSERT_TRUE(key.has_value()) << first_error(found);
  EXPECT_EQ(key->algorithm, dns::TsigAlgorithm::hmac_sha384);
  EXPECT_FALSE(read_key_option(path, "", found).has_value());
  EXPECT_EQ(first_error(found), path + ": more than one key in this file (expected --key-name and one of a., b.)");
  Diagnostics other;
  EXPECT_FALSE(read_key_option(path, "c", other).has_value());
  EXPECT_EQ(first_error(other), path + ": no key \"c\" in this file (expected one of a., b.)");
}

TEST_F(KeyOption, AFileThatIsNotThereIsSaid) {
  Diagnostics found;
  EXPECT_FALSE(read_key_option(folder_ + "/none", "", found).has_value());
  EXPECT_EQ(first_error(found), folder_ + "/none: cannot be read: No such file or directory (expected a readable file)");
}

}  // namespace
}  // namespace samara::ops
