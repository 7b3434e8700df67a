// SeenUpdates: signed updates that were decided, so that none is taken twice (RFC 8945 section 5.2.3): whoever has heard one
// could send it again, from anywhere, while its time lasts. They are known by key, time and the first octets of their MAC, of
// which a sender can leave out only the last.
//
// Capacity: max_seen_updates, taken when it is made. When they would not last as long as what they remember, the oldest goes,
// and of its key everything that was signed no later is refused from then on, since it may have been seen. Nothing outlives the
// image.
#pragma once

#include <vector>

#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::server {

// Twice the time in which an update is good: 27 a second on and on are remembered whole. Faster signers send fresher times.
constexpr size_t max_seen_updates = size_t{1} << 14;

class SeenUpdates {
 public:
  // `keys`: their numbers are below.
  explicit SeenUpdates(size_t keys);
  // Octets that it takes.
  static constexpr size_t memory() { return max_seen_updates * (sizeof(Entry) + sizeof(u32)); }

  struct Mark {
    u16 key;
    u64 signed_at;  // seconds since 1970
    u64 mac_start;
    friend bool operator==(const Mark&, const Mark&) = default;
  };
  // True when an update, signed well and in time, has not come before; it is remembered.
  bool is_new(const Mark& mark, UnixTime now);
  // The update was not made, for want of room or because the storage failed: it may come again.
  void forget(const Mark& mark);

 private:
  static constexpr u32 none = 0xffffffff;
  struct Entry {
    Mark mark;
    u32 next;  // with the same slot
  };

  u32& slot_of(const Mark& mark) { return slots_[mark.mac_start % max_seen_updates]; }
  void forget_oldest(UnixTime now);

  std::vector<Entry> entries_;      // a ring, once it is full
  std::vector<u32> slots_;          // the newest entry of each
  std::vector<u64> refused_up_to_;  // by key: a time signed
  size_t oldest_ = 0;
};

}  // namespace samara::server
