#include <algorithm>

#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/rdata.h"

namespace samara::dns {
namespace {

bool names_are_lowered(RrType type) {
  const Descriptor* descriptor = find_descriptor(type);
  return descriptor != nullptr && descriptor->names >= NameRule::lowered;
}

bool is_inside_name(RrType type, Bytes stored, size_t offset) {
  for (size_t i = 0;; ++i) {
    const auto name = rdata_name(type, stored, i);
    if (!name.has_value() || name->offset > offset) return false;
    if (offset < size_t{name->offset} + name->size) return true;
  }
}

}  // namespace

void write_canonical_rdata(RrType type, Bytes stored, ByteWriter& out) {
  const size_t start = out.size();
  out.bytes(stored);
  if (out.overflowed() || !names_are_lowered(type)) return;
  for (size_t i = 0;; ++i) {
    const auto name = rdata_name(type, stored, i);
    if (!name.has_value()) return;
    // Length octets are at most 63 and so never letters.
    const MutableBytes copy = out.written_mutable().subspan(start + name->offset, name->size);
    std::ranges::transform(copy, copy.begin(), to_lower);
  }
}

std::strong_ordering canonical_compare_rdata(RrType type, Bytes a, Bytes b) {
  const size_t shorter = std::min(a.size(), b.size());
  const bool lowered = names_are_lowered(type);
  size_t i = 0;
  for (;;) {
    const Bytes rest = a.subspan(i, shorter - i);
    i += static_cast<size_t>(std::ranges::mismatch(rest, b.subspan(i, shorter - i)).in1 - rest.begin());
    if (i == shorter) return a.size() <=> b.size();
    // Up to here the two are equal but for case, so a field that covers this octet in one covers it in the other.
    if (!lowered || to_lower(a[i]) != to_lower(b[i]) || !is_inside_name(type, a, i)) break;
    ++i;
  }
  if (lowered && is_inside_name(type, a, i)) return to_lower(a[i]) <=> to_lower(b[i]);
  return a[i] <=> b[i];
}

}  // namespace samara::dns
