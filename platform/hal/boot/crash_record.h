// The crash record: what an image leaves behind when it stops because of its own bug. Cause, address, registers, the way there
// by frame pointers and the last log lines go to the console and into the two pages behind the image (image.ld), which loading
// it again leaves alone; after a reset that keeps memory, the next run of the same image finds and prints them.
#pragma once

#include "platform/base/types.h"

namespace samara::hal::crash_record {

constexpr u64 size = 8192;

// Registers as traps.S saves them.
struct TrapFrame {
  u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  u64 vector, error;
  u64 rip, cs, rflags, rsp, ss;
};

// Makes panic() leave a record. Prints the record of the run before, if there is one, and forgets it.
void start();
// Leaves a record and ends with exit code 70.
[[noreturn]] void leave(const TrapFrame& frame);

}  // namespace samara::hal::crash_record
