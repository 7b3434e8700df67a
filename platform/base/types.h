// Short names for the fixed-width integers and the two byte spans that every library speaks in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace samara {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using std::size_t;

// A view of octets somebody else owns. Never a data member outside readers and writers: it does not say how long the
// octets live.
using Bytes = std::span<const u8>;
using MutableBytes = std::span<u8>;

}  // namespace samara

// In front of a large local that is written before it is read, on the path of every answer: images zero all other locals
// (-ftrivial-auto-var-init=zero), which for these would cost more than the work they are for.
#define SAMARA_UNINITIALIZED __attribute__((uninitialized))
