// Connection: the state machine of one TCP connection (RFC 9293 section 3.10), from SYN-SENT or SYN-RECEIVED to its end, and
// its timers. It has no table around it: what belongs to no connection (RST, SYN cookies, TIME-WAIT) is the machine's.
//
//   connection.cpp         opening, the user's commands, state and events
//   connection_input.cpp   segments that arrive (section 3.10.7)
//   connection_output.cpp  segments that go out, and the timers (section 3.10.8)
#pragma once

#include <algorithm>
#include <optional>

#include "platform/base/frame.h"
#include "platform/net/tcp/flow.h"
#include "platform/net/tcp/path_mtu.h"
#include "platform/net/tcp/receive_half.h"
#include "platform/net/tcp/reply_queue.h"
#include "platform/net/tcp/segment.h"
#include "platform/net/tcp/send_half.h"
#include "platform/net/tcp/syn_cookies.h"
#include "platform/net/tcp/tcp.h"
#include "platform/net/tcp/time_wait.h"

namespace samara::net::tcp {

// What all connections share.
struct Shared {
  const Capacity& capacity;
  BlockPool& blocks;
  BlockBudget& budget;
  Counters& counters;
  ReplyQueue& replies;
  bool checksum_offload = false;
  bool many_half_open = false;  // more than half of the places there are
};

// The moments at which something happens if nothing else does.
struct Timers {
  Instant retransmit = Instant::never();
  Instant persist = Instant::never();  // a window that is closed, or too small to be worth a segment
  Instant delayed_ack = Instant::never();
  Instant keep_alive = Instant::never();
  Instant linger = Instant::never();  // FIN-WAIT-2 of a connection nobody reads; TIME-WAIT

  Instant earliest() const { return std::min({retransmit, persist, delayed_ack, keep_alive, linger}); }
};

class Connection {
 public:
  static constexpr size_t rows_for(const Capacity& capacity) {
    return BlockRing::rows_for(capacity.send_limit) + BlockRing::rows_for(capacity.receive_limit);
  }
  // `rows`: as many as rows_for() says, for this connection alone.
  Connection(const Capacity& capacity, std::span<BlockRing::Row> rows)
      : send_(rows.first(BlockRing::rows_for(capacity.send_limit))),
        receive_(capacity.receive_limit, rows.subspan(BlockRing::rows_for(capacity.send_limit))) {}

  // ---- Opening. Everything left from the connection before is forgotten.
  struct Opening {
    Flow flow;
    SeqNumber iss;
    u32 ts_offset = 0;
    u16 link_mtu = 1500;  // of the interface: what we can receive
    u16 path_mtu = 1500;
    Options options;
    ListenerId listener;  // whose it is; a stale one: connect()'s
    u32 group = 0;        // of the peer's prefix (BlockBudget)
  };
  void open_active(Instant now, const Opening& opening, const Shared& shared);
  void open_passive(Instant now, const Opening& opening, const Segment& syn, const Shared& shared);
  // The peer's ACK brought a cookie back: the handshake is complete.
  void open_by_cookie(Instant now, const Opening& opening, const Segment& ack, const SynCookies::Agreed& agreed,
                      Shared& shared);

