// BareWorker and BareLoader: both sides of hal.h on a machine of its own, where they are one and the same loop.
#pragma once

#include "platform/hal/boot/entropy.h"
#include "platform/hal/boot/machine_generation.h"
#include "platform/hal/boot/wall_clock.h"
#include "platform/hal/hal.h"
#include "platform/hal/local_loader.h"
#include "platform/hal/virtio/block_device.h"
#include "platform/hal/virtio/net_card.h"

namespace samara::hal {

class BareLoader final : public LocalLoader {
 public:
  // `wall` outlives this; `storage` may be null.
  BareLoader(MutableBytes region, const WallClock& wall, const Entropy& entropy, Storage* storage)
      : region_(region), wall_(wall), entropy_(entropy), storage_(storage) {}

  MutableBytes region() override { return region_; }
  void release(size_t offset, size_t length) override;
  void forget(std::string_view part_of_blob) override;
  Instant now() const override;
  UnixTime wall() const override { return wall_.at(now()); }
  const Entropy& entropy() const override { return entropy_; }
  Storage* storage() override { return storage_; }

 private:
  MutableBytes region_;
  const WallClock& wall_;
  Entropy entropy_;
  Storage* storage_;
};

class BareWorker final : public Worker, private virtio::Meanwhile {
 public:
  struct Start {
    u32 max_streams;
    u32 client_streams;
    bool client_datagrams;
    Bytes region;
    Entropy entropy;
    WallClock* wall;
    EntropyPool* entropy_pool;
    MachineGeneration generation;
    Role* role;
    BareLoader* loader;  // has loaded
    virtio::NetCard* card;
    virtio::BlockDevice* storage;  // or null
    bool measure;                  // print how long the start took
  };
  explicit BareWorker(const Start& start) : start_(start) {}

  u32 index() const override { return 0; }
  u32 max_streams() const override { return start_.max_streams; }
  u32 client_streams() const override { return start_.client_streams; }
  bool client_datagrams() const override { return start_.client_datagrams; }
  const Entropy& entropy() const override { return start_.entropy; }
  Bytes region() const override { return start_.region; }
  bool has_link() const override { return true; }
  [[noreturn]] void run_frames(FrameHandler& worker) override;

 private:
  [[noreturn]] void run_application(WorkerApplicationRef app) override;
  // Frames are answered while the loader waits for the disk.
  void turn() override;
  void report(FrameHandler& handler);
  void look_at_wall_clock(Instant now);
  void look_for_copies(Instant now);
  void renew_secrets(Instant now);
  Instant make_up(FrameHandler& handler);
  void sleep(Instant deadline);

  Start start_;
  FrameHandler* handler_ = nullptr;  // of run_frames()
  Instant last_turn_;
  Duration stood_still_;  // what instants do not count yet
  bool answered_before_ = false;
};

}  // namespace samara::hal
