// trap(): every exception's first C++ function. One kind is no error: a page of the zone region was touched for the first time.
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/crash_record.h"
#include "platform/hal/boot/memory.h"

extern "C" void trap(const samara::hal::crash_record::TrapFrame& frame) {
  using namespace samara::hal;
  constexpr samara::u64 page_fault = 14;
  if (frame.vector == page_fault && memory::on_fault(read_cr2())) return;
  crash_record::leave(frame);
}
