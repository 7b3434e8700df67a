#include "platform/crypto/hkdf.h"

#include "hex_octets.h"

namespace samara::crypto {
namespace {

TEST(Hkdf, gives_the_keys_of_rfc_5869_test_case_1) {
  const Digest prk = hkdf_extract(HashAlgorithm::sha256, octets("000102030405060708090a0b0c"), std::vector<u8>(22, 0x0b));
  EXPECT_EQ(hex(prk.bytes()), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  std::array<u8, 42> key{};
  ASSERT_TRUE(hkdf_expand(HashAlgorithm::sha256, prk.bytes(), octets("f0f1f2f3f4f5f6f7f8f9"), key).ok());
  EXPECT_EQ(hex(key), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Hkdf, gives_the_keys_of_rfc_5869_test_case_3_without_salt_and_info) {
  const Digest prk = hkdf_extract(HashAlgorithm::sha256, {}, std::vector<u8>(22, 0x0b));
  EXPECT_EQ(hex(prk.bytes()), "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
  std::array<u8, 42> key{};
  ASSERT_TRUE(hkdf_expand(HashAlgorithm::sha256, prk.bytes(), {}, key).ok());
  EXPECT_EQ(hex(key), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, gives_the_keys_of_rfc_5869_test_case_4_with_sha1) {
  const Digest prk = hkdf_extract(HashAlgorithm::sha1, octets("000102030405060708090a0b0c"), std::vector<u8>(11, 0x0b));
  EXPECT_EQ(hex(prk.bytes()), "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243");
  std::array<u8, 42> key{};
  ASSERT_TRUE(hkdf_expand(HashAlgorithm::sha1, prk.bytes(), octets("f0f1f2f3f4f5f6f7f8f9"), key).ok());
  EXPECT_EQ(hex(key), "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896");
}

TEST(Hkdf, gives_up_to_255_digests_and_no_more) {
  const std::vector<u8> prk(32, 1);
  std::vector<u8> longest(255 * 32);
  EXPECT_TRUE(hkdf_expand(HashAlgorithm::sha256, prk, {}, longest).ok());
  std::vector<u8> too_long(255 * 32 + 1);
  EXPECT_EQ(hkdf_expand(HashAlgorithm::sha256, prk, {}, too_long).error(), HkdfError::too_long);
}

}  // namespace
}  // namespace samara::crypto
