// SizeLimits: how large a zone may become. Without any, what its form in memory can hold (node.h, memory.h).
#pragma once

#include "platform/base/types.h"
#include "zone/build_error.h"
#include "zone/node.h"

namespace samara::zone {

struct SizeLimits {
  u64 records = ~u64{0};
  u64 octets = ~u64{0};  // of the records, each with its owner, uncompressed (content_digest.h)
  u32 rrset_records = max_records_per_rrset;
  u32 name_types = static_cast<u32>(max_rrsets_per_node);
};

// The number that is exceeded, for messages; 0 when the error is about none of these.
constexpr u64 limit_exceeded(BuildError error, const SizeLimits& limits) {
  if (error == BuildError::rrset_over_limit) return limits.rrset_records;
  if (error == BuildError::too_many_rrsets) return limits.name_types;
  if (error == BuildError::zone_over_records) return limits.records;
  return error == BuildError::zone_over_octets ? limits.octets : 0;
}

}  // namespace samara::zone
