#include "platform/runtime/application_ref.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace samara::runtime {
namespace {

struct Recorder {
  void on_turn(Instant now, UnixTime wall) { note("turn", now, wall.seconds); }
  size_t on_datagram(Instant now, const Datagram& d) {
    note("datagram", now, d.payload.size());
    d.reply[0] = 9;
    return 1;
  }
  bool on_stream_open(Instant now, StreamId id, const Endpoint& peer, const Endpoint& local) {
    note("open", now, id + peer.port.value() + local.port.value());
    return id == 5;
  }
  MutableBytes stream_input_space(StreamId id) { return MutableBytes(memory).first(id); }
  void on_stream_input(Instant now, StreamId id, size_t count) { note("input", now, id + count); }
  Bytes stream_output(StreamId id) { return Bytes(memory).last(id); }
  void on_stream_output_sent(Instant now, StreamId id, size_t count) { note("sent", now, id + count); }
  bool stream_finished(StreamId id) { return id == 3; }
  void on_stream_end(Instant now, StreamId id) { note("end", now, id); }
  void on_stream_closed(Instant now, StreamId id) { note("closed", now, id); }
  std::optional<StreamId> stream_in_the_way(Instant, const Endpoint& peer, bool full) const {
    return full ? std::optional<StreamId>(peer.port.value()) : std::nullopt;
  }
  std::optional<StreamId> poll_stream_abort() { return 17; }
  Instant next_deadline() const { return Instant::since_boot(Duration::seconds(99)); }
  void on_deadline(Instant now) { note("deadline", now, 0); }

  template <class N>
  void note(const char* what, Instant now, N number) {
    calls.push_back(std::string(what) + " " + std::to_string(now.since_boot().seconds()) + " " + std::to_string(number));
  }
  std::array<u8, 8> memory{};
  std::vector<std::string> calls;
};

struct ClientRecorder : Recorder {
  void on_client_datagram(Instant now, const Endpoint& peer, Bytes payload) {
    note("client datagram", now, peer.port.value() + payload.size());
  }
  void on_stream_connected(Instant now, StreamId id) { note("connected", now, id); }
  void on_message(Instant now, Bytes message) { note("message", now, message.size()); }
  std::optional<Connect> poll_connect() { return Connect{8, {{}, Port(53)}}; }
  size_t poll_datagram(Instant now, OutgoingDatagram& out) {
    note("poll datagram", now, out.payload.size());
    out.peer.port = Port(54);
    return 3;
  }
  size_t poll_message(MutableBytes room) { return room.size() - 1; }
};

struct WithoutDeadline {
  void on_turn(Instant, UnixTime);
  size_t on_datagram(Instant, const Datagram&);
};
struct AnswersWithInt : Recorder {
  int on_datagram(Instant, const Datagram&);
};

static_assert(Application<Recorder>);
static_assert(Application<ApplicationRef>, "a reference can stand where an application is wanted");
static_assert(!Application<WithoutDeadline>);
static_assert(ClientApplication<ClientRecorder>);
static_assert(!ClientApplication<Recorder>, "it is optional");
static_assert(!Application<AnswersWithInt>);
static_assert(min_reply_room <= max_reply_room);

TEST(ApplicationRef, PassesEveryCallOnWithItsArguments) {
  Recorder app;
  ApplicationRef ref(app);
  const Instant now = Instant::since_boot(Duration::seconds(7));
  const Endpoint peer{{}, Port(100)};
  const Endpoint local{{}, Port(200)};
  std::array<u8, 4> payload{};
  std::array<u8, 4> reply{};

  ref.on_turn(now, UnixTime{1000});
  EXPECT_EQ(ref.on_datagram(now, {.peer = peer, .local = local, .payload = payload, .reply = reply}), 1U);
  EXPECT_EQ(reply[0], 9);
  EXPECT_TRUE(ref.on_stream_open(now, 5, peer, local));
  EXPECT_FALSE(ref.on_stream_open(now, 6, peer, local));
  EXPECT_EQ(ref.stream_input_space(2).data(), app.memory.data());
  EXPECT_EQ(ref.stream_input_space(2).size(), 2U);
  ref.on_stream_input(now, 5, 10);
  EXPECT_EQ(ref.stream_output(3).size(), 3U);
  ref.on_stream_output_sent(now, 5, 20);
  EXPECT_TRUE(ref.stream_finished(3));
  EXPECT_FALSE(ref.stream_finished(4));
  ref.on_stream_end(now, 5);
  ref.on_stream_closed(now, 5);
  EXPECT_EQ(ref.stream_in_the_way(now, {IpAddress(), Port(9)}, true), StreamId{9});
  EXPECT_EQ(ref.stream_in_the_way(now, {IpAddress(), Port(9)}, false), std::nullopt);
  EXPECT_EQ(ref.poll_stream_abort(), StreamId{17});
  EXPECT_EQ(ref.next_deadline(), Instant::since_boot(Duration::seconds(99)));
  ref.on_deadline(now);

  const std::vector<std::string> expected{"turn 7 1000", "datagram 7 4", "open 7 305", "open 7 306",  "input 7 15",
                                          "sent 7 25",   "end 7 5",      "closed 7 5", "deadline 7 0"};
  EXPECT_EQ(app.calls, expected);
}

TEST(ApplicationRef, PassesTheCallsOfAClientOn) {
  ClientRecorder app;
  ApplicationRef ref(app);
  const Instant now = Instant::since_boot(Duration::seconds(7));
  const Endpoint peer{{}, Port(100)};
  std::array<u8, 4> octets{};

  ASSERT_TRUE(ref.is_client());
  ref.on_client_datagram(now, peer, octets);
  ref.on_stream_connected(now, 8);
  ref.on_message(now, octets);
  EXPECT_EQ(ref.poll_connect()->id, 8U);
  OutgoingDatagram out{.peer = {}, .local = std::nullopt, .payload = octets};
  EXPECT_EQ(ref.poll_datagram(now, out), 3U);
  EXPECT_EQ(out.peer.port, Port(54));
  EXPECT_EQ(ref.poll_message(octets), 3U);

  const std::vector<std::string> expected{"client datagram 7 104", "connected 7 8", "message 7 4", "poll datagram 7 4"};
  EXPECT_EQ(app.calls, expected);
}

TEST(ApplicationRef, KnowsAnApplicationThatOnlyAnswers) {
  Recorder app;
  EXPECT_FALSE(ApplicationRef(app).is_client());
}

TEST(ApplicationRef, RefersToTheApplicationAndDoesNotCopyIt) {
  Recorder app;
  ApplicationRef first(app);
  ApplicationRef second = first;
  first.on_deadline(Instant{});
  second.on_deadline(Instant{});
  EXPECT_EQ(app.calls.size(), 2U);
}

}  // namespace
}  // namespace samara::runtime
