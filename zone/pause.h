// Pause and Pace: long work on a zone in steps, between which others have their turn.
#pragma once

#include "platform/base/types.h"

namespace samara::zone {

// What goes on meanwhile: called every so often, it may change other zones, and this one's version in service, and publish.
struct Pause {
  void (*call)(void* context) = nullptr;
  void* context = nullptr;
  void take() const {
    if (call != nullptr) call(context);
  }
};

// About what a record costs: one that is read, written or compared, or compared with another while they are sorted. So many
// take some milliseconds at most.
constexpr u32 steps_between_pauses = 8192;

// Counts steps, and takes the pause when it is due.
class Pace {
 public:
  Pace() = default;
  explicit Pace(const Pause& pause) : pause_(pause) {}
  void step(u32 steps = 1) {
    made_ += steps;
    if (made_ >= steps_between_pauses) [[unlikely]]
      take();
  }

 private:
  // Apart from the many places that count.
  [[gnu::noinline]] void take() {
    made_ = 0;
    pause_.take();
  }

  Pause pause_;
  u32 made_ = 0;
};

}  // namespace samara::zone
