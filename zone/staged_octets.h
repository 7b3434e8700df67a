// StagedOctets: pieces of octets on their way to a zone, each at a place that stays. They lie in the heap, or in zone memory,
// which has a limit and says so when it is full: there belongs what a peer decides the size of.
#pragma once

#include <optional>

#include "platform/base/plain_vector.h"
#include "zone/growth.h"

namespace samara::zone {

class StagedOctets {
 public:
  // In the heap, with room for so many octets.
  explicit StagedOctets(size_t expected) : all_(heap_) { heap_.reserve(expected); }
  explicit StagedOctets(ZoneMemory& memory)
      : growth_(std::in_place, memory, 0, Growth::Steps::small), unit_bits_(2), all_(memory.region()) {
    growth_->begin();
  }
  StagedOctets(const StagedOctets&) = delete;
  StagedOctets& operator=(const StagedOctets&) = delete;
  ~StagedOctets() { clear(); }

  // The place of a piece that is to be written; nothing: there is no memory for it.
  std::optional<u32> take(size_t size) {
    if (growth_.has_value()) return growth_->writer().take(size);
    const size_t place = heap_.size();
    if (size > most_in_heap - std::min(most_in_heap, place)) return std::nullopt;
    heap_.resize(place + size);
    all_ = heap_;
    return static_cast<u32>(place);
  }
  // From a piece's beginning on.
  MutableBytes at(u32 place) { return all_.subspan(size_t{place} << unit_bits_); }
  Bytes at(u32 place) const { return Bytes(all_).subspan(size_t{place} << unit_bits_); }

  bool in_zone_memory() const { return growth_.has_value(); }
  // Octets of all pieces.
  size_t used() const { return growth_.has_value() ? growth_->used() : heap_.size(); }
  // What is in zone memory goes back to it.
  void clear() {
    if (growth_.has_value()) growth_->roll_back();
    if (growth_.has_value()) growth_->begin();
    heap_.clear();
  }

 private:
  // Places have 32 bits.
  static constexpr size_t most_in_heap = size_t{0xffff'ffff} - 0x2'0000;

  PlainVector<u8> heap_;
  std::optional<Growth> growth_;
  unsigned unit_bits_ = 0;  // a place times so much is an octet
  MutableBytes all_;
};

}  // namespace samara::zone
