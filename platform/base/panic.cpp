#include "platform/base/panic.h"

namespace samara {
namespace {

PanicHandler handler_in_use = nullptr;

}  // namespace

void set_panic_handler(PanicHandler handler) {
  handler_in_use = handler;
}

void panic(std::string_view message) {
  if (handler_in_use != nullptr) {
    const PanicHandler handler = handler_in_use;
    handler_in_use = nullptr;  // a panic inside the handler must not come back here
    handler(message);
  }
  __builtin_trap();
}

}  // namespace samara
