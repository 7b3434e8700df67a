#include "zone/search_name.h"

#include <algorithm>

namespace samara::zone {
namespace {

constexpr u64 mix(u64 hash, u64 octets) {
  const u64 product = (hash ^ octets) * 0x9e3779b97f4a7c15;
  return product ^ product >> 32;
}

// The first `count` (1 to 8) of eight octets.
constexpr u64 keep(u64 octets, size_t count) {
  return octets << (64 - 8 * count);
}

// The label at `start`, of `size` octets with its length.
u64 hash_label(u64 parent, const PaddedName& octets, size_t start, size_t size) {
  if (size <= 8) return mix(parent, keep(load_le64(octets, start), size));
  const u64 first = mix(parent, load_le64(octets, start));
  if (size <= 16) return mix(first, keep(load_le64(octets, start + 8), size - 8));
  u64 hash = mix(first, load_le64(octets, start + 8));
  size_t done = 16;
  for (; size - done > 8; done += 8) hash = mix(hash, load_le64(octets, start + done));
  return mix(hash, keep(load_le64(octets, start + done), size - done));
}

}  // namespace

u64 child_hash(u64 parent, Bytes label) {
  SAMARA_UNINITIALIZED PaddedName padded;
  std::ranges::copy(label, padded.begin());
  return hash_label(parent, padded, 0, label.size());
}

void SearchName::assign(Bytes wire) {
  dns::copy_lowered(wire, lower_);
  size_t labels = 0;
  SAMARA_UNINITIALIZED std::array<u8, dns::max_labels + 1> from_left;
  size_t at = 0;
  for (; lower_[at] != 0; at += size_t{1} + lower_[at]) from_left[labels++] = static_cast<u8>(at);
  labels_ = static_cast<u8>(labels);
  starts_[0] = static_cast<u8>(at);
  hashes_[0] = root_hash;
  u64 hash = root_hash;
  for (size_t i = 1; i <= labels; ++i) {
    const u8 start = from_left[labels - i];
    hash = hash_label(hash, lower_, start, size_t{1} + lower_[start]);
    starts_[i] = start;
    hashes_[i] = hash;
  }
}

std::optional<SearchName> SearchName::wildcard_below(const SearchName& parent, size_t labels) {
  const Bytes below = parent.labels_between(0, labels);
  const size_t size = 2 + below.size() + 1;
  if (size > dns::max_name_size) return std::nullopt;
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  wire[0] = 1;
  wire[1] = '*';
  std::ranges::copy(below, MutableBytes(wire).subspan(2).begin());
  wire[size - 1] = 0;
  return std::optional<SearchName>(std::in_place, Bytes(wire).first(size));
}

}  // namespace samara::zone
