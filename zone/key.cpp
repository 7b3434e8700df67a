#include "zone/key.h"

#include <algorithm>

#include "platform/base/panic.h"

namespace samara::zone {
namespace {

struct SymbolTable {
  // Per octet: the first symbol in the low half, the second (or 0) in the high half.
  std::array<u16, 256> forward{};
  // Per first symbol: the octet, when the symbol stands alone.
  std::array<u8, symbol_count> single{};
  // Per escape symbol and second symbol: the octet.
  std::array<std::array<u8, symbol_count>, symbol_count> pair{};
  std::array<bool, symbol_count> is_escape{};
};

constexpr bool stands_alone(unsigned octet) {
  return octet == '*' || octet == '-' || octet == '_' || (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'z');
}

// Octets in order; those that stand alone take the next symbol, a run of others shares escapes of 47 values each. Upper case
// letters are not octets of their own: they take the symbols of their lower case.
constexpr SymbolTable make_table() {
  SymbolTable t;
  unsigned next = 1;
  unsigned escape = 0;  // the escape in use, 0 when none is open
  unsigned second = 0;
  for (unsigned octet = 0; octet < 256; ++octet) {
    if (octet >= 'A' && octet <= 'Z') continue;
    if (stands_alone(octet)) {
      t.forward[octet] = static_cast<u16>(next);
      t.single[next] = static_cast<u8>(octet);
      ++next;
      escape = 0;
      continue;
    }
    if (escape == 0 || second == symbol_count - 1) {
      escape = next++;
      t.is_escape[escape] = true;
      second = 0;
    }
    ++second;
    t.forward[octet] = static_cast<u16>(escape | second << 8);
    t.pair[escape][second] = static_cast<u8>(octet);
  }
  for (unsigned octet = 'A'; octet <= 'Z'; ++octet) t.forward[octet] = t.forward[octet + 32];
  if (next != symbol_count) panic("the symbols do not fill a branch word");
  return t;
}
constexpr SymbolTable table = make_table();

// Writes the symbols of one label and its end from `size` on; returns the new size. The masks say to the compiler what the
// caller knows: there is room.
size_t put_label(std::array<u8, max_key_size>& symbols, size_t size, Bytes label) {
  constexpr size_t mask = max_key_size - 1;
  for (size_t i = 0; i < label.size(); ++i) {
    const u16 pair = table.forward[label[i]];
    symbols[size++ & mask] = static_cast<u8>(pair);
    if (pair > 0xff) [[unlikely]] {
      symbols[size++ & mask] = static_cast<u8>(pair >> 8);
    }
  }
  symbols[size++ & mask] = 0;
  return size;
}
static_assert((max_key_size & (max_key_size - 1)) == 0);
// The longest name: 255 octets are at most 2 * 250 symbols of content and 127 label ends, but no more than 2 * 254 together.
static_assert(max_key_size > 2 * (dns::max_name_size - 1));

}  // namespace

bool LookupKey::append_label(Bytes label) {
  if (labels_ == dns::max_labels || size_ + 2 * label.size() + 1 > max_key_size) return false;
  size_ = static_cast<u16>(put_label(symbols_, size_, label));
  label_ends_[++labels_] = size_;
  return true;
}

void LookupKey::assign(Bytes wire) {
  SAMARA_UNINITIALIZED std::array<u8, 2 * (dns::max_labels + 1)> starts;
  constexpr size_t mask = 0x7f;
  size_t count = 0;
  for (size_t at = 0; wire[at] != 0; at += size_t{1} + wire[at]) starts[count++ & mask] = static_cast<u8>(at);
  label_ends_[0] = 0;
  labels_ = static_cast<u8>(count);
  size_t size = 0;
  for (size_t label = 1; count > 0; ++label) {
    const size_t at = starts[--count & mask];
    size = put_label(symbols_, size, wire.subspan(at + 1, wire[at]));
    label_ends_[label & mask] = static_cast<u16>(size);
  }
  size_ = static_cast<u16>(size);
}

void LookupKey::assign_prefix(const LookupKey& other, size_t labels) {
  size_ = other.label_ends_[labels];
  labels_ = static_cast<u8>(labels);
  std::copy_n(other.label_ends_.begin(), labels + 1, label_ends_.begin());
  std::copy_n(other.symbols_.begin(), size_, symbols_.begin());
}

size_t LookupKey::labels_within(size_t symbols) const {
  size_t labels = labels_;
  while (labels > 0 && label_ends_[labels] > symbols) --labels;
  return labels;
}

u8 wildcard_symbol() { return static_cast<u8>(table.forward['*']); }

size_t key_to_wire(Bytes symbols, MutableBytes out) {
  // Labels are met from the right, so the name grows from the end of a scratch area to its front.
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> scratch;
  size_t front = scratch.size();
  SAMARA_UNINITIALIZED std::array<u8, dns::max_label_size + 1> label;
  size_t length = 0;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const u8 symbol = symbols[i];
    if (symbol != 0) {
      label[length++] = table.is_escape[symbol] ? table.pair[symbol][symbols[++i]] : table.single[symbol];
      continue;
    }
    front -= length;
    std::copy_n(label.begin(), length, MutableBytes(scratch).subspan(front, length).begin());
    scratch[--front] = static_cast<u8>(length);
    length = 0;
  }
  const Bytes name = Bytes(scratch).subspan(front);
  std::ranges::copy(name, out.begin());
  return name.size();
}

}  // namespace samara::zone