  // ---- Getters
  const Flow& flow() const { return flow_; }
  ListenerId listener() const { return listener_; }
  State state() const { return state_; }
  SeqNumber una() const { return send_.una(); }  // the peer has acknowledged what comes before
  bool half_open() const { return state_ == State::syn_received && passive_; }
  bool orphaned() const { return orphaned_; }  // the caller has let go of it
  bool sendable_state() const;
  u32 readable() const { return receive_.readable(); }
  u32 queued() const { return send_.queued(); }
  u32 group() const { return group_; }
  u32 lent() const { return receive_.lent() + send_.queue().lent(); }
  // Since when it has blocks of others and has not got on by one.
  Instant stuck_since() const { return stuck_since_; }
  bool at_end() const { return receive_.fin_received() && receive_.readable() == 0; }
  std::optional<u32> urgent_ahead() const { return receive_.urgent_ahead(); }
  Instant next_deadline() const { return finished_ ? Instant::never() : std::min(timers_.earliest(), send_.loss_deadline()); }
  u32 room(const Shared& shared) const;
  // Over, as far as the network is concerned.
  bool finished() const { return finished_; }
  // Over for the user too: nothing is left to read.
  bool told_all() const { return finished_ && (orphaned_ || error_ || !announced_ || readable() == 0); }
  // What has to be remembered of it, when it is over by way of TIME-WAIT.
  bool lingers() const { return state_ == State::time_wait && !finished_; }
  TimeWait time_wait() const;
  bool ack_due() const { return ack_due_; }
  u32 retries() const { return send_.retries(); }
  const Options& options() const { return options_; }
  bool wants_room() const { return wants_room_ && !finished_; }
  // `seq`, out of an ICMP error, is of something under way (RFC 5927 section 4.1).
  bool is_under_way(SeqNumber seq) const { return !before(seq, send_.una()) && before(seq, send_.nxt()); }

  // ---- Inputs
  // `may_establish`: a passive open may complete (its listener's backlog is not full).
  void on_segment(Instant now, const Segment& segment, bool may_establish, Shared& shared);
  void on_delivery_error(DeliveryError error, Shared& shared);
  void on_path_mtu(Instant now, u16 mtu);
  // True: R1 is reached with this one.
  bool on_deadline(Instant now, Shared& shared);
  void on_blocks_free(const Shared& shared);
  // After anything was done to it.
  void note_progress(Instant now) {
    const u32 done = receive_.consumed().value() + send_.una().value();
    if (lent() != 0 && done - progress_ < block_size) return;
    progress_ = done;
    stuck_since_ = now;
  }

  // ---- Commands
  Result<size_t, Error> send(Bytes octets, bool push, Shared& shared);
  Result<size_t, Error> receive(MutableBytes into, Shared& shared);
  Result<void, Error> shutdown();
  Result<void, Error> mark_urgent();
  void close(Instant now, Shared& shared);
  void abort(Instant now, Shared& shared);
  // What it holds is needed for others: RST, and the user hears that it timed out.
  void evict(Instant now, Shared& shared);
  void drop(std::optional<Error> error, Shared& shared);  // without a word to the peer
  void set_options(const Options& options);
  void finish_time_wait(Shared& shared) { finish(std::nullopt, shared); }

  // ---- Outputs
  std::optional<OutgoingPacket> poll(Instant now, FrameSlot& slot, Shared& shared);
  bool has_event() const { return events_ != 0 || (told_all() && announced_ && !closed_told_); }
  std::optional<Event> poll_event(ConnectionId self);
  // Nothing is left to tell; the entry can be used again.
  bool gone() const { return told_all() && (closed_told_ || !announced_); }

 private:
  using Bits = u16;
  static constexpr Bits bit(Event::Kind kind) { return static_cast<Bits>(1U << static_cast<u8>(kind)); }

  void reset(Instant now, const Opening& opening, const Shared& shared, u32 first_window);
  void tell(Event::Kind kind) {
    if (announced_ && !orphaned_) events_ |= bit(kind);
  }
  void take_syn_options(Instant now, const Segment& syn);
  void establish(Instant now, const Segment& segment);
  void finish(std::optional<Error> error, Shared& shared);
  void reset_peer(Instant now, SeqNumber seq, Shared& shared);
  void refuse(Instant now, const Segment& segment, Shared& shared);
  void challenge(Instant now, Shared& shared);
  void enter_time_wait(Instant now);
  void enter_fin_wait_2(Instant now);
  u32 window_of(const Segment& segment) const { return u32{segment.header.window} << send_scale_; }
  u32 payload_limit() const;
  BlockSource source(const Shared& shared) const { return {shared.blocks, shared.budget, group_}; }
  u32 ts_now(Instant now) const;
  void restart_keep_alive();

