// NeighborCache: who on the link has which address, for ARP and for neighbour discovery alike, with the states and the
// unreachability detection of RFC 4861 sections 7.2 and 7.3 (RFC 1122 section 2.3.2.1 asks the same of ARP in other words).
// It knows neither message format: it says when a question is due, and is told what was heard.
//
//   Getters    find(), next_deadline(), …
//   Inputs     on_solicitation(), on_advertisement(), on_confirmation(), on_suspicion(), on_deadline()
//   Commands   resolve(), forget(), mark_router()
//   Outputs    poll_question(), poll_released(), poll_unreachable() until they yield nothing, after any input
//
// Bounds: entries are made by what we send and by questions about our own addresses only, never by unasked statements. When the
// table is full the entry least recently used goes; those still without an answer may hold a quarter of it and displace only
// each other, so that a sweep over unused addresses costs the neighbours that exist nothing (RFC 6583).
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/meter.h"
#include "platform/base/plain_vector.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/wire/address_hash.h"
#include "platform/net/wire/mac_address.h"

namespace samara::net {

// A packet that waits for its neighbour, kept by the owner of the cache.
using WaitingPacket = Strong<struct WaitingPacketTag, u16>;

enum class NeighborState : u8 { incomplete, reachable, stale, delay, probe };

struct NeighborLimits {
  u32 entries = 1024;
  u32 waiting_packets = 64;  // of all neighbours together
};
constexpr u32 max_waiting_per_neighbor = 4;  // RFC 4861 section 7.2.2: a small queue, the newest displace the oldest

struct NeighborTimers {
  Duration reachable = Duration::seconds(30);  // RFC 4861 section 10
  Duration retransmit = Duration::seconds(1);
};
constexpr Duration delay_first_probe = Duration::seconds(5);
constexpr u32 max_unreachable = 64;  // told by poll_unreachable(); more at once are only forgotten
constexpr u8 max_solicitations = 3;  // MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT
// Questions to everybody, which strangers cause with addresses that nobody has (RFC 6583 section 7.1). A thousand neighbours
// that are there are found within a second.
constexpr Duration question_interval = Duration::milliseconds(1);
constexpr u32 questions_at_once = 256;

class NeighborCache {
 public:
  NeighborCache(const NeighborLimits& limits, Rng& rng);

  struct Entry {
    MacAddress mac;
    NeighborState state = NeighborState::incomplete;
    bool is_router = false;
  };
  // What resolve() found. Without `mac` the packet waits; `displaced` waited and is dropped for it.
  struct Resolution {
    std::optional<MacAddress> mac;
    Instant fresh_until;  // with `mac`: until then the answer stays the same if generation() does
    bool waits = false;
    std::optional<WaitingPacket> displaced;
  };
  // A question to send: to `mac` when it probes, to everybody otherwise.
  struct Question {
    IpAddress address;
    std::optional<MacAddress> mac;
  };
  struct Released {
    WaitingPacket packet;
    std::optional<MacAddress> mac;  // nothing: nobody answers, the packet is dropped
    IpAddress address;
  };

  // ---- Getters
  std::optional<Entry> find(Instant now, const IpAddress& address) const;
  Instant next_deadline() const { return next_deadline_; }
  u32 size() const { return used_; }
  u32 incomplete() const { return incomplete_.count; }
  // A question about `address` waits for its answer.
  bool asks(const IpAddress& address) const;
  u32 waiting() const { return waiting_; }
  // Changes whenever an answer given before may no longer hold.
  u32 generation() const { return generation_; }

  // ---- Inputs
  // `address` asked for one of ours and gave its link-layer address (RFC 4861 section 7.2.3).
  void on_solicitation(Instant now, const IpAddress& address, const MacAddress& mac);
  struct Advertisement {
    std::optional<MacAddress> mac;
    bool solicited = false;      // what claims to be an answer is believed only where a question waits for it
    bool override_ = true;       // ARP always does
    std::optional<bool> router;  // ARP does not say
  };
  // A statement (RFC 4861 section 7.2.5). False: nobody asked, and nothing was learnt.
  bool on_advertisement(Instant now, const IpAddress& address, const Advertisement& said);
  // An upper layer saw that packets to this neighbour arrive (RFC 4861 section 7.3.1).
  void on_confirmation(Instant now, const IpAddress& address);
  // One hears nothing from there any more, and has reason to: it is asked at once.
  void on_suspicion(Instant now, const IpAddress& address);
  void on_deadline(Instant now);

