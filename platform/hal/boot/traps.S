// Entries of the interrupt descriptor table (descriptor_tables.cpp). Exceptions save all registers C++ may use and call trap();
// when it returns, what was interrupted goes on. Interrupts only end a halt: they are acknowledged and that is all; they
// come in no other place, because interrupts are off everywhere else.

#define LOCAL_APIC_END_OF_INTERRUPT 0xfee000b0

.section .text.traps, "ax"

.macro exception vector, has_code
  .balign 16
  .if \has_code == 0
  push $0
  .endif
  push $\vector
  jmp save_and_call
.endm

// 32 entries of 16 octets. Exceptions 8, 10 to 14, 17, 21, 29 and 30 push an error code.
.global exception_entries
  .balign 16
exception_entries:
.altmacro
.set number, 0
.rept 32
  .if (number == 8) || ((number >= 10) && (number <= 14)) || (number == 17) || (number == 21) || (number == 29) || (number == 30)
  exception %number, 1
  .else
  exception %number, 0
  .endif
  .set number, number + 1
.endr

  .balign 16
save_and_call:
  push %rax
  push %rbx
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %rbp
  push %r8
  push %r9
  push %r10
  push %r11
  push %r12
  push %r13
  push %r14
  push %r15
  cld
  mov %rsp, %rdi
  // The upper halves of AVX registers are not touched by code for x86-64-v2.
  sub $512, %rsp
  fxsave64 (%rsp)
  call trap
  fxrstor64 (%rsp)
  add $512, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rbp
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rbx
  pop %rax
  add $16, %rsp
  iretq

.global wake_entry
  .balign 16
wake_entry:
  push %rax
  mov $LOCAL_APIC_END_OF_INTERRUPT, %eax
  movl $0, (%rax)
  pop %rax
  iretq

// A spurious interrupt of the local APIC is not acknowledged.
.global spurious_entry
  .balign 16
spurious_entry:
  iretq

.section .note.GNU-stack, "", @progbits
