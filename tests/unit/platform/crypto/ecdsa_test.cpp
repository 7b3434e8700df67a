#include "platform/crypto/ecdsa.h"

#include <algorithm>

#include "hex_octets.h"
#include "platform/crypto/drbg.h"

namespace samara::crypto {
namespace {

struct Vector {
  EcdsaCurve curve;
  HashAlgorithm hash;
  std::string_view private_key;
  std::string_view public_key;
  std::string_view signature;  // over "sample"
  std::string_view order;
  std::string_view prime;
};
// RFC 6979 appendices A.2.5 and A.2.6.
constexpr Vector vectors[] = {
    {EcdsaCurve::p256, HashAlgorithm::sha256, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
     "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"},
    {EcdsaCurve::p384, HashAlgorithm::sha384,
     "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
     "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13"
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"},
};

class ConstantRng final : public Rng {
 public:
  explicit ConstantRng(u8 value) : value_(value) {}
  void fill(MutableBytes out) override { std::ranges::fill(out, value_); }

 private:
  u8 value_;
};

Result<void, VerifyError> verify(const Vector& v, Bytes public_key, Bytes message, Bytes signature) {
  return ecdsa_verify(v.curve, public_key, v.hash, message, signature);
}

Result<std::vector<u8>, SignError> sign(const Vector& v, Bytes private_key, Bytes message, Rng& rng, size_t room = 96) {
  std::vector<u8> memory(room);
  ByteWriter out(memory);
  TRY(ecdsa_sign(v.curve, private_key, v.hash, message, rng, out));
  memory.resize(out.size());
  return memory;
}

TEST(Ecdsa, accepts_the_signatures_of_rfc_6979) {
  for (const Vector& v : vectors) {
    EXPECT_TRUE(verify(v, octets(v.public_key), text("sample"), octets(v.signature)).ok());
  }
}

TEST(Ecdsa, computes_the_public_keys_of_rfc_6979) {
  for (const Vector& v : vectors) {
    std::vector<u8> memory(2 * scalar_size(v.curve));
    ByteWriter out(memory);
    ASSERT_TRUE(ecdsa_public_key(v.curve, octets(v.private_key), out).ok());
    EXPECT_EQ(hex(memory), v.public_key);
    ByteWriter tight(MutableBytes(memory).first(memory.size() - 1));
    EXPECT_EQ(ecdsa_public_key(v.curve, octets(v.private_key), tight).error(), SignError::no_room);
  }
}

TEST(Ecdsa, accepts_its_own_signatures_and_they_differ_every_time) {
  Drbg rng(std::array<u8, Drbg::seed_size>{5});
  for (const Vector& v : vectors) {
    std::vector<std::vector<u8>> seen;
    for (int i = 0; i < 10; ++i) {
      const std::vector<u8> signature = sign(v, octets(v.private_key), text("message"), rng).value();
      EXPECT_EQ(signature.size(), 2 * scalar_size(v.curve));
      EXPECT_TRUE(verify(v, octets(v.public_key), text("message"), signature).ok());
      EXPECT_EQ(verify(v, octets(v.public_key), text("massage"), signature).error(), VerifyError::bad_signature);
      EXPECT_EQ(std::ranges::count(seen, signature), 0);
      seen.push_back(signature);
    }
  }
}

TEST(Ecdsa, a_random_source_that_repeats_gives_no_nonce_twice_for_two_messages) {
  for (const Vector& v : vectors) {
    for (const u8 value : {u8{0}, u8{0xff}}) {
      ConstantRng rng(value);
      const std::vector<u8> a = sign(v, octets(v.private_key), text("one"), rng).value();
      const std::vector<u8> b = sign(v, octets(v.private_key), text("two"), rng).value();
      EXPECT_NE(hex(Bytes(a).first(scalar_size(v.curve))), hex(Bytes(b).first(scalar_size(v.curve))));
      EXPECT_TRUE(verify(v, octets(v.public_key), text("one"), a).ok());
    }
  }
}

TEST(Ecdsa, refuses_every_single_changed_bit) {
  for (const Vector& v : vectors) {
    const std::vector<u8> good = octets(v.signature);
    for (size_t bit = 0; bit < good.size() * 8; bit += 5) {
      std::vector<u8> bad = good;
      bad[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
      EXPECT_EQ(verify(v, octets(v.public_key), text("sample"), bad).error(), VerifyError::bad_signature) << bit;
    }
  }
}

TEST(Ecdsa, refuses_numbers_out_of_range_in_a_signature) {
  for (const Vector& v : vectors) {
    const size_t size = scalar_size(v.curve);
    const std::vector<u8> good = octets(v.signature);
    const auto refused = [&](Bytes r, Bytes s) {
      std::vector<u8> signature(r.begin(), r.end());
      signature.insert(signature.end(), s.begin(), s.end());
      const auto result = verify(v, octets(v.public_key), text("sample"), signature);
      return !result.ok() && result.error() == VerifyError::bad_signature;
    };
    const Bytes r = Bytes(good).first(size);
    const Bytes s = Bytes(good).subspan(size);
    const std::vector<u8> zero(size, 0);
    const std::vector<u8> ones(size, 0xff);
    EXPECT_TRUE(refused(zero, s));
    EXPECT_TRUE(refused(r, zero));
    EXPECT_TRUE(refused(zero, zero));
    EXPECT_TRUE(refused(octets(v.order), s));
    EXPECT_TRUE(refused(r, octets(v.order)));
    EXPECT_TRUE(refused(ones, ones));
    EXPECT_TRUE(refused(s, r));
    EXPECT_TRUE(refused(r, s.first(size - 1)));
    EXPECT_TRUE(refused({}, {}));
    EXPECT_TRUE(refused(std::vector<u8>(40'000, 1), s));
  }
}

TEST(Ecdsa, refuses_public_keys_that_are_no_points_of_the_curve) {
  for (const Vector& v : vectors) {
    const size_t size = scalar_size(v.curve);
    const auto refused = [&](Bytes key) {
      const auto result = verify(v, key, text("sample"), octets(v.signature));
      return !result.ok() && result.error() == VerifyError::bad_key;
    };
    std::vector<u8> key = octets(v.public_key);
    key.back() ^= 1;
    EXPECT_TRUE(refused(key));
    EXPECT_TRUE(refused(std::vector<u8>(2 * size, 0)));
    EXPECT_TRUE(refused(std::vector<u8>(2 * size, 0xff)));
    EXPECT_TRUE(refused({}));
    EXPECT_TRUE(refused(Bytes(key).first(2 * size - 1)));
    key.back() ^= 1;
    key.push_back(0);
    EXPECT_TRUE(refused(key));
    std::vector<u8> too_large = octets(v.prime);
    too_large.insert(too_large.end(), key.begin() + static_cast<std::ptrdiff_t>(size),
                     key.begin() + static_cast<std::ptrdiff_t>(2 * size));
    EXPECT_TRUE(refused(too_large));
  }
}

TEST(Ecdsa, refuses_private_keys_out_of_range) {
  Drbg rng(std::array<u8, Drbg::seed_size>{6});
  for (const Vector& v : vectors) {
    const size_t size = scalar_size(v.curve);
    for (const std::vector<u8>& key : {std::vector<u8>(size, 0), std::vector<u8>(size, 0xff), octets(v.order),
                                       std::vector<u8>{}, std::vector<u8>(size - 1, 1), std::vector<u8>(size + 1, 1)}) {
      EXPECT_EQ(sign(v, key, text("sample"), rng).error(), SignError::bad_key);
      std::array<u8, 96> memory{};
      ByteWriter out(memory);
      EXPECT_EQ(ecdsa_public_key(v.curve, key, out).error(), SignError::bad_key);
    }
  }
}

TEST(Ecdsa, says_when_the_signature_does_not_fit) {
  Drbg rng(std::array<u8, Drbg::seed_size>{7});
  for (const Vector& v : vectors) {
    const size_t size = 2 * scalar_size(v.curve);
    EXPECT_EQ(sign(v, octets(v.private_key), text("sample"), rng, size - 1).error(), SignError::no_room);
    EXPECT_TRUE(sign(v, octets(v.private_key), text("sample"), rng, size).ok());
  }
}

}  // namespace
}  // namespace samara::crypto
