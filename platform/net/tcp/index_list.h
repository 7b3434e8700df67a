// IndexList: a first-in-first-out list of numbers below a fixed bound, each in it at most once. Any of them can be taken out in
// constant time.
#pragma once

#include <vector>

#include "platform/base/panic.h"
#include "platform/base/types.h"

namespace samara::net::tcp {

class IndexList {
 public:
  static constexpr u32 none = 0xffffffff;

  explicit IndexList(u32 bound) : bound_(bound) { links_.reserve(bound); }

  u32 front() const { return first_; }  // none: empty
  bool empty() const { return first_ == none; }
  u32 size() const { return size_; }
  bool contains(u32 index) const { return index < links_.size() && links_[index].listed; }

  // Nothing happens when it is listed already.
  void push_back(u32 index) {
    if (contains(index)) return;
    if (index >= bound_) panic("an index beyond its list");
    if (index >= links_.size()) links_.resize(index + 1);
    links_[index] = {last_, none, true};
    (last_ == none ? first_ : links_[last_].next) = index;
    last_ = index;
    ++size_;
  }
  void remove(u32 index) {
    if (!contains(index)) return;
    const Link link = links_[index];
    (link.previous == none ? first_ : links_[link.previous].next) = link.next;
    (link.next == none ? last_ : links_[link.next].previous) = link.previous;
    links_[index] = {};
    --size_;
  }
  u32 pop_front() {
    const u32 index = first_;
    if (index != none) remove(index);
    return index;
  }
  void set(u32 index, bool listed) { listed ? push_back(index) : remove(index); }

 private:
  struct Link {
    u32 previous = none;
    u32 next = none;
    bool listed = false;
  };
  const u32 bound_;
  std::vector<Link> links_;  // up to the largest that was ever listed; there is room for all
  u32 first_ = none;
  u32 last_ = none;
  u32 size_ = 0;
};

}  // namespace samara::net::tcp
