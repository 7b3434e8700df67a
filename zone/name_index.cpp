#include "zone/name_index.h"

#include <bit>

#include "platform/base/byte_order.h"

namespace samara::zone {
namespace {

// Entries are written all over the table; the line each goes to is asked for this much earlier.
constexpr size_t ahead = 16;
constexpr u64 entry_of(u64 hash, Ref node) {
  return u64{node} << 32 | NameIndex::tag_of(hash);
}
// What stands where a name was that others may have been put behind.
constexpr u64 left_behind(u64 hash, Ref node) {
  return entry_of(~hash, node);
}
// The slot `i` behind `slot`, as numbers in a page.
constexpr size_t behind(size_t slot, size_t i) {
  return (slot & ~(NameIndex::page_slots - 1)) | ((slot + i) & (NameIndex::page_slots - 1));
}

constexpr size_t index_words(u32 bits) {
  const u32 pages = u32{1} << (bits - NameIndex::page_bits);
  return NameIndex::fixed_words + (NameIndex::has_two_levels(bits) ? pages >> NameIndex::directory_bits : pages);
}

}  // namespace

std::optional<NameIndexBuilder::Place> NameIndexBuilder::take(ExtentWriter& out, size_t names) {
  // Between a quarter and half of the slots are taken.
  const size_t wanted = 2 * names + 2;
  const u32 bits = std::max(static_cast<u32>(std::bit_width(wanted - 1)), NameIndex::page_bits);
  const size_t slots = size_t{1} << bits;
  const auto pages = out.take(8 * slots);
  const auto ref = out.take(4 * index_words(bits));
  const bool two_levels = NameIndex::has_two_levels(bits);
  const auto directories = two_levels ? out.take(4 * (slots >> NameIndex::page_bits)) : ref;
  if (!pages.has_value() || !ref.has_value() || !directories.has_value()) return std::nullopt;
  return Place{bits, *pages, *ref, two_levels ? *directories : *ref + NameIndex::fixed_words};
}

Ref NameIndexBuilder::finish(ExtentWriter& out, const Place& to, Pace& pace) const {
  const u32 bits = to.bits;
  const size_t slots = size_t{1} << bits;
  const bool two_levels = NameIndex::has_two_levels(bits);
  fill_octets(out.octets(to.pages, 0, 8 * slots), 0);
  for (size_t slot = 0; slot < slots; slot += NameIndex::page_slots) {
    const Ref entry = to.directories + static_cast<Ref>(slot >> NameIndex::page_bits);
    out.set_word(entry, to.pages + 2 * static_cast<Ref>(slot));
    if (two_levels && NameIndex::page_at(slot) == 0) {
      out.set_word(to.index + NameIndex::fixed_words + NameIndex::directory_at(slot), entry);
    }
  }
  const auto place = [&](size_t slot) { return to.pages + 2 * static_cast<Ref>(slot); };
  u32 taken = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    pace.step();
    if (i + ahead < entries_.size()) {
      __builtin_prefetch(&out.octets(place(NameIndex::slot_of(entries_[i + ahead].hash, bits)), 0, 1)[0], 1);
    }
    const Entry& entry = entries_[i];
    const size_t first = NameIndex::slot_of(entry.hash, bits);
    for (size_t j = 0; j < NameIndex::reach; ++j) {
      const Ref here = place(behind(first, j));
      if (out.word(here + 1) != 0) continue;
      out.set_two_words(here, entry_of(entry.hash, entry.node));
      ++taken;
      break;
    }
  }
  out.set_word(to.index, bits);
  out.set_word(to.index + 1, taken);
  return to.index;
}

Ref NameIndexEditor::page_of(size_t slot) const {
  Ref directory = index_ + NameIndex::fixed_words;
  if (NameIndex::has_two_levels(bits_)) directory = out_.word(directory + NameIndex::directory_at(slot));
  return out_.word(directory + NameIndex::page_at(slot));
}

bool NameIndexEditor::add(u64 hash, Ref node) {
  const size_t first = NameIndex::slot_of(hash, bits_);
  const Ref page = page_of(first);
  for (size_t i = 0; i < NameIndex::reach; ++i) {
    const size_t slot = behind(first, i);
    if (entry(page, slot) == 0) return put(slot, entry_of(hash, node));
  }
  return true;  // left out
}

bool NameIndexEditor::replace(u64 hash, Ref before, Ref node) {
  const auto slot = slot_with(hash, entry_of(hash, before));
  return !slot.has_value() || put(*slot, entry_of(hash, node));
}

bool NameIndexEditor::remove(u64 hash, Ref node) {
  const auto slot = slot_with(hash, entry_of(hash, node));
  return !slot.has_value() || put(*slot, others_depend_on(page_of(*slot), *slot) ? left_behind(hash, node) : 0);
}

std::optional<size_t> NameIndexEditor::slot_with(u64 hash, u64 wanted) const {
  const size_t first = NameIndex::slot_of(hash, bits_);
  const Ref page = page_of(first);
  for (size_t i = 0; i < NameIndex::reach; ++i) {
    const u64 here = entry(page, behind(first, i));
    if (here == wanted) return behind(first, i);
    if (here == 0) break;
  }
  return std::nullopt;
}

// A name behind this slot is found over it. A name that was left out has taken slots only in its neighbourhood: with a free
// slot next, one that this slot belongs to ends here.
bool NameIndexEditor::others_depend_on(Ref page, size_t slot) const {
  if (entry(page, behind(slot, 1)) != 0) return true;
  for (size_t i = 1; i < NameIndex::reach; ++i) {
    if (entry(page, behind(slot, NameIndex::page_slots - i)) == 0) return false;
  }
  return true;
}

bool NameIndexEditor::put(size_t slot, u64 entry) {
  index_ = owned(index_, index_words(bits_));
  if (index_ == 0) return false;
  Ref directory = index_ + NameIndex::fixed_words;
  if (NameIndex::has_two_levels(bits_)) {
    const Ref directory_place = directory + NameIndex::directory_at(slot);
    directory = owned(out_.word(directory_place), NameIndex::directory_pages);
    if (directory == 0) return false;
    out_.set_word(directory_place, directory);
  }
  const Ref page_place = directory + NameIndex::page_at(slot);
  const Ref page = owned(out_.word(page_place), 2 * NameIndex::page_slots);
  if (page == 0) return false;
  out_.set_word(page_place, page);
  const Ref place = page + NameIndex::entry_at(slot);
  const u64 before = out_.two_words(place);
  out_.set_two_words(place, entry);
  out_.set_word(index_ + 1, out_.word(index_ + 1) + u32{before == 0} - u32{entry == 0});
  return true;
}

Ref NameIndexEditor::owned(Ref ref, size_t words) {
  if (growth_.fresh(ref)) return ref;
  const auto copy = out_.take(4 * words);
  if (!copy.has_value()) return 0;
  std::ranges::copy(out_.view().octets(ref, 0, 4 * words), out_.octets(*copy, 0, 4 * words).begin());
  return *copy;
}

}  // namespace samara::zone
