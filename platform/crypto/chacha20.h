// The ChaCha20 block function (RFC 8439 section 2.3).
#pragma once

#include <array>
#include <span>

#include "platform/base/types.h"

namespace samara::crypto {

void chacha20_block(std::span<const u8, 32> key, u32 counter, std::span<const u8, 12> nonce, std::span<u8, 64> out);

}  // namespace samara::crypto
