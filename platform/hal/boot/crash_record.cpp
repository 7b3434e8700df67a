#include "platform/hal/boot/crash_record.h"

#include <algorithm>
#include <array>

#include "platform/base/log.h"
#include "platform/base/panic.h"
#include "platform/hal/boot/cpu.h"
#include "platform/hal/boot/image_layout.h"
#include "platform/hal/boot/machine_log.h"
#include "platform/hal/boot/page_tables.h"
#include "platform/hal/boot/power.h"

namespace samara::hal::crash_record {
namespace {

constexpr u64 magic = 0x6472'6f63'6572'7331;
constexpr size_t max_text = size - 24;

struct Record {
  u64 magic;
  u64 size;
  u64 checksum;
  std::array<char, max_text> text;
};
static_assert(sizeof(Record) == size);

bool usable = false;  // the pages are mapped
bool leaving = false;

Record& kept() {
  return *reinterpret_cast<Record*>(crash_record_memory);
}

// FNV-1a: against memory that happens to begin like a record.
u64 checksum_of(std::string_view text) {
  u64 sum = 0xcbf29ce484222325;
  for (const char c : text) sum = (sum ^ static_cast<u8>(c)) * 0x100000001b3;
  return sum;
}

constexpr std::array<std::string_view, 22> trap_names{"division by zero or overflow",
                                                      "debug",
                                                      "non-maskable interrupt",
                                                      "breakpoint",
                                                      "overflow",
                                                      "bound range",
                                                      "an internal check failed (invalid instruction)",
                                                      "no FPU",
                                                      "double fault",
                                                      "coprocessor overrun",
                                                      "invalid task state",
                                                      "segment not present",
                                                      "stack segment fault",
                                                      "general protection fault",
                                                      "page fault",
                                                      "reserved",
                                                      "x87 floating point error",
                                                      "alignment check",
                                                      "machine check",
                                                      "SIMD floating point error",
                                                      "virtualization",
                                                      "control protection"};
constexpr u64 page_fault = 14;

bool inside(u64 at, const u8* begin, const u8* end) {
  return at >= address_of(begin) && at < address_of(end);
}

void put_page_fault(TextWriter& out, u64 at, u64 error) {
  constexpr u64 was_present = 1;
  constexpr u64 was_write = 2;
  constexpr u64 was_execution = 16;
  out.put((error & was_execution) != 0 ? ": execution at " : (error & was_write) != 0 ? ": write to " : ": read from ");
  out.put("0x");
  out.hex(at, 16);
  const bool guard = inside(at, main_guard, main_guard + page_size) || inside(at, fault_guard, fault_guard + page_size) ||
                     inside(at, critical_guard, critical_guard + page_size);
  if (at < page_size) {
    out.put(" (a null pointer)");
  } else if (guard) {
    out.put(" (the stack is used up)");
  } else if ((error & was_present) != 0) {
    out.put(" (forbidden there)");
  } else {
    out.put(" (nothing is there)");
  }
}

void put_registers(TextWriter& out, const TrapFrame& f) {
  struct Register {
    std::string_view name;
    u64 value;
  };
  const std::array<Register, 18> registers{{{"rip", f.rip},
                                            {"rsp", f.rsp},
                                            {"rbp", f.rbp},
                                            {"rax", f.rax},
                                            {"rbx", f.rbx},
                                            {"rcx", f.rcx},
                                            {"rdx", f.rdx},
                                            {"rsi", f.rsi},
                                            {"rdi", f.rdi},
                                            {"r8 ", f.r8},
                                            {"r9 ", f.r9},
                                            {"r10", f.r10},
                                            {"r11", f.r11},
                                            {"r12", f.r12},
                                            {"r13", f.r13},
                                            {"r14", f.r14},
                                            {"r15", f.r15},
                                            {"flg", f.rflags}}};
  for (size_t i = 0; i < registers.size(); ++i) {
    out.put(i % 3 == 0 ? "  " : " ");
    out.put(registers[i].name);
    out.put(' ');
    out.hex(registers[i].value, 16);
    if (i % 3 == 2) out.put('\n');
  }
}

// Follows frame pointers as long as they lead up inside the stacks and return into code. What is printed of a return address is
// the octet before it, which belongs to the call: behind a call that does not return, another function may begin.
void put_backtrace(TextWriter& out, u64 first, u64 frame) {
  constexpr u32 max_frames = 32;
  out.put("backtrace (llvm-symbolizer -e IMAGE.debug):");
  out.put(" 0x");
  out.hex(first, 6);
  for (u32 i = 0; i < max_frames && frame % 8 == 0 && inside(frame, main_guard + page_size, stacks_end - 16); ++i) {
    const auto* const link = reinterpret_cast<const u64*>(frame);
    if (!inside(link[1], image_start, constants_start)) break;
    out.put(" 0x");
    out.hex(link[1] - 1, 6);
    if (link[0] <= frame) break;
    frame = link[0];
  }
  out.put('\n');
}

// Hands the finished text out: to the console and to the pages that outlive a reset.
[[noreturn]] void publish(std::string_view text) {
  if (usable) {
    Record& record = kept();
    std::copy_n(text.begin(), text.size(), record.text.begin());
    record.size = text.size();
    record.checksum = checksum_of(text);
    record.magic = magic;
  }
  print(text);
  power::end(ExitCode::our_bug);
}

std::array<char, max_text> text_memory;

void put_end(TextWriter& out) {
  out.put("last events:\n");
  put_last_events(out);
}

void leave_for_panic(std::string_view message) {
  if (leaving) power::end(ExitCode::our_bug);
  leaving = true;
  TextWriter out(text_memory);
  out.put("samara: panic: ");
  out.put(message.substr(0, 512));
  out.put('\n');
  const auto* const frame = static_cast<const u64*>(__builtin_frame_address(0));
  put_backtrace(out, frame[1] - 1, frame[0]);
  put_end(out);
  publish(out.view());
}

}  // namespace

void start() {
  set_panic_handler(leave_for_panic);
  usable = true;
  if (kept().magic != magic) return;
  Record& record = kept();
  record.magic = 0;
  if (record.size > max_text) return;
  const std::string_view text(record.text.data(), record.size);
  if (checksum_of(text) != record.checksum) return;
  log(Level::warning, "the run before this one ended with:");
  print(text);
}

void leave(const TrapFrame& frame) {
  if (leaving) power::end(ExitCode::our_bug);
  leaving = true;
  TextWriter out(text_memory);
  out.put("samara: crash: ");
  out.put(frame.vector < trap_names.size() ? trap_names[frame.vector] : std::string_view("unknown trap"));
  if (frame.vector == page_fault) put_page_fault(out, read_cr2(), frame.error);
  out.put(", trap ");
  out.put(frame.vector);
  out.put(", code 0x");
  out.hex(frame.error, 4);
  out.put('\n');
  put_registers(out, frame);
  // Where a call led out of the code, the caller is the last thing on the stack.
  const bool called_away = !inside(frame.rip, image_start, constants_start) && frame.rsp % 8 == 0 &&
                           inside(frame.rsp, main_guard + page_size, stacks_end - 8);
  put_backtrace(out, called_away ? *reinterpret_cast<const u64*>(frame.rsp) - 1 : frame.rip, frame.rbp);
  put_end(out);
  publish(out.view());
}

}  // namespace samara::hal::crash_record
