// Fiber: a function with a stack of its own, which can be left in the middle and gone on with later. What an image's main()
// runs on in a simulation: it is left where a real one would serve for ever.
#pragma once

#include <ucontext.h>

#include <exception>
#include <functional>
#include <memory>

#include "platform/base/types.h"

namespace samara::sim {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs the body until it leaves or ends. What it throws is thrown here.
  void resume();
  // From within the body: back to whoever called resume().
  void leave();
  bool done() const { return done_; }

 private:
  static constexpr size_t stack_size = size_t{256} << 10;
  static void enter();

  std::function<void()> body_;
  std::unique_ptr<u8[]> stack_;
  ucontext_t inside_{};
  ucontext_t outside_{};
  std::exception_ptr thrown_;
  bool done_ = false;
};

}  // namespace samara::sim
