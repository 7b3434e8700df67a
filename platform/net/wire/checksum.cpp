#include "platform/net/wire/checksum.h"

#include "platform/base/byte_order.h"

namespace samara::net {

void ChecksumSum::add(Bytes octets) {
  // Words of 32 bits into 64: the carries of 2^32 additions fit.
  u64 sum = 0;
  Bytes rest = octets;
  while (rest.size() >= 16) {
    const auto block = rest.first<16>();
    sum += u64{load_be32(block, 0)} + load_be32(block, 4) + load_be32(block, 8) + load_be32(block, 12);
    rest = rest.subspan(16);
  }
  while (rest.size() >= 2) {
    sum += load_be16(rest);
    rest = rest.subspan(2);
  }
  if (!rest.empty()) sum += u64{rest[0]} << 8;
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum_ += (sum >> 32) + (sum & 0xffffffff);
}

void ChecksumSum::add_pseudo_header(const IpAddress& source, const IpAddress& destination, u8 protocol, u32 length) {
  if (source.is_v4()) {
    add_u32(load_be32(source.octets()));
    add_u32(load_be32(destination.octets()));
  } else {
    add(source.octets());
    add(destination.octets());
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
