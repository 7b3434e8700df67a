#include "platform/crypto/rsa.h"

#include "hex_octets.h"
#include "platform/crypto/drbg.h"
#include "rsa_vectors.h"

namespace samara::crypto {
namespace {

using Seed = std::array<u8, Drbg::seed_size>;

struct Key {
  std::vector<u8> modulus, exponent, prime1, prime2, exponent1, exponent2, coefficient;

  explicit Key(const RsaVector& v)
      : modulus(octets(v.modulus)),
        exponent(octets(v.exponent)),
        prime1(octets(v.prime1)),
        prime2(octets(v.prime2)),
        exponent1(octets(v.exponent1)),
        exponent2(octets(v.exponent2)),
        coefficient(octets(v.coefficient)) {}
  RsaPublicKeyView public_view() const { return {modulus, exponent}; }
  RsaPrivateKeyView private_view() const { return {public_view(), prime1, prime2, exponent1, exponent2, coefficient}; }
};

const RsaVector* const usable[] = {&rsa_512, &rsa_1024, &rsa_1029_e3, &rsa_2048_e33bits, &rsa_4096};

bool verifies(const Key& key, RsaHash hash, Bytes message, Bytes signature) {
  return rsa_verify(key.public_view(), hash, message, signature).ok();
}

Result<std::vector<u8>, SignError> sign(const Key& key, RsaHash hash, Bytes message, size_t room = max_rsa_bits / 8) {
  Drbg rng(Seed{1});
  std::vector<u8> memory(room);
  ByteWriter out(memory);
  TRY(rsa_sign(key.private_view(), hash, message, rng, out));
  memory.resize(out.size());
  return memory;
}

TEST(Rsa, accepts_signatures_of_another_implementation) {
  for (const RsaVector* v : usable) {
    const Key key(*v);
    EXPECT_TRUE(verifies(key, RsaHash::sha256, text("sample"), octets(v->sha256_signature)));
    if (!v->sha512_signature.empty()) {
      EXPECT_TRUE(verifies(key, RsaHash::sha512, text("sample"), octets(v->sha512_signature)));
    }
  }
}

TEST(Rsa, signs_as_the_other_implementation_does) {
  for (const RsaVector* v : usable) {
    const Key key(*v);
    EXPECT_EQ(hex(sign(key, RsaHash::sha256, text("sample")).value()), v->sha256_signature);
    if (!v->sha512_signature.empty()) {
      EXPECT_EQ(hex(sign(key, RsaHash::sha512, text("sample")).value()), v->sha512_signature);
    }
  }
}

TEST(Rsa, refuses_a_signature_over_something_else) {
  const Key key(rsa_1024);
  const std::vector<u8> signature = octets(rsa_1024.sha256_signature);
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("Sample"), signature));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, {}, signature));
  EXPECT_FALSE(verifies(key, RsaHash::sha512, text("sample"), signature));
  EXPECT_FALSE(verifies(Key(rsa_4096), RsaHash::sha256, text("sample"), signature));
}

TEST(Rsa, refuses_every_single_changed_bit) {
  const Key key(rsa_512);
  const std::vector<u8> good = octets(rsa_512.sha256_signature);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<u8> bad = good;
    bad[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    EXPECT_EQ(rsa_verify(key.public_view(), RsaHash::sha256, text("sample"), bad).error(), VerifyError::bad_signature) << bit;
  }
}

