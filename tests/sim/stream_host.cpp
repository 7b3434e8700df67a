#include "tests/sim/stream_host.h"

#include <algorithm>
#include <array>

namespace samara::sim {

using net::tcp::Event;

u8 pattern(u64 key, u64 at) {
  u64 word = (key ^ (at / 8)) * 0x9e3779b97f4a7c15;
  word ^= word >> 31;
  return static_cast<u8>(word >> (8 * (at % 8)));
}

size_t StreamHost::listen(const Endpoint& local, const StreamPlan& plan) {
  listening_.push_back({MUST(stack().tcp().listen(local, 1, plan.options)), ends_.size()});
  ends_.emplace_back().plan = plan;
  return ends_.size() - 1;
}

size_t StreamHost::connect(Instant now, const Endpoint& peer, const StreamPlan& plan) {
  const IpAddress any = peer.address.is_v4() ? IpAddress() : IpAddress::v6({});
  StreamEnd& end = ends_.emplace_back();
  end.plan = plan;
  const auto made = stack().tcp().connect(now, {any, Port(0)}, peer, 0, plan.options);
  if (made.ok()) {
    end.connection = made.value();
  } else {
    end.closed = true;
    end.error = made.error();
  }
  return ends_.size() - 1;
}

bool StreamHost::all_closed() const {
  return std::ranges::all_of(ends_, &StreamEnd::closed);
}

void StreamHost::abort_all(Instant now) {
  for (StreamEnd& end : ends_) {
    if (!end.closed && end.connection.has_value()) stack().tcp().abort(now, *end.connection);
  }
}

void StreamHost::on_tcp_event(Instant now, const Event& event) {
  using Kind = Event::Kind;
  if (event.kind == Kind::accepted) {
    const auto found = std::ranges::find(listening_, event.listener, &Listening::listener);
    StreamEnd* end = found == listening_.end() ? nullptr : &ends_[found->end];
    if (end == nullptr || end->connection.has_value()) {
      // The first one may have died of its own before we could hear of it.
      stack().tcp().abort(now, event.connection);
      return;
    }
    end->connection = event.connection;
    end->established = true;
    pump(now, *end);
    return;
  }
  for (StreamEnd& end : ends_) {
    if (end.connection != event.connection) continue;
    if (end.closed) {
      end.wrong = "an event came after `closed`";
      return;
    }
    switch (event.kind) {
      case Kind::connected: end.established = true; break;
      case Kind::closed:
        end.closed = true;
        end.error = event.error;
        return;
      case Kind::urgent: end.wrong = "urgent data, which nobody sent"; return;
      case Kind::accepted:
      case Kind::readable:
      case Kind::writable:
      case Kind::end:
      case Kind::trouble: break;
    }
    pump(now, end);
    return;
  }
}

void StreamHost::work(Instant now) {
  for (StreamEnd& end : ends_) {
    if (!end.reading_pauses || end.next_read > now) continue;
    end.reading_pauses = false;
    pump(now, end);
  }
  most_blocks_ = std::max(most_blocks_, stack().tcp().blocks_in_use());
  most_connections_ = std::max(most_connections_, stack().tcp().connections());
}

Instant StreamHost::next_work() const {
  Instant next = Instant::never();
  for (const StreamEnd& end : ends_) {
    if (end.reading_pauses) next = std::min(next, end.next_read);
  }
  return next;
}

void StreamHost::pump(Instant now, StreamEnd& end) {
  while (!end.gave_up && !end.closed && end.established) {
    const bool in = read(now, end);
    const bool out = write(now, end);
    finish(now, end);
    if (!in && !out) return;
  }
}

bool StreamHost::read(Instant now, StreamEnd& end) {
  if (end.reading_pauses || end.ended || end.to_echo.size() >= end.plan.send_at_once) return false;
  std::array<u8, 65536> room;
  const size_t at_once = std::min(room.size(), end.plan.read_at_once);
  const size_t count = stack().tcp().receive(now, *end.connection, MutableBytes(room).first(at_once)).value_or(0);
  for (size_t i = 0; i < count; ++i, ++end.received) {
    if (room[i] == pattern(end.plan.key_in, end.received) || end.wrong.has_value()) continue;
    end.wrong = "octet " + std::to_string(end.received) + " is not the one that was sent";
  }
  if (end.plan.echo) end.to_echo.insert(end.to_echo.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
  if (count == 0) {
    end.ended = stack().tcp().at_end(*end.connection);
    return end.ended;
  }
  if (end.plan.read_pause > Duration{}) {
    end.reading_pauses = true;
    end.next_read = now + end.plan.read_pause;
  }
  return true;
}

bool StreamHost::write(Instant now, StreamEnd& end) {
  if (end.shut) return false;
  std::vector<u8> octets;
  if (end.plan.echo) {
    octets = end.to_echo;
  } else {
    octets.resize(std::min<u64>(end.plan.sends - end.sent, end.plan.send_at_once));
    for (size_t i = 0; i < octets.size(); ++i) {
      octets[i] = pattern(end.plan.key_out, end.sent + i);
      if (end.plan.wrong_octet_at == end.sent + i) octets[i] ^= 1;
    }
  }
  if (octets.empty()) return false;
  const auto taken = stack().tcp().send(now, *end.connection, octets);
  if (!taken.ok()) return false;  // `closed` will say why
  end.sent += taken.value();
  if (end.plan.echo) end.to_echo.erase(end.to_echo.begin(), end.to_echo.begin() + static_cast<std::ptrdiff_t>(taken.value()));
  return taken.value() != 0;
}

void StreamHost::finish(Instant now, StreamEnd& end) {
  using Finish = StreamPlan::Finish;
  net::tcp::Tcp& tcp = stack().tcp();
  if (end.plan.finish == Finish::abort || end.plan.finish == Finish::vanish) {
    if (end.sent + end.received < end.plan.abort_after && !end.ended) return;
    end.gave_up = true;
    if (end.plan.finish == Finish::abort) {
      tcp.abort(now, *end.connection);
    } else {
      tcp.close(now, *end.connection);
    }
    return;
  }
  const bool all_sent = end.plan.echo ? end.ended && end.to_echo.empty() : end.sent == end.plan.sends;
  if (end.shut || !all_sent || (end.plan.finish == Finish::after_end && !end.ended)) return;
  end.shut = tcp.shutdown(now, *end.connection).ok();
}

}  // namespace samara::sim
