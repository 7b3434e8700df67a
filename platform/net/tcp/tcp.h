// Tcp: all TCP of one host (RFC 9293), as one state machine. Connections live in a fixed table; the octets under way live in
// blocks of a shared pool, so that memory is bounded whatever peers do. Nothing here reads a clock, draws a random number of
// its own or sends a frame.
//
//   Getters    next_deadline(), sendable(), receivable(), state(), …           change nothing
//   Inputs     on_segment(), on_delivery_error(), on_deadline(), on_path_mtu()
//   Commands   listen(), connect(), send(), receive(), shutdown(), close(), abort(), mark_urgent(), set_options()
//   Outputs    poll_segment() until it yields nothing, poll_event() until it yields nothing, poll_suspect_path()
//
// Order: any input or command, then poll_event() and poll_segment(); on_deadline(now) when now >= next_deadline(). `now` never
// goes back.
#pragma once

#include <memory>
#include <optional>

#include "platform/base/frame.h"
#include "platform/base/ip_address.h"
#include "platform/base/pool.h"
#include "platform/base/prefix_groups.h"
#include "platform/base/result.h"
#include "platform/base/rng.h"
#include "platform/base/time.h"
#include "platform/net/ip_packet.h"

namespace samara::net::tcp {

// All that may grow, and how far.
struct Capacity {
  u32 connections = 1024;  // in all states but LISTEN and TIME-WAIT, SYN-RECEIVED included
  u32 half_open = 256;     // of them in SYN-RECEIVED; beyond it SYN cookies answer (RFC 4987 section 3.6)
  u32 time_wait = 4096;    // remembered without buffers; the oldest goes first
  u32 listeners = 64;
  u32 blocks = 4096;            // of block_size octets, lent to queues beside the one that each has for itself (block_budget.h)
  u32 send_limit = 256 * 1024;  // octets queued to send by one connection
  u32 receive_limit = 256 * 1024;  // octets received and not yet taken, and the largest window offered
  u32 first_window = 16 * 1024;    // the window a connection from outside begins with; it grows while it is used up
  PrefixLengths prefixes = {};     // what counts as one client where blocks are short
};
constexpr size_t block_size = 2048;

// One connection or listener; finds nothing once it is gone.
struct ConnectionTag;
struct ListenerTag;
using ConnectionId = Handle<ConnectionTag>;
using ListenerId = Handle<ListenerTag>;

enum class State : u8 {
  closed,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait
};

enum class Error : u8 {
  address_in_use,  // listen or connect: the pair of endpoints is taken
  table_full,      // no free entry
  not_connected,   // the id is stale, or the state does not allow it
  no_port,         // connect: every ephemeral port to this peer is in use
  reset,           // by the peer
  timed_out,       // R2 of RFC 9293 section 3.8.3, keep-alive, the user timeout; or its blocks were needed and it got nowhere
  unreachable,     // a hard ICMP error before the connection was established
  refused,         // SYN answered by RST
  bad_address,  // connect: no address or port of a single host (RFC 9293 section 3.9.1.1), or the IP layer has no route to it
};

struct Options {
  bool no_delay = false;    // Nagle's algorithm off (RFC 9293 section 3.7.4)
  bool keep_alive = false;  // RFC 9293 section 3.8.4; off unless asked for
  Duration keep_alive_idle = Duration::seconds(7200);
  Duration keep_alive_interval = Duration::seconds(75);
  u32 keep_alive_probes = 9;
  Duration user_timeout = Duration::seconds(100);  // how long data may stay unacknowledged (R2); at least 100 s by default
  u8 hop_limit = 64;                               // IPv4 TTL (RFC 9293 MUST-49)
  u8 traffic_class = 0;                            // IPv4 TOS: the differentiated services field (RFC 9293 MUST-48)
};

struct Event {
  enum class Kind : u8 {
    accepted,   // by `listener`; ESTABLISHED
    connected,  // connect() succeeded
    readable,   // receivable() grew from 0
    writable,   // send() took less than it was given before, and has room again
    end,        // the peer sends nothing more (FIN); what it sent before can still be received
    urgent,     // the peer marked data as urgent, or more of them; urgent_ahead() says how far (RFC 9293 section 3.8.5)
    trouble,    // `error`: an ICMP error that may pass, or R1 retransmissions without an answer; the connection goes on
    closed,     // the connection is gone and its id is stale; comes last and once. `error` says why it did not end well
  };
  Kind kind = Kind::closed;
  ConnectionId connection;
  ListenerId listener;         // accepted
  std::optional<Error> error;  // closed, trouble
};

struct Counters {
  u64 segments_in = 0, segments_out = 0, bad_checksum = 0, malformed = 0, resets_sent = 0, resets_received = 0,
      retransmitted = 0, tail_probes = 0, fast_retransmits = 0, timeouts = 0, out_of_order = 0, duplicates = 0,
      dropped_no_memory = 0, cookies_sent = 0, cookies_good = 0, cookies_bad = 0, evicted_half_open = 0, evicted_orphans = 0,
      evicted_holders = 0, evicted_time_wait = 0, challenge_acks = 0, opened_active = 0, opened_passive = 0, refused_full = 0;
};

// What TCP asks the IP layer for a connection (RFC 9293 section 3.9.2).
class IpLayer {
 public:
  // The address of ours that packets to `peer` should come from; nothing: there is no route.
  virtual std::optional<IpAddress> source_for(const IpAddress& peer) const = 0;
  // The largest IP packet the path to `peer` carries, as far as known.
  virtual u16 path_mtu(const IpAddress& peer) const = 0;

