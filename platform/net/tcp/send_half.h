// SendHalf: what one direction of a connection sends, and when (RFC 9293 section 3.8): the send sequence variables, the peer's
// window, Nagle's algorithm and silly window avoidance, and loss recovery: RFC 8985 (RACK-TLP) with selective acknowledgements,
// RFC 6582 (NewReno) without. Segments are cut out of the queue when they are sent, also when they are sent again, so a smaller
// path MTU changes nothing that is stored.
//
// The timers are the connection's; this says what happens when they expire. One moment is set here, loss_deadline(): when what
// was overtaken counts as lost, or when the end of the flight is probed because no acknowledgement comes.
#pragma once

#include <optional>

#include "platform/base/time.h"
#include "platform/net/tcp/congestion.h"
#include "platform/net/tcp/rack.h"
#include "platform/net/tcp/round_trip.h"
#include "platform/net/tcp/scoreboard.h"
#include "platform/net/tcp/send_queue.h"

namespace samara::net::tcp {

class SendHalf {
 public:
  explicit SendHalf(std::span<BlockRing::Row> rows) : queue_(rows) {}

  // A new connection whose SYN is `iss`.
  void open(SeqNumber iss);
  void on_syn_sent(Instant now);
  // The SYN is acknowledged: data may go. `mss`: octets of data in a full segment; `window`: the peer's.
  void start(Instant now, u32 mss, bool sack, bool syn_lost, SeqNumber segment_seq, SeqNumber segment_ack, u32 window);
  void set_mss(u32 mss) {
    mss_ = mss;
    congestion_.on_mss(mss);
  }
  void clear(const BlockSource& source) { queue_.clear(source); }

  // ---- Getters
  SeqNumber una() const { return una_; }
  SeqNumber nxt() const { return nxt_; }
  u32 flight() const { return octets_between(una_, nxt_); }
  u32 window() const { return window_; }
  u32 max_window() const { return max_window_; }
  u32 mss() const { return mss_; }
  u32 queued() const { return queue_.size(); }  // sent and unsent
  const SendQueue& queue() const { return queue_; }
  bool unsent() const { return after(data_end(), nxt_) || (fin_queued_ && !fin_sent_); }
  bool fin_queued() const { return fin_queued_; }
  bool fin_acked() const { return fin_acked_; }
  Duration timeout() const { return rtt_.timeout(); }
  u32 retries() const { return retries_; }  // timeouts in a row
  Instant stalled_since() const { return stalled_since_; }
  const Congestion& congestion() const { return congestion_; }
  const RoundTrip& round_trip() const { return rtt_; }
  Instant loss_deadline() const { return loss_deadline_; }

  // ---- Commands
  size_t append(const BlockSource& source, Bytes octets, bool push);
  void queue_fin() { fin_queued_ = true; }
  // What is queued so far is urgent (RFC 9293 section 3.8.5).
  void mark_urgent() {
    urgent_end_ = data_end();
    urgent_ = true;
  }

  // ---- Inputs
  struct Acknowledged {
    bool advanced = false;         // SND.UNA moved
    bool window_opened = false;    // it was 0
    bool fast_retransmit = false;  // a recovery begins
  };
  // An acceptable ACK (SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT). `window` is scaled. `echoed`: how long ago the timestamp
  // that it echoes was sent.
  Acknowledged on_ack(Instant now, const Segment& segment, u32 window, std::optional<Duration> echoed,
                      const BlockSource& source);
  // True: a recovery begins.
  bool on_loss_deadline(Instant now);
  // The retransmission timer of data expired (RFC 6298 section 5, RFC 8985 section 6.3).
  void on_timeout(Instant now);
  // The retransmission timer of a SYN, or of a probe of a closed window, expired.
  void on_probe_timeout(Instant now);
  // Everything under way was too large for the path: it is cut anew and sent again.
  void on_smaller_path();

  // ---- Outputs
  struct Cut {
    SeqNumber seq;
    u32 length = 0;
    bool fin = false;
    bool push = false;
    bool tail_probe = false;  // RFC 8985 section 7.3
  };
  // What to send now, in a segment with room for `room` octets. `force`: also when silly window avoidance would wait.
  std::optional<Cut> next(Instant now, u32 room, bool no_delay, bool force);
  // One octet (or the FIN) beyond a closed window (RFC 9293 section 3.8.6.1).
  std::optional<Cut> probe() const;
  // The urgent pointer of a segment that begins at `seq`; nothing: none (RFC 6093, MUST-62).
  std::optional<u16> urgent_pointer(SeqNumber seq) const;
  void read(const BlockPool& pool, const Cut& cut, MutableBytes into) const {
    queue_.read(pool, octets_between(una_, cut.seq), into);
  }
  // True: at least part of it was sent before.
  bool on_sent(Instant now, const Cut& cut);

 private:
  enum class Mode : u8 { open, recovery, loss };  // loss: after a timeout

  // The SYN, as long as it is not acknowledged, stands in front of the queue.
  SeqNumber data_start() const { return syn_acked_ ? una_ : una_ + 1; }
  SeqNumber data_end() const { return data_start() + queue_.size(); }
  u32 pipe() const;
  std::optional<Cut> lost_data(u32 room, u32 allowed) const;
  std::optional<Cut> new_data(u32 room, u32 allowed, bool no_delay, bool force) const;
  std::optional<Cut> tail_probe(u32 room) const;
  Cut cut_from(SeqNumber seq, u32 length, bool may_fin) const;
  u32 on_advance(Instant now, SeqNumber ack, std::optional<Duration> echoed, const BlockSource& source);
  void on_tail_probe_ack(const Segment& segment, bool duplicate_report);
  bool on_duplicate();
  bool find_lost(Instant now);
  void begin_recovery();
  void resend_all();
  void await_tail(Instant now);
  void stop_awaiting() {
    loss_deadline_ = Instant::never();
    awaits_tail_ = false;
  }

  SendQueue queue_;
  SeqNumber una_;
  SeqNumber nxt_;
  SeqNumber window_seq_;  // SND.WL1
  SeqNumber window_ack_;  // SND.WL2
  u32 window_ = 0;
  u32 max_window_ = 0;
  u32 mss_ = 536;
  SeqNumber push_end_;
  SeqNumber urgent_end_;
  bool urgent_ = false;
  bool syn_acked_ = false;
  bool fin_queued_ = false;
  bool fin_sent_ = false;
  bool fin_acked_ = false;
  bool sack_ = false;

  Mode mode_ = Mode::open;
  bool resend_now_ = false;  // the first segment of a recovery goes whatever the window says
  u32 duplicates_ = 0;
  SeqNumber recover_;  // recovery ends when this is acknowledged
  bool recover_known_ = false;
  Scoreboard board_;
  Rack rack_;
  Instant loss_deadline_ = Instant::never();
  bool awaits_tail_ = false;  // what loss_deadline_ is about
  bool tail_probe_due_ = false;
  u32 tail_probes_ = 0;              // since something arrived
  std::optional<SeqNumber> probed_;  // SND.NXT at the last tail probe (TLP.end_seq), until it is answered
  bool probed_again_ = false;        // it was a retransmission
  Congestion congestion_;
  RoundTrip rtt_;
  u32 retries_ = 0;
  Instant stalled_since_;
  Instant timed_out_at_;  // the last time, if retries_ is not 0
  Instant last_sent_;
  bool timing_ = false;  // one segment at a time, sent once (Karn)
  SeqNumber timed_end_;
  Instant timed_at_;
};

}  // namespace samara::net::tcp
