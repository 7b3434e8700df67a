#include "platform/crypto/hmac.h"

#include "hex_octets.h"

namespace samara::crypto {
namespace {

struct Case {
  std::vector<u8> key;
  std::vector<u8> data;
  std::string_view sha1, sha224, sha256, sha384, sha512;
};

// RFC 4231 section 4, test cases 1, 2, 3, 6; the SHA-1 codes for the same inputs from RFC 2202 section 3 where it has them.
std::vector<Case> cases() {
  return {
      {std::vector<u8>(20, 0x0b), text("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00",
       "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
       "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c2"
       "03a"
       "126854"},
      {text("Jefe"), text("what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
       "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070"
       "a38"
       "bce737"},
      {std::vector<u8>(20, 0xaa), std::vector<u8>(50, 0xdd), "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
       "7fb3cb3588c6c1f6ffa9694d7d6ad2649365b0c1f65d69d1ec8333ea",
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
       "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
       "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee894267427885"
       "9e1"
       "3292fb"},
      {std::vector<u8>(131, 0xaa), text("Test Using Larger Than Block-Size Key - Hash Key First"), "",
       "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
       "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
       "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a9"
       "85d"
       "786598"},
  };
}

TEST(Hmac, gives_the_codes_of_rfc_4231_and_rfc_2202) {
  for (const Case& c : cases()) {
    if (!c.sha1.empty()) {
      EXPECT_EQ(hex(Hmac::of(HashAlgorithm::sha1, c.key, c.data).bytes()), c.sha1);
    }
    EXPECT_EQ(hex(Hmac::of(HashAlgorithm::sha224, c.key, c.data).bytes()), c.sha224);
    EXPECT_EQ(hex(Hmac::of(HashAlgorithm::sha256, c.key, c.data).bytes()), c.sha256);
    EXPECT_EQ(hex(Hmac::of(HashAlgorithm::sha384, c.key, c.data).bytes()), c.sha384);
    EXPECT_EQ(hex(Hmac::of(HashAlgorithm::sha512, c.key, c.data).bytes()), c.sha512);
  }
}

TEST(Hmac, takes_the_message_in_pieces_and_the_next_under_the_same_key) {
  const Case c = cases()[1];
  Hmac hmac(HashAlgorithm::sha256, c.key);
  for (int round = 0; round < 3; ++round) {
    for (const u8 octet : c.data) hmac.update(std::array<u8, 1>{octet});
    EXPECT_EQ(hex(hmac.finish().bytes()), c.sha256);
  }
}

TEST(Hmac, keys_at_the_block_size_are_used_as_they_are_and_longer_ones_hashed) {
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
    const size_t block = hash_block_size(algorithm);
    const std::vector<u8> longer(block + 1, 0x61);
    const Digest hashed = Hash::of(algorithm, longer);
    EXPECT_EQ(hex(Hmac::of(algorithm, longer, text("m")).bytes()), hex(Hmac::of(algorithm, hashed.bytes(), text("m")).bytes()));
    const std::vector<u8> exact(block, 0x61);
    const Digest not_used = Hash::of(algorithm, exact);
    EXPECT_NE(hex(Hmac::of(algorithm, exact, text("m")).bytes()),
              hex(Hmac::of(algorithm, not_used.bytes(), text("m")).bytes()));
  }
}

}  // namespace
}  // namespace samara::crypto
