#include "platform/hal/virtio/block_device.h"

#include <algorithm>
#include <array>
#include <bit>

#include "platform/base/byte_order.h"

namespace samara::hal::virtio {
namespace {

// Section 5.2.3.
constexpr u64 feature_segment_size = u64{1} << 1;
constexpr u64 feature_read_only = u64{1} << 5;
constexpr u64 feature_block_size = u64{1} << 6;
constexpr u64 feature_flush = u64{1} << 9;
constexpr u64 features_wanted = feature_segment_size | feature_block_size | feature_flush | feature_event_index;

// Section 5.2.4: where in the device's configuration, little-endian.
constexpr u16 config_capacity = 0;
constexpr u16 config_segment_size = 8;
constexpr u16 config_block_size = 20;

// Section 5.2.6.
constexpr u32 type_read = 0;
constexpr u32 type_write = 1;
constexpr u32 type_flush = 4;
constexpr u8 status_good = 0;
constexpr u8 status_unsupported = 2;
constexpr u8 status_none = 0xff;  // ours: the device has not written any
constexpr size_t header_size = 16;
constexpr size_t status_at = 64;
constexpr size_t data_at = 4096;

constexpr u16 request_queue = 0;
constexpr u16 queue_size = 4;  // header, data, status
constexpr u64 sector = 512;
// What a store writes at once goes in one request.
constexpr u32 largest_request = u32{72} * 1024;
// A disk may spin up, or write back a large cache.
constexpr Duration patience = Duration::seconds(30);

u64 config(Transport& device, u16 offset, u16 octets) {
  u64 value = 0;
  for (u16 i = 0; i < octets; ++i) value |= u64{device.read_config(static_cast<u16>(offset + i))} << (8 * i);
  return value;
}

}  // namespace

Result<std::unique_ptr<BlockDevice>, BlockDevice::OpenError> BlockDevice::open(Transport& device, Clock clock) {
  const auto refuse = [&device](OpenError error) {
    device.set_status(status::failed);
    return fail(error);
  };
  const auto features = open_device(device, features_wanted);
  if (!features.ok()) {
    return fail(features.error() == virtio::OpenError::legacy ? OpenError::legacy : OpenError::features);
  }
  if ((device.device_features() & feature_read_only) != 0) return refuse(OpenError::read_only);
  if (device.max_queue_size(request_queue) < queue_size) return refuse(OpenError::no_queue);
  Geometry geometry{.size = 0, .block_size = min_storage_block, .largest = largest_request};
  if ((features.value() & feature_block_size) != 0)
    geometry.block_size = static_cast<u32>(config(device, config_block_size, 4));
  if (!std::has_single_bit(geometry.block_size) || geometry.block_size < min_storage_block ||
      geometry.block_size > max_storage_block) {
    return refuse(OpenError::block_size);
  }
  if ((features.value() & feature_segment_size) != 0) {
    geometry.largest = std::min(geometry.largest, static_cast<u32>(config(device, config_segment_size, 4)));
    geometry.largest = geometry.largest / geometry.block_size * geometry.block_size;
    if (geometry.largest == 0) return refuse(OpenError::block_size);
  }
  constexpr u64 most_sectors = u64{1} << 50;  // of 512 octets: offsets in octets cannot overflow
  const u64 sectors = std::min(config(device, config_capacity, 8), most_sectors);
  geometry.size = sectors * sector / geometry.block_size * geometry.block_size;
  if (geometry.size == 0) return refuse(OpenError::empty);
  return std::unique_ptr<BlockDevice>(new BlockDevice(device, features.value(), geometry, clock));
}

BlockDevice::BlockDevice(Transport& device, u64 features, const Geometry& geometry, Clock clock)
    : device_(device),
      clock_(clock),
      has_flush_((features & feature_flush) != 0),
      size_(geometry.size),
      block_size_(geometry.block_size),
      largest_(geometry.largest),
      rings_(VirtQueue::memory_size(queue_size), DeviceMemory::Contents::zeroed),
      memory_(data_at + largest_request, DeviceMemory::Contents::zeroed),
      queue_(queue_size, rings_.octets(), (features & feature_event_index) != 0) {
  device.enable_queue(request_queue, queue_size, queue_.addresses());
  queue_.suppress_interrupts();
  start_device(device);
}

MutableBytes BlockDevice::header() const {
  return memory_.octets().first(header_size);
}
MutableBytes BlockDevice::data() const {
  return memory_.octets().subspan(data_at);
}
u8& BlockDevice::status() const {
  return memory_.octets()[status_at];
}

Result<void, StorageError> BlockDevice::give_up() {
  gone_ = true;
  device_.set_status(0);
  return fail(StorageError::gone);
}

Result<void, StorageError> BlockDevice::request(u32 type, u64 offset, size_t count, bool device_writes) {
  if (gone_) return fail(StorageError::gone);
  const auto address = [](const u8& octet) { return reinterpret_cast<u64>(&octet); };
  store_le32(header(), 0, type);
  store_le32(header(), 4, 0);
  store_le64(header(), 8, offset / sector);
  __atomic_store_n(&status(), status_none, __ATOMIC_RELAXED);
  const std::array<VirtQueue::Part, 3> parts{{{address(header()[0]), header_size, false},
                                              {address(data()[0]), static_cast<u32>(count), device_writes},
                                              {address(status()), 1, true}}};
  if (count != 0) {
    queue_.add_chain(0, parts);
  } else {
    queue_.add_chain(0, std::array{parts[0], parts[2]});
  }
  if (queue_.publish()) device_.notify(request_queue);
  const Instant limit = clock_() + patience;
  auto used = queue_.poll_used();
  while (!used.has_value()) {
    if (queue_.broken() || clock_() > limit || (device_.status() & status::needs_reset) != 0) return give_up();
    if (meanwhile_ != nullptr) meanwhile_->turn();
    used = queue_.poll_used();
  }
  device_.acknowledge_interrupts();
  const u8 outcome = __atomic_load_n(&status(), __ATOMIC_ACQUIRE);
  const size_t may_write = 1 + (device_writes ? count : 0);
  // A length below that says little: section 2.7.8.1 knows devices that give too small ones.
  if (used->length > may_write || outcome > status_unsupported) return give_up();
  if (outcome != status_good) return fail(StorageError::device);
  return {};
}

Result<void, StorageError> BlockDevice::read(u64 offset, MutableBytes into) {
  if (!fits(*this, offset, into.size())) return fail(StorageError::out_of_range);
  while (!into.empty()) {
    const size_t count = std::min(into.size(), largest_);
    TRY(request(type_read, offset, count, true));
    std::ranges::copy(data().first(count), into.begin());
    into = into.subspan(count);
    offset += count;
  }
  return {};
}

Result<void, StorageError> BlockDevice::write(u64 offset, Bytes from) {
  if (!fits(*this, offset, from.size())) return fail(StorageError::out_of_range);
  while (!from.empty()) {
    const size_t count = std::min(from.size(), largest_);
    std::ranges::copy(from.first(count), data().begin());
    TRY(request(type_write, offset, count, false));
    from = from.subspan(count);
    offset += count;
  }
  return {};
}

Result<void, StorageError> BlockDevice::flush() {
  if (gone_) return fail(StorageError::gone);
  if (!has_flush_) return {};
  return request(type_flush, 0, 0, false);
}

}  // namespace samara::hal::virtio
