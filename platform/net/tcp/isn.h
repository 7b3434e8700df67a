// Initial sequence numbers (RFC 6528, RFC 9293 section 3.4.1) and the offsets of timestamp clocks (RFC 7323 section 5.4): a
// clock plus a keyed hash of the flow. For one flow they grow with time; between flows they tell nothing.
#pragma once

#include "platform/base/time.h"
#include "platform/net/tcp/flow.h"
#include "platform/net/tcp/seq_number.h"

namespace samara::net::tcp {

class InitialNumbers {
 public:
  explicit InitialNumbers(Rng& rng) : sequence_(rng), timestamp_(rng) {}

  // RFC 6528 section 3: M ticks every 4 microseconds.
  SeqNumber sequence(Instant now, const Flow& flow) const {
    return SeqNumber(static_cast<u32>(sequence_.of(flow)) + static_cast<u32>(now.since_boot().nanoseconds() / 4'000));
  }
  u32 timestamp_offset(const Flow& flow) const { return static_cast<u32>(timestamp_.of(flow)); }

 private:
  FlowHash sequence_;
  FlowHash timestamp_;
};

// RFC 7323 section 5.4: the timestamp clock ticks every millisecond.
inline u32 timestamp_clock(Instant now) {
  return static_cast<u32>(now.since_boot().milliseconds());
}

}  // namespace samara::net::tcp
