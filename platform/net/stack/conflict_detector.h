// ConflictDetector: is an IPv4 address of ours really ours alone? RFC 5227 for one address: it is probed before it is used,
// announced when it is, and defended while it is. What to do when it is lost is for the owner to decide.
//
//   Inputs    on_arp(), on_deadline()
//   Commands  probe(), announce(), stop()
//   Outputs   poll_action() until it yields nothing, after any input or command
#pragma once

#include <optional>

#include "platform/base/ip_address.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/wire/arp.h"

namespace samara::net {

class ConflictDetector {
 public:
  struct Timing {
    Duration longest_wait;  // before the first probe, chosen at random
    u8 probes;
    Duration shortest_pause;  // between probes
    Duration longest_pause;
    Duration after_probes;  // silence that means the address is free
  };
  // RFC 5227 section 1.1.
  static constexpr Timing thorough{Duration::seconds(1), 3, Duration::seconds(1), Duration::seconds(2), Duration::seconds(2)};
  // For an address a DHCP server has just given, and has checked itself (RFC 2131 section 2.2): that section asks for a probe,
  // and the seconds of the full procedure are seconds without service.
  static constexpr Timing quick{Duration::milliseconds(50), 2, Duration::milliseconds(150), Duration::milliseconds(200),
                                Duration::milliseconds(250)};
  // What to do about a second conflict within defend_interval (section 2.4).
  enum class Policy : u8 {
    give_up,  // (b)
    hold,     // (c): an address that others know us by; it goes on being defended, at a bounded rate
  };
  enum class Action : u8 {
    send_probe,
    send_announcement,
    won,         // the address is free, and ours from now on
    lost,        // somebody else has it
    conflicted,  // somebody else uses it, and it is held
  };

  ConflictDetector(const IpAddress& address, const MacAddress& mac, Policy policy)
      : address_(address), mac_(mac), policy_(policy) {}

  const IpAddress& address() const { return address_; }
  Instant next_deadline() const { return deadline_; }
  // Waits for its turn to be probed again after it was lost, or is being probed.
  bool is_probing() const { return phase_ == Phase::probing; }

  void on_arp(Instant now, const ArpMessage& message);
  void on_deadline(Instant now, Rng& rng);
  void probe(Instant now, Rng& rng, const Timing& timing);
  void announce(Instant now);  // it is ours from now on
  void stop();
  std::optional<Action> poll_action();

 private:
  enum class Phase : u8 { idle, probing, ours };
  void add(Action action) { waiting_[waiting_count_++ % waiting_.size()] = action; }
  static Duration between(Duration low, Duration high, Rng& rng);

  IpAddress address_;
  MacAddress mac_;
  Policy policy_;
  Phase phase_ = Phase::idle;
  Timing timing_ = thorough;
  u8 sent_ = 0;  // probes, then announcements
  Instant deadline_ = Instant::never();
  std::optional<Instant> defended_at_;
  std::array<Action, 4> waiting_{};
  u8 waiting_count_ = 0;
  u8 taken_ = 0;
};

}  // namespace samara::net
