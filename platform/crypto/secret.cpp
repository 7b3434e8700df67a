// UNSAFE: an empty assembly statement keeps the compiler from seeing that wiped memory is not read again.
#include "platform/crypto/secret.h"

#include "platform/base/byte_order.h"

namespace samara::crypto {

bool equal_in_constant_time(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  u32 difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<u32>(a[i] ^ b[i]);
    asm("" : "+r"(difference));  // no early way out
  }
  return difference == 0;
}

void wipe(MutableBytes octets) {
  fill_octets(octets, 0);
  asm volatile("" : : "r"(octets.data()) : "memory");
}

}  // namespace samara::crypto
