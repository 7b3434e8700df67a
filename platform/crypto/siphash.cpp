#include "platform/crypto/siphash.h"

#include <bit>

#include "platform/base/byte_order.h"

namespace samara::crypto {
namespace {

struct State {
  u64 v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void take(u64 word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

u64 siphash24(const SipHashKey& key, Bytes message) {
  const u64 k0 = load_le64(key, 0);
  const u64 k1 = load_le64(key, 8);
  State state{k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL};
  // The last word holds what is left of the message and, on top, its length modulo 256.
  u64 last = u64{message.size() & 0xff} << 56;
  for (; message.size() >= 8; message = message.subspan(8)) state.take(load_le64(message));
  for (size_t i = 0; i < message.size(); ++i) last |= u64{message[i]} << (8 * i);
  state.take(last);
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace samara::crypto
