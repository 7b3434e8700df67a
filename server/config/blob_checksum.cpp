#include "server/config/blob_checksum.h"

#include <algorithm>
#include <array>

#include "platform/base/byte_order.h"
#include "platform/crypto/siphash.h"

namespace samara::server {
namespace {

std::array<u8, checksum_size> checksum_of(const codec::DeviceTree::Around& octets) {
  constexpr crypto::SipHashKey key{};
  std::array<u8, checksum_size> sum{};
  store_le64(sum, 0, crypto::siphash24(key, octets.before));
  store_le64(sum, 8, crypto::siphash24(key, octets.behind));
  return sum;
}

}  // namespace

void seal_blob(std::vector<u8>& blob) {
  const auto tree = codec::DeviceTree::open(blob);
  if (!tree.ok()) return;
  const auto place = tree.value().root().bytes(checksum_property);
  if (!place.ok() || place.value().size() != checksum_size) return;
  const codec::DeviceTree::Around octets = tree.value().around(place.value());
  std::ranges::copy(checksum_of(octets), MutableBytes(blob).subspan(octets.before.size()).begin());
}

bool is_intact(const codec::DeviceTree& tree) {
  const auto sum = tree.root().bytes(checksum_property);
  if (!sum.ok()) return true;
  if (sum.value().size() != checksum_size) return false;
  if (std::ranges::all_of(sum.value(), [](u8 octet) { return octet == 0; })) return true;
  return std::ranges::equal(sum.value(), checksum_of(tree.around(sum.value())));
}

}  // namespace samara::server
