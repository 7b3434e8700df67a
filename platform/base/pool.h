// Pool<T>: a fixed number of objects made once, and handles that notice when the object they name is gone. A handle is an
// index and a generation; releasing an object raises its generation, so a stale handle finds nothing instead of somebody else.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "platform/base/types.h"

namespace samara {

template <class T>
struct Handle {
  u32 index = 0xffffffff;
  u32 generation = 0;
  friend constexpr bool operator==(const Handle&, const Handle&) = default;
};

template <class T>
class Pool {
 public:
  // All memory is taken here; `capacity` objects exist from now on.
  explicit Pool(u32 capacity) : slots_(capacity) {
    for (u32 i = 0; i < capacity; ++i) slots_[i].next_free = i + 1;
  }

  u32 capacity() const { return static_cast<u32>(slots_.size()); }
  u32 in_use() const { return in_use_; }

  // A handle to a fresh `T(args...)`, or nothing when all are in use.
  template <class... Args>
  std::optional<Handle<T>> acquire(Args&&... args) {
    if (first_free_ >= slots_.size()) return std::nullopt;
    const u32 index = first_free_;
    Slot& slot = slots_[index];
    first_free_ = slot.next_free;
    slot.object.emplace(std::forward<Args>(args)...);
    ++in_use_;
    return Handle<T>{index, slot.generation};
  }
  // The object, or nullptr when the handle is stale.
  T* get(Handle<T> handle) {
    if (handle.index >= slots_.size()) return nullptr;
    Slot& slot = slots_[handle.index];
    if (slot.generation != handle.generation || !slot.object.has_value()) return nullptr;
    return &*slot.object;
  }
  // Ends the object; false when the handle was stale already.
  bool release(Handle<T> handle) {
    if (get(handle) == nullptr) return false;
    Slot& slot = slots_[handle.index];
    slot.object.reset();
    ++slot.generation;
    slot.next_free = first_free_;
    first_free_ = handle.index;
    --in_use_;
    return true;
  }
  // Calls f(Handle<T>, T&) for each object in use; f may release that object.
  template <class F>
  void for_each(F&& f) {
    for (u32 i = 0; i < slots_.size(); ++i) {
      if (slots_[i].object.has_value()) f(Handle<T>{i, slots_[i].generation}, *slots_[i].object);
    }
  }

 private:
  struct Slot {
    std::optional<T> object;
    u32 generation = 0;
    u32 next_free = 0;
  };
  std::vector<Slot> slots_;
  u32 first_free_ = 0;
  u32 in_use_ = 0;
};

}  // namespace samara
