// The trie of owner names: a qp-trie (a PATRICIA trie with popcount-compressed branches) over LookupKey symbols. It finds a
// name, the closest encloser of one that does not exist, and the name before it in canonical order, in one walk each, and an
// update copies only the branches above the change.
//
//   branch: two words, the low 48 bits a bitmap of the symbols present, the high 16 the offset in the key where its names
//           first differ; then one word per symbol present: a twig
//   twig:   a node's reference (node.h), or with the top bit set a branch's
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "zone/key.h"
#include "zone/memory.h"

namespace samara::zone {

using Twig = u32;
constexpr Twig branch_bit = 0x80000000U;
constexpr bool is_branch(Twig twig) {
  return (twig & branch_bit) != 0;
}

struct TrieMatch {
  Ref node = 0;       // the node that was found; on a miss, one that shares the most symbols with the key; 0 in an empty trie
  size_t common = 0;  // symbols it shares with the key
  bool exact = false;
};

class Trie {
 public:
  Trie(MemoryView memory, Twig root) : memory_(memory), root_(root) {}
  bool empty() const { return root_ == 0; }

  // `key` holds the symbols of a name (key.h), in a zone those after its apex.
  TrieMatch find(Bytes key) const;
  // The node with the greatest key that is not after `key`; 0 when all are after it.
  Ref at_or_before(Bytes key) const;
  Ref last() const { return empty() ? 0 : rightmost(root_); }
  // The twig that holds all keys that begin with `prefix` and no others; 0 when there are none.
  Twig below(Bytes prefix) const;

 private:
  Ref leftmost(Twig twig) const;
  Ref rightmost(Twig twig) const;

  MemoryView memory_;
  Twig root_;
};

// Visits the nodes of a trie in canonical order.
class TrieCursor {
 public:
  TrieCursor(MemoryView memory, Twig root);
  // The next node's reference; 0 at the end.
  Ref next();

 private:
  MemoryView memory_;
  std::vector<Twig> pending_;  // twigs still to visit, the next one last
};

// Builds a trie from nodes given in canonical order, writing each branch once.
class TrieBuilder {
 public:
  explicit TrieBuilder(ExtentWriter& out) : out_(out) {}
  // `symbols` is the node's key; it must sort after the one before. The view must stay valid until the next call.
  void add(Bytes symbols, Ref node);
  // The root twig; 0 when nothing was added.
  Twig finish();

 private:
  struct OpenBranch {
    u16 offset;
    u64 bitmap;
    size_t first_twig;  // in twigs_
  };
  void close_down_to(size_t offset);
  Twig close_top();

  ExtentWriter& out_;
  std::vector<OpenBranch> open_;
  std::vector<Twig> twigs_;  // twigs of the open branches, deepest last
  std::array<u8, max_key_size> last_key_{};
  size_t last_size_ = 0;
  Twig last_ = 0;  // the last node, not yet in a branch
};

}  // namespace samara::zone
