// The loop over the in-tree stack with the sessions of a server, in virtual time, against somebody who owns addresses and does
// what is worst for others. Every other client has its answer within a second, without having to send anything again.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>

#include "../platform/runtime/memory_card.h"
#include "../platform/runtime/tcp_frames.h"
#include "platform/base/byte_order.h"
#include "platform/hal/sim/random.h"
#include "platform/runtime/frame_loop.h"
#include "server/frontend/tcp_sessions.h"

namespace samara::server {
namespace {

namespace tcp = net::tcp;
using Octets = std::vector<u8>;
using runtime::StreamId;

constexpr u32 streams = 128;
constexpr u32 streams_per_prefix = 16;
constexpr size_t query_size = 32;

// Answers each query with as many octets as its first two say.
class House {
 public:
  void on_publication(Instant, hal::Publication) {}
  u64 oldest_generation() const { return 1; }
  void on_turn(Instant, UnixTime) {}
  size_t on_datagram(Instant, const runtime::Datagram&) { return 0; }
  std::optional<StreamId> stream_in_the_way(Instant now, const Endpoint& peer, bool full) const {
    return sessions.in_the_way(now, peer, full);
  }
  bool on_stream_open(Instant now, StreamId id, const Endpoint& peer, const Endpoint&) { return sessions.open(now, id, peer); }
  MutableBytes stream_input_space(StreamId id) { return sessions.input_space(id); }
  void on_stream_input(Instant now, StreamId id, size_t count) {
    sessions.on_input(now, id, count);
    answer(now, id);
  }
  Bytes stream_output(StreamId id) { return sessions.output(id); }
  void on_stream_output_sent(Instant now, StreamId id, size_t count) {
    sessions.on_sent(now, id, count);
    answer(now, id);
  }
  bool stream_finished(StreamId id) { return sessions.finished(id); }
  void on_stream_end(Instant now, StreamId id) {
    sessions.on_end(id);
    answer(now, id);
  }
  void on_stream_closed(Instant, StreamId id) { sessions.closed(id); }
  std::optional<StreamId> poll_stream_abort() { return sessions.poll_abort(); }
  Instant next_deadline() const { return sessions.next_deadline(); }
  void on_deadline(Instant now) { sessions.on_deadline(now); }

  TcpSessions sessions{{.streams = streams, .streams_per_prefix = streams_per_prefix, .long_messages = 16}, 1};

 private:
  void answer(Instant now, StreamId id) {
    for (auto query = sessions.next_query(id); query.has_value(); query = sessions.next_query(id)) {
      sessions.answer(now, id, Bytes(answer_).first(query->size() < 2 ? 0 : load_be16(*query)));
    }
  }
  Octets answer_ = Octets(65'535, u8{'a'});
};

Octets query_for(u16 answer_size) {
  Octets query(2 + query_size, u8{'q'});
  store_be16(query, 0, query_size);
  store_be16(query, 2, answer_size);
  return query;
}

// What somebody does with a connection.
enum class Habit {
  honest,       // asks, and takes the answer
  shut,         // asks without end and keeps its window at nothing
  pinhole,      // the same with a window of one octet
  slow_reader,  // takes a segment every half second
  gaps,         // sends all of the window but its first octets
  half,         // half a query
  idle,         // nothing
  large_shut,   // asks for large answers and takes none
  leaver,       // asks, ends, and never acknowledges
};
constexpr std::array hostile{Habit::shut, Habit::pinhole,    Habit::slow_reader, Habit::gaps,
                             Habit::half, Habit::large_shut, Habit::leaver,      Habit::idle};

class Client {
 public:
  Client(const IpAddress& address, u16 port, Habit habit, u16 answer_size = 100)
      : address_(address), port_(port), habit_(habit), answer_size_(answer_size) {}

