// The first instructions of an image on x86-64: entered by the PVH boot protocol (Xen's docs/misc/pvh.pandoc; QEMU, Firecracker
// and cloud-hypervisor use the same note) in 32-bit protected mode without paging, interrupts off, ebx = hvm_start_info.
// Checks that the processor is what the code is compiled for (x86-64-v2, NX), turns on SSE and long mode with the first
// gigabyte mapped one to one, and calls boot_main(), which makes the page tables the image runs with.

#define SERIAL_PORT 0x3f8
#define DEBUG_EXIT_PORT 0xf4
#define EXIT_UNAVAILABLE 69

#define CR0_PE_MP_NE_WP_PG 0x80010023
#define CR4_PAE_PGE_OSFXSR_OSXMMEXCPT 0x6a0
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900
#define MSR_FS_BASE 0xc0000100

// CPUID 1 ecx: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT
#define X86_64_V2 0x982201
#define CPUID_1_ECX_RDRAND 30
#define CPUID_EXTENDED_EDX_NX 20
#define CPUID_EXTENDED_EDX_LONG_MODE 29

#define PAGE_PRESENT_WRITABLE 3
#define PAGE_LARGE 0x80

// "Xen", XEN_ELFNOTE_PHYS32_ENTRY. QEMU reads 8 octets of descriptor, Xen accepts them.
.section .note.pvh, "a", @note
  .balign 4
  .long 4
  .long 8
  .long 18
  .asciz "Xen"
  .quad pvh_entry

.section .text.entry, "ax"
.code32
.global pvh_entry
pvh_entry:
  cld
  cli
  mov $main_stack_top, %esp
  mov %ebx, %edi
  rdtsc
  mov %eax, entry_tsc
  mov %edx, entry_tsc + 4

  mov $no_long_mode, %esi
  mov $0x80000000, %eax
  cpuid
  cmp $0x80000001, %eax
  jb refuse
  mov $0x80000001, %eax
  cpuid
  bt $CPUID_EXTENDED_EDX_LONG_MODE, %edx
  jnc refuse
  mov $no_nx, %esi
  bt $CPUID_EXTENDED_EDX_NX, %edx
  jnc refuse
  mov $no_v2, %esi
  mov $1, %eax
  cpuid
  and $X86_64_V2, %ecx
  cmp $X86_64_V2, %ecx
  jne refuse

  // The first gigabyte, one to one, in pages of 2 MiB.
  movl $first_directory + PAGE_PRESENT_WRITABLE, first_directories
  movl $first_directories + PAGE_PRESENT_WRITABLE, first_tables
  mov $first_directory, %edx
  mov $PAGE_PRESENT_WRITABLE | PAGE_LARGE, %eax
1:
  mov %eax, (%edx)
  add $8, %edx
  add $0x200000, %eax
  cmp $0x40000000, %eax
  jb 1b

  mov $first_tables, %eax
  mov %eax, %cr3
  mov $CR4_PAE_PGE_OSFXSR_OSXMMEXCPT, %eax
  mov %eax, %cr4
  mov $MSR_EFER, %ecx
  rdmsr
  or $EFER_LME_NXE, %eax
  wrmsr
  mov $CR0_PE_MP_NE_WP_PG, %eax
  mov %eax, %cr0
  lgdt first_gdt_pointer
  ljmp $8, $long_mode

// esi: a line for the person who can mend it. Said on the serial port; then QEMU's debug exit, or the end without one.
refuse:
  mov (%esi), %al
  test %al, %al
  jz 3f
  mov %al, %bl
  mov $100000, %ecx
2:
  mov $SERIAL_PORT + 5, %dx
  in %dx, %al
  test $0x20, %al
  loopz 2b
  mov %bl, %al
  mov $SERIAL_PORT, %dx
  out %al, %dx
  inc %esi
  jmp refuse
3:
  mov $EXIT_UNAVAILABLE, %eax
  out %eax, $DEBUG_EXIT_PORT
4:
  hlt
  jmp 4b

.code64
long_mode:
  mov $16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  xor %eax, %eax
  mov %eax, %fs
  mov %eax, %gs

  // The stack protector's canary is at %fs:0x28. Its lowest octet is 0, so that no string reads across it.
  mov $thread_block, %eax
  xor %edx, %edx
  mov $MSR_FS_BASE, %ecx
  wrmsr
  mov %rax, thread_block
  mov entry_tsc, %r8
  movabs $0x9e3779b97f4a7c15, %r9
  imul %r9, %r8
  mov $1, %eax
  cpuid
  bt $CPUID_1_ECX_RDRAND, %ecx
  jnc 6f
  mov $10, %ecx
5:
  rdrand %rax
  jc 7f
  loop 5b
6:
  xor %eax, %eax
7:
  xor %r8, %rax
  xor %al, %al
  mov %rax, thread_block + 0x28

  mov $main_stack_top, %esp
  xor %ebp, %ebp
  call boot_main
  ud2

.section .rodata.entry, "a"
no_long_mode:
  .asciz "samara: this processor has no 64-bit mode; the image needs x86-64-v2 (QEMU: -cpu max)\r\n"
no_nx:
  .asciz "samara: this processor cannot protect data from execution (NX is off); turn it on (QEMU: -cpu max)\r\n"
no_v2:
  .asciz "samara: this processor lacks instructions of x86-64-v2 (SSE4.2, POPCNT); give the machine a newer one (QEMU: -cpu max)\r\n"
  .balign 8
first_gdt:
  .quad 0
  .quad 0x00af9b000000ffff  // 64-bit code
  .quad 0x00cf93000000ffff  // data
first_gdt_pointer:
  .word . - first_gdt - 1
  .long first_gdt

.section .bss.entry, "aw", @nobits
  .balign 4096
first_tables:
  .skip 4096
first_directories:
  .skip 4096
first_directory:
  .skip 4096
  .balign 64
thread_block:
  .skip 64
.global entry_tsc
entry_tsc:
  .skip 8

// Each stack grows down towards a page that is not mapped (image.ld places the guards).
.section .stacks, "aw", @nobits
  .balign 4096
.global main_guard, fault_guard, critical_guard, stacks_end
main_guard:
  .skip 4096
  .skip 262144
.global main_stack_top
main_stack_top:
fault_guard:
  .skip 4096
  .skip 16384
.global fault_stack_top
fault_stack_top:
critical_guard:
  .skip 4096
  .skip 16384
.global critical_stack_top
critical_stack_top:
stacks_end:

.section .note.GNU-stack, "", @progbits
