// The system calls that are left to each kind of process once it is confined: at most ten, one more for a worker that makes
// connections, and three more for a loader with storage; everything else kills the process.
// docs/linux-target.md repeats the tables for operators; a test compares the two.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
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
  int number = -1;
  std::string_view name;
  std::string_view reason;
  // All must hold. The calls made for each packet have none: the kernel then remembers that they are allowed and does not
  // run the filter.
  std::array<ArgumentRule, 2> rules{};
  u8 rule_count = 0;
};

constexpr size_t max_system_calls = 10;
constexpr u64 whole_argument = 0xffffffff;

// The eventfd that wakes the loader has this number in every process, so that a filter can name it (message_lanes.h).
constexpr int loader_wake_fd = 3;
constexpr u64 all_but_lowest_bit = 0xfffffffe;
static_assert((loader_wake_fd & all_but_lowest_bit) == STDERR_FILENO, "one comparison allows both");

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
    {SYS_write, "write", "a log line, or waking the loader", {{{0, all_but_lowest_bit, STDERR_FILENO}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

// A worker that makes connections (Plan::client_streams). All its sockets exist by now.
constexpr std::array<AllowedCall, worker_system_calls.size() + 1> client_system_calls = [] {
  std::array<AllowedCall, worker_system_calls.size() + 1> calls{};
  for (size_t i = 0; i < worker_system_calls.size(); ++i) calls[i] = worker_system_calls[i];
  calls.back() = {SYS_connect, "connect", "connect a socket, and take it back to be used again"};
  return calls;
}();

constexpr u64 all_but_standard_streams = 0xfffffffc;
static_assert((loader_wake_fd & all_but_standard_streams) == 0);

constexpr std::array<AllowedCall, 6> tap_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until a frame comes or the loader has something"},
    {SYS_readv, "readv", "receive a frame"},
    {SYS_writev, "writev", "send a frame"},
    {SYS_write, "write", "log lines, ready lines, waking the loader", {{{0, all_but_standard_streams, 0}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

constexpr std::array<AllowedCall, 6> xdp_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until frames come or the loader has something"},
    {SYS_epoll_ctl, "epoll_ctl", "wait for the kernel to take frames again, when it has enough"},
    {SYS_sendto, "sendto", "tell the kernel that frames are to be sent"},
    {SYS_write, "write", "log lines, ready lines, waking the loader", {{{0, all_but_standard_streams, 0}}}, 1},
    {SYS_clock_gettime, "clock_gettime", "the time, where the clock source is not readable without a call"},
    {SYS_exit_group, "exit_group", "end"},
}};

constexpr std::array<AllowedCall, 10> loader_system_calls{{
    {SYS_epoll_pwait, "epoll_pwait", "sleep until a signal, a control request or a message comes"},
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

// In addition where there is storage, for its descriptor only: loader_system_calls_with() fills that in.
constexpr std::array<AllowedCall, 3> storage_system_calls{{
    {SYS_pread64, "pread64", "read what was kept over a restart", {{{0, whole_argument, 0}}}, 1},
    {SYS_pwrite64, "pwrite64", "keep zones over a restart", {{{0, whole_argument, 0}}}, 1},
    {SYS_fdatasync, "fdatasync", "be sure that they are kept", {{{0, whole_argument, 0}}}, 1},
}};

constexpr std::array<AllowedCall, 13> loader_system_calls_with(int storage_descriptor) {
  std::array<AllowedCall, 13> calls{};
  std::copy(loader_system_calls.begin(), loader_system_calls.end(), calls.begin());
  std::copy(storage_system_calls.begin(), storage_system_calls.end(), calls.begin() + loader_system_calls.size());
  for (size_t i = loader_system_calls.size(); i < calls.size(); ++i) {
    calls[i].rules[0].value = static_cast<u32>(storage_descriptor);
  }
  return calls;
}

static_assert(worker_system_calls.size() <= max_system_calls);
static_assert(loader_system_calls.size() <= max_system_calls);

}  // namespace samara::hal
