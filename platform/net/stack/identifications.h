// Identifications of IPv4 packets that may be fragmented (RFC 791, RFC 6864): to one destination none comes again before all
// others were used, and nobody who has not seen it knows the next one (RFC 7739, whose reasons hold for IPv4 as well: whoever
// knows it can spoil datagrams that are fragmented on their way, and a counter tells how much others ask). A counter for each
// bucket of destinations goes through a keyed permutation: four Feistel rounds over tables of random octets, with a salt of the
// bucket's own that changes when all numbers were used.
#pragma once

#include <array>

#include "platform/base/rng.h"
#include "platform/base/types.h"

namespace samara::net {

class Identifications {
 public:
  static constexpr size_t buckets = 256;

  explicit Identifications(Rng& rng) : rng_(rng) { renew(); }

  // All tables and counters anew.
  void renew() {
    for (auto& table : tables_) rng_.fill(table);
    for (Sequence& sequence : sequences_) {
      sequence.first = sequence.next = rng_.u16_value();
      rng_.fill(sequence.salt);
    }
  }

  u16 next(size_t bucket) {
    Sequence& sequence = sequences_[bucket % buckets];
    const u16 id = permuted(sequence.next++, sequence.salt);
    if (sequence.next == sequence.first) rng_.fill(sequence.salt);
    return id;
  }

 private:
  static constexpr size_t rounds = 4;
  using Salt = std::array<u8, rounds>;
  struct Sequence {
    u16 first = 0;
    u16 next = 0;
    Salt salt{};
  };

  u16 permuted(u16 value, const Salt& salt) const {
    u8 left = static_cast<u8>(value >> 8);
    u8 right = static_cast<u8>(value);
    for (size_t round = 0; round < rounds; ++round) {
      const u8 mixed = left ^ tables_[round][right ^ salt[round]];
      left = right;
      right = mixed;
    }
    return static_cast<u16>(left << 8 | right);
  }

  Rng& rng_;
  std::array<std::array<u8, 256>, rounds> tables_{};
  std::array<Sequence, buckets> sequences_{};
};

}  // namespace samara::net
