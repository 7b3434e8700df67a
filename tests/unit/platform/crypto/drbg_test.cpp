#include "platform/crypto/drbg.h"

#include <set>

#include "hex_octets.h"
#include "platform/crypto/chacha20.h"

namespace samara::crypto {
namespace {

using Seed = std::array<u8, Drbg::seed_size>;

TEST(ChaCha20, gives_the_block_of_rfc_8439_section_2_3_2) {
  Seed key{};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<u8>(i);
  constexpr std::array<u8, 12> nonce{0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
  std::array<u8, 64> block{};
  chacha20_stream(key, 1, nonce, block);
  EXPECT_EQ(hex(block),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

TEST(Drbg, begins_with_the_key_stream_behind_the_next_key) {
  const Seed seed{1, 2, 3};
  std::array<u8, 64> block{};
  chacha20_stream(seed, 0, std::array<u8, 12>{}, block);
  Drbg drbg(seed);
  std::array<u8, 32> out{};
  drbg.fill(out);
  EXPECT_EQ(hex(out), hex(Bytes(block).subspan(32)));
}

TEST(Drbg, changes_its_key_at_every_refill) {
  const Seed seed{9};
  std::array<u8, 64> block{};
  chacha20_stream(seed, 0, std::array<u8, 12>{}, block);
  Seed next{};
  std::ranges::copy(Bytes(block).first(32), next.begin());
  Drbg drbg(seed);
  std::vector<u8> first_pool(8 * 64 - 32);
  drbg.fill(first_pool);
  Drbg follower(next);
  std::array<u8, 100> a{};
  std::array<u8, 100> b{};
  drbg.fill(a);
  follower.fill(b);
  EXPECT_EQ(a, b);
}

TEST(Drbg, the_stream_does_not_depend_on_the_sizes_asked_for) {
  const Seed seed{7};
  Drbg whole(seed);
  std::vector<u8> expected(5'000);
  whole.fill(expected);
  for (const size_t piece : {1U, 7U, 64U, 479U, 480U, 481U, 1'000U}) {
    Drbg drbg(seed);
    std::vector<u8> got(expected.size());
    for (MutableBytes rest = got; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
      drbg.fill(rest.first(std::min(piece, rest.size())));
    }
    EXPECT_EQ(got, expected) << piece;
  }
}

TEST(Drbg, reseeding_makes_equal_generators_differ_and_keeps_the_old_seed_in) {
  Drbg a(Seed{1});
  Drbg b(Seed{1});
  EXPECT_EQ(a.u64_value(), b.u64_value());
  a.reseed(text("worker 1"));
  b.reseed(text("worker 2"));
  EXPECT_NE(a.u64_value(), b.u64_value());
  Drbg c(Seed{1});
  Drbg d(Seed{2});
  c.reseed(text("same"));
  d.reseed(text("same"));
  EXPECT_NE(c.u64_value(), d.u64_value());
}

TEST(Drbg, copies_that_are_stirred_differently_go_on_differently) {
  Drbg unstirred(Seed{1});
  Drbg a(Seed{1});
  Drbg b(Seed{1});
  Drbg other(Seed{2});
  EXPECT_EQ(a.u64_value(), b.u64_value());
  EXPECT_EQ(unstirred.u64_value(), Drbg(Seed{1}).u64_value());
  Drbg::stir_all(text("one host"));
  const u64 of_a = a.u64_value();
  EXPECT_NE(of_a, other.u64_value()) << "what they had stays in";
  Drbg::stir_all(text("another host"));
  const u64 of_b = b.u64_value();
  EXPECT_NE(of_a, of_b);
  EXPECT_NE(a.u64_value(), of_b);
}

TEST(Drbg, stirring_does_not_reach_generators_that_are_made_later) {
  Drbg before(Seed{1});
  const u64 first = before.u64_value();
  Drbg::stir_all(text("fresh"));
  EXPECT_EQ(Drbg(Seed{1}).u64_value(), first);
}

TEST(Drbg, gives_nothing_after_stirring_that_it_had_ready) {
  Drbg copy(Seed{5});
  Drbg original(Seed{5});
  std::array<u8, 8> small{};
  copy.fill(small);
  original.fill(small);  // most of a refill is left in both
  Drbg::stir_all(text("fresh"));
  std::array<u8, 400> given{};
  copy.fill(given);
  Drbg known(Seed{5});  // as it was when it was copied
  known.fill(small);
  std::array<u8, 400> foreseen{};
  known.fill(foreseen);
  EXPECT_TRUE(std::ranges::search(given, std::span(foreseen).first(8)).empty());
  EXPECT_NE(given, foreseen);
}

TEST(Drbg, numbers_do_not_repeat) {
  Drbg drbg(Seed{3});
  std::set<u64> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(drbg.u64_value()).second);
}

TEST(Drbg, bits_are_even) {
  Drbg drbg(Seed{4});
  std::vector<u8> out(100'000);
  drbg.fill(out);
  size_t ones = 0;
  for (const u8 octet : out) ones += static_cast<size_t>(__builtin_popcount(octet));
  EXPECT_NEAR(static_cast<double>(ones), 400'000.0, 2'250.0);  // five standard deviations
}

}  // namespace
}  // namespace samara::crypto
