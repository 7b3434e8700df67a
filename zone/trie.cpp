#include "zone/trie.h"

#include <algorithm>
#include <bit>

#include "platform/base/panic.h"
#include "zone/node.h"

namespace samara::zone {
namespace {

constexpr u64 bitmap_mask = (u64{1} << symbol_count) - 1;

// Reads one branch.
class Branch {
 public:
  Branch(MemoryView memory, Twig twig) : memory_(memory), ref_(twig & ~branch_bit), head_(memory.two_words(ref_)) {}
  size_t offset() const { return head_ >> symbol_count; }
  bool holds(u8 symbol) const { return (head_ >> symbol & 1) != 0; }
  // Twigs whose symbol is less than `symbol`.
  size_t below(u8 symbol) const { return static_cast<size_t>(std::popcount(head_ & ((u64{1} << symbol) - 1))); }
  size_t count() const { return static_cast<size_t>(std::popcount(head_ & bitmap_mask)); }
  Twig twig(size_t index) const { return memory_.word(ref_ + 2 + static_cast<Ref>(index)); }

 private:
  MemoryView memory_;
  Ref ref_;
  u64 head_;
};

// The symbol at `offset`; 0 beyond the end, which sorts a name before the names below it.
u8 symbol_at(Bytes key, size_t offset) {
  return offset < key.size() ? key[offset] : u8{0};
}

// Symbols that two keys have in common from the start.
size_t common_symbols(Bytes a, Bytes b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t i = 0;
  for (; shorter - i >= 8; i += 8) {
    const u64 difference = load_le64(a, i) ^ load_le64(b, i);
    if (difference != 0) return i + static_cast<size_t>(std::countr_zero(difference)) / 8;
  }
  while (i < shorter && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

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

Ref TrieCursor::next() {
  Twig twig = first_;
  first_ = 0;
  while (twig == 0) {
    if (depth_ == 0) return 0;
    Place& place = path_[depth_ - 1U];
    if (place.next == place.count) {
      --depth_;
    } else {
      twig = memory_.word(place.branch + 2 + place.next++);
    }
  }
  while (is_branch(twig)) {
    const Branch branch(memory_, twig);
    path_[depth_++] = {.branch = twig & ~branch_bit, .next = 1, .count = static_cast<u8>(branch.count())};
    twig = branch.twig(0);
  }
  return twig;
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