  // connection_input.cpp
  void on_segment_syn_sent(Instant now, const Segment& segment, Shared& shared);
  bool check_sequence(Instant now, Segment& segment, Shared& shared);
  bool check_reset(Instant now, const Segment& segment, Shared& shared);
  bool check_syn(Instant now, const Segment& segment, Shared& shared);
  bool check_ack(Instant now, const Segment& segment, bool may_establish, Shared& shared);
  void on_believed(Instant now, const Segment& segment);
  void on_ack(Instant now, const Segment& segment, Shared& shared);
  void on_text(Instant now, const Segment& segment, Shared& shared);
  void on_fin(Instant now);

  // connection_output.cpp
  SegmentHeader header(Instant now, u8 flags, size_t sack_room, const Shared& shared);
  OutgoingPacket write(FrameSlot& slot, const SegmentHeader& header, size_t payload, const Shared& shared);
  OutgoingPacket write_syn(Instant now, FrameSlot& slot, Shared& shared);
  std::optional<OutgoingPacket> write_data(Instant now, FrameSlot& slot, Shared& shared);
  OutgoingPacket write_ack(Instant now, FrameSlot& slot, Shared& shared);
  bool on_retransmission_timeout(Instant now, Shared& shared);
  void on_keep_alive(Instant now, Shared& shared);

  Flow flow_;
  ListenerId listener_;
  Options options_;
  State state_ = State::closed;
  bool passive_ = false;
  bool orphaned_ = false;
  bool finished_ = true;
  bool announced_ = false;  // the caller knows its id
  bool closed_told_ = true;
  std::optional<Error> error_;    // why it ended
  std::optional<Error> trouble_;  // the last soft error
  Bits events_ = 0;
  bool wants_room_ = false;  // send() took less than it was given

  SendHalf send_;
  ReceiveHalf receive_;
  PathMtu path_;
  u16 link_mtu_ = 1500;
  u16 peer_mss_ = 536;
  u8 send_scale_ = 0;
  bool timestamps_ = false;
  bool sack_ = false;
  bool scaled_ = false;
  u32 ts_offset_ = 0;
  u32 group_ = 0;
  u32 progress_ = 0;  // octets, either way
  Instant stuck_since_;

  Timers timers_;
  bool syn_due_ = false;
  bool ack_due_ = false;
  bool ack_wanted_ = false;  // delayed
  bool probe_due_ = false;
  bool keep_alive_due_ = false;
  bool force_ = false;
  Instant last_heard_;
  u32 keep_alives_ = 0;  // unanswered
  u32 challenges_ = 0;   // in the second that began at challenge_second_
  Instant challenge_second_;
  Instant resend_again_at_;  // because of a smaller path
  bool reported_r1_ = false;
};

// RFC 9293 section 3.8.3. R1 counts retransmissions, R2 is time; for a SYN at least three minutes (MUST-23).
constexpr u32 retries_r1 = 3;
constexpr Duration syn_timeout = Duration::seconds(180);
// A SYN's sender may be forged, and what is sent to it goes to a stranger. The answer is repeated five times, as other hosts do
// (after 1, 3, 7, 15 and 31 seconds), and given up after 63: a listener may give up sooner than who opens (RFC 9293 section
// 3.8.3).
constexpr u32 retries_passive = 5;
// While many connections are half open, most who ask never answer: an answer goes once for each SYN that comes, and is given up
// after 1, 2 and 4 seconds without ACK.
constexpr u32 retries_of_many = 2;
// How long a connection that nobody reads any more waits for the peer's FIN, and how long it keeps probing a closed window.
constexpr Duration orphan_timeout = Duration::seconds(60);
// MUST-40: less than 0.5 s.
constexpr Duration ack_delay = Duration::milliseconds(40);
// RFC 9293 section 3.8.6.2.1: 0.1 to 1 s.
constexpr Duration silly_window_override = Duration::milliseconds(200);
// Whatever the user asks for: a timer that is due again at once would never rest.
constexpr Duration min_keep_alive_interval = Duration::seconds(1);
// RFC 5961 section 7: more challenge ACKs than that serve an attacker. Counted per connection: a shared limit would tell
// others about this one.
constexpr u32 challenges_per_second = 10;

}  // namespace samara::net::tcp
