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

u64 hash_of(dns::RrType type, Bytes rdata, std::vector<u8>& memory) {
  memory.resize(65535);
  ByteWriter canonical(memory);
  dns::write_canonical_rdata(type, rdata, canonical);
  return hash_of(canonical.written());
}

}  // namespace

void RecordIndex::add(const Record& record) {
  const u64 data = hash_of(record.type, record.rdata, canonical_);
  const auto& [file, at] = record.position;
  entries_.push_back({hash_of(*record.owner), data, file, at.line, at.column, record.ttl.seconds(), dns::code(record.type)});
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

std::optional<SourcePosition> RecordIndex::find(const dns::Name& owner, dns::RrType type, Bytes rdata) const {
  std::vector<u8> memory;
  const Entry sought{hash_of(owner), hash_of(type, rdata, memory), 0, 0, 0, 0, dns::code(type)};
  const auto key = [](const Entry& e) { return std::tie(e.owner, e.type, e.data); };
  const auto found = std::ranges::lower_bound(entries_, key(sought), {}, key);
  if (found == entries_.end() || !same_record(*found, sought)) return std::nullopt;
  return position_of(*found);
}

}  // namespace samara::zone