  bool gone() const { return gone_; }
  size_t received() const { return received_; }
  void open(std::deque<Octets>& out) {
    tcp::SegmentOptions options;
    options.mss = 1'460;
    options.window_scale = 7;
    options.sack_permitted = true;
    say(out, tcp::flag::syn, {}, options);
    next_ = next_ + 1;
  }
  void ask(std::deque<Octets>& out) {
    const Octets query = query_for(answer_size_);
    say(out, tcp::flag::ack | tcp::flag::psh, query);
    next_ = next_ + static_cast<u32>(query.size());
  }
  void hear(std::deque<Octets>& out, const tcp::Segment& segment) {
    if (segment.has(tcp::flag::rst)) {
      gone_ = true;
      return;
    }
    const bool opening = !established_;
    if (opening) {
      if (!segment.has(tcp::flag::syn)) return;
      established_ = true;
      expected_ = segment.header.seq + 1;
      right_ = segment.header.ack + segment.header.window;
      scale_ = segment.header.options.window_scale.value_or(0);
      say(out, tcp::flag::ack, {});
    } else {
      right_ = tcp::later(right_, segment.header.ack + (u32{segment.header.window} << scale_));
    }
    take(out, segment);
    if (opening && habit_ == Habit::honest) ask(out);
    go_on(out);
  }
  // Every half second.
  void tick(std::deque<Octets>& out) {
    if (!established_ || gone_) return;
    if (habit_ == Habit::slow_reader && held_back_) {
      held_back_ = false;
      say(out, tcp::flag::ack, {});
    }
    go_on(out);
  }

