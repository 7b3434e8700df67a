// SYN cookies (RFC 4987 section 3.6): when too many connections are half open, the state of a new one travels in the sequence
// number of our SYN,ACK and comes back in the peer's ACK.
//
//   31    27 26  24 23                     0
//   [minute ] [MSS ] [ keyed hash          ]     window scale and SACK: the low six bits of the timestamp, if the peer has them
//
// A guess is right once in 2^24, and only for two minutes after a cookie was really sent.
#pragma once

#include "platform/base/time.h"
#include "platform/net/tcp/flow.h"
#include "platform/net/tcp/segment.h"

namespace samara::net::tcp {

class SynCookies {
 public:
  explicit SynCookies(Rng& rng) : hash_(rng) {}

  // What survives of the peer's SYN options. Without timestamps: the MSS, rounded down to the table's.
  struct Agreed {
    u16 mss = 0;
    std::optional<u8> window_scale;
    bool sack_permitted = false;
    bool timestamps = false;
  };
  struct Cookie {
    SeqNumber seq;
    u32 timestamp = 0;  // to send, when the peer has timestamps
    Agreed agreed;
  };
  // `clock`: this flow's timestamp now.
  Cookie make(Instant now, const Flow& flow, const Segment& syn, u32 clock, u16 default_mss);
  // Whether `ack`, the first segment of the connection we see, brings a cookie of ours back.
  std::optional<Agreed> check(Instant now, const Flow& flow, const Segment& ack) const;

 private:
  static constexpr i64 period_seconds = 64;
  static constexpr u32 periods = 2;
  u32 hash(const Flow& flow, SeqNumber peer_isn, u32 period, u32 mss_index, u8 carried) const;
  FlowHash hash_;
  Instant valid_until_;  // no cookie was sent that is still good after this
};

}  // namespace samara::net::tcp
