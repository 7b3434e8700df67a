// The format's version that the headers of a store say it has.
#pragma once

#include <vector>

#include "platform/base/byte_order.h"
#include "zone/store/format.h"

namespace samara::zone::store {

inline void set_version(MutableBytes header_block, u16 version) {
  store_be16(header_block, 8, version);
  const crypto::SipHashKey half_key{'h', 'a', 'l', 'f', ' ', 'o', 'f', ' ', 'a', ' ', 's', 't', 'o', 'r', 'e', '.'};
  constexpr size_t hash_at = HalfHeader::wire_size - 16;
  store_be64(header_block, hash_at, crypto::siphash24(half_key, Bytes(header_block).first(hash_at)));
}

// Calls f(MutableBytes header_block) for each header there is in a store with blocks of 512 octets.
template <class F>
void each_header(std::vector<u8>& store, F&& f) {
  const Layout layout(store.size(), 512);
  for (const u32 half : {0U, 1U}) {
    for (const u32 copy : {0U, 1U}) {
      const MutableBytes block = MutableBytes(store).subspan(layout.begin(half) + size_t{copy} * 512, 512);
      if (HalfHeader::version_of(block).has_value()) f(block);
    }
  }
}

inline void set_versions(std::vector<u8>& store, u16 version) {
  each_header(store, [&](MutableBytes block) { set_version(block, version); });
}

inline std::vector<u16> versions_of(std::vector<u8> store) {
  std::vector<u16> versions;
  each_header(store, [&](MutableBytes block) { versions.push_back(*HalfHeader::version_of(block)); });
  return versions;
}

}  // namespace samara::zone::store