 protected:
  ~IpLayer() = default;
};

class Tcp {
 public:
  // Takes all its memory now. `rng` outlives it.
  Tcp(const Capacity& capacity, Rng& rng);
  ~Tcp();
  Tcp(const Tcp&) = delete;
  Tcp& operator=(const Tcp&) = delete;

  // ---- Getters
  Instant next_deadline() const;
  std::optional<State> state(ConnectionId id) const;  // nothing: stale
  std::optional<Endpoint> peer(ConnectionId id) const;
  std::optional<Endpoint> local(ConnectionId id) const;
  size_t sendable(ConnectionId id) const;        // octets send() would take now
  size_t receivable(ConnectionId id) const;      // octets receive() would give now
  size_t unacknowledged(ConnectionId id) const;  // octets given to send() that the peer has not acknowledged
  bool at_end(ConnectionId id) const;            // everything up to the peer's FIN was received
  // How many octets from the next to receive on are urgent, arrived or not; nothing: none.
  std::optional<u32> urgent_ahead(ConnectionId id) const;
  u32 connections() const;
  u32 half_open() const;
  u32 blocks_in_use() const;
  const Counters& counters() const;

  // ---- Inputs
  // One segment whose destination is one of our unicast addresses. The checksum is verified here unless packet.checksum_known.
  // True: it acknowledges something new, so what we send reaches its sender (RFC 4861 section 7.3.1).
  bool on_segment(Instant now, const IpPacket& packet);
  // An ICMP error quoting a segment of ours: `quoted` is what it quotes from the TCP header on, at least 8 octets. False: no
  // such segment is under way, so the error was made up (RFC 5927 section 4) and nothing in it should be believed; what was
  // believed of packet_too_big, the IP layer tells by on_path_mtu().
  bool on_delivery_error(Instant now, DeliveryError error, const IpAddress& local, const IpAddress& peer, Bytes quoted);
  // The path to `peer` carries IP packets of up to `mtu` octets; also told when it was learnt by other means.
  void on_path_mtu(Instant now, const IpAddress& peer, u16 mtu);
  // One of our addresses is gone: connections from it are dropped without a word.
  void on_address_removed(Instant now, const IpAddress& address);
  void on_deadline(Instant now);

  // ---- Commands
  // Accepts connections to `local`; the unspecified address of a family means all of that family's. `backlog` bounds what is
  // established and not yet told by poll_event.
  Result<ListenerId, Error> listen(const Endpoint& local, u32 backlog, const Options& options = {});
  void close(ListenerId id);  // connections it has accepted stay
  // `local.port` 0: an ephemeral port, chosen by RFC 6056 algorithm 3. `local.address` unspecified: the IP layer's choice.
  // `mtu`: of the path, as far as known; 0: the IP layer knows.
  Result<ConnectionId, Error> connect(Instant now, const Endpoint& local, const Endpoint& peer, u16 mtu,
                                      const Options& options = {});
  // Queues a copy of as much of `octets` as there is room for; how much that was. `push` marks the end of a piece the peer can
  // work with.
  Result<size_t, Error> send(Instant now, ConnectionId id, Bytes octets, bool push = true);
  // Moves what was received into `into`; how much. 0: nothing now, or at_end().
  Result<size_t, Error> receive(Instant now, ConnectionId id, MutableBytes into);
  // No more will be sent: FIN after what is queued. Receiving goes on.
  Result<void, Error> shutdown(Instant now, ConnectionId id);
  // shutdown(), and what still arrives is thrown away (an unread rest turns into a RST, RFC 9293 section 3.6.1 as in BSD). The
  // id is stale for the caller from now on but for Event::closed.
  void close(Instant now, ConnectionId id);
  // Everything sent so far is urgent: the peer is told to hurry up to here. New protocols should not use it (RFC 6093).
  Result<void, Error> mark_urgent(Instant now, ConnectionId id);
  // RST.
  void abort(Instant now, ConnectionId id);
  Result<void, Error> set_options(ConnectionId id, const Options& options);
  // What arrives from now on is answered as if no such connection existed; the path MTU of new connections (RFC 9293 section
  // 3.7.1), in octets of IP packet, is `mtu` unless told otherwise.
  void set_link_mtu(u16 mtu);
  // Whom to ask for source addresses and path MTUs; outlives this. Without it both have to be told.
  void set_ip_layer(const IpLayer* ip);
  // New secrets for the numbers and ports of connections to come, which a copy of this host is not to know. Connections stay;
  // SYN cookies under way are lost.
  void renew_secrets(Rng& rng);

  // ---- Outputs
  // Writes the next segment into `slot` (its payload is the TCP header and data); the checksum field is complete, or holds the
  // pseudo header's sum with slot.request_checksum() where set_checksum_offload(true) was said.
  std::optional<OutgoingPacket> poll_segment(Instant now, FrameSlot& slot);
  void set_checksum_offload(bool on);
  std::optional<Event> poll_event();
  // A host that nothing has been heard of for R1 retransmissions: the way there should be looked at again (RFC 9293 section
  // 3.8.3, MUST-20; RFC 4861 section 7.3.3). A few are remembered.
  std::optional<IpAddress> poll_suspect_path();

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace samara::net::tcp
