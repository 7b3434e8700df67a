// The system calls that are left to each kind of process once it is confined: at most ten, everything else kills the process.
// docs/linux-target.md repeats the tables for operators; a test compares the two.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "platform/base/types.h"

namespace samara::hal {

// (argument & mask) == value
struct ArgumentRule {
  u8 argument = 0;
  u64 mask = 0;
  u64 value = 0;
};

struct AllowedCall {
  int number;
  std::string_view name;
  std::string_view reason;
  // All must hold. The calls made for each packet have none: the kernel then remembers that they are allowed and does not
  // run the filter.
  std::array<ArgumentRule, 2> rules{};
  u8 rule_count = 0;
};

constexpr size_t max_system_calls = 10;
constexpr u64 whole_argument = 0xffffffff;

constexpr std::array<AllowedCall, 10> worker_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until a socket, a stream or the loader has something"},
    {SYS_epoll_ctl, "epoll_ctl", "say which streams may be read or written"},
    {SYS_recvmmsg, "recvmmsg", "receive up to 64 datagrams, or stream input"},
    {SYS_sendmmsg, "sendmmsg", "send up to 64 answers, or stream output"},
    {SYS_accept4, "accept4", "take a TCP connection", {{{3, whole_argument, SOCK_NONBLOCK | SOCK_CLOEXEC}}}, 1},
    {SYS_shutdown,
     "shutdown",
     "end our side of a TCP connection and let the client read the rest",
     {{{1, whole_argument, SHUT_WR}}},
     1},
    {SYS_close, "close", "give a TCP connection back"},
    {SYS_write, "write", "a log line, to standard error only", {{{0, whole_argument, STDERR_FILENO}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

constexpr u64 all_but_standard_streams = 0xfffffffc;

constexpr std::array<AllowedCall, 6> tap_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until a frame comes or the loader has something"},
    {SYS_readv, "readv", "receive a frame"},
    {SYS_writev, "writev", "send a frame"},
    {SYS_write, "write", "log lines and ready lines, to the standard streams only", {{{0, all_but_standard_streams, 0}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

constexpr std::array<AllowedCall, 6> xdp_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until frames come or the loader has something"},
    {SYS_epoll_ctl, "epoll_ctl", "wait for the kernel to take frames again, when it has enough"},
    {SYS_sendto, "sendto", "tell the kernel that frames are to be sent"},
    {SYS_write, "write", "log lines and ready lines, to the standard streams only", {{{0, all_but_standard_streams, 0}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

constexpr std::array<AllowedCall, 10> loader_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until a signal or a control request comes"},
    {SYS_read, "read", "take signals and control requests"},
    {SYS_write, "write", "log lines, ready lines, control replies, waking workers"},
    {SYS_mmap,
     "mmap",
     "memory for parsing; never executable, never a file",
     {{{2, PROT_EXEC, 0}, {3, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
     2},
    {SYS_munmap, "munmap", "give that memory back"},
    {SYS_mremap, "mremap", "let a large piece of that memory grow", {{{3, whole_argument, MREMAP_MAYMOVE}}}, 1},
    {SYS_brk, "brk", "memory for small pieces"},
    {SYS_madvise, "madvise", "give zones that nobody uses any more back", {{{2, whole_argument, MADV_REMOVE}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

static_assert(worker_system_calls.size() <= max_system_calls);
static_assert(loader_system_calls.size() <= max_system_calls);

}  // namespace samara::hal
