// BlockDevice: a virtio block device (virtio 1.2 section 5.2) as a Storage. One request at a time, through a buffer of its own,
// and the caller waits for it; what else the machine has to do goes on meanwhile, by Meanwhile::turn(). Agreed on when offered:
// flush, block size, the largest segment. A device that does not offer flush has no cache to flush (section 5.2.5). Not used on
// purpose: discard, write zeroes, several queues, indirect descriptors.
//
// What the device says is checked: an answer without a status, a length or a status it may not give make the device `gone`, and
// so does silence; it is then reset, so that it does not write to memory that is used for something else by then.
#pragma once

#include <memory>

#include "platform/base/time.h"
#include "platform/hal/storage.h"
#include "platform/hal/virtio/device_memory.h"
#include "platform/hal/virtio/virtqueue.h"

namespace samara::hal::virtio {

// What a machine does while a request is under way: whoever waits for the disk waits, and nobody else.
class Meanwhile {
 public:
  virtual void turn() = 0;

 protected:
  ~Meanwhile() = default;
};

class BlockDevice final : public Storage {
 public:
  static constexpr u16 device_id = 2;

  enum class OpenError : u8 { legacy, features, no_queue, read_only, block_size, empty };
  using Clock = Instant (*)();
  // `device` outlives this. Takes all memory it will ever need.
  static Result<std::unique_ptr<BlockDevice>, OpenError> open(Transport& device, Clock clock);

  // From now on `meanwhile`, which outlives this and asks nothing of this device, is given turns while a request is under way.
  void use(Meanwhile& meanwhile) { meanwhile_ = &meanwhile; }

  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;
  ~BlockDevice() { device_.set_status(0); }

  u64 size() const override { return size_; }
  u32 block_size() const override { return block_size_; }
  Result<void, StorageError> read(u64 offset, MutableBytes into) override;
  Result<void, StorageError> write(u64 offset, Bytes from) override;
  Result<void, StorageError> flush() override;

 private:
  struct Geometry {
    u64 size;
    u32 block_size;
    u32 largest;  // octets of a request
  };
  BlockDevice(Transport& device, u64 features, const Geometry& geometry, Clock clock);
  // `count` octets of the buffer, at `offset` of the device.
  Result<void, StorageError> request(u32 type, u64 offset, size_t count, bool device_writes);
  Result<void, StorageError> give_up();
  MutableBytes header() const;
  MutableBytes data() const;
  u8& status() const;

  Transport& device_;
  Clock clock_;
  Meanwhile* meanwhile_ = nullptr;
  bool has_flush_;
  bool gone_ = false;
  u64 size_;
  u32 block_size_;
  size_t largest_;
  DeviceMemory rings_;
  DeviceMemory memory_;  // the header, the status, and on the next page the data
  VirtQueue queue_;
};

}  // namespace samara::hal::virtio
