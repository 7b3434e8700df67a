#include "platform/net/wire/checksum.h"

#include "platform/base/byte_order.h"

namespace samara::net {

// RFC 1071 section 2 (B): the sum of octet-swapped words is the octet-swapped sum. So the words are added as a little-endian
// machine loads them, eight octets at once with the carry brought around the end, and the result is swapped once.
void ChecksumSum::add(Bytes octets) {
  u64 sum = 0;
  const auto take = [&sum](u64 word) {
    sum += word;
    sum += sum < word ? 1 : 0;
  };
  Bytes rest = octets;
  for (; rest.size() >= 32; rest = rest.subspan(32)) {
    const auto block = rest.first<32>();
    take(load_le64(block, 0));
    take(load_le64(block, 8));
    take(load_le64(block, 16));
    take(load_le64(block, 24));
  }
  for (; rest.size() >= 8; rest = rest.subspan(8)) take(load_le64(rest));
  if (!rest.empty()) {
    u64 last = 0;
    if (octets.size() >= 8) {
      last = load_le64(octets, octets.size() - 8) >> (64 - 8 * rest.size());  // without what was added already
    } else {
      for (size_t i = 0; i < rest.size(); ++i) last |= u64{rest[i]} << (8 * i);
    }
    take(last);
  }
  const u16 swapped = ChecksumSum(sum).folded();
  sum_ += static_cast<u16>(swapped << 8 | swapped >> 8);
}

void ChecksumSum::add_pseudo_header(const IpAddress& source, const IpAddress& destination, u8 protocol, u32 length) {
  if (source.is_v4()) {
    add_u32(source.v4_number());
    add_u32(destination.v4_number());
  } else {
    add(source.octets().first<16>());
    add(destination.octets().first<16>());
  }
  add_u32(length);
  add_u16(protocol);
}

u16 internet_checksum(Bytes octets) {
  ChecksumSum sum;
  sum.add(octets);
  return sum.finish();
}

}  // namespace samara::net
