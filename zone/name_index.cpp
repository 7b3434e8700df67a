#include "zone/name_index.h"

#include <bit>

namespace samara::zone {
namespace {

// Entries are written all over the table; the line each goes to is asked for this much earlier.
constexpr size_t ahead = 16;

}  // namespace

Ref NameIndexBuilder::finish(ExtentWriter& out) const {
  // Between a quarter and half of the slots are taken. Behind the last there is room to go on, so the ends need not be joined.
  const size_t wanted = 2 * entries_.size() + 2;
  const u32 bits = static_cast<u32>(std::bit_width(wanted - 1));
  const size_t slots = (size_t{1} << bits) + NameIndex::reach - 1;
  const auto ref = out.take(4 + 8 * slots);
  if (!ref.has_value()) return 0;
  out.set_word(*ref, bits);
  std::ranges::fill(out.octets(*ref, 4, 8 * slots), u8{0});
  const auto place = [&](size_t slot) { return *ref + 1 + 2 * static_cast<Ref>(slot); };
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i + ahead < entries_.size()) {
      __builtin_prefetch(&out.octets(place(NameIndex::slot_of(entries_[i + ahead].hash, bits)), 0, 1)[0], 1);
    }
    const Entry& entry = entries_[i];
    const size_t first = NameIndex::slot_of(entry.hash, bits);
    for (size_t slot = first; slot < first + NameIndex::reach; ++slot) {
      if (out.word(place(slot) + 1) != 0) continue;
      out.set_two_words(place(slot), u64{entry.node} << 32 | NameIndex::tag_of(entry.hash));
      break;
    }
  }
  return *ref;
}

}  // namespace samara::zone
