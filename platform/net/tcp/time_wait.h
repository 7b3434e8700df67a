// TimeWaitTable: connections that linger for 2 MSL after they closed (RFC 9293 section 3.6.1, MUST-13), in a few words each.
// All linger equally long, so the order of coming is the order of going; when the table is full, the oldest goes first. RSTs
// are ignored (RFC 1337); a new SYN may take the place (RFC 6191, RFC 9293 MAY-2).
#pragma once

#include <vector>

#include "platform/base/time.h"
#include "platform/net/tcp/index_list.h"
#include "platform/net/tcp/reply_queue.h"

namespace samara::net::tcp {

// The maximum segment lifetime. RFC 9293 section 3.4.1 takes two minutes "as an engineering choice"; the common one today is
// thirty seconds.
constexpr Duration max_segment_lifetime = Duration::seconds(30);
constexpr Duration time_wait_period = max_segment_lifetime * 2;

struct TimeWait {
  SeqNumber snd_nxt;
  SeqNumber rcv_nxt;
  u16 window = 0;
  bool timestamps = false;
  u32 ts_recent = 0;
  u32 ts_offset = 0;
  u8 hop_limit = 64;
  u8 traffic_class = 0;
  Instant expires;
};

class TimeWaitTable {
 public:
  explicit TimeWaitTable(u32 capacity) : capacity_(capacity), order_(capacity), free_(capacity) { entries_.reserve(capacity); }

  // The first so many entries.
  u32 ever_used() const { return static_cast<u32>(entries_.size()); }
  bool full() const { return free_.empty() && ever_used() == capacity_; }
  u32 oldest() const { return order_.front(); }  // IndexList::none: there is none
  Instant next_deadline() const { return order_.empty() ? Instant::never() : entries_[order_.front()].expires; }
  const TimeWait& at(u32 entry) const { return entries_[entry]; }

  // Not when full(). `entry.expires` does not count.
  u32 add(Instant now, const TimeWait& entry) {
    const u32 index = free_.empty() ? ever_used() : free_.pop_front();
    if (index == ever_used()) entries_.emplace_back();
    entries_[index] = entry;
    restart(now, index);
    return index;
  }
  void remove(u32 entry) {
    order_.remove(entry);
    free_.push_back(entry);
  }

  enum class Verdict : u8 { ignore, answer, reopen };
  // What to do about a segment (RFC 9293 section 3.10.7.4 for TIME-WAIT). A FIN that comes again starts the period anew.
  Verdict on_segment(Instant now, u32 entry, const Segment& segment) {
    const TimeWait& wait = entries_[entry];
    if (segment.has(flag::rst)) return Verdict::ignore;
    const auto& timestamps = segment.header.options.timestamps;
    if (segment.has(flag::syn) && !segment.has(flag::ack)) {
      // RFC 6191 section 2: newer by its timestamp, or without timestamps by its sequence number.
      const bool newer_seq = after(segment.header.seq, wait.rcv_nxt);
      if (wait.timestamps && timestamps) {
        const i32 newer = static_cast<i32>(timestamps->value - wait.ts_recent);
        return newer > 0 || (newer == 0 && newer_seq) ? Verdict::reopen : Verdict::answer;
      }
      return newer_seq ? Verdict::reopen : Verdict::answer;
    }
    if (segment.has(flag::fin) && segment.header.seq + segment.length() == wait.rcv_nxt) restart(now, entry);
    // A bare ACK needs no answer, and answering could go on forever.
    return segment.length() != 0 ? Verdict::answer : Verdict::ignore;
  }
  SegmentHeader answer(Instant now, u32 entry) const;

 private:
  void restart(Instant now, u32 entry) {
    entries_[entry].expires = now + time_wait_period;
    order_.remove(entry);
    order_.push_back(entry);
  }
  const u32 capacity_;
  std::vector<TimeWait> entries_;
  IndexList order_;
  IndexList free_;
};

}  // namespace samara::net::tcp
