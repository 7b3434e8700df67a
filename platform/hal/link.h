// Link: a network card as the loop over the in-tree stack sees it, frames in, frames out; and FrameHandler: that loop as the
// target sees it. The target waits, reads the clock and calls turn(); the handler takes what came in and gives what goes out.
//
//   one turn:  receive() a burst -> answers into take_slot(), transmit() each -> flush(), one doorbell -> release() the burst
#pragma once

#include <array>
#include <optional>
#include <span>

#include "platform/base/frame.h"
#include "platform/base/text_writer.h"
#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::hal {

class Mailbox;

constexpr size_t frame_burst = 64;  // frames of one receive(), and of one turn

struct LinkDescription {
  std::array<u8, 6> mac{};
  u16 mtu = 1500;                  // octets of an IP packet
  bool transmit_checksum = false;  // finishes what FrameSlot::request_checksum() asks
  // The target's kernel owns the link: only packets for what we serve arrive, and answers go back to the link-layer address
  // they came from (AF_XDP).
  bool shared_with_kernel = false;
};

class Link {
 public:
  virtual const LinkDescription& description() const = 0;
  // Up to burst.size() frames that came in, in order; how many. They live, and may be written to, until release().
  virtual size_t receive(std::span<ReceivedFrame> burst) = 0;
  // Gives all frames of the last receive() back to the card.
  virtual void release() = 0;
  // Memory for one frame to send, with at least runtime::min_reply_room octets behind the headroom; nothing when everything is
  // still under way. A slot that is not transmitted is given back by drop().
  virtual std::optional<FrameSlot> take_slot() = 0;
  virtual void drop(const FrameSlot& slot) = 0;
  // Puts the slot's frame into the transmit queue. Nothing is sent before flush() at the latest.
  virtual void transmit(const FrameSlot& slot) = 0;
  virtual void flush() = 0;
  // So few slots are free that a burst could not be answered: what comes in is better left where it is. The target calls turn()
  // again when the card has sent something.
  virtual bool congested() = 0;

 protected:
  ~Link() = default;
};

class FrameHandler {
 public:
  // Once, first: takes all the memory it will ever need.
  virtual void prepare(const LinkDescription& link) = 0;
  // Once, before the first turn.
  virtual void start(Instant now, UnixTime wall, Link& link) = 0;
  // Takes frames until the link has no more or a burst is done; true: there may be more, call again without waiting.
  virtual bool turn(Instant now, UnixTime wall, Link& link) = 0;
  // The card's link is down, or is up again; one that was up at the start is not told. turn() follows.
  virtual void on_link_change(Instant /*now*/, bool /*up*/) {}
  // The machine stood still, for as long as instants have just gone on at once: it may have been moved. turn() follows.
  virtual void on_gap(Instant /*now*/) {}
  // When turn() is wanted even if no frame comes.
  virtual Instant next_deadline() const = 0;
  // Serve `root` of `generation` from now on (hal.h, Publication); before the first turn for the first one.
  virtual void on_publication(Instant now, u64 generation, u64 root) = 0;
  virtual u64 oldest_generation() const = 0;
  // Whether it takes messages from the loader and sends some. Then it is told, before the first turn, where they come in and go
  // out within turn() (mailbox.h).
  virtual bool has_messages() const { return false; }
  virtual void use_mailbox(Mailbox& /*mailbox*/) {}
  // A line for the person who waits, "192.0.2.1:53": an endpoint that is answered from now on. False: nothing new.
  virtual bool poll_ready(TextWriter& out) = 0;
  // Why nothing can be served, found out after the start (no address from DHCP, a duplicate one). False: nothing is wrong.
  virtual bool poll_trouble(TextWriter& out) = 0;
  // Between two turns: somebody else may have a copy of this machine, so what nobody is to foresee is drawn anew from
  // generators that have been stirred. What is under way with others goes on where it can.
  virtual void renew_secrets() {}
  // Once, last, where the end is an orderly one: sends what is to be said before it (a lease given back, streams ended).
  virtual void stop(Instant, Link&) {}

 protected:
  ~FrameHandler() = default;
};

}  // namespace samara::hal
