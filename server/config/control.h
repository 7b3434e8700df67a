// A supervisor may ask a running image for these things over its control stream, and the answers mean this. The frames that
// carry both belong to the machine (platform/hal); kinds and payloads belong to the role.
#pragma once

#include "platform/base/types.h"

namespace samara::server {

enum class ControlKind : u32 {
  // The payload is a new boot configuration with its zone texts. Zones that are good replace the ones in service, those that
  // are not leave theirs as they are. Reply: status 0 when everything asked for is in service, else an exit code's number; the
  // payload is text for a person, one line for each thing to say.
  reload = 1,
  // Only a secondary knows this one. The payload is the name of a zone it follows, in wire form. The zone is taken whole from
  // its primaries, soon,
  // whatever its serial; what is served stays until it has come. Reply: status 0 when it is asked for, else as above.
  retransfer = 2,
};

}  // namespace samara::server
