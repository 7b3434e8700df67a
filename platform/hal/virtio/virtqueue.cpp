#include "platform/hal/virtio/virtqueue.h"

#include <atomic>

#include "platform/base/panic.h"

namespace samara::hal::virtio {
namespace {

// Section 2.7.5: as they lie in memory.
struct Descriptor {
  u64 address;
  u32 length;
  u16 flags;
  u16 next;
};
constexpr u16 descriptor_has_next = 1;
constexpr u16 descriptor_device_writes = 2;
// Sections 2.7.6 and 2.7.8: for devices without event index.
constexpr u16 flag_no_interrupt = 1;
constexpr u16 flag_no_notify = 1;

constexpr size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}
size_t available_offset(u16 size) {
  return size_t{16} * size;
}
size_t used_offset(u16 size) {
  return round_up(available_offset(size) + 6 + size_t{2} * size, 4);
}

u16 load(const u16& from) {
  return __atomic_load_n(&from, __ATOMIC_ACQUIRE);
}
void store(u16& to, u16 value) {
  __atomic_store_n(&to, value, __ATOMIC_RELEASE);
}

// Section 2.7.10: has `event` been passed by going from `before` to `now`?
bool passed(u16 event, u16 now, u16 before) {
  return static_cast<u16>(now - event - 1) < static_cast<u16>(now - before);
}

}  // namespace

size_t VirtQueue::memory_size(u16 size) {
  return used_offset(size) + 6 + size_t{8} * size;
}

VirtQueue::VirtQueue(u16 size, MutableBytes memory, bool event_index)
    : size_(size), event_index_(event_index), descriptors_(memory.data()), in_flight_(size, false) {
  if (size == 0 || (size & (size - 1)) != 0 || size > max_size || memory.size() < memory_size(size)) {
    panic("a virtqueue of an impossible size");
  }
  available_ = memory.subspan(available_offset(size)).data();
  used_ = memory.subspan(used_offset(size)).data();
}

QueueAddresses VirtQueue::addresses() const {
  return {reinterpret_cast<u64>(descriptors_), reinterpret_cast<u64>(available_), reinterpret_cast<u64>(used_)};
}

u16 VirtQueue::used_index() const {
  return load(used()[1]);
}

void VirtQueue::add(u16 token, u64 address, u32 length, bool device_writes) {
  const Part whole{address, length, device_writes};
  add_chain(token, {&whole, 1});
}

void VirtQueue::add_chain(u16 token, std::span<const Part> parts) {
  if (token >= size_ || in_flight_[token]) panic("a buffer was given to a device twice");
  if (parts.empty() || parts.size() > size_t{size_} - token) panic("a buffer with an impossible number of parts");
  auto* const table = reinterpret_cast<Descriptor*>(descriptors_);
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool more = i + 1 < parts.size();
    const u32 flags = (parts[i].device_writes ? descriptor_device_writes : 0U) | (more ? descriptor_has_next : 0U);
    table[token + i] = {parts[i].address, parts[i].length, static_cast<u16>(flags),
                        more ? static_cast<u16>(token + i + 1) : u16{0}};
  }
  available()[2 + next_available_ % size_] = token;
  ++next_available_;
  in_flight_[token] = true;
  ++in_flight_count_;
}

bool VirtQueue::publish() {
  if (published_ == next_available_) return false;
  store(available()[1], next_available_);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const u16 before = published_;
  published_ = next_available_;
  if (event_index_) return passed(load(available_event()), published_, before);
  return (load(used()[0]) & flag_no_notify) == 0;
}

std::optional<VirtQueue::Used> VirtQueue::poll_used() {
  const u16 index = used_index();
  if (broken_ || index == next_used_) return std::nullopt;
  const auto* const entry = reinterpret_cast<const u32*>(used_ + 4) + size_t{2} * (next_used_ % size_);
  const u32 token = __atomic_load_n(&entry[0], __ATOMIC_RELAXED);
  const u32 length = __atomic_load_n(&entry[1], __ATOMIC_RELAXED);
  if (static_cast<u16>(index - next_used_) > in_flight_count_ || token >= size_ || !in_flight_[token]) {
    broken_ = true;
    return std::nullopt;
  }
  ++next_used_;
  in_flight_[token] = false;
  --in_flight_count_;
  return Used{static_cast<u16>(token), length};
}

void VirtQueue::suppress_interrupts() {
  if (event_index_) {
    store(used_event(), static_cast<u16>(next_used_ - 1));  // passed already: comes again after 65,535 buffers
  } else {
    store(available()[0], flag_no_interrupt);
  }
}

bool VirtQueue::request_interrupt() {
  if (event_index_) {
    store(used_event(), next_used_);
  } else {
    store(available()[0], 0);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return used_index() != next_used_;
}

}  // namespace samara::hal::virtio
