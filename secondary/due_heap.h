// Two tables by index serve many things with deadlines: DueHeap knows which is due first and takes changes in O(log n),
// IndexList keeps some of them in a row and releases any in O(1).
#pragma once

#include <vector>

#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::secondary {

constexpr u32 no_index = 0xffffffff;

class DueHeap {
 public:
  bool empty() const { return heap_.empty(); }
  Instant first_due() const { return heap_.empty() ? Instant::never() : due_[heap_[0]]; }
  u32 first() const { return heap_[0]; }

  // Sets when `index` is due; never() takes it out.
  void set(u32 index, Instant due) {
    if (index >= due_.size()) {
      due_.resize(index + 1, Instant::never());
      place_.resize(index + 1, no_index);
    }
    if (place_[index] == no_index) {
      if (due == Instant::never()) return;
      due_[index] = due;
      heap_.push_back(index);
      place_[index] = static_cast<u32>(heap_.size() - 1);
      up(place_[index]);
      return;
    }
    const u32 at = place_[index];
    due_[index] = due;
    if (due == Instant::never()) {
      const u32 last = heap_.back();
      heap_.pop_back();
      place_[index] = no_index;
      if (last == index) return;
      heap_[at] = last;
      place_[last] = at;
    }
    up(at);
    down(at);
  }

 private:
  bool before(u32 a, u32 b) const { return due_[heap_[a]] < due_[heap_[b]]; }
  void swap(u32 a, u32 b) {
    std::swap(heap_[a], heap_[b]);
    place_[heap_[a]] = a;
    place_[heap_[b]] = b;
  }
  void up(u32 at) {
    while (at != 0 && before(at, (at - 1) / 2)) {
      swap(at, (at - 1) / 2);
      at = (at - 1) / 2;
    }
  }
  void down(u32 at) {
    for (;;) {
      u32 least = at;
      for (const u32 child : {2 * at + 1, 2 * at + 2}) {
        if (child < heap_.size() && before(child, least)) least = child;
      }
      if (least == at) return;
      swap(at, least);
      at = least;
    }
  }

  std::vector<u32> heap_;
  std::vector<Instant> due_;  // by index
  std::vector<u32> place_;    // by index: in heap_
};

// The neighbours of each index in the one list it is in.
struct Link {
  u32 before = no_index;
  u32 after = no_index;
  bool listed = false;
};

class IndexList {
 public:
  bool empty() const { return first_ == no_index; }
  u32 first() const { return first_; }
  void push(std::vector<Link>& links, u32 index) {
    links[index] = {.before = last_, .after = no_index, .listed = true};
    (last_ == no_index ? first_ : links[last_].after) = index;
    last_ = index;
  }
  void push_front(std::vector<Link>& links, u32 index) {
    links[index] = {.before = no_index, .after = first_, .listed = true};
    (first_ == no_index ? last_ : links[first_].before) = index;
    first_ = index;
  }
  // `index` is in this list.
  void remove(std::vector<Link>& links, u32 index) {
    const Link link = links[index];
    (link.before == no_index ? first_ : links[link.before].after) = link.after;
    (link.after == no_index ? last_ : links[link.after].before) = link.before;
    links[index] = {};
  }

 private:
  u32 first_ = no_index;
  u32 last_ = no_index;
};

}  // namespace samara::secondary