  // ---- Commands
  // The way to `address`, which is on the link and about to be sent to.
  Resolution resolve(Instant now, const IpAddress& address, std::optional<WaitingPacket> packet);
  // Writes down where a packet came from, without any protocol: for links whose neighbours are mirrored.
  void mirror(Instant now, const IpAddress& address, const MacAddress& mac);
  void mark_router(const IpAddress& address, bool is_router);
  // What a router says of IPv6 (RFC 4861 section 6.3.4). ARP is none of its business and keeps its second (RFC 1122 section
  // 2.3.2.1).
  void set_ipv6_timers(const NeighborTimers& timers) { ipv6_timers_ = timers; }

  // ---- Outputs
  std::optional<Question> poll_question();
  // Packets whose neighbour was found or given up.
  std::optional<Released> poll_released();
  // A neighbour that stopped answering and was forgotten.
  std::optional<IpAddress> poll_unreachable();

 private:
  static constexpr u32 none = 0xffffffff;
  struct Node {
    IpAddress address;
    Entry entry;
    u8 questions = 0;
    bool question_due = false;
    bool used = false;
    Instant deadline = Instant::never();  // incomplete, delay, probe
    Instant reachable_until;              // reachable
    std::array<WaitingPacket, max_waiting_per_neighbor> packets{};
    u8 packet_count = 0;
    u32 next_in_bucket = none;
    u32 older = none;  // in lru_ or incomplete_
    u32 newer = none;
  };
  struct UseList {
    u32 oldest = none;
    u32 newest = none;
    u32 count = 0;
  };

  u32 lookup(const IpAddress& address) const;
  static bool is_mirrored(const Node& node, const IpAddress& address, const MacAddress& mac);
  u32 insert(Instant now, const IpAddress& address, NeighborState state);
  void remove(u32 index);
  void set_state(u32 index, NeighborState state);
  void touch(u32 index);
  void unlink(UseList& list, u32 index);
  void append(UseList& list, u32 index);
  UseList& list_of(const Node& node) { return node.entry.state == NeighborState::incomplete ? incomplete_ : lru_; }
  void make_room(bool for_incomplete);
  void release_all(Node& node);
  static bool is_asked(const Node& node) {
    return node.entry.state == NeighborState::incomplete || node.entry.state == NeighborState::probe;
  }
  void ask(Instant now, u32 index);
  void arm(Node& node, Instant at);
  void await_answer(Instant now, Node& node) { arm(node, now + timers_of(node).retransmit); }
  const NeighborTimers& timers_of(const Node& node) const { return node.address.is_v4() ? ipv4_timers : ipv6_timers_; }
  void reach(Instant now, u32 index);
  u32 bucket_of(const IpAddress& address) const { return static_cast<u32>(hash_(address) & (buckets_.size() - 1)); }
  // Reachability ends by the clock alone; nothing runs when it does.
  NeighborState state_at(Instant now, const Node& node) const;

  NeighborLimits limits_;
  static constexpr NeighborTimers ipv4_timers{};
  NeighborTimers ipv6_timers_;
  Meter to_everybody_;
  Rng& rng_;
  AddressHash hash_;
  const u32 capacity_;
  std::vector<Node> nodes_;  // those that were ever in use
  PlainVector<u32> buckets_;
  std::vector<u32> free_;
  UseList lru_;
  UseList incomplete_;
  u32 used_ = 0;
  u32 waiting_ = 0;
  u32 generation_ = 0;
  Instant next_deadline_ = Instant::never();

  // Outputs, each bounded by what can cause it.
  template <class T>
  struct Queue {
    std::vector<T> items;
    size_t taken = 0;
    std::optional<T> take() {
      if (taken < items.size()) return items[taken++];
      items.clear();
      taken = 0;
      return std::nullopt;
    }
  };
  std::vector<u32> questions_;  // nodes with question_due, in order; each stands here at most once
  Queue<Released> released_;
  Queue<IpAddress> unreachable_;
};

}  // namespace samara::net
