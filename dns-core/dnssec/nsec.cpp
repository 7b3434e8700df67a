#include "dns-core/dnssec/nsec.h"

#include <algorithm>

#include "dns-core/rdata/type_bitmap.h"

namespace samara::dns {

bool nsec_covers(const Name& owner, const Name& next, const Name& name) {
  if (canonical_compare(owner, name) >= 0) return false;
  if (canonical_compare(owner, next) < 0) return canonical_compare(name, next) < 0;
  // The gap goes around: to the zone's end, `next` being the apex and so the first of all its names.
  return name.is_below(next);
}

bool nsec_shows_empty_non_terminal(const Name& owner, const Name& next, const Name& name) {
  return nsec_covers(owner, next, name) && next.is_below(name);
}

Name nsec_closest_encloser(const Name& owner, const Name& next, const Name& name) {
  return name.suffix(std::max(name.common_labels(owner), name.common_labels(next)));
}

bool nsec_may_deny_below(Bytes types) {
  if (type_bitmap_contains(types, RrType::DNAME)) return false;
  return !type_bitmap_contains(types, RrType::NS) || type_bitmap_contains(types, RrType::SOA);
}

}  // namespace samara::dns
