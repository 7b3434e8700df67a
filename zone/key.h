// LookupKey: a domain name turned round so that plain comparison of its symbols is the canonical order of names (RFC 4034
// section 6.1). Labels come from the root downwards; each octet, in lower case, becomes one symbol (letters, digits, `-`,
// `_`, `*`) or two (an escape and a value) in 1..47, and each label ends in symbol 0. With so few symbols a branch of the trie
// (trie.h) is one 64-bit word, and a zone stores its owner names in this form too: comparing, ordering and finding the closest
// encloser are then all the same operation, and nothing is lost but the case of owner names.
#pragma once

#include <array>

#include "dns-core/name.h"
#include "platform/base/types.h"

namespace samara::zone {

// A name of 255 octets whose every octet takes two symbols, and its label ends.
constexpr size_t max_key_size = 512;
constexpr unsigned symbol_count = 48;

// The symbols, and room behind them for writing several at once.
using KeySymbols = std::array<u8, max_key_size + 16>;

class LookupKey {
 public:
  LookupKey() { label_ends_[0] = 0; }  // NOLINT: the root's key; the rest is written before it is read
  explicit LookupKey(const dns::Name& name) { assign(name.wire()); }  // NOLINT
  explicit LookupKey(Bytes wire) { assign(wire); }                    // NOLINT

  // The key of a valid uncompressed wire-format name.
  void assign(Bytes wire);
  // The key of labels in wire form without the root's.
  static LookupKey of_labels(Bytes labels);
  // Sets this to the first `labels` labels (from the root) of `other`.
  void assign_prefix(const LookupKey& other, size_t labels);
  // Puts one more label in front of the name (at the key's end). False, and unchanged, when the key would be too long.
  bool append_label(Bytes label);

  size_t size() const { return size_; }
  Bytes symbols() const { return Bytes(symbols_).first(size_); }
  size_t label_count() const { return labels_; }
  // Symbols that the first `labels` labels from the root take.
  size_t prefix_size(size_t labels) const { return label_ends_[labels]; }
  // How many whole labels the first `symbols` symbols hold.
  size_t labels_within(size_t symbols) const;

 private:
  u16 size_ = 0;
  u8 labels_ = 0;
  std::array<u16, dns::max_labels + 1> label_ends_;  // [i]: size after i labels
  KeySymbols symbols_;
};

// The symbol of `*`: a key that ends in it and 0, alone in its label, is a wildcard's.
u8 wildcard_symbol();

// The wire-format labels (from the left, without the root's) of the name whose key symbols these are; returns how many octets
// were written to `out`, which holds at least max_name_size.
size_t key_to_wire(Bytes symbols, MutableBytes out);

}  // namespace samara::zone
