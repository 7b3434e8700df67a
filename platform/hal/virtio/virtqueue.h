// VirtQueue: a split virtqueue (virtio 1.2 section 2.7) whose buffers are one descriptor each, or a chain of neighbouring ones.
// A buffer has a token, chosen by the driver: its first descriptor's number. Takes no memory but what it is given.
//
// Nothing the device writes is believed: a token that is not under way, or more answers than there are buffers under way,
// breaks the queue, and a broken queue yields nothing any more. Lengths are the driver's to check.
//
//   getters  size, addresses, in_flight, broken
//   commands add(token, …) then publish() -> the device wants to be notified
//   outputs  poll_used()                  a buffer the device is done with
//   waiting  suppress_interrupts()        while busy
//            request_interrupt()          before sleeping; true: something came meanwhile, do not sleep
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "platform/base/types.h"
#include "platform/hal/virtio/transport.h"

namespace samara::hal::virtio {

class VirtQueue {
 public:
  static constexpr size_t alignment = 4096;
  static constexpr u16 max_size = 1024;
  // Octets that a queue with `size` entries (a power of two up to max_size) needs.
  static size_t memory_size(u16 size);

  // `memory` has memory_size(size) octets, is aligned to `alignment` and read as zeros.
  VirtQueue(u16 size, MutableBytes memory, bool event_index);

  u16 size() const { return size_; }
  QueueAddresses addresses() const;
  u16 in_flight() const { return in_flight_count_; }
  bool broken() const { return broken_; }

  // Hands `length` octets at physical `address` to the device, to read or to write. `token` is below size() and not under way.
  void add(u16 token, u64 address, u32 length, bool device_writes);
  // The same for a buffer in parts, first those the device reads. It takes the descriptors from `token` on, one a part, which
  // are no other buffer's.
  struct Part {
    u64 address;
    u32 length;
    bool device_writes;
  };
  void add_chain(u16 token, std::span<const Part> parts);
  // Makes visible what was added. True: the device wants a notification.
  bool publish();

  struct Used {
    u16 token;
    u32 length;  // octets the device says it wrote
  };
  std::optional<Used> poll_used();

  void suppress_interrupts();
  bool request_interrupt();

 private:
  u16* available() const { return reinterpret_cast<u16*>(available_); }
  u16* used() const { return reinterpret_cast<u16*>(used_); }
  u16& used_event() const { return available()[2 + size_]; }
  u16& available_event() const { return used()[2 + size_ * 4]; }
  u16 used_index() const;

  u16 size_;
  bool event_index_;
  bool broken_ = false;
  u8* descriptors_;
  u8* available_;
  u8* used_;
  u16 next_available_ = 0;  // entries added, modulo 65536
  u16 published_ = 0;
  u16 next_used_ = 0;
  u16 in_flight_count_ = 0;
  std::vector<bool> in_flight_;
};

}  // namespace samara::hal::virtio
