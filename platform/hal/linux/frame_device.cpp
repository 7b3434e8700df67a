#include "platform/hal/linux/frame_device.h"

#include "platform/hal/linux/tap_device.h"
#include "platform/hal/linux/xdp_device.h"

namespace samara::hal {

Result<std::vector<std::unique_ptr<FrameDevice>>, Refusal> open_frame_devices(const LinkPlan& plan, u32 workers) {
  std::vector<std::unique_ptr<FrameDevice>> devices;
  if (plan.kind == LinkPlan::Kind::xdp) return open_xdp_devices(plan, workers);
  // Connections and neighbours live in one stack; a tap device does not keep a client's frames together.
  if (workers != 1)
    return fail(Refusal(ExitCode::bad_data, "a tap device serves one worker, not ", workers, "; set workers: 1"));
  devices.push_back(TRY(TapDevice::open(plan.interface)));
  return devices;
}

}  // namespace samara::hal
