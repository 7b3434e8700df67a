#include "zone/trie.h"

#include <algorithm>

#include "platform/base/panic.h"
#include "zone/node.h"
#include "zone/trie_branch.h"

namespace samara::zone {
TrieMatch Trie::find(Bytes key) const {
  if (empty()) return {};
  Twig twig = root_;
  while (is_branch(twig)) {
    const Branch branch(memory_, twig);
    const u8 symbol = symbol_at(key, branch.offset());
    twig = branch.twig(branch.holds(symbol) ? branch.below(symbol) : 0);
  }
  const Bytes found = NodeView(memory_, twig).key();
  const size_t common = common_symbols(found, key);
  return {twig, common, common == found.size() && common == key.size()};
}

Ref Trie::at_or_before(Bytes key) const {
  const TrieMatch match = find(key);
  if (match.exact || match.node == 0) return match.node;
  // The first symbol that differs decides; everything that shares the symbols before it lies below one twig.
  const size_t decisive = match.common;
  const u8 wanted = symbol_at(key, decisive);
  Twig before = 0;  // the twig next before our way
  Twig twig = root_;
  while (is_branch(twig)) {
    const Branch branch(memory_, twig);
    if (branch.offset() > decisive) break;
    const u8 symbol = symbol_at(key, branch.offset());
    const size_t index = branch.below(symbol);
    if (index > 0) before = branch.twig(index - 1);
    if (branch.offset() == decisive) return before == 0 ? 0 : rightmost(before);
    twig = branch.twig(index);
  }
  if (symbol_at(NodeView(memory_, match.node).key(), decisive) < wanted) return rightmost(twig);
  return before == 0 ? 0 : rightmost(before);
}

Twig Trie::below(Bytes prefix) const {
  Twig twig = root_;
  while (is_branch(twig)) {
    const Branch branch(memory_, twig);
    if (branch.offset() >= prefix.size()) break;
    const u8 symbol = prefix[branch.offset()];
    if (!branch.holds(symbol)) return 0;
    twig = branch.twig(branch.below(symbol));
  }
  if (twig == 0 || common_symbols(NodeView(memory_, leftmost(twig)).key(), prefix) != prefix.size()) return 0;
  return twig;
}

Ref Trie::leftmost(Twig twig) const {
  while (is_branch(twig)) twig = Branch(memory_, twig).twig(0);
  return twig;
}

Ref Trie::rightmost(Twig twig) const {
  while (is_branch(twig)) {
    const Branch branch(memory_, twig);
    twig = branch.twig(branch.count() - 1);
  }
  return twig;
}

TrieCursor::TrieCursor(MemoryView memory, Twig root) : memory_(memory) {
  if (root != 0) pending_.push_back(root);
}

Ref TrieCursor::next() {
  while (!pending_.empty()) {
    const Twig twig = pending_.back();
    pending_.pop_back();
    if (!is_branch(twig)) return twig;
    const Branch branch(memory_, twig);
    for (size_t i = branch.count(); i-- > 0;) pending_.push_back(branch.twig(i));
  }
  return 0;
}

void TrieBuilder::add(Bytes symbols, Ref node) {
  const Bytes last = Bytes(last_key_).first(last_size_);
  if (last_ != 0) {
    const size_t common = common_symbols(last, symbols);
    if (symbol_at(last, common) >= symbol_at(symbols, common)) panic("trie: nodes must come in canonical order");
    close_down_to(common);
  }
  last_ = node;
  std::copy_n(symbols.begin(), symbols.size(), last_key_.begin());
  last_size_ = symbols.size();
}

// Puts the last node (or the branch it ended up in) below an open branch at `offset`, closing all deeper ones.
void TrieBuilder::close_down_to(size_t offset) {
  const Bytes last = Bytes(last_key_).first(last_size_);
  Twig twig = last_;
  const auto put = [&](OpenBranch& branch) {
    branch.bitmap |= u64{1} << symbol_at(last, branch.offset);
    twigs_.push_back(twig);
  };
  while (!open_.empty() && open_.back().offset > offset) {
    put(open_.back());
    twig = close_top();
  }
  if (open_.empty() || open_.back().offset < offset) open_.push_back({static_cast<u16>(offset), 0, twigs_.size()});
  put(open_.back());
}

Twig TrieBuilder::close_top() {
  const OpenBranch branch = open_.back();
  open_.pop_back();
  const std::span<const Twig> twigs = std::span<const Twig>(twigs_).subspan(branch.first_twig);
  const auto ref = out_.take(8 + 4 * twigs.size());
  if (ref.has_value()) {
    out_.set_two_words(*ref, branch.bitmap | u64{branch.offset} << symbol_count);
    for (size_t i = 0; i < twigs.size(); ++i) out_.set_word(*ref + 2 + static_cast<Ref>(i), twigs[i]);
  }
  twigs_.resize(branch.first_twig);
  return ref.value_or(0) | branch_bit;
}

Twig TrieBuilder::finish() {
  Twig root = last_;
  while (!open_.empty()) {
    open_.back().bitmap |= u64{1} << symbol_at(Bytes(last_key_).first(last_size_), open_.back().offset);
    twigs_.push_back(root);
    root = close_top();
  }
  return root;
}

}  // namespace samara::zone