 private:
  u16 window() const {
    switch (habit_) {
      case Habit::shut:
      case Habit::large_shut: return 0;
      case Habit::pinhole: return 1;
      default: return 500;
    }
  }
  void take(std::deque<Octets>& out, const tcp::Segment& segment) {
    if (segment.payload.empty()) return;
    const bool wanted = segment.header.seq == expected_;
    switch (habit_) {
      case Habit::honest: break;
      case Habit::pinhole:
        if (wanted) expected_ = expected_ + 1;
        say(out, tcp::flag::ack, {});
        return;
      case Habit::slow_reader:
        if (held_back_ || !wanted) return;
        expected_ = expected_ + static_cast<u32>(segment.payload.size());
        held_back_ = true;
        return;
      case Habit::leaver: return;
      default: say(out, tcp::flag::ack, {}); return;
    }
    if (wanted) {
      expected_ = expected_ + static_cast<u32>(segment.payload.size());
      received_ += segment.payload.size();
    }
    say(out, tcp::flag::ack, {});
  }
  // As much as the server's window takes, a few segments at a time.
  void go_on(std::deque<Octets>& out) {
    if (habit_ == Habit::honest || habit_ == Habit::idle || left_) return;
    if (habit_ == Habit::half || habit_ == Habit::leaver) {
      left_ = true;
      const Octets query = query_for(2'000);
      const bool all = habit_ == Habit::leaver;
      say(out, static_cast<u8>(tcp::flag::ack | (all ? tcp::flag::fin : 0)), Bytes(query).first(all ? query.size() : 9));
      return;
    }
    for (int i = 0; i < 4 && tcp::before(next_, right_) && asked_ < 250'000; ++i) {
      Octets queries;
      const u32 room = std::min<u32>(tcp::octets_between(next_, right_), 1'400);
      const Octets query = query_for(habit_ == Habit::large_shut ? 60'000 : 100);
      while (queries.size() < room) queries.push_back(query[asked_++ % query.size()]);
      if (habit_ == Habit::gaps && asked_ == queries.size()) {  // its first octets never come
        next_ = next_ + 4;
        queries.erase(queries.begin(), queries.begin() + 4);
      }
      say(out, tcp::flag::ack, queries);
      next_ = next_ + static_cast<u32>(queries.size());
    }
  }
  void say(std::deque<Octets>& out, u8 flags, Bytes payload, const tcp::SegmentOptions& options = {}) {
    tcp::SegmentHeader header;
    header.source = Port(port_);
    header.destination = runtime::server_port;
    header.seq = next_;
    header.flags = flags;
    if ((flags & tcp::flag::ack) != 0) header.ack = expected_;
    header.window = window();
    header.options = options;
    out.push_back(runtime::tcp_frame(address_, header, payload));
  }

  IpAddress address_;
  u16 port_;
  Habit habit_;
  u16 answer_size_;
  tcp::SeqNumber next_{1'000};
  tcp::SeqNumber expected_;
  tcp::SeqNumber right_;  // of the server's window
  u8 scale_ = 0;
  bool established_ = false;
  bool gone_ = false;
  bool held_back_ = false;
  bool left_ = false;
  u32 asked_ = 0;  // octets
  size_t received_ = 0;
};

class World {
 public:
  World() {
    config_.addresses = {{runtime::server_address, 24}};
    config_.routes = {{IpPrefix(), IpAddress::v4({192, 0, 2, 254})}};
    config_.listen = {*Endpoint::parse("0.0.0.0:53")};
    card_.link.shared_with_kernel = true;
    loop_.prepare(card_.link);
    loop_.on_publication(now_, 1, 0);
    loop_.start(now_, {}, card_);
    run(Duration::milliseconds(100));
  }
  Client& connect(const IpAddress& address, u16 port, Habit habit, u16 answer_size = 100) {
    auto& place = clients_[{address, port}];
    place = std::make_unique<Client>(address, port, habit, answer_size);
    place->open(card_.incoming);
    return *place;
  }
  void forget(const IpAddress& address, u16 port) { clients_.erase({address, port}); }
  // A frame takes a millisecond each way.
  void run(Duration time) {
    const Instant until = now_ + time;
    while (now_ < until) {
      if (now_ >= tick_) {
        tick_ = now_ + Duration::milliseconds(500);
        for (const auto& [where, client] : clients_) client->tick(card_.incoming);
      }
      while (loop_.turn(now_, {}, card_)) {
      }
      for (const Octets& frame : std::exchange(card_.sent, {})) {
        const auto read = runtime::read_tcp_frame(frame);
        if (!read.has_value()) continue;
        const auto client = clients_.find({read->to, read->segment.header.destination.value()});
        if (client != clients_.end()) client->second->hear(card_.incoming, read->segment);
      }
      now_ = now_ + Duration::milliseconds(1);
    }
  }
  // True: all of the answer came within a second.
  bool is_answered(const IpAddress& address, u16 port, u16 answer_size) {
    Client& client = connect(address, port, Habit::honest, answer_size);
    for (int i = 0; i < 100 && client.received() < size_t{2} + answer_size; ++i) run(Duration::milliseconds(10));
    const bool all = client.received() == size_t{2} + answer_size;
    forget(address, port);  // without a word
    return all;
  }
  const tcp::Counters& counters() const { return loop_.stack().tcp().counters(); }
  u32 blocks_in_use() const { return loop_.stack().tcp().blocks_in_use(); }

 private:
  runtime::NetworkConfig config_;
  hal::sim::SeededRng rng_{7};
  runtime::Card card_;
  House house_;
  runtime::FrameLoop loop_{config_, streams, hal::WorkerApplicationRef(house_), rng_};
  Instant now_ = Instant::since_boot(Duration::seconds(1));
  Instant tick_;
  std::map<std::pair<IpAddress, u16>, std::unique_ptr<Client>> clients_;
};

IpAddress hostile_address(u32 number) {
  return IpAddress::v4({198, 51, static_cast<u8>(100 + number / 250), static_cast<u8>(1 + number % 250)});
}

// Somebody who owns `addresses` keeps `connections` with each open, whatever becomes of them.
void besiege(Habit habit, u32 addresses, u32 connections) {
  World world;
  const IpAddress friend_address = IpAddress::v4({203, 0, 113, 200});
  Client* old_friend = &world.connect(friend_address, 999, Habit::honest);
  world.run(Duration::milliseconds(50));
  ASSERT_EQ(old_friend->received(), 102U);
  std::map<std::pair<u32, u32>, Client*> attackers;
  u16 port = 1'024;
  u32 unanswered = 0;
  for (u32 round = 0; round < 60; ++round) {
    for (u32 a = 0; a < addresses; ++a) {
      for (u32 c = 0; c < connections; ++c) {
        Client*& attacker = attackers[{a, c}];
        if (attacker != nullptr && !attacker->gone()) continue;
        attacker = &world.connect(hostile_address(a), static_cast<u16>(port++ | 1'024), habit);
      }
    }
    world.run(Duration::milliseconds(200));
    const IpAddress honest = IpAddress::v4({203, 0, 113, static_cast<u8>(1 + round)});
    for (const u16 size : {u16{100}, u16{4'000}}) {
      if (!world.is_answered(honest, static_cast<u16>(2'000 + size), size)) ++unanswered;
    }
  }
  EXPECT_EQ(unanswered, 0U) << "of 120 questions";
}

TEST(HostileClients, OneAddressStopsNobody) {
  for (const Habit habit : hostile) {
    SCOPED_TRACE(static_cast<int>(habit));
    besiege(habit, 1, streams_per_prefix);
  }
}

TEST(HostileClients, AsManyAsThereArePlacesFromEightAddressesStopNobody) {
  for (const Habit habit : hostile) {
    SCOPED_TRACE(static_cast<int>(habit));
    besiege(habit, 8, streams_per_prefix);
  }
}

TEST(HostileClients, HundredsOfAddressesWithOneConnectionEachStopNobody) {
  for (const Habit habit : {Habit::shut, Habit::pinhole, Habit::idle, Habit::large_shut}) {
    SCOPED_TRACE(static_cast<int>(habit));
    besiege(habit, 300, 1);
  }
}

}  // namespace
}  // namespace samara::server
