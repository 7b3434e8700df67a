// The loop of a worker over frames: waits for its device or for the loader, reads the clock, and lets the handler take a turn.
#pragma once

#include "platform/base/result.h"
#include "platform/hal/hal.h"
#include "platform/hal/linux/frame_device.h"
#include "platform/hal/linux/shared_state.h"
#include "platform/hal/mailbox.h"

namespace samara::hal {

// Confines the process; then serves until the control page says stop (good), or until the handler cannot serve (unavailable,
// with a line in the log). `wake`: an event descriptor the loader writes to. `mailbox`: where the handler has messages.
// Announces endpoints as `ready ADDRESS:PORT` on standard output.
Result<ExitCode, Refusal> run_frame_worker(FrameDevice& device, int wake, FrameHandler& handler, ControlPage& control,
                                           u32 worker, Mailbox* mailbox);

}  // namespace samara::hal
