// NameTable: from a zone's name to its index. The hash is keyed, because who asks (a NOTIFY) may choose the name.
#pragma once

#include <optional>
#include <vector>

#include "dns-core/name.h"
#include "platform/base/rng.h"
#include "platform/crypto/siphash.h"
#include "secondary/due_heap.h"

namespace samara::secondary {

class NameTable {
 public:
  explicit NameTable(Rng& rng) { rng.fill(key_); }

  // `same(index)` says whether that index has the name.
  template <class Same>
  u32 find(const dns::Name& name, Same&& same) const {
    if (slots_.empty()) return no_index;
    for (size_t at = hash(name) & mask();; at = (at + 1) & mask()) {
      if (slots_[at] == no_index) return no_index;
      if (slots_[at] != gone && same(slots_[at])) return slots_[at];
    }
  }
  // `name_of(index)` gives the name of an index, for when the table grows.
  template <class NameOf>
  void insert(const dns::Name& name, u32 index, NameOf&& name_of) {
    if (2 * (used_ + 1) > slots_.size()) rebuild(name_of);
    place(name, index);
    ++used_;
    ++live_;
  }
  void erase(const dns::Name& name, u32 index) {
    size_t at = hash(name) & mask();
    while (slots_[at] != index) at = (at + 1) & mask();
    slots_[at] = gone;
    --live_;
  }

 private:
  static constexpr u32 gone = 0xfffffffe;

  size_t mask() const { return slots_.size() - 1; }
  size_t hash(const dns::Name& name) const { return crypto::siphash24(key_, name.lowercased().wire()); }
  void place(const dns::Name& name, u32 index) {
    size_t at = hash(name) & mask();
    while (slots_[at] != no_index) at = (at + 1) & mask();
    slots_[at] = index;
  }
  template <class NameOf>
  void rebuild(NameOf&& name_of) {
    const std::vector<u32> old = std::move(slots_);
    size_t size = 64;
    while (size < 4 * (live_ + 1)) size *= 2;
    slots_.assign(size, no_index);
    for (const u32 index : old) {
      if (index != no_index && index != gone) place(name_of(index), index);
    }
    used_ = live_;
  }

  crypto::SipHashKey key_{};
  std::vector<u32> slots_;
  size_t used_ = 0;  // slots that are not empty
  size_t live_ = 0;
};

}  // namespace samara::secondary
