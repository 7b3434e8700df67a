#include "tests/sim/fiber.h"

#include <utility>

namespace samara::sim {
namespace {

Fiber* entering = nullptr;  // makecontext() hands on integers only

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(new u8[stack_size]) {
  getcontext(&inside_);
  inside_.uc_stack.ss_sp = stack_.get();
  inside_.uc_stack.ss_size = stack_size;
  inside_.uc_link = &outside_;
  makecontext(&inside_, &Fiber::enter, 0);
}

void Fiber::enter() {
  Fiber& self = *entering;
  try {
    self.body_();
  } catch (...) {
    self.thrown_ = std::current_exception();
  }
  self.done_ = true;
}

void Fiber::resume() {
  entering = this;
  swapcontext(&outside_, &inside_);
  if (thrown_ != nullptr) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Fiber::leave() {
  swapcontext(&inside_, &outside_);
}

}  // namespace samara::sim
