// UNSAFE: calls into nettle.
#include "platform/crypto/chacha20.h"

#include <nettle/chacha.h>

#include <algorithm>

#include "platform/base/byte_order.h"

namespace samara::crypto {

void chacha20_stream(std::span<const u8, 32> key, u32 counter, std::span<const u8, 12> nonce, MutableBytes out) {
  static_assert(CHACHA_KEY_SIZE == 32 && CHACHA_NONCE96_SIZE == 12 && CHACHA_BLOCK_SIZE == chacha20_block_size);
  chacha_ctx context;
  std::array<u8, CHACHA_COUNTER32_SIZE> start{};
  store_le32(start, 0, counter);
  chacha_set_key(&context, key.data());
  chacha_set_nonce96(&context, nonce.data());
  chacha_set_counter32(&context, start.data());
  std::ranges::fill(out, u8{0});
  chacha_crypt32(&context, out.size(), out.data(), out.data());
  // Wiped by a call that the compiler cannot leave out.
  chacha_set_key(&context, std::array<u8, CHACHA_KEY_SIZE>{}.data());
}

}  // namespace samara::crypto
