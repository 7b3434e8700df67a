// Scoreboard: which octets between SND.UNA and SND.NXT have arrived, are lost, or were sent again (RFC 6675 section 4). Without
// selective acknowledgements, duplicate ones stand for a segment each (RFC 6582).
//
// Loss grows from below: what is lost ends at one sequence number (everything unreported before it is lost), and so does what
// was sent again.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "platform/net/tcp/segment.h"
#include "platform/net/tcp/seq_number.h"

namespace samara::net::tcp {

class Scoreboard {
 public:
  static constexpr u32 duplicate_threshold = 3;  // DupThresh
  // More gaps than that are not remembered: they are then taken for lost, and sent once more than needed.
  static constexpr size_t max_ranges = 64;

  void reset(SeqNumber una) { *this = Scoreboard(una); }
  Scoreboard() = default;

  // What the peer reports beyond gaps. True: something of it is new. Blocks outside [una, nxt] are not believed.
  bool on_sack(std::span<const SackBlock> blocks, SeqNumber una, SeqNumber nxt);
  // SND.UNA has moved on to `una`.
  void on_advance(SeqNumber una);
  // IsLost() of RFC 6675 for everything, after reports have come in.
  void find_lost(u32 mss);
  void set_lost_before(SeqNumber end) { lost_before_ = later(lost_before_, end); }
  // All is lost and is to be sent again, what was sent again too (timeout; a smaller path MTU).
  void restart(SeqNumber una, SeqNumber nxt) {
    lost_before_ = nxt;
    resent_before_ = una;
  }
  // Recovery begins: nothing was sent again in it.
  void begin_recovery(SeqNumber una) { resent_before_ = una; }
  void on_resent(SeqNumber end) { resent_before_ = later(resent_before_, end); }
  void forget_reports() { range_count_ = 0; }

  bool any_reported() const { return range_count_ != 0; }
  SeqNumber lost_before() const { return lost_before_; }
  SeqNumber highest_reported() const { return ranges_[range_count_ - 1].end; }

  // Octets thought to be in the network (SetPipe).
  u32 pipe(SeqNumber una, SeqNumber nxt) const;
  // A gap to send again: not reported, not resent, before `limit`. It ends where the next report begins, or at `nxt`.
  struct Gap {
    SeqNumber begin;
    SeqNumber end;
    bool bounded;  // by a report
  };
  std::optional<Gap> next_gap(SeqNumber una, SeqNumber nxt, SeqNumber limit) const;

 private:
  explicit Scoreboard(SeqNumber una) : lost_before_(una), resent_before_(una) {}
  bool add(SackBlock block);

  std::array<SackBlock, max_ranges> ranges_{};  // in order, disjoint, not touching
  size_t range_count_ = 0;
  SeqNumber lost_before_;
  SeqNumber resent_before_;
};

}  // namespace samara::net::tcp
