// TrieEditor: a new version of a trie (trie.h) that differs in some names from the one before and shares all else with it. Each
// change copies the branches from the root down to its place; branches that this change wrote are changed where they are.
//
// Each change is false when memory is full, and the editor is of no use any more.
#pragma once

#include <vector>

#include "zone/growth.h"
#include "zone/trie.h"

namespace samara::zone {

class TrieEditor {
 public:
  TrieEditor(Growth& growth, Twig root) : growth_(growth), out_(growth.writer()), root_(root) {}

  // Puts `node` at `key`, in place of the one that is there.
  [[nodiscard]] bool set(Bytes key, Ref node);
  // Takes the node at `key` out; one that is not there is no error.
  [[nodiscard]] bool remove(Bytes key);
  Trie trie() const { return Trie(out_.view(), root_); }
  Twig root() const { return root_; }

 private:
  struct Step {
    Twig branch;
    size_t index;  // of the twig that was followed
  };
  // Follows `key` through all branches with an offset below `offset`; returns the twig they end at.
  Twig descend(Bytes key, size_t offset);
  // A branch with `head` and the twigs of `before` but that at `index`, which is `twig`: added, exchanged, or (0) left out.
  std::optional<Twig> copy_of(Twig before, u64 head, size_t index, Twig twig);
  // Puts `twig` where the last step led, and new copies of the branches above.
  bool relink(Twig twig);

  Growth& growth_;
  ExtentWriter& out_;
  Twig root_;
  std::vector<Step> path_;
};

}  // namespace samara::zone
