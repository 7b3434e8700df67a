#include "zone/record_index.h"

#include <algorithm>
#include <tuple>

#include "dns-core/rdata/rdata.h"

namespace samara::zone {
namespace {

// FNV-1a, 64 bits. A collision costs a wrong line number in a message.
u64 hash_of(Bytes octets, u64 hash = 0xcbf29ce484222325) {
  for (const u8 octet : octets) hash = (hash ^ octet) * 0x100000001b3;
  return hash;
}

u64 hash_of(const dns::Name& name) {
  return hash_of(name.lowercased().wire());
}

}  // namespace

void RecordIndex::add(const Record& record) {
  canonical_.resize(65535);
  ByteWriter data(canonical_);
  dns::write_canonical_rdata(record.type, record.rdata, data);
  const auto& [file, at] = record.position;
  entries_.push_back({hash_of(*record.owner), hash_of(data.written()), file, at.line, at.column, dns::code(record.type)});
}

void RecordIndex::finish() {
  std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
    return std::tie(a.owner, a.type, a.data, a.file, a.line, a.column) <
           std::tie(b.owner, b.type, b.data, b.file, b.line, b.column);
  });
}

std::optional<SourcePosition> RecordIndex::find(const dns::Name& owner, dns::RrType type) const {
  const u64 hash = hash_of(owner);
  const auto place = [](const Entry& e) { return std::tie(e.file, e.line, e.column); };
  const Entry* best = nullptr;
  const auto from = std::ranges::lower_bound(entries_, hash, {}, &Entry::owner);
  for (auto entry = from; entry != entries_.end() && entry->owner == hash; ++entry) {
    const bool fits = entry->type == dns::code(type);
    const bool best_fits = best != nullptr && best->type == dns::code(type);
    if (best == nullptr || (fits && !best_fits) || (fits == best_fits && place(*entry) < place(*best))) best = &*entry;
  }
  if (best == nullptr) return std::nullopt;
  return position_of(*best);
}

}  // namespace samara::zone
