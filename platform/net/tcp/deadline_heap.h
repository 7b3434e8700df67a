// DeadlineHeap: the earliest deadline of each of a fixed number of connections, and the earliest of all. A binary heap that
// knows where each one stands: set() is O(log n), earliest() O(1).
#pragma once

#include <vector>

#include "platform/base/plain_vector.h"
#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::net::tcp {

class DeadlineHeap {
 public:
  explicit DeadlineHeap(u32 count) : places_(filled(count, unplaced)) { entries_.reserve(count); }

  Instant earliest() const { return entries_.empty() ? Instant::never() : entries_[0].at; }
  u32 earliest_index() const { return entries_[0].index; }  // earliest() is not never

  // Instant::never() takes it out.
  void set(u32 index, Instant at) {
    u32 place = places_[index];
    if (place == unplaced) {
      if (at == Instant::never()) return;
      place = static_cast<u32>(entries_.size());
      entries_.push_back({at, index});
      rise(place);
      return;
    }
    const Instant old = entries_[place].at;
    if (at == old) return;
    if (at != Instant::never()) {
      entries_[place].at = at;
      at < old ? rise(place) : sink(place);
      return;
    }
    places_[index] = unplaced;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (place == entries_.size()) return;
    put(place, last);
    last.at < old ? rise(place) : sink(place);
  }

 private:
  static constexpr u32 unplaced = 0xffffffff;
  struct Entry {
    Instant at;
    u32 index = 0;
  };
  void put(u32 place, Entry entry) {
    entries_[place] = entry;
    places_[entry.index] = place;
  }
  void rise(u32 place) {
    const Entry entry = entries_[place];
    while (place > 0 && entry.at < entries_[(place - 1) / 2].at) {
      put(place, entries_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    put(place, entry);
  }
  void sink(u32 place) {
    const Entry entry = entries_[place];
    for (;;) {
      u32 child = 2 * place + 1;
      if (child >= entries_.size()) break;
      if (child + 1 < entries_.size() && entries_[child + 1].at < entries_[child].at) ++child;
      if (entry.at <= entries_[child].at) break;
      put(place, entries_[child]);
      place = child;
    }
    put(place, entry);
  }

  std::vector<Entry> entries_;
  PlainVector<u32> places_;
};

}  // namespace samara::net::tcp
