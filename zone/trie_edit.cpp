#include "zone/trie_edit.h"

#include "zone/node.h"
#include "zone/trie_branch.h"

namespace samara::zone {

Twig TrieEditor::descend(Bytes key, size_t offset) {
  path_.clear();
  Twig twig = root_;
  while (is_branch(twig)) {
    const Branch branch(out_.view(), twig);
    if (branch.offset() >= offset) break;
    const size_t index = branch.below(symbol_at(key, branch.offset()));
    path_.push_back({twig, index});
    twig = branch.twig(index);
  }
  return twig;
}

bool TrieEditor::set(Bytes key, Ref node) {
  const TrieMatch match = trie().find(key);
  if (match.node == 0) {
    root_ = node;
    return true;
  }
  if (match.exact) {
    descend(key, max_key_size + 1);
    return relink(node);
  }
  // The first symbol that differs decides, and is that of a branch: one that is there, or a new one.
  const size_t decisive = match.common;
  const Twig below = descend(key, decisive);
  const u64 bit = u64{1} << symbol_at(key, decisive);
  std::optional<Twig> made;
  if (is_branch(below) && Branch(out_.view(), below).offset() == decisive) {
    const Branch branch(out_.view(), below);
    made = copy_of(below, branch.head() | bit, branch.below(symbol_at(key, decisive)), node);
  } else {
    const u8 other = symbol_at(NodeView(out_.view(), match.node).key(), decisive);
    const auto ref = out_.take(8 + 4 * 2);
    if (!ref.has_value()) return false;
    const bool first = bit < u64{1} << other;
    out_.set_two_words(*ref, bit | u64{1} << other | u64{decisive} << symbol_count);
    out_.set_word(*ref + 2, first ? node : below);
    out_.set_word(*ref + 3, first ? below : node);
    made = *ref | branch_bit;
  }
  return made.has_value() && relink(*made);
}

bool TrieEditor::remove(Bytes key) {
  const TrieMatch match = trie().find(key);
  if (!match.exact) return true;
  descend(key, max_key_size + 1);
  if (path_.empty()) {
    root_ = 0;
    return true;
  }
  const Step last = path_.back();
  path_.pop_back();
  const Branch branch(out_.view(), last.branch);
  if (branch.count() == 2) return relink(branch.twig(1 - last.index));
  const auto made = copy_of(last.branch, branch.head() & ~(u64{1} << symbol_at(key, branch.offset())), last.index, 0);
  return made.has_value() && relink(*made);
}

std::optional<Twig> TrieEditor::copy_of(Twig before, u64 head, size_t index, Twig twig) {
  const Branch old(out_.view(), before);
  const size_t count = static_cast<size_t>(std::popcount(head & bitmap_mask));
  const auto ref = out_.take(8 + 4 * count);
  if (!ref.has_value()) return std::nullopt;
  out_.set_two_words(*ref, head);
  Ref next = *ref + 2;
  for (size_t i = 0; i < index; ++i) out_.set_word(next++, old.twig(i));
  if (twig != 0) out_.set_word(next++, twig);
  const size_t skipped = count > old.count() ? 0 : 1;
  for (size_t i = index + skipped; i < old.count(); ++i) out_.set_word(next++, old.twig(i));
  return *ref | branch_bit;
}

bool TrieEditor::relink(Twig twig) {
  for (; !path_.empty(); path_.pop_back()) {
    const auto [branch, index] = path_.back();
    const Ref ref = branch & ~branch_bit;
    if (growth_.fresh(ref)) {
      out_.set_word(ref + 2 + static_cast<Ref>(index), twig);
      return true;
    }
    const auto made = copy_of(branch, Branch(out_.view(), branch).head(), index, twig);
    if (!made.has_value()) return false;
    twig = *made;
  }
  root_ = twig;
  return true;
}

}  // namespace samara::zone
