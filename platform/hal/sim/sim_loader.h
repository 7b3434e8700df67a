// SimLoader: the loader's side of an image on a simulated host. Role, loader and worker make one handler:
//
//   SimLoader loader(world, size_of_region, seed);
//   loader.publish(MUST(role.load(blob, loader)));
//   LoaderAndWorker host(role, loader, frame_loop);
//   loader.set_host(world.add(mac, host));
#pragma once

#include <algorithm>
#include <vector>

#include "platform/hal/local_loader.h"
#include "platform/hal/sim/random.h"
#include "platform/hal/sim/world.h"

namespace samara::hal::sim {

class SimLoader final : public LocalLoader {
 public:
  SimLoader(const World& world, size_t region_size, u64 seed) : world_(world), region_(region_size) {
    SeededRng(seed).fill(entropy_);
  }
  // Whose clock wall() reads.
  void set_host(HostId host) { host_ = host; }
  // What survives the host; null: nothing does.
  void set_storage(Storage* storage) { storage_ = storage; }

  MutableBytes region() override { return region_; }
  // Reads as zero again, as it does on a machine: what still refers to it is noticed.
  void release(size_t offset, size_t length) override {
    constexpr size_t page = 4096;
    const size_t end = std::min(region_.size(), offset + length) / page * page;
    for (size_t at = (offset + page - 1) / page * page; at < end; ++at) region_[at] = 0;
  }
  void forget(std::string_view /*part_of_blob*/) override {}
  Instant now() const override { return world_.now(); }
  UnixTime wall() const override { return host_.has_value() ? world_.wall(*host_) : UnixTime{}; }
  const Entropy& entropy() const override { return entropy_; }
  Storage* storage() override { return storage_; }

 private:
  const World& world_;
  std::optional<HostId> host_;
  Storage* storage_ = nullptr;
  std::vector<u8> region_;
  Entropy entropy_{};
};

}  // namespace samara::hal::sim
