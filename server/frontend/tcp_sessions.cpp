#include "server/frontend/tcp_sessions.h"

#include <algorithm>
#include <tuple>

#include "platform/base/byte_order.h"

namespace samara::server {
namespace {

constexpr size_t length_size = 2;
// A client has this many idle times to take an answer.
constexpr i64 idle_times_for_output = 3;
// A deferred answer may take so long beyond the idle time: longer than an update is passed on for (secondary/).
constexpr Duration longest_wait_for_answer = Duration::seconds(30);
// A client whose prefix has all the connections it may have gets one in exchange for one of them that was of no use for so
// long.
constexpr Duration idle_among_many = Duration::seconds(1);

}  // namespace

TcpSessions::TcpSessions(const Limits& limits, u64 secret)
    : limits_(limits),
      sessions_(limits.streams),
      near_(size_t{2} * limits.streams),
      groups_(limits.streams, secret),
      blocks_of_group_(limits.streams),
      block_holder_(limits.long_messages) {
  for (u32 i = 0; i < limits.streams; ++i) {
    sessions_[i].in.near = 2 * i;
    sessions_[i].out.near = 2 * i + 1;
  }
  free_blocks_.reserve(limits.long_messages);
  blocks_.reserve(limits.long_messages);
  for (u32 i = limits.long_messages; i-- > 0;) {
    blocks_.push_back(std::make_unique_for_overwrite<Block>());
    free_blocks_.push_back(i);
  }
  aborted_.reserve(limits.streams);
}

MutableBytes TcpSessions::memory(Buffer& buffer) {
  if (buffer.block == no_block) return near_[buffer.near].octets;
  return *blocks_[buffer.block];
}

Bytes TcpSessions::memory(const Buffer& buffer) const {
  if (buffer.block == no_block) return near_[buffer.near].octets;
  return *blocks_[buffer.block];
}

// Moves a buffer into a block of its own. When all are taken, the prefix that holds most of them loses the session that is
// nearest to its deadline.
bool TcpSessions::grow(Id id, Buffer& buffer) {
  if (buffer.block != no_block) return true;
  if (free_blocks_.empty()) {
    Id slowest = id;
    for (const Id holder : block_holder_) {
      const auto weight = [this](const Session& session) {
        return std::tuple(session.spared && spares(), ~blocks_of_group_[session.group], session.deadline);
      };
      if (holder != id && !sessions_[holder].abort && (slowest == id || weight(sessions_[holder]) < weight(sessions_[slowest])))
        slowest = holder;
    }
    if (slowest == id) return false;
    abort(slowest);
    if (free_blocks_.empty()) return false;
  }
  const u32 block = free_blocks_.back();
  free_blocks_.pop_back();
  block_holder_[block] = id;
  ++blocks_of_group_[sessions_[id].group];
  buffer.block = block;
  const Bytes near = near_[buffer.near].octets;
  std::copy_n(near.begin(), std::min<size_t>(buffer.filled, near.size()), memory(buffer).begin());
  return true;
}

// Gives a block back; what it held is gone.
void TcpSessions::shrink(Buffer& buffer) {
  buffer.filled = 0;
  buffer.done = 0;
  if (buffer.block == no_block) return;
  --blocks_of_group_[sessions_[block_holder_[buffer.block]].group];
  free_blocks_.push_back(buffer.block);
  buffer.block = no_block;
}

// True when `one` makes room before `other` does: first sessions that take no zones, then those of the larger prefix, then
// those that were of use longer ago. A client that waits for us is of use.
bool TcpSessions::is_of_less_use(Id one, Id other) const {
  const auto rank = [this](const Session& session) {
    const bool ending = session.abort || (session.ended && session.out.filled == 0 && !session.waiting && !session.more);
    return std::tuple(!ending, session.spared && spares(), ~groups_.members(session.group), session.waiting, session.of_use);
  };
  return rank(sessions_[one]) < rank(sessions_[other]);
}

std::optional<TcpSessions::Id> TcpSessions::in_the_way(Instant now, const Endpoint& peer, bool full) const {
  const u32 own = groups_.find(prefix_number(peer.address, limits_.prefixes));
  const bool too_many = own != PrefixGroups::none && groups_.members(own) >= limits_.streams_per_prefix;
  if (!full && !too_many) return std::nullopt;
  std::optional<Id> found;
  for (Id id = 0; id < sessions_.size(); ++id) {
    if (!sessions_[id].open || (too_many && sessions_[id].group != own)) continue;
    if (!found.has_value() || is_of_less_use(id, *found)) found = id;
  }
  if (too_many && found.has_value()) {
    const Session& idlest = sessions_[*found];
    if (idlest.waiting || now - idlest.of_use < idle_among_many) return std::nullopt;
  }
  return found;
}

void TcpSessions::spare(Id id) {
  if (!sessions_[id].spared) ++spared_count_;
  sessions_[id].spared = true;
}

bool TcpSessions::open(Instant now, Id id, const Endpoint& peer) {
  if (id >= sessions_.size() || sessions_[id].open) return false;
  const u64 client = prefix_number(peer.address, limits_.prefixes);
  const u32 known = groups_.find(client);
  if (known != PrefixGroups::none && groups_.members(known) >= limits_.streams_per_prefix) return false;
  Session& session = sessions_[id];
  session.open = true;
  session.ended = false;
  session.abort = false;
  session.waiting = false;
  session.more = false;
  session.queries = 0;
  session.spared = false;
  session.client = client;
  session.group = groups_.join(client);
  session.peer = peer;
  session.deadline = now + limits_.idle;
  session.of_use = now;
  if (open_count_++ == 0) next_check_ = now + check_interval;
  return true;
}

MutableBytes TcpSessions::input_space(Id id) {
  Session& session = sessions_[id];
  if (session.abort || session.ended || session.queries >= limits_.queries) return {};
  Buffer& in = session.in;
  const MutableBytes space = memory(in).subspan(in.filled);
  // While an answer waits to be taken, no more than what is there already is read: the client's window closes.
  if ((session.out.filled != 0 || session.more) && in.filled - in.done >= length_size) return {};
  return space;
}

void TcpSessions::on_input(Instant now, Id id, size_t count) {
  Session& session = sessions_[id];
  // The time for a query begins with its first octet.
  if (session.in.filled == session.in.done && session.out.filled == 0 && !session.more) session.deadline = now + limits_.idle;
  session.in.filled += static_cast<u32>(count);
}

std::optional<Bytes> TcpSessions::next_query(Id id) {
  Session& session = sessions_[id];
  Buffer& in = session.in;
  if (session.abort || session.waiting || session.more || session.out.filled != 0 || session.queries >= limits_.queries)
    return std::nullopt;
  if (in.done != 0 && in.done == in.filled) shrink(in);
  if (in.filled - in.done < length_size) {
    // A first octet of the next length may be all there is; it moves to the front.
    if (in.done != 0) {
      const MutableBytes octets = memory(in);
      octets[0] = octets[in.done];
      in.filled -= in.done;
      in.done = 0;
    }
    return std::nullopt;
  }
  const size_t length = load_be16(memory(in), in.done);
  if (in.filled - in.done - length_size < length) {
    if (in.done != 0) {
      const MutableBytes octets = memory(in);
      std::copy_n(octets.subspan(in.done).begin(), in.filled - in.done, octets.begin());
      in.filled -= in.done;
      in.done = 0;
    }
    if (length + length_size > memory(in).size() && !grow(id, in)) abort(id);
    return std::nullopt;
  }
  const Bytes message = memory(in).subspan(in.done + length_size, length);
  in.done += static_cast<u32>(length_size + length);
  session.waiting = true;
  ++session.queries;
  return message;
}

void TcpSessions::answer(Instant now, Id id, Bytes message, bool more) {
  Session& session = sessions_[id];
  session.waiting = false;
  if (session.in.done == session.in.filled) shrink(session.in);
  session.deadline = now + limits_.idle;
  if (message.empty() || session.abort) return;
  Buffer& out = session.out;
  if (message.size() + length_size > short_size && !grow(id, out)) {
    abort(id);
    return;
  }
  std::ranges::copy(message, memory(out).subspan(length_size).begin());
  put_message(now, session, message.size(), more);
}

MutableBytes TcpSessions::message_space(Id id) {
  Session& session = sessions_[id];
  if (!grow(id, session.out)) {
    abort(id);
    return {};
  }
  return memory(session.out).subspan(length_size);
}

void TcpSessions::message(Instant now, Id id, size_t size, bool more) {
  put_message(now, sessions_[id], size, more);
}

// A message stands in the output behind the place for its length.
void TcpSessions::put_message(Instant now, Session& session, size_t size, bool more) {
  store_be16(memory(session.out), 0, static_cast<u16>(size));
  session.out.filled = static_cast<u32>(length_size + size);
  session.out.done = 0;
  session.more = more;
  session.deadline = now + limits_.idle * idle_times_for_output;
}

Bytes TcpSessions::output(Id id) const {
  const Session& session = sessions_[id];
  if (session.abort) return {};
  return memory(session.out).subspan(session.out.done, session.out.filled - session.out.done);
}

void TcpSessions::on_sent(Instant now, Id id, size_t count) {
  Session& session = sessions_[id];
  session.out.done += static_cast<u32>(count);
  if (session.out.done < session.out.filled) return;
  if (session.more) {
    session.out.filled = 0;  // the block is for the next message
    session.out.done = 0;
  } else {
    shrink(session.out);
  }
  session.deadline = now + limits_.idle;
  session.of_use = now;
}

void TcpSessions::on_end(Id id) {
  sessions_[id].ended = true;
}

bool TcpSessions::finished(Id id) const {
  const Session& session = sessions_[id];
  if (session.out.filled != 0 || session.waiting || session.more) return false;
  return session.ended || session.queries >= limits_.queries;
}

void TcpSessions::closed(Id id) {
  Session& session = sessions_[id];
  if (!session.open) return;
  shrink(session.in);
  shrink(session.out);
  session.open = false;
  groups_.leave(session.group);
  if (session.spared) --spared_count_;
  --open_count_;
}

void TcpSessions::on_deadline(Instant now) {
  if (now < next_check_) return;
  next_check_ = now + check_interval;
  for (Id id = 0; id < sessions_.size(); ++id) {
    const Session& session = sessions_[id];
    // A client that waits for us is not idle (RFC 7766 section 6.2.3).
    const Instant deadline = session.waiting ? session.deadline + longest_wait_for_answer : session.deadline;
    if (session.open && !session.abort && deadline <= now) abort(id);
  }
}

void TcpSessions::abort(Id id) {
  Session& session = sessions_[id];
  session.abort = true;
  session.more = false;
  shrink(session.in);
  shrink(session.out);
  aborted_.push_back(id);
}

std::optional<TcpSessions::Id> TcpSessions::poll_abort() {
  while (!aborted_.empty()) {
    const Id id = aborted_.back();
    aborted_.pop_back();
    if (sessions_[id].open && sessions_[id].abort) return id;
  }
  return std::nullopt;
}

}  // namespace samara::server
