#include "platform/crypto/chacha20.h"

#include <bit>

#include "platform/base/byte_order.h"

namespace samara::crypto {
namespace {

using Words = std::array<u32, 16>;

void quarter_round(Words& w, size_t a, size_t b, size_t c, size_t d) {
  w[a] += w[b];
  w[d] = std::rotl(w[d] ^ w[a], 16);
  w[c] += w[d];
  w[b] = std::rotl(w[b] ^ w[c], 12);
  w[a] += w[b];
  w[d] = std::rotl(w[d] ^ w[a], 8);
  w[c] += w[d];
  w[b] = std::rotl(w[b] ^ w[c], 7);
}

}  // namespace

void chacha20_block(std::span<const u8, 32> key, u32 counter, std::span<const u8, 12> nonce, std::span<u8, 64> out) {
  Words start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (size_t i = 0; i < 8; ++i) start[4 + i] = load_le32(key, 4 * i);
  start[12] = counter;
  for (size_t i = 0; i < 3; ++i) start[13 + i] = load_le32(nonce, 4 * i);
  Words w = start;
  for (int i = 0; i < 10; ++i) {
    quarter_round(w, 0, 4, 8, 12);
    quarter_round(w, 1, 5, 9, 13);
    quarter_round(w, 2, 6, 10, 14);
    quarter_round(w, 3, 7, 11, 15);
    quarter_round(w, 0, 5, 10, 15);
    quarter_round(w, 1, 6, 11, 12);
    quarter_round(w, 2, 7, 8, 13);
    quarter_round(w, 3, 4, 9, 14);
  }
  for (size_t i = 0; i < w.size(); ++i) store_le32(out, 4 * i, w[i] + start[i]);
}

}  // namespace samara::crypto
