#include "platform/crypto/hash.h"

#include "hex_octets.h"

namespace samara::crypto {
namespace {

struct Vector {
  HashAlgorithm algorithm;
  std::string_view empty;
  std::string_view abc;
  std::string_view million;  // a million times "a"
};
// FIPS 180-4 examples.
constexpr Vector vectors[] = {
    {HashAlgorithm::sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709", "a9993e364706816aba3e25717850c26c9cd0d89d",
     "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    {HashAlgorithm::sha224, "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
     "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7", "20794655980c91d8bbb4c1ea97618a4bf03f42581948b2ee4ee7ad67"},
    {HashAlgorithm::sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {HashAlgorithm::sha384, "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
     "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985"},
    {HashAlgorithm::sha512,
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af"
     "9"
     "27da3e",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa"
     "5"
     "4ca49f",
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217a"
     "d"
     "8cc09b"},
};

TEST(Hash, gives_the_digests_of_fips_180) {
  for (const Vector& v : vectors) {
    EXPECT_EQ(hex(Hash::of(v.algorithm, {}).bytes()), v.empty);
    EXPECT_EQ(hex(Hash::of(v.algorithm, text("abc")).bytes()), v.abc);
    EXPECT_EQ(hex(Hash::of(v.algorithm, std::vector<u8>(1'000'000, 'a')).bytes()), v.million);
    EXPECT_EQ(Hash::of(v.algorithm, {}).size(), digest_size(v.algorithm));
  }
}

TEST(Hash, pieces_of_any_size_give_the_digest_of_the_whole) {
  std::vector<u8> message(300);
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<u8>(i);
  for (const Vector& v : vectors) {
    const std::string whole = hex(Hash::of(v.algorithm, message).bytes());
    for (size_t piece = 1; piece < 130; ++piece) {
      Hash hash(v.algorithm);
      for (Bytes rest = message; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
        hash.update(rest.first(std::min(piece, rest.size())));
      }
      EXPECT_EQ(hex(hash.finish().bytes()), whole) << piece;
    }
  }
}

TEST(Hash, begins_anew_after_finish) {
  Hash hash(HashAlgorithm::sha256);
  hash.update(text("something else"));
  (void)hash.finish();
  hash.update(text("abc"));
  EXPECT_EQ(hex(hash.finish().bytes()), vectors[2].abc);
}

TEST(Hash, a_copy_goes_its_own_way) {
  Hash hash(HashAlgorithm::sha1);
  hash.update(text("ab"));
  Hash copy = hash;
  hash.update(text("x"));
  copy.update(text("c"));
  EXPECT_EQ(hex(copy.finish().bytes()), vectors[0].abc);
}

}  // namespace
}  // namespace samara::crypto
