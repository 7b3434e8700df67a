#include "platform/crypto/eddsa.h"

#include "hex_octets.h"

namespace samara::crypto {
namespace {

struct Vector {
  EddsaCurve curve;
  std::string_view private_key;
  std::string_view public_key;
  std::string_view message;
  std::string_view signature;
};
// RFC 8032 sections 7.1 and 7.4.
constexpr Vector vectors[] = {
    {EddsaCurve::ed25519, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438"
     "e7a"
     "100b"},
    {EddsaCurve::ed25519, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d29161"
     "2bb"
     "0c00"},
    {EddsaCurve::ed25519, "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027becee"
     "a1e"
     "c40a"},
    {EddsaCurve::ed448,
     "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
     "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180", "",
     "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d202"
     "8d4b1"
     "8a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600"},
    {EddsaCurve::ed448,
     "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e",
     "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c235160627b4c3a9480", "03",
     "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc"
     "0aae1"
     "cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c03a00"},
};

TEST(Eddsa, signs_and_verifies_as_rfc_8032_says) {
  for (const Vector& v : vectors) {
    std::vector<u8> key(eddsa_key_size(v.curve));
    ByteWriter key_out(key);
    ASSERT_TRUE(eddsa_public_key(v.curve, octets(v.private_key), key_out).ok());
    EXPECT_EQ(hex(key), v.public_key);
    std::vector<u8> signature(eddsa_signature_size(v.curve));
    ByteWriter out(signature);
    ASSERT_TRUE(eddsa_sign(v.curve, octets(v.private_key), octets(v.message), out).ok());
    EXPECT_EQ(hex(signature), v.signature);
    EXPECT_TRUE(eddsa_verify(v.curve, key, octets(v.message), signature).ok());
  }
}

TEST(Eddsa, refuses_changed_messages_and_signatures) {
  for (const Vector& v : vectors) {
    const std::vector<u8> key = octets(v.public_key);
    const std::vector<u8> good = octets(v.signature);
    EXPECT_EQ(eddsa_verify(v.curve, key, text("other"), good).error(), VerifyError::bad_signature);
    for (size_t bit = 0; bit < good.size() * 8; bit += 1) {
      std::vector<u8> bad = good;
      bad[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
      EXPECT_FALSE(eddsa_verify(v.curve, key, octets(v.message), bad).ok()) << v.private_key << ' ' << bit;
    }
  }
}

TEST(Eddsa, refuses_a_scalar_above_the_order) {
  // RFC 8032 section 5.1.7: s must be below the order; s + order would verify without the check.
  const Vector& v = vectors[0];
  std::vector<u8> signature = octets(v.signature);
  const std::vector<u8> order = octets("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<u8>(carry);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0U);
  EXPECT_FALSE(eddsa_verify(v.curve, octets(v.public_key), {}, signature).ok());
}

TEST(Eddsa, sizes_must_be_exact) {
  for (const Vector& v : vectors) {
    const std::vector<u8> key = octets(v.public_key);
    const std::vector<u8> signature = octets(v.signature);
    EXPECT_EQ(eddsa_verify(v.curve, Bytes(key).first(key.size() - 1), {}, signature).error(), VerifyError::bad_key);
    EXPECT_EQ(eddsa_verify(v.curve, std::vector<u8>(key.size() + 1, 1), {}, signature).error(), VerifyError::bad_key);
    EXPECT_EQ(eddsa_verify(v.curve, {}, {}, signature).error(), VerifyError::bad_key);
    EXPECT_EQ(eddsa_verify(v.curve, key, {}, Bytes(signature).first(signature.size() - 1)).error(), VerifyError::bad_signature);
    EXPECT_EQ(eddsa_verify(v.curve, key, {}, {}).error(), VerifyError::bad_signature);
    std::array<u8, 200> memory{};
    ByteWriter out(memory);
    EXPECT_EQ(eddsa_sign(v.curve, Bytes(key).first(key.size() - 1), {}, out).error(), SignError::bad_key);
    EXPECT_EQ(eddsa_public_key(v.curve, {}, out).error(), SignError::bad_key);
    ByteWriter tight(MutableBytes(memory).first(signature.size() - 1));
    EXPECT_EQ(eddsa_sign(v.curve, octets(v.private_key), {}, tight).error(), SignError::no_room);
  }
}

TEST(Eddsa, keys_that_are_no_points_verify_nothing) {
  for (const Vector& v : vectors) {
    for (const u8 fill : {u8{0x02}, u8{0x7f}, u8{0xff}}) {
      const std::vector<u8> key(eddsa_key_size(v.curve), fill);
      EXPECT_FALSE(eddsa_verify(v.curve, key, octets(v.message), octets(v.signature)).ok());
      EXPECT_FALSE(
          eddsa_verify(v.curve, octets(v.public_key), octets(v.message), std::vector<u8>(eddsa_signature_size(v.curve), fill))
              .ok());
    }
  }
}

}  // namespace
}  // namespace samara::crypto
