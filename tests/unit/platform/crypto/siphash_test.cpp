#include "platform/crypto/siphash.h"

#include "hex_octets.h"
#include "platform/base/byte_order.h"

namespace samara::crypto {
namespace {

SipHashKey counting_key() {
  SipHashKey key{};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<u8>(i);
  return key;
}

// The designers' reference vectors: messages 00, 00 01, 00 01 02 … under the key 00 01 … 0f.
constexpr std::string_view reference[] = {"310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785",
                                          "b7877127e09427cf", "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab",
                                          "6224939a79f5f593", "b0e4a90bdf82009e", "f3b9dd94c5bb5d7a", "a7ad6b22462fb3f4",
                                          "fbe50e86bc8f1e75", "903d84c02756ea14", "eef27a8e90ca23f7", "e545be4961ca29a1"};

TEST(SipHash, gives_the_reference_values) {
  std::vector<u8> message;
  for (const std::string_view expected : reference) {
    std::array<u8, 8> out{};
    store_le64(out, 0, siphash24(counting_key(), message));
    EXPECT_EQ(hex(out), expected) << message.size();
    message.push_back(static_cast<u8>(message.size()));
  }
}

TEST(SipHash, gives_the_value_of_the_paper) {
  std::vector<u8> message(15);
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<u8>(i);
  EXPECT_EQ(siphash24(counting_key(), message), 0xa129ca6149be45e5ULL);
}

TEST(SipHash, depends_on_every_bit_of_the_key) {
  const std::vector<u8> message = text("samara");
  const u64 plain = siphash24(SipHashKey{}, message);
  for (size_t bit = 0; bit < 128; ++bit) {
    SipHashKey key{};
    key[bit / 8] = static_cast<u8>(1 << (bit % 8));
    EXPECT_NE(siphash24(key, message), plain) << bit;
  }
}

}  // namespace
}  // namespace samara::crypto
