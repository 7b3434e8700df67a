// TcpSessions: DNS over TCP as every role's door needs it (RFC 1035 section 4.2.2, RFC 7766, RFC 9210): two octets of length in
// front of each message, several queries on a connection, answers in the order of the queries, and limits that hold whatever
// a client does: connections in all and per client block, queries per connection, time to complete a query and to take an
// answer, memory for long messages.
//
// Who makes room. A client that connects always gets in: where all streams are in use, the one of the largest prefix that was
// of use longest ago ends (RFC 7766 section 6.2.3), and where a prefix has all it may have, its own idle one. Clients that take
// zones or announce changes are spared as long as their sessions are no more than a quarter: a secondary that follows many
// zones may well be the largest prefix. That is why no streams are kept free for them: they get in like everybody else, and
// then stay.
//
// Order of calls for a stream: open() once; input_space()/on_input() as octets come; next_query() until it yields nothing,
// with answer() after each; output()/on_sent() as octets go; on_end() when the peer is done; closed() once, last.
// on_deadline() and poll_abort() end what takes too long. `now` never goes back.
//
// An answer of many messages (a transfer) begins with answer(…, true). When its first message is on its way wants_message()
// says so; the next is written to message_space() and told by message(), and so on until the last. The queries behind it wait.
// The client has its time to take an answer for each message: that is the slowest it may be.
//
// Capacities: Limits::streams sessions of about 1.2 KiB; `long_messages` blocks of 64 KiB, shared, for messages longer than
// that; of the prefix that holds most of them, who holds one longest without getting on makes room.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/prefix_groups.h"
#include "platform/base/time.h"
#include "platform/base/types.h"

namespace samara::server {

class TcpSessions {
 public:
  using Id = u32;
  struct Limits {
    u32 streams = 256;
    u32 streams_per_prefix = 128;
    PrefixLengths prefixes = {};
    Duration idle = Duration::seconds(10);
    u32 queries = 100'000;   // per connection
    u32 long_messages = 64;  // blocks
  };

  // `secret`: of the table of prefixes.
  TcpSessions(const Limits& limits, u64 secret);
  TcpSessions(const TcpSessions&) = delete;
  TcpSessions& operator=(const TcpSessions&) = delete;

  u32 open_count() const { return open_count_; }
  const Endpoint& peer(Id id) const { return sessions_[id].peer; }
  // A number for the client's prefix, never 0.
  u64 client(Id id) const { return sessions_[id].client; }
  bool is_open(Id id) const { return sessions_[id].open; }

  // The session that must end so that `peer`, who has connected, gets in: because all streams are in use (`full`), or because
  // its prefix has as many as it may. Returns nothing when there is none, or none that should.
  std::optional<Id> in_the_way(Instant now, const Endpoint& peer, bool full) const;
  // This one takes zones or announces changes, and may: others make room before it.
  void spare(Id id);
  // False: over a limit, refuse it.
  bool open(Instant now, Id id, const Endpoint& peer);
  MutableBytes input_space(Id id);
  void on_input(Instant now, Id id, size_t count);
  // The next complete message, if there is one and the last answer is on its way.
  std::optional<Bytes> next_query(Id id);
  // The answer to the message next_query() gave: copied from `message`; empty: none. Then the next can be asked for, unless
  // this one has `more` messages.
  void answer(Instant now, Id id, Bytes message, bool more = false);
  bool wants_message(Id id) const { return sessions_[id].more && !sessions_[id].abort && sessions_[id].out.filled == 0; }
  // Room for one message of any size; empty: there is none to be had, and the session ends.
  MutableBytes message_space(Id id);
  // The first `size` octets of message_space() are the next message.
  void message(Instant now, Id id, size_t size, bool more);
  // Ends the session without ceremony: what it began to send cannot be completed.
  void drop(Id id) { abort(id); }
  Bytes output(Id id) const;
  void on_sent(Instant now, Id id, size_t count);
  void on_end(Id id);
  // True once nothing more will come out and nothing more be read.
  bool finished(Id id) const;
  void closed(Id id);

  Instant next_deadline() const { return open_count_ == 0 ? Instant::never() : next_check_; }
  void on_deadline(Instant now);
  std::optional<Id> poll_abort();

 private:
  static constexpr size_t short_size = 600;       // most queries and many answers
  static constexpr size_t long_size = 2 + 65535;  // any message and its length
  static constexpr u32 no_block = 0xffffffff;
  static constexpr Duration check_interval = Duration::milliseconds(250);

  using Block = std::array<u8, long_size>;
  // Beside the sessions and not zeroed: a session that is never opened touches no memory.
  struct Near {
    Near() {}  // NOLINT(modernize-use-equals-default)
    std::array<u8, short_size> octets;
  };

  struct Buffer {
    u32 near = 0;  // of near_
    u32 block = no_block;
    u32 filled = 0;
    u32 done = 0;  // octets sent (output) or consumed (input)
  };
  struct Session {
    bool open = false;
    bool ended = false;  // the peer has sent its last octet
    bool abort = false;
    bool waiting = false;  // a query is out of next_query() and not answered
    bool more = false;     // of the answer that is sent now there are more messages to come
    bool spared = false;
    u32 queries = 0;
    u64 client = 0;  // prefix, as a number
    u32 group = 0;   // the same, as a group
    Endpoint peer;
    Instant deadline;
    Instant of_use;  // when it was opened, or the last time that a whole message was on its way
    Buffer in;
    Buffer out;
  };

  MutableBytes memory(Buffer& buffer);
  Bytes memory(const Buffer& buffer) const;
  bool grow(Id id, Buffer& buffer);
  void shrink(Buffer& buffer);
  void put_message(Instant now, Session& session, size_t size, bool more);
  bool spares() const { return spared_count_ <= limits_.streams / 4; }
  bool is_of_less_use(Id one, Id other) const;
  void abort(Id id);

  Limits limits_;
  std::vector<Session> sessions_;
  std::vector<Near> near_;  // two for each session
  PrefixGroups groups_;
  std::vector<u32> blocks_of_group_;
  std::vector<std::unique_ptr<Block>> blocks_;  // made at start and left unwritten: pages never used cost nothing
  std::vector<u32> free_blocks_;
  std::vector<Id> block_holder_;
  std::vector<Id> aborted_;
  u32 open_count_ = 0;
  u32 spared_count_ = 0;
  Instant next_check_ = Instant::never();
};

}  // namespace samara::server
