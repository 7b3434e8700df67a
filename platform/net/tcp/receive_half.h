// ReceiveHalf: what one direction of a connection receives: the receive sequence variables, the window offered with silly
// window avoidance (RFC 9293 section 3.8.6.2.2), when to acknowledge (section 3.8.6.3), selective acknowledgements (RFC 2018),
// the peer's timestamps (RFC 7323 section 5) and its urgent pointer (RFC 6093).
#pragma once

#include <algorithm>
#include <optional>

#include "platform/base/time.h"
#include "platform/net/tcp/block_budget.h"
#include "platform/net/tcp/receive_queue.h"
#include "platform/net/tcp/segment.h"

namespace samara::net::tcp {

class ReceiveHalf {
 public:
  ReceiveHalf(u32 limit, std::span<BlockRing::Row> rows) : queue_(rows), limit_(limit) {}

  // A new connection whose peer has not been heard of, which is offered a window of `first_window` octets to begin with.
  void open(u32 first_window);
  // The peer's SYN.
  void start(SeqNumber irs);
  void clear(const BlockSource& source) {
    end(source);
    queue_.clear(source.pool);
    settle(source);
  }
  // Nothing more will come.
  void end(const BlockSource& source) {
    right_ = nxt_;
    queue_.forget_ranges(source.pool);
    settle(source);
  }

  // ---- Getters
  SeqNumber irs() const { return irs_; }
  SeqNumber nxt() const { return nxt_; }
  SeqNumber consumed() const { return consumed_; }
  u32 lent() const { return lent_; }
  u32 window() const { return octets_between(nxt_, right_); }
  u32 readable() const { return queue_.readable(); }
  bool fin_received() const { return fin_received_; }  // and everything before it
  bool has_gaps() const { return queue_.has_gaps(); }
  // RFC 9293 section 3.4, the four cases.
  bool acceptable(SeqNumber seq, u32 length) const;
  u32 ts_recent() const { return ts_recent_; }
  // How far behind the last octet taken the urgent data end.
  std::optional<u32> urgent_ahead() const;
  u8 scale() const { return scale_; }
  // The shift we offer, so that 16 bits can say the whole limit.
  static constexpr u8 scale_for(u32 limit) {
    u8 scale = 0;
    while (scale < max_window_scale && (u32{0xffff} << scale) < limit) ++scale;
    return scale;
  }

  // ---- Inputs
  void set_scale(u8 scale) { scale_ = scale; }
  // RFC 7323 section 5.3 R1: false: an old duplicate (PAWS).
  bool timestamp_fresh(Instant now, u32 value) const;
  // RFC 7323 section 4.3: TS.Recent follows the segment that the next acknowledgement is about.
  void on_timestamp(Instant now, SeqNumber seq, u32 value);
  struct Taken {
    u32 advanced = 0;          // octets that became readable
    bool fin = false;          // the FIN's turn has come
    bool acknowledge = false;  // now, and not later
    bool out_of_order = false;
    bool duplicate = false;
    bool no_memory = false;
  };
  // The octets and the FIN of a segment that is acceptable.
  Taken on_text(const Segment& segment, SeqNumber seq, const BlockSource& source);
  bool on_urgent(SeqNumber seq, u16 pointer);  // true: news

  // ---- Commands
  // True: the peer should hear of the room.
  bool read(const BlockSource& source, MutableBytes into, size_t& count);
  void discard(const BlockSource& source) {
    consumed_ = consumed_ + queue_.readable();
    queue_.discard_readable(source.pool);
    settle(source);
  }

  // ---- Outputs
  // The window field of the next segment, unscaled in a SYN. From now on the peer may fill what it says.
  u16 offer_window(const BlockSource& source, bool in_syn);
  // SACK blocks for at most `room` octets of option; none without gaps.
  void write_sack(SegmentOptions& options, size_t room) const;
  // A segment that acknowledges everything goes out.
  void on_ack_sent() {
    last_ack_sent_ = nxt_;
    unacknowledged_ = 0;
  }

 private:
  u32 target_window(const BlockSource& source) const;
  u32 affordable(const BlockSource& source) const;
  // The least by which the right edge moves, out of a window of `target` octets (MUST-39).
  u32 worthwhile(u32 target, u32 segments) const {
    return std::min((target + queue_.readable()) / 2, segments * segment_size_);
  }
  void settle(const BlockSource& source);

  ReceiveQueue queue_;
  u32 limit_;
  u32 lent_ = 0;  // of the blocks that the queue holds and the window needs
  SeqNumber irs_;
  SeqNumber nxt_;
  SeqNumber right_;     // the right edge of the window as the peer knows it; never moves back (SHLD-14)
  SeqNumber consumed_;  // the next octet the application takes
  SeqNumber last_ack_sent_;
  std::optional<SeqNumber> fin_at_;
  bool fin_received_ = false;
  u8 scale_ = 0;
  u32 wanted_ = 0;          // what the peer seems to need: the first window, doubled as long as it is used up, up to limit_
  SeqNumber doubled_at_;    // right_ when wanted_ was doubled last
  u32 segment_size_ = 0;    // the largest the peer has sent
  u32 unacknowledged_ = 0;  // octets in order since the last acknowledgement
  u32 ts_recent_ = 0;
  Instant ts_recent_at_;
  SeqNumber urgent_end_;
  bool urgent_ = false;
};

}  // namespace samara::net::tcp
