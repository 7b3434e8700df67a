// ChaCha20 (RFC 8439 section 2.3), from nettle.
#pragma once

#include <array>
#include <span>

#include "platform/base/types.h"

namespace samara::crypto {

constexpr size_t chacha20_block_size = 64;
// The key stream from block `counter` on.
void chacha20_stream(std::span<const u8, 32> key, u32 counter, std::span<const u8, 12> nonce, MutableBytes out);

}  // namespace samara::crypto
