// SearchName: a domain name made ready to be looked up in indexes (name_index.h): in lower case, with the start of each label
// and a hash of each of its suffixes. The hash of a name is made from its parent's, so all of them cost one pass.
//
// The hash is not a secret and need not be: what it decides is only where an index looks first.
#pragma once

#include <array>
#include <optional>

#include "dns-core/name.h"
#include "platform/base/types.h"

namespace samara::zone {

// A label is read eight octets at a time, beyond the end of the last.
using PaddedName = std::array<u8, dns::max_name_size + 8>;

class SearchName {
 public:
  explicit SearchName(const dns::Name& name) { assign(name.wire()); }  // NOLINT: what is not written here is not read
  explicit SearchName(Bytes wire) { assign(wire); }                    // NOLINT

  // A valid uncompressed wire-format name.
  void assign(Bytes wire);
  // `*` right below the last `labels` labels of `parent`; nothing when that would be too long.
  static std::optional<SearchName> wildcard_below(const SearchName& parent, size_t labels);

  size_t label_count() const { return labels_; }
  // Where the suffix of `labels` labels begins in the name's wire form.
  size_t suffix_at(size_t labels) const { return starts_[labels]; }
  u64 hash(size_t labels) const { return hashes_[labels]; }
  // The labels of the suffix of `labels` labels that are below the one of `above` labels; in lower case, without the root's.
  Bytes labels_between(size_t above, size_t labels) const {
    return Bytes(lower_).first(starts_[above]).subspan(starts_[labels]);
  }

 private:
  PaddedName lower_;
  // By number of labels.
  std::array<u8, dns::max_labels + 1> starts_;
  std::array<u64, dns::max_labels + 1> hashes_;
  u8 labels_ = 0;
};

// The hash of the root, and that of the name that has `label` (its length octet first, in lower case) in front of one with the
// hash `parent`.
constexpr u64 root_hash = 0x243f6a8885a308d3;
u64 child_hash(u64 parent, Bytes label);

}  // namespace samara::zone
