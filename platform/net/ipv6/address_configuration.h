// AddressConfiguration: the IPv6 addresses of one interface. It makes the link-local address and those of advertised prefixes
// (RFC 4862 section 5.5) with stable opaque identifiers (RFC 7217), asks whether anybody else has an address before it is used
// (RFC 4862 section 5.4, with the nonce of RFC 7527), and lets addresses grow old.
//
//   Getters   next_deadline(), for_each_address(), link_local(), is_tentative(), is_assigned(), answer(), loopbacks()
//   Inputs    start(), on_link_up(), on_prefix(), on_solicitation(), on_advertisement(), on_deadline()
//   Commands  add_configured(), set_retransmit_timer()
//   Outputs   poll() until it yields nothing
//
// Order: start() first; any input or command, then poll(); on_deadline(now) when now >= next_deadline(). `now` never goes back.
// Capacities: max_configured and max_advertised addresses; who gives way among the advertised is in fair_share.h.
//
// Left out: addresses that change with time (RFC 8981), which a server does not want, and optimistic detection (RFC 4429).
#pragma once

#include <optional>
#include <variant>

#include "platform/base/ip_address.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/crypto/secret.h"
#include "platform/net/ipv6/addresses.h"
#include "platform/net/ipv6/bounded_list.h"
#include "platform/net/ipv6/neighbor_discovery.h"

namespace samara::net::ipv6 {

struct LocalAddress {
  enum class Origin : u8 { link_local, configured, advertised };
  enum class Condition : u8 {
    tentative,   // not ours to use yet
    preferred,   // for all uses
    deprecated,  // for what uses it already
    duplicate,   // somebody else has it; not ours to use
  };
  IpAddress address;
  u8 prefix_length = 0;
  Origin origin = Origin::link_local;
  Condition condition = Condition::tentative;
  Instant preferred_until = Instant::never();
  Instant valid_until = Instant::never();
  bool assigned() const { return condition == Condition::preferred || condition == Condition::deprecated; }
};

// Outputs.
struct AddressUp {
  IpAddress address;
};
struct AddressDown {  // of one that was up: its time is over, or another prefix took its place
  IpAddress address;
};
// Somebody else has the address. Where it was made up, another is tried; otherwise the same one after a minute.
struct AddressDuplicate {
  IpAddress address;
  bool another_follows = false;
};
struct JoinGroup {
  IpAddress group;
  Duration report_delay;  // listen at once, report after this (RFC 4862 section 5.4.2)
};
struct LeaveGroup {
  IpAddress group;
};
using AddressOutput = std::variant<JoinGroup, SendNeighborSolicitation, SendNeighborAdvertisement, AddressUp, AddressDown,
                                   AddressDuplicate, LeaveGroup>;

class AddressConfiguration {
 public:
  static constexpr size_t max_configured = 16;
  static constexpr size_t max_advertised = 16;

  struct Config {
    MacAddress mac;
    Bytes secret;                // of RFC 7217; at least 16 octets, the same after each start for the same addresses
    Bytes network;               // identifies the network where that is known; may be empty
    u8 detection_transmits = 1;  // DupAddrDetectTransmits: 0 switches detection off; at most 8
  };
  // `rng` outlives it; of `config` copies are kept.
  AddressConfiguration(const Config& config, Rng& rng);

  // ---- Getters
  Instant next_deadline() const;
  // f(const LocalAddress&), the duplicate and tentative ones included.
  template <class F>
  void for_each_address(F&& f) const {
    for (const Entry& entry : entries_) {
      if (!entry.gone) f(entry.local);
    }
  }
  // The address others may be told of; nothing while it is tentative.
  std::optional<IpAddress> link_local() const;
  bool is_tentative(const IpAddress& address) const;
  bool is_assigned(const IpAddress& address) const;
  // What `solicitation`, which came from `source`, is answered with (RFC 4861 section 7.2.4); nothing when it asks for an
  // address that is not assigned to us.
  std::optional<SendNeighborAdvertisement> answer(const IpAddress& source, const NeighborSolicitation& solicitation) const;
  // Own solicitations that came back to us.
  u64 loopbacks() const { return loopbacks_; }
  // Advertised prefixes that found no room.
  u64 turned_away() const { return turned_away_; }

  // ---- Inputs
  // Makes the link-local address.
  void start(Instant now);
  // The link was down and is up again: neighbours are told of what is ours (RFC 4861 section 7.2.6), detection begins anew.
  void on_link_up(Instant now);
  // A prefix from a router's advertisement.
  void on_prefix(Instant now, const IpAddress& router, const PrefixInformation& prefix);
  // Solicitations and advertisements that parse_neighbor_discovery() let pass.
  void on_solicitation(Instant now, const IpAddress& source, const NeighborSolicitation& solicitation);
  void on_advertisement(Instant now, const NeighborAdvertisement& advertisement);
  void on_deadline(Instant now);

  // ---- Commands
  // An address from the configuration. False: there is no room, it is there already, or no node can have it.
  bool add_configured(Instant now, const IpAddress& address, u8 prefix_length);
  // Between two solicitations (RFC 4861 section 6.3.2).
  void set_retransmit_timer(Duration timer) { retransmit_timer_ = timer; }

  // ---- Outputs
  std::optional<AddressOutput> poll();

 private:
  static constexpr u8 max_transmits = 8;
  // Those that are there, and as many again that are gone but for their last outputs.
  static constexpr size_t capacity = 2 * (1 + max_configured + max_advertised);

  struct Entry {
    LocalAddress local;
    IpAddress router;  // who advertised the prefix, and when it did last
    Instant heard;
    u8 dad_counter = 0;
    u8 transmits_left = 0;  // solicitations while tentative, then unsolicited advertisements
    bool joined = false;    // the solicited-node group
    bool was_up = false;
    bool gone = false;  // once its outputs are out
    bool probing_loop = false;
    bool another_follows = false;
    Instant next_step = Instant::never();  // of the detection
    Duration report_delay;
    BoundedList<Nonce, max_transmits> nonces;
    // Outputs still to be given.
    bool join_due = false, solicit_due = false, up_due = false, down_due = false, duplicate_due = false, leave_due = false;
    bool advertise_due = false;
  };

  Entry* add(Instant now, const LocalAddress& local, Duration wait);
  bool add_generated(Instant now, const LocalAddress& like, const IpAddress& prefix, u8 dad_counter, Duration wait);
  bool make_room_for_advertised(Instant now, const IpAddress& router);
  void begin_detection(Instant now, Entry& entry, Duration wait);
  SendNeighborAdvertisement advertisement(const IpAddress& address) const;
  void assign(Instant now, Entry& entry);
  void retire(Entry& entry);
  void on_duplicate(Instant now, Entry& entry);
  static void set_lifetimes(Instant now, Entry& entry, const PrefixInformation& prefix);
  static void settle_condition(Instant now, Entry& entry);
  Entry* find_tentative(const IpAddress& address);

  MacAddress mac_;
  crypto::SecretBytes secret_;
  crypto::SecretBytes network_;
  u8 detection_transmits_;
  Rng& rng_;
  Duration retransmit_timer_ = Duration::milliseconds(1000);  // RFC 4861 section 10
  BoundedList<Entry, capacity> entries_;
  u64 loopbacks_ = 0;
  u64 turned_away_ = 0;
};

}  // namespace samara::net::ipv6
