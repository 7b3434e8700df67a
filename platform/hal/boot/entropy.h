// Where an image's randomness comes from: the processor (RDSEED, RDRAND), a virtio entropy device and the seed in the boot
// configuration, mixed by the DRBG, so that the best of them decides. A machine without any is not started.
#pragma once

#include <memory>

#include "platform/base/result.h"
#include "platform/crypto/drbg.h"
#include "platform/hal/hal.h"
#include "platform/hal/virtio/transport.h"

namespace samara::hal {

struct EntropySources {
  bool processor = false;
  bool device = false;
  bool seed = false;
};

class EntropyPool {
 public:
  // `device` may be null, `seed` empty. Waits for the device only where the processor has no random source.
  static Result<std::unique_ptr<EntropyPool>, Refusal> gather(virtio::Transport* device, Bytes seed);
  // Different each time.
  Entropy take();
  const EntropySources& sources() const { return sources_; }

 private:
  explicit EntropyPool(std::span<const u8, crypto::Drbg::seed_size> first) : drbg_(first) {}
  crypto::Drbg drbg_;
  EntropySources sources_;
};

}  // namespace samara::hal
