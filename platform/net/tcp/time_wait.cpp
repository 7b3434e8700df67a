#include "platform/net/tcp/time_wait.h"

#include "platform/net/tcp/isn.h"

namespace samara::net::tcp {

SegmentHeader TimeWaitTable::answer(Instant now, u32 entry) const {
  const TimeWait& wait = entries_[entry];
  SegmentHeader header;
  header.seq = wait.snd_nxt;
  header.ack = wait.rcv_nxt;
  header.flags = flag::ack;
  header.window = wait.window;
  if (wait.timestamps) header.options.timestamps = Timestamps{timestamp_clock(now) + wait.ts_offset, wait.ts_recent};
  return header;
}

}  // namespace samara::net::tcp
