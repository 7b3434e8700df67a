// FrameDevice: a Link of the Linux target. Made with the privileges the image was started with, used by one worker behind its
// system call filter.
#pragma once

#include <memory>
#include <span>

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/link.h"
#include "platform/hal/linux/system_calls.h"

namespace samara::hal {

class FrameDevice : public Link {
 public:
  virtual ~FrameDevice() = default;
  // Readable when frames came in.
  virtual int descriptor() const = 0;
  // After flush(): frames are left that the kernel could not take. It is asked again by flush() when descriptor() is writable.
  virtual bool unsent() const { return false; }
  // All that its worker needs.
  virtual std::span<const AllowedCall> system_calls() const = 0;
};

// One device for each worker of the plan. Fails with unavailable or no_permission and what to do about it.
Result<std::vector<std::unique_ptr<FrameDevice>>, Refusal> open_frame_devices(const LinkPlan& plan, u32 workers);

}  // namespace samara::hal
