// Where an image's randomness comes from: the processor (RDSEED, RDRAND), a virtio entropy device and the seed in the boot
// configuration, mixed by the DRBG, so that the best of them decides. A machine without any is not started.
//
// A machine can be copied while it runs, and copies that know nothing new ask with the same numbers. So all generators of the
// image are stirred every few seconds, and at once when there is a sign that this may be a copy.
#pragma once

#include <memory>

#include "platform/base/result.h"
#include "platform/crypto/drbg.h"
#include "platform/hal/hal.h"
#include "platform/hal/virtio/entropy_device.h"
#include "platform/hal/virtio/transport.h"

namespace samara::hal {

struct EntropySources {
  bool processor = false;
  bool device = false;
  bool seed = false;
};

class EntropyPool {
 public:
  // `device` may be null, and outlives this; `seed` may be empty. Waits for the device only where the processor has no random
  // source.
  static Result<std::unique_ptr<EntropyPool>, Refusal> gather(virtio::Transport* device, Bytes seed, UnixTime wall);
  // Different each time.
  Entropy take();
  const EntropySources& sources() const { return sources_; }

  // From next_look() on. True: what on_copy() could not give is there.
  bool look(Instant now);
  Instant next_look() const { return next_look_; }
  // This may be one of several machines that were the same: stirs with what there is, and `sign`, which tells them apart. Where
  // that is worth little, look() says when the device has given something.
  void on_copy(Instant now, Bytes sign);

 private:
  explicit EntropyPool(std::span<const u8, crypto::Drbg::seed_size> first) : drbg_(first) {}
  bool stir(Instant now);
  bool stir_from_device();

  crypto::Drbg drbg_;
  EntropySources sources_;
  std::unique_ptr<virtio::EntropyDevice> device_;
  Instant stir_at_;
  Instant next_look_;
  bool device_awaited_ = false;  // since on_copy()
};

}  // namespace samara::hal
