// Machine: all connections of a host around what they share: tables, memory, timers, and the segments that belong to none.
#pragma once

#include <array>

#include "platform/base/plain_vector.h"
#include "platform/net/tcp/connection.h"
#include "platform/net/tcp/deadline_heap.h"
#include "platform/net/tcp/ephemeral_ports.h"
#include "platform/net/tcp/flow_table.h"
#include "platform/net/tcp/index_list.h"
#include "platform/net/tcp/isn.h"
#include "platform/net/tcp/listeners.h"
#include "platform/net/tcp/reply_queue.h"
#include "platform/net/tcp/syn_cookies.h"
#include "platform/net/tcp/tcp.h"
#include "platform/net/tcp/time_wait.h"

namespace samara::net::tcp {

class Tcp::Machine {
 public:
  [[gnu::cold]] Machine(const Capacity& capacity, Rng& rng);

  Instant next_deadline() const;
  Connection* find(ConnectionId id);  // nullptr: stale, or given up by the caller
  const Connection* find(ConnectionId id) const;
  u32 connections() const { return in_use_; }
  u32 half_open() const { return half_open_.size(); }
  const BlockPool& blocks() const { return blocks_; }
  const Counters& counters() const { return counters_; }
  Shared& shared() { return shared_; }
  const Shared& shared() const { return shared_; }

  bool on_segment(Instant now, const IpPacket& packet);
  bool on_delivery_error(Instant now, DeliveryError error, const IpAddress& local, const IpAddress& peer, Bytes quoted);
  void on_path_mtu(Instant now, const IpAddress& peer, u16 mtu);
  void on_address_removed(Instant now, const IpAddress& address);
  void on_deadline(Instant now);

  Listeners& listeners() { return listeners_; }
  void close(ListenerId id);
  Result<ConnectionId, Error> connect(Instant now, Endpoint local, const Endpoint& peer, u16 mtu, const Options& options);
  // After anything was done to a connection.
  void settle(Instant now, ConnectionId id) { settle(now, id.index); }
  void update_deadline(ConnectionId id) { deadlines_.set(id.index, entries_[id.index].connection.next_deadline()); }
  void set_link_mtu(u16 mtu) { link_mtu_ = mtu; }
  void set_ip_layer(const IpLayer* ip) { ip_ = ip; }
  void renew_secrets(Rng& rng);

  std::optional<OutgoingPacket> poll_segment(Instant now, FrameSlot& slot);
  std::optional<Event> poll_event();
  std::optional<IpAddress> poll_suspect_path();

 private:
  static constexpr u32 none = IndexList::none;
  struct Entry {
    Entry(const Capacity& capacity, std::span<BlockRing::Row> rows) : connection(capacity, rows) {}
    Connection connection;
    u32 generation = 0;
    u32 group = 0;  // of its peer's prefix (BlockBudget)
    bool in_use = false;
  };

  std::optional<u32> take_entry(Instant now, const IpAddress& peer);
  void release(u32 index);
  void evict_half_open(Instant now);
  void evict_orphan(Instant now);
  void relieve_pool(Instant now);
  void settle(Instant now, u32 index);
  void linger(Instant now, u32 index);
  void remove_time_wait(u32 wait);
  void on_new_flow(Instant now, const Flow& flow, const Segment& segment);
  void on_time_wait(Instant now, u32 wait, const Flow& flow, const Segment& segment);
  void on_syn(Instant now, ListenerId id, const Flow& flow, const Segment& syn, SeqNumber iss);
  bool on_cookie(Instant now, ListenerId id, const Flow& flow, const Segment& ack);
  void send_cookie(Instant now, const Listener& listener, const Flow& flow, const Segment& syn);
  void refuse(const Flow& flow, const Segment& segment);
  Connection::Opening opening(u32 index, const Flow& flow, SeqNumber iss, const Options& options, ListenerId listener,
                              u16 mtu) const;
  u16 path_mtu(const IpAddress& peer) const { return ip_ != nullptr ? ip_->path_mtu(peer) : link_mtu_; }
  u32 time_wait_entry(u32 wait) const { return capacity_.connections + wait; }
  bool backlog_full(ListenerId id);
  bool full() const { return free_.empty() && entries_.size() == capacity_.connections; }
  bool port_taken(Flow flow, Port port);

  const Capacity capacity_;
  Counters counters_;
  BlockPool blocks_;
  ReplyQueue replies_;
  Shared shared_;
  std::vector<Entry> entries_;  // those that were ever in use
  u32 in_use_ = 0;
  FlowTable flows_;  // connections first, then TIME-WAIT
  DeadlineHeap deadlines_;
  Listeners listeners_;
  TimeWaitTable time_wait_;
  SynCookies cookies_;
  InitialNumbers numbers_;
  EphemeralPorts ports_;
  BlockBudget budget_;
  Instant relieve_again_;  // not before
  // Of all connections, in pieces of a few: a heap has gaps, and one large piece would not use them.
  static constexpr u32 connections_a_piece = 16;
  std::vector<PlainVector<BlockRing::Row>> rows_;
  IndexList free_;       // entries to be used again
  IndexList ready_;      // may have something to send
  IndexList eventful_;   // have something to tell
  IndexList half_open_;  // oldest first
  IndexList hungry_;     // were refused room to send
  IndexList orphans_;    // the user has let go of them; oldest first
  u16 link_mtu_ = 1500;
  const IpLayer* ip_ = nullptr;
  std::array<IpAddress, 8> suspects_{};
  size_t suspect_count_ = 0;
};

}  // namespace samara::net::tcp