TEST(Rsa, refuses_signatures_of_another_length_or_out_of_range) {
  const Key key(rsa_1024);
  std::vector<u8> longer = octets(rsa_1024.sha256_signature);
  longer.insert(longer.begin(), 0);  // the same number
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), longer));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), {}));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), std::vector<u8>(128, 0)));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), std::vector<u8>(128, 0xff)));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), key.modulus));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), Bytes(longer).first(128)));
  EXPECT_FALSE(verifies(key, RsaHash::sha256, text("sample"), std::vector<u8>(65'000, 1)));
}

TEST(Rsa, a_key_of_512_bits_is_too_short_for_a_sha512_signature) {
  const Key key(rsa_512);
  EXPECT_EQ(rsa_verify(key.public_view(), RsaHash::sha512, text("sample"), std::vector<u8>(64, 1)).error(),
            VerifyError::bad_signature);
  EXPECT_EQ(sign(key, RsaHash::sha512, text("sample")).error(), SignError::bad_key);
}

TEST(Rsa, keys_outside_512_to_4096_bits_are_refused) {
  for (const RsaVector* v : {&rsa_511, &rsa_4097}) {
    const Key key(*v);
    EXPECT_EQ(rsa_verify(key.public_view(), RsaHash::sha256, text("sample"), octets(v->sha256_signature)).error(),
              VerifyError::bad_key);
    EXPECT_EQ(sign(key, RsaHash::sha256, text("sample"), 1024).error(), SignError::bad_key);
  }
}

TEST(Rsa, malformed_public_keys_are_refused) {
  const std::vector<u8> signature = octets(rsa_1024.sha256_signature);
  const auto error = [&](Bytes modulus, Bytes exponent) {
    const auto result = rsa_verify({modulus, exponent}, RsaHash::sha256, text("sample"), signature);
    return !result.ok() && result.error() == VerifyError::bad_key;
  };
  const Key key(rsa_1024);
  EXPECT_TRUE(error({}, key.exponent));
  EXPECT_TRUE(error(key.modulus, {}));
  EXPECT_TRUE(error(std::vector<u8>(128, 0), key.exponent));
  EXPECT_TRUE(error(key.modulus, octets("00")));
  EXPECT_TRUE(error(key.modulus, octets("01")));
  EXPECT_TRUE(error(key.modulus, octets("010000")));              // even
  EXPECT_TRUE(error(key.modulus, octets("010000000000000001")));  // 65 bits
  EXPECT_TRUE(error(key.modulus, std::vector<u8>(512, 0xff)));
  EXPECT_TRUE(error(std::vector<u8>(65'000, 0xff), key.exponent));
  std::vector<u8> even = key.modulus;
  even.back() &= 0xfe;
  EXPECT_TRUE(error(even, key.exponent));
  EXPECT_TRUE(error(std::vector<u8>(1, 3), key.exponent));
}

TEST(Rsa, a_leading_zero_in_a_number_changes_nothing) {
  Key key(rsa_1024);
  key.modulus.insert(key.modulus.begin(), 0);
  key.exponent.insert(key.exponent.begin(), 0);
  EXPECT_TRUE(verifies(key, RsaHash::sha256, text("sample"), octets(rsa_1024.sha256_signature)));
}

TEST(Rsa, private_numbers_that_do_not_belong_together_are_refused) {
  const auto refused = [](auto change) {
    Key key(rsa_1024);
    change(key);
    const auto result = sign(key, RsaHash::sha256, text("sample"));
    return !result.ok() && result.error() == SignError::bad_key;
  };
  EXPECT_TRUE(refused([](Key& k) { k.prime1.clear(); }));
  EXPECT_TRUE(refused([](Key& k) { k.prime1 = k.prime2; }));
  EXPECT_TRUE(refused([](Key& k) { std::swap(k.prime1, k.prime2); }));
  EXPECT_TRUE(refused([](Key& k) { k.prime1.assign(64, 0); }));
  EXPECT_TRUE(refused([](Key& k) { k.prime1.back() ^= 1; }));
  EXPECT_TRUE(refused([](Key& k) {
    k.prime1 = k.modulus;
    k.prime2 = octets("01");
  }));
  EXPECT_TRUE(refused([](Key& k) { k.exponent1.assign(64, 0); }));
  EXPECT_TRUE(refused([](Key& k) { k.exponent2 = k.prime2; }));
  EXPECT_TRUE(refused([](Key& k) { k.exponent1.back() ^= 2; }));
  EXPECT_TRUE(refused([](Key& k) { k.exponent2.back() ^= 2; }));
  EXPECT_TRUE(refused([](Key& k) { k.coefficient.back() ^= 1; }));
  EXPECT_TRUE(refused([](Key& k) { k.coefficient.assign(64, 0xff); }));
  EXPECT_TRUE(refused([](Key& k) { k.coefficient.assign(1, 0); }));
  EXPECT_TRUE(refused([](Key& k) { k.exponent1.assign(600, 1); }));
  EXPECT_TRUE(refused([](Key& k) { k.exponent = octets("010003"); }));
}

TEST(Rsa, says_when_the_signature_does_not_fit) {
  EXPECT_EQ(sign(Key(rsa_1024), RsaHash::sha256, text("sample"), 127).error(), SignError::no_room);
  EXPECT_EQ(sign(Key(rsa_1024), RsaHash::sha256, text("sample"), 128).value().size(), 128U);
}

}  // namespace
}  // namespace samara::crypto
