#include "platform/hal/virtio/transport.h"

namespace samara::hal::virtio {

// Section 3.1.1.
Result<u64, OpenError> open_device(Transport& device, u64 wanted) {
  device.set_status(0);
  device.set_status(status::acknowledge);
  device.set_status(status::acknowledge | status::driver);
  const u64 offered = device.device_features();
  if ((offered & feature_version_1) == 0) {
    device.set_status(status::failed);
    return fail(OpenError::legacy);
  }
  // ACCESS_PLATFORM only says that addresses may mean something else; here they mean physical memory.
  const u64 agreed = offered & (wanted | feature_version_1 | feature_access_platform);
  device.set_driver_features(agreed);
  device.set_status(status::acknowledge | status::driver | status::features_ok);
  if ((device.status() & status::features_ok) == 0) {
    device.set_status(status::failed);
    return fail(OpenError::features);
  }
  return agreed;
}

void start_device(Transport& device) {
  device.set_status(status::acknowledge | status::driver | status::features_ok | status::driver_ok);
}

}  // namespace samara::hal::virtio
