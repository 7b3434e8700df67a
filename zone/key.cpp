#include "zone/key.h"

#include <algorithm>
#include <bit>

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

// Octets translated at once. Letters and digits have consecutive symbols, so that arithmetic on all of them replaces a table
// look-up for each.
using Lanes = u8 __attribute__((vector_size(16)));
constexpr size_t lane_count = 16;
constexpr u8 symbol_of(char c) {
  return static_cast<u8>(table.forward[static_cast<u8>(c)]);
}
static_assert(symbol_of('z') - symbol_of('a') == 25 && symbol_of('9') - symbol_of('0') == 9);

// The symbols of octets that have one each; 0 for the others.
Lanes single_symbols(Lanes octets) {
  const Lanes letter = (octets | 0x20) - 'a';
  const Lanes digit = octets - '0';
  return (Lanes(letter <= 25) & (letter + symbol_of('a'))) | (Lanes(digit <= 9) & (digit + symbol_of('0'))) |
         (Lanes(octets == '-') & symbol_of('-')) | (Lanes(octets == '_') & symbol_of('_')) |
         (Lanes(octets == '*') & symbol_of('*'));
}

// Whether one of the first `count` lanes is 0.
bool has_gap(Lanes symbols, size_t count) {
  constexpr Lanes index{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  using Halves = u64 __attribute__((vector_size(16)));
  const Lanes missing = Lanes(symbols == 0) & Lanes(index < static_cast<u8>(count));
  const auto halves = std::bit_cast<Halves>(missing);
  return (halves[0] | halves[1]) != 0;
}

// A name with room behind it, so that all lanes can be read at any of its octets.
using PaddedName = std::array<u8, dns::max_name_size + lane_count>;

// Writes the symbols of the label of `length` octets at `from` and its end to `symbols` from `size` on; returns the new size.
// The caller has seen to it that there is room; behind the end octets may be overwritten.
size_t put_label(KeySymbols& symbols, size_t size, const PaddedName& name, size_t from, size_t length) {
  for (size_t done = 0; done < length; done += lane_count) {
    const size_t count = std::min(length - done, lane_count);
    SAMARA_UNINITIALIZED std::array<u8, lane_count> chunk;
    std::copy_n(Bytes(name).subspan(from + done, lane_count).begin(), lane_count, chunk.begin());
    const Lanes translated = single_symbols(std::bit_cast<Lanes>(chunk));
    if (!has_gap(translated, count)) [[likely]] {
      chunk = std::bit_cast<std::array<u8, lane_count>>(translated);
      std::copy_n(chunk.begin(), lane_count, MutableBytes(symbols).subspan(size, lane_count).begin());
      size += count;
      continue;
    }
    for (const u8 octet : Bytes(name).subspan(from + done, count)) {
      const u16 pair = table.forward[octet];
      symbols[size++] = static_cast<u8>(pair);
      if (pair > 0xff) symbols[size++] = static_cast<u8>(pair >> 8);
    }
  }
  symbols[size++] = 0;
  return size;
}
// The longest name: 255 octets are at most 2 * 250 symbols of content and 127 label ends, but no more than 2 * 254 together.
static_assert(max_key_size > 2 * (dns::max_name_size - 1));

}  // namespace

bool LookupKey::append_label(Bytes label) {
  if (labels_ == dns::max_labels || size_ + 2 * label.size() + 1 > max_key_size) return false;
  SAMARA_UNINITIALIZED PaddedName padded;
  std::ranges::copy(label, padded.begin());
  size_ = static_cast<u16>(put_label(symbols_, size_, padded, 0, label.size()));
  label_ends_[++labels_] = size_;
  return true;
}

void LookupKey::assign(Bytes wire) {
  SAMARA_UNINITIALIZED PaddedName name;
  std::ranges::copy(wire, name.begin());
  SAMARA_UNINITIALIZED std::array<u8, dns::max_labels + 1> starts;
  size_t count = 0;
  for (size_t at = 0; name[at] != 0; at += size_t{1} + name[at]) starts[count++] = static_cast<u8>(at);
  label_ends_[0] = 0;
  labels_ = static_cast<u8>(count);
  size_t size = 0;
  for (size_t label = 1; count > 0; ++label) {
    const size_t at = starts[--count];
    size = put_label(symbols_, size, name, at + 1, name[at]);
    label_ends_[label] = static_cast<u16>(size);
  }
  size_ = static_cast<u16>(size);
}

LookupKey LookupKey::of_labels(Bytes labels) {
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  std::ranges::copy(labels, wire.begin());
  wire[labels.size()] = 0;
  return LookupKey(Bytes(wire).first(labels.size() + 1));
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

u8 wildcard_symbol() {
  return static_cast<u8>(table.forward['*']);
}

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
