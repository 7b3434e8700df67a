#include "server/seen_updates.h"

#include <algorithm>

#include "dns-core/tsig/record.h"

namespace samara::server {

SeenUpdates::SeenUpdates(size_t keys) : slots_(keys == 0 ? 0 : max_seen_updates, none), refused_up_to_(keys) {
  if (keys != 0) entries_.reserve(max_seen_updates);
}

bool SeenUpdates::is_new(const Mark& mark, UnixTime now) {
  if (mark.signed_at <= refused_up_to_[mark.key]) return false;
  for (u32 at = slot_of(mark); at != none; at = entries_[at].next) {
    if (entries_[at].mark == mark) return false;
  }
  size_t at = entries_.size();
  if (at == max_seen_updates) {
    forget_oldest(now);
    at = oldest_;
    oldest_ = (oldest_ + 1) % max_seen_updates;
    entries_[at] = {.mark = mark, .next = slot_of(mark)};
  } else {
    entries_.push_back({.mark = mark, .next = slot_of(mark)});
  }
  slot_of(mark) = static_cast<u32>(at);
  return true;
}

// Its place in the ring stays, and in the chain, which others hang on: no update is signed at the beginning of time.
void SeenUpdates::forget(const Mark& mark) {
  for (u32 at = slot_of(mark); at != none; at = entries_[at].next) {
    if (entries_[at].mark == mark) entries_[at].mark.signed_at = 0;
  }
}

void SeenUpdates::forget_oldest(UnixTime now) {
  const Entry& gone = entries_[oldest_];
  u32* link = &slot_of(gone.mark);
  while (*link != oldest_) link = &entries_[*link].next;
  *link = gone.next;
  const u64 good_until = gone.mark.signed_at + dns::tsig_fudge;
  if (now.seconds >= 0 && good_until < static_cast<u64>(now.seconds)) return;
  u64& refused = refused_up_to_[gone.mark.key];
  refused = std::max(refused, gone.mark.signed_at);
}

}  // namespace samara::server
