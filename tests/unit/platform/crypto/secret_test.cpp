#include "platform/crypto/secret.h"

#include "hex_octets.h"

namespace samara::crypto {
namespace {

TEST(Secret, comparison_sees_any_difference) {
  const std::vector<u8> a = octets("00112233445566778899");
  EXPECT_TRUE(equal_in_constant_time(a, octets("00112233445566778899")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_FALSE(equal_in_constant_time(a, Bytes(a).first(9)));
  EXPECT_FALSE(equal_in_constant_time({}, a));
  for (size_t bit = 0; bit < a.size() * 8; ++bit) {
    std::vector<u8> b = a;
    b[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    EXPECT_FALSE(equal_in_constant_time(a, b)) << bit;
  }
}

TEST(Secret, wipe_leaves_zeros) {
  std::vector<u8> a = octets("0011223344");
  wipe(MutableBytes(a).subspan(1, 3));
  EXPECT_EQ(hex(a), "0000000044");
  wipe({});
}

TEST(Secret, octets_move_and_are_copied_only_on_request) {
  static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
  SecretBytes a(octets("0102"));
  const SecretBytes copy = a.copy();
  SecretBytes b = std::move(a);
  EXPECT_EQ(hex(b.bytes()), "0102");
  EXPECT_EQ(hex(copy.bytes()), "0102");
  b = SecretBytes(octets("03"));
  EXPECT_EQ(b.size(), 1U);
}

}  // namespace
}  // namespace samara::crypto
