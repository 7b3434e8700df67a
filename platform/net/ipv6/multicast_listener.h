// MulticastListener: tells the routers of a link which groups this host listens to, by MLDv2 (RFC 3810 sections 5 to 8), or by
// MLDv1 (RFC 2710) while a router is there that knows no better. Groups are joined for all sources, EXCLUDE{} in the RFC's
// words.
//
//   Getters   next_deadline(), listens_to(), version()
//   Inputs    on_link_local(), on_link_up(), on_query(), on_report_v1(), on_deadline()
//   Commands  join(), leave()
//   Outputs   poll() until it yields nothing
//
// Order: any input or command, then poll(); on_deadline(now) when now >= next_deadline(), then poll(). `now` never goes back.
// Capacity: max_groups.
//
// Left out: source filters (nobody here asks for them), so ALLOW and BLOCK records are never sent.
#pragma once

#include <optional>
#include <variant>

#include "platform/base/ip_address.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/ipv6/addresses.h"
#include "platform/net/ipv6/bounded_list.h"
#include "platform/net/ipv6/listener_messages.h"

namespace samara::net::ipv6 {

struct SendListenerReport {
  IpAddress source;
  ListenerReport report;
};
// A version 1 report or done.
struct SendListenerMessageV1 {
  IpAddress source;
  MessageType type{};
  IpAddress group;
};
using ListenerOutput = std::variant<SendListenerReport, SendListenerMessageV1>;
std::optional<WrittenMessage> write(const ListenerOutput& output, MutableBytes out);

class MulticastListener {
 public:
  // One for all nodes, and the solicited-node groups of as many addresses as one interface has.
  static constexpr size_t max_groups = 36;

  // `rng` outlives it.
  explicit MulticastListener(Rng& rng) : rng_(rng) {}

  // ---- Getters
  Instant next_deadline() const;
  // Whether packets to `group` are for us. All nodes listen to all nodes (RFC 4291 section 2.8).
  bool listens_to(const IpAddress& group) const;
  u8 version() const { return version_1_until_ == Instant() ? 2 : 1; }

  // ---- Inputs
  // Our link-local address, once duplicate detection is through with it; nothing when there is none.
  void on_link_local(Instant now, const std::optional<IpAddress>& address);
  // The link was down and is up again: what forwards groups to us may be another switch, which is told at once.
  void on_link_up(Instant now);
  // One that parse_listener_query() let pass.
  void on_query(Instant now, const ListenerQuery& query);
  // Another host's.
  void on_report_v1(const IpAddress& group);
  void on_deadline(Instant now);

  // ---- Commands
  // Each join() needs its leave(). False: there is no room. Routers are told after `report_delay`.
  bool join(Instant now, const IpAddress& group, Duration report_delay = {});
  void leave(Instant now, const IpAddress& group);

  // ---- Outputs
  std::optional<ListenerOutput> poll(Instant now);

 private:
  struct Group {
    IpAddress group;
    u16 users = 0;        // 0: left, and the routers are still to be told
    u8 changes_left = 0;  // reports of having joined or left
    Instant change_at = Instant::never();
    Instant response_at = Instant::never();                    // to a query about this group
    Instant response_again_at;                                 // no sooner
    BoundedList<IpAddress, ListenerQuery::max_sources> asked;  // about these sources; empty: about all
    bool last_reporter = false;                                // version 1: nobody else has reported the group since
  };

  Group* find(const IpAddress& group);
  void announce(Instant at, Group& group);
  void announce_all(Instant now);
  void schedule_response(Instant now, const ListenerQuery& query, Group& group);
  void cancel_pending();
  Instant soon(Instant now, Duration at_most);
  IpAddress source() const { return link_local_.value_or(unspecified); }
  std::optional<ListenerOutput> poll_version_1(Instant now);
  std::optional<ListenerReport> changes_report(Instant now);
  std::optional<ListenerReport> general_response(Instant now);
  std::optional<ListenerReport> group_response(Instant now);

  Rng& rng_;
  std::optional<IpAddress> link_local_;
  BoundedList<Group, max_groups> groups_;
  Instant general_response_at_ = Instant::never();
  Instant general_again_at_;  // no sooner
  Instant version_1_until_;   // zero: version 2
  // RFC 3810 section 9, until a querier tells others.
  u8 robustness_ = 2;
  Duration query_interval_ = Duration::seconds(125);
};

}  // namespace samara::net::ipv6
