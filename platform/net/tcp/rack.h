// Rack: when something is lost, by time (RFC 8985 section 6). A segment is lost when another one that was sent later has
// arrived, and so much time has passed since that reordering does not explain it. A segment that was sent again counts by its
// last time, so retransmissions that get lost are found like anything else.
//
// Its owner tells of each ACK: on_ack_begins(), on_delivered() for each piece that is newly known to have arrived, then
// on_ack_ends().
#pragma once

#include <algorithm>
#include <optional>

#include "platform/base/time.h"
#include "platform/net/tcp/seq_number.h"

namespace samara::net::tcp {

class Rack {
 public:
  // A piece of the stream that was sent at one moment.
  struct Piece {
    Instant sent;
    SeqNumber begin;
    SeqNumber end;
    bool again = false;  // not for the first time
  };

  void start(SeqNumber una) {
    *this = Rack();
    highest_ = una;
  }

  // ---- Getters
  // Section 6.2 step 5: `piece` was sent before something that has arrived.
  bool overtaken(Instant sent, SeqNumber end) const {
    return any_ && (sent < newest_ || (sent == newest_ && before(end, newest_end_)));
  }
  // When a piece that was sent at `sent` and overtaken is lost.
  Instant lost_at(Instant sent, Duration window) const { return sent + rtt_ + window; }
  // Section 6.2 step 4. `certain`: in recovery, or as much has arrived beyond a gap as RFC 5681 waits for.
  Duration reordering_window(bool certain, Duration smoothed) const {
    if (!reordering_ && certain) return {};
    return std::min(Duration::nanoseconds(min_rtt_.value_or(Duration()).nanoseconds() / 4 * window_factor_), smoothed);
  }

  // ---- Inputs
  // `echoed`: how long ago, in whole milliseconds, the timestamp that the ACK echoes was written. `duplicate`: it reports a
  // segment that came twice (RFC 2883).
  void on_ack_begins(Instant now, std::optional<Duration> echoed, bool duplicate, SeqNumber una, SeqNumber nxt);
  void on_delivered(const Piece& piece);
  // A recovery ended.
  void on_recovered() {
    if (patience_ == 0) return;
    --patience_;
    if (patience_ == 0) window_factor_ = 1;
  }

 private:
  static constexpr i64 patient_recoveries = 16;

  bool any_ = false;  // something has arrived: newest_ says what was sent last of it
  bool reordering_ = false;
  Instant newest_;
  SeqNumber newest_end_;
  Duration rtt_;
  std::optional<Duration> min_rtt_;
  SeqNumber highest_;         // that has arrived
  SeqNumber highest_before_;  // this ACK
  // Section 6.2 step 4: what was sent again for nothing widens the window, once a round trip, for 16 recoveries.
  i64 window_factor_ = 1;
  i64 patience_ = 0;
  std::optional<SeqNumber> widened_until_;
  Instant now_;
  std::optional<Duration> echoed_;
};

}  // namespace samara::net::tcp
