// Numbers that the parts of ZoneStore share.
#pragma once

#include "platform/base/types.h"

namespace samara::zone::store {

// How far ahead of its end a log announces where it may go. When a store is opened, so much behind the end is searched for what
// would prove the end to be damage: 4 MiB are read in about a millisecond, and announcing costs a flush each time.
constexpr u64 reach_step = u64{4} << 20;

// Between the last number of one run and the first of the next, so that no entry has a number that whoever had the store before
// may still give to one of its own.
constexpr u64 sequence_step = u64{1} << 20;

// Random octets that make the first entry of a run unlike any other.
constexpr u32 unique_payload = 16;

}  // namespace samara::zone::store
