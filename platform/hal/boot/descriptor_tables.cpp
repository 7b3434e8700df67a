// Layouts: Intel's Software Developer's Manual, volume 3, sections 3.4.5, 6.14.1 and 7.7. Each exception runs on a stack of its
// own: Debian's static libraries use the red zone under the stack, and a stack that is used up cannot hold its own fault.
#include "platform/hal/boot/descriptor_tables.h"

#include <array>

#include "platform/hal/boot/cpu.h"

extern "C" {
extern const samara::u8 exception_entries[];
extern const samara::u8 wake_entry[];
extern const samara::u8 spurious_entry[];
extern samara::u8 fault_stack_top[];
extern samara::u8 critical_stack_top[];
}

namespace samara::hal::descriptor_tables {
namespace {

constexpr u16 code_selector = 8;
constexpr u16 task_selector = 24;
constexpr u8 fault_stack = 1;
constexpr u8 critical_stack = 2;  // double fault, NMI, machine check: may come inside another fault
constexpr u32 exceptions = 32;
constexpr size_t exception_entry_size = 16;

struct [[gnu::packed]] TaskState {
  u32 reserved_0 = 0;
  std::array<u64, 3> privilege_stacks{};
  u64 reserved_1 = 0;
  std::array<u64, 7> interrupt_stacks{};
  u64 reserved_2 = 0;
  u16 reserved_3 = 0;
  u16 io_map = sizeof(TaskState);
};

struct Gate {
  u16 offset_low = 0;
  u16 selector = 0;
  u8 stack = 0;
  u8 kind = 0;
  u16 offset_middle = 0;
  u32 offset_high = 0;
  u32 reserved = 0;
};

struct [[gnu::packed]] TablePointer {
  u16 limit;
  u64 base;
};

constinit std::array<u64, 5> segments{0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0};
constinit TaskState task;
constinit std::array<Gate, 256> gates{};

Gate gate_to(const u8* entry, u8 stack) {
  constexpr u8 present_interrupt_gate = 0x8e;
  const u64 at = address_of(entry);
  return {.offset_low = static_cast<u16>(at),
          .selector = code_selector,
          .stack = stack,
          .kind = present_interrupt_gate,
          .offset_middle = static_cast<u16>(at >> 16),
          .offset_high = static_cast<u32>(at >> 32)};
}

}  // namespace

void start() {
  task.interrupt_stacks[fault_stack - 1] = address_of(fault_stack_top);
  task.interrupt_stacks[critical_stack - 1] = address_of(critical_stack_top);
  const u64 at = address_of(&task);
  constexpr u64 available_task = u64{0x89} << 40;
  segments[3] = (sizeof(TaskState) - 1) | ((at & 0xffffff) << 16) | available_task | (((at >> 24) & 0xff) << 56);
  segments[4] = at >> 32;

  for (u32 i = 0; i < exceptions; ++i) {
    const bool critical = i == 2 || i == 8 || i == 18;
    gates[i] = gate_to(exception_entries + i * exception_entry_size, critical ? critical_stack : fault_stack);
  }
  gates[wake_vector] = gate_to(wake_entry, 0);
  gates[spurious_vector] = gate_to(spurious_entry, 0);

  const TablePointer segment_table{sizeof segments - 1, address_of(segments.data())};
  const TablePointer gate_table{sizeof gates - 1, address_of(gates.data())};
  asm volatile("lgdt %0" : : "m"(segment_table));
  asm volatile("lidt %0" : : "m"(gate_table));
  asm volatile("ltr %0" : : "r"(task_selector));
}

}  // namespace samara::hal::descriptor_tables
