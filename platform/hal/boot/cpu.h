// The instructions of x86-64 that C++ has no words for: ports, model-specific registers, CPUID, the time-stamp counter,
// control registers, and memory that is a device's.
#pragma once

#include <optional>

#include "platform/base/types.h"
#include "platform/hal/boot/physical_memory.h"

namespace samara::hal {

inline u8 in8(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline u16 in16(u16 port) {
  u16 value;
  asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline u32 in32(u16 port) {
  u32 value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline void out8(u16 port, u8 value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline void out16(u16 port, u16 value) {
  asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
inline void out32(u16 port, u32 value) {
  asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

inline u64 read_msr(u32 number) {
  u32 low;
  u32 high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
  return (u64{high} << 32) | low;
}
inline void write_msr(u32 number, u64 value) {
  asm volatile("wrmsr" : : "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)), "c"(number) : "memory");
}

struct CpuId {
  u32 eax;
  u32 ebx;
  u32 ecx;
  u32 edx;
};
inline CpuId cpuid(u32 leaf, u32 subleaf = 0) {
  CpuId id;
  asm volatile("cpuid" : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx) : "a"(leaf), "c"(subleaf));
  return id;
}
constexpr bool bit(u32 value, u32 number) {
  return ((value >> number) & 1) != 0;
}

inline u64 read_tsc() {
  u32 low;
  u32 high;
  asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (u64{high} << 32) | low;
}

inline u64 read_cr2() {
  u64 value;
  asm volatile("mov %%cr2, %0" : "=r"(value));
  return value;
}
inline void load_page_tables(u64 root) {
  asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}
inline u64 page_tables_in_use() {
  u64 value;
  asm volatile("mov %%cr3, %0" : "=r"(value));
  return value;
}
inline void forget_page(u64 address) {
  asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}
// A mapped page. By the processor's loop: no call, and few instructions.
inline void zero_page(u64 address) {
  u64 count = page_size / sizeof(u64);
  asm volatile("rep stosq" : "+D"(address), "+c"(count) : "a"(u64{0}) : "memory");
}

[[noreturn]] inline void halt_forever() {
  for (;;) asm volatile("cli; hlt");
}

// A register of a device at a mapped address.
template <class T>
T read_register(u64 address) {
  return *reinterpret_cast<const volatile T*>(address);
}
template <class T>
void write_register(u64 address, T value) {
  *reinterpret_cast<volatile T*>(address) = value;
}

// Memory that came with the machine (tables of the firmware, the boot loader's lists) at a mapped address.
inline Bytes memory_at(u64 address, size_t size) {
  return {reinterpret_cast<const u8*>(address), size};
}
inline u64 address_of(const void* at) {
  return reinterpret_cast<u64>(at);
}

}  // namespace samara::hal
