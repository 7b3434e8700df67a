#include "platform/hal/virtio/entropy_device.h"

#include <algorithm>

namespace samara::hal::virtio {
namespace {

constexpr u16 request_queue = 0;
constexpr u16 queue_size = 2;

}  // namespace

std::unique_ptr<EntropyDevice> EntropyDevice::open(Transport& device) {
  const auto features = open_device(device, feature_event_index);
  if (!features.ok() || device.max_queue_size(request_queue) < queue_size) return nullptr;
  return std::unique_ptr<EntropyDevice>(new EntropyDevice(device, (features.value() & feature_event_index) != 0));
}

EntropyDevice::EntropyDevice(Transport& device, bool event_index)
    : device_(device),
      rings_(VirtQueue::memory_size(queue_size), DeviceMemory::Contents::zeroed),
      octets_(request_size, DeviceMemory::Contents::zeroed),
      queue_(queue_size, rings_.octets(), event_index) {
  device.enable_queue(request_queue, queue_size, queue_.addresses());
  queue_.suppress_interrupts();
  start_device(device);
  ask();
}

void EntropyDevice::ask() {
  if (queue_.in_flight() != 0) return;
  queue_.add(0, reinterpret_cast<u64>(octets_.octets().data()), request_size, true);
  if (queue_.publish()) device_.notify(request_queue);
}

Bytes EntropyDevice::poll() {
  const auto used = queue_.poll_used();
  if (!used.has_value()) return {};
  return octets_.octets().first(std::min<size_t>(used->length, request_size));
}

}  // namespace samara::hal::virtio
