// SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash, for tables that a peer must not be able to fill unevenly and
// for DNS cookies (RFC 9018 section 4.4).
#pragma once

#include <array>

#include "platform/base/types.h"

namespace samara::crypto {

using SipHashKey = std::array<u8, 16>;

// The 64-bit result; where it is written as octets, the lowest comes first (store_le64).
u64 siphash24(const SipHashKey& key, Bytes message);

}  // namespace samara::crypto
