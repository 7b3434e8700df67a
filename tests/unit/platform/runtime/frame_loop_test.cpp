// The loop over the in-tree stack: what it tells the stack, when it leaves frames where they are, and how it ends.
#include "platform/runtime/frame_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "memory_card.h"
#include "platform/base/byte_order.h"
#include "platform/base/log.h"
#include "platform/hal/sim/random.h"
#include "tcp_frames.h"

namespace samara::runtime {
namespace {

// Answers each datagram with one octet, and takes no streams.
class Terse {
 public:
  u32 asked = 0;
  u32 refused = 0;

  void on_publication(Instant, hal::Publication) {}
  u64 oldest_generation() const { return 1; }
  void on_turn(Instant, UnixTime) {}
  size_t on_datagram(Instant, const Datagram& datagram) {
    ++asked;
    datagram.reply[0] = 1;
    return 1;
  }
  bool on_stream_open(Instant, StreamId, const Endpoint&, const Endpoint&) {
    ++refused;
    return false;
  }
  MutableBytes stream_input_space(StreamId) { return {}; }
  void on_stream_input(Instant, StreamId, size_t) {}
  Bytes stream_output(StreamId) { return {}; }
  void on_stream_output_sent(Instant, StreamId, size_t) {}
  bool stream_finished(StreamId) { return false; }
  void on_stream_end(Instant, StreamId) {}
  void on_stream_closed(Instant, StreamId) {}
  std::optional<StreamId> stream_in_the_way(Instant, const Endpoint&, bool) const { return std::nullopt; }
  std::optional<StreamId> poll_stream_abort() { return std::nullopt; }
  Instant next_deadline() const { return Instant::never(); }
  void on_deadline(Instant) {}
};

// A machine that was just switched on.
struct Machine {
  // `shared`: answers go where the question came from, so nobody is asked for link-layer addresses.
  explicit Machine(NetworkConfig with, u64 seed = 1, bool shared = false) : config(std::move(with)), rng(seed) {
    card.link.shared_with_kernel = shared;
    loop.prepare(card.link);
    loop.on_publication(now, 1, 0);
    loop.start(now, {}, card);
  }
  void run_for(Duration time) {
    const Instant until = now + time;
    for (;;) {
      loop.turn(now, {}, card);
      if (loop.next_deadline() > until) break;
      now = std::max(now, loop.next_deadline());
    }
    now = until;
  }
  NetworkConfig config;
  hal::sim::SeededRng rng;
  Card card;
  Terse app;
  FrameLoop loop{config, 4, hal::WorkerApplicationRef(app), rng};
  Instant now = Instant::since_boot(Duration::seconds(1));
};

NetworkConfig fixed() {
  NetworkConfig config;
  config.addresses = {{*IpAddress::parse("192.0.2.1"), 24}};
  config.listen = {*Endpoint::parse("0.0.0.0:53")};
  return config;
}

IpAddress link_local(const NetworkConfig& config, u64 seed, u8 last_of_mac = 1) {
  Machine machine(config, seed);
  Card other;
  other.link.mac[5] = last_of_mac;
  FrameLoop loop(machine.config, 4, hal::WorkerApplicationRef(machine.app), machine.rng);
  loop.prepare(other.link);
  loop.start(machine.now, {}, other);
  for (const net::AssignedAddress& own : loop.stack().addresses()) {
    if (own.origin == net::AssignedAddress::Origin::link_local) return own.interface.address;
  }
  ADD_FAILURE() << "there is no link-local address";
  return {};
}

TEST(FrameLoop, AddressesItMakesAreTheSameAtEveryStart) {
  const NetworkConfig config = fixed();
  EXPECT_EQ(link_local(config, 1), link_local(config, 2));
  EXPECT_NE(link_local(config, 1, 1), link_local(config, 1, 2)) << "and another machine's are others";
  NetworkConfig named = config;
  named.host_name = "ns1";
  EXPECT_NE(link_local(config, 1), link_local(named, 1));
  NetworkConfig secret = config;
  secret.address_secret.emplace().fill(7);
  EXPECT_NE(link_local(config, 1), link_local(secret, 1));
  EXPECT_EQ(link_local(secret, 1), link_local(secret, 2));
  NetworkConfig secret_and_named = secret;
  secret_and_named.host_name = "ns1";
  EXPECT_EQ(link_local(secret, 1), link_local(secret_and_named, 1)) << "a host may be renamed";
}

// A datagram to port 53 of 192.0.2.1, in its frame.
std::vector<u8> question() {
  std::vector<u8> frame{0x52, 0x54, 0, 0, 0,   1, 0x52, 0x54, 0,   0, 0, 9, 8,  0, 0x45, 0,  0, 29, 0, 1, 0,  0,
                        64,   17,   0, 0, 192, 0, 2,    9,    192, 0, 2, 1, 16, 0, 0,    53, 0, 9,  0, 0, 'q'};
  u32 sum = 0;
  for (size_t i = 14; i < 34; i += 2) sum += load_be16(frame, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  store_be16(frame, 24, static_cast<u16>(~sum));
  return frame;
}

TEST(FrameLoop, QuestionsWaitWhileNothingCanBeSent) {
  Machine machine(fixed());
  machine.card.incoming.push_back(question());
  machine.card.full = true;
  EXPECT_FALSE(machine.loop.turn(machine.now, {}, machine.card)) << "no use to ask again at once";
  EXPECT_EQ(machine.card.receives, 0U);
  EXPECT_EQ(machine.app.asked, 0U);
  machine.card.full = false;
  machine.loop.turn(machine.now, {}, machine.card);
  EXPECT_EQ(machine.app.asked, 1U);
}

// Type of a DHCP message in a frame, as Stack sends it: behind the magic cookie.
std::optional<u8> dhcp_type(const std::vector<u8>& frame) {
  constexpr size_t options = 14 + 20 + 8 + 240;
  if (frame.size() < options + 3 || load_be16(frame, 12) != 0x0800 || frame[23] != 17 || load_be16(frame, 36) != 67) return {};
  return frame[options + 2];
}

TEST(FrameLoop, AnAddressHadBeforeIsAskedForFirst) {
  NetworkConfig config = fixed();
  config.addresses.clear();
  config.dhcp = true;
  const auto first_message = [](const NetworkConfig& with) {
    Machine machine(with);
    machine.run_for(Duration::seconds(1));
    for (const std::vector<u8>& frame : machine.card.sent) {
      if (dhcp_type(frame).has_value()) return frame;
    }
    return std::vector<u8>();
  };
  EXPECT_EQ(dhcp_type(first_message(config)), 1) << "DISCOVER";
  config.dhcp_address = IpAddress::parse("192.0.2.77");
  const std::vector<u8> request = first_message(config);
  EXPECT_EQ(dhcp_type(request), 3) << "REQUEST, in INIT-REBOOT";
  const std::array<u8, 6> requested{50, 4, 192, 0, 2, 77};  // RFC 2132 section 9.1
  EXPECT_FALSE(std::ranges::search(request, requested).empty());
}

TEST(FrameLoop, ALinkThatComesUpIsLoggedAndAddressesAreAnnounced) {
  Machine machine(fixed());
  machine.run_for(Duration::seconds(30));
  machine.card.sent.clear();
  static std::vector<std::string> lines;
  lines.clear();
  set_log_sink([](Level, std::string_view line) { lines.emplace_back(line); });
  machine.loop.on_link_change(machine.now, false);
  machine.run_for(Duration::seconds(5));
  EXPECT_TRUE(machine.card.sent.empty());
  machine.loop.on_link_change(machine.now, true);
  machine.loop.turn(machine.now, {}, machine.card);
  ASSERT_FALSE(machine.card.sent.empty());
  const std::vector<u8>& announcement = machine.card.sent.front();
  EXPECT_EQ(load_be16(announcement, 12), 0x0806);
  const std::array<u8, 4> own{192, 0, 2, 1};
  EXPECT_TRUE(std::ranges::equal(Bytes(announcement).subspan(28, 4), own)) << "the sender's address";
  EXPECT_TRUE(std::ranges::equal(Bytes(announcement).subspan(38, 4), own)) << "and the target's";
  set_log_sink(nullptr);
  EXPECT_EQ(lines, (std::vector<std::string>{"the network card has lost its link",
                                             "the network card has a link; addresses are announced"}));
}

// It may be elsewhere now: a machine that was saved and goes on at another host.
TEST(FrameLoop, AddressesAreAnnouncedByAMachineThatStoodStill) {
  Machine machine(fixed());
  machine.run_for(Duration::seconds(5));
  machine.card.sent.clear();
  machine.now = machine.now + Duration::seconds(100);
  hal::FrameHandler& loop = machine.loop;
  loop.on_gap(machine.now);
  loop.turn(machine.now, {}, machine.card);
  ASSERT_FALSE(machine.card.sent.empty());
  EXPECT_EQ(load_be16(machine.card.sent.front(), 12), 0x0806);
}

// Opens a connection to the machine by hand; what it said last.
std::optional<net::tcp::SegmentHeader> connect(Machine& machine, u16 port) {
  namespace tcp = net::tcp;
  const IpAddress from = IpAddress::v4({192, 0, 2, 9});
  const auto said = [&]() -> std::optional<tcp::SegmentHeader> {
    std::optional<tcp::SegmentHeader> last;
    for (const std::vector<u8>& frame : std::exchange(machine.card.sent, {})) {
      if (const auto read = read_tcp_frame(frame)) last = read->segment.header;
    }
    return last;
  };
  tcp::SegmentHeader header;
  header.source = Port(port);
  header.destination = server_port;
  header.seq = tcp::SeqNumber(100);
  header.flags = tcp::flag::syn;
  header.window = 1'000;
  machine.card.incoming.push_back(tcp_frame(from, header, {}));
  machine.run_for(Duration::milliseconds(10));
  const auto answer = said();
  if (!answer.has_value()) return std::nullopt;
  header.flags = tcp::flag::ack;
  header.seq = header.seq + 1;
  header.ack = answer->seq + 1;
  machine.card.incoming.push_back(tcp_frame(from, header, {}));
  machine.run_for(Duration::milliseconds(10));
  return said();
}

TEST(FrameLoop, AStreamTheApplicationRefusesIsResetAndLeavesNothing) {
  Machine machine(fixed(), 1, true);
  for (u16 port = 1'000; port < 1'200; ++port) {
    const auto last = connect(machine, port);
    ASSERT_TRUE(last.has_value());
    EXPECT_TRUE(last->has(net::tcp::flag::rst));
    EXPECT_EQ(machine.loop.stack().tcp().connections(), 0U);
  }
  EXPECT_EQ(machine.app.refused, 200U);
}

// Asks 192.0.2.9 whenever it is told to.
class Asker : public Terse {
 public:
  bool wants_to_ask = false;
  u32 answers = 0;
  u32 renewals = 0;

  void renew_secrets() { ++renewals; }
  void on_client_datagram(Instant, const Endpoint&, Bytes) { ++answers; }
  void on_stream_connected(Instant, StreamId) {}
  void on_message(Instant, Bytes) {}
  std::optional<Connect> poll_connect() { return std::nullopt; }
  size_t poll_datagram(Instant, OutgoingDatagram& out) {
    if (!std::exchange(wants_to_ask, false)) return 0;
    out.peer = *Endpoint::parse("192.0.2.9:53");
    out.payload[0] = 'a';
    return 1;
  }
  size_t poll_message(MutableBytes) { return 0; }
};

TEST(FrameLoop, asks_from_another_port_once_its_secrets_are_new) {
  const NetworkConfig config = fixed();
  hal::sim::SeededRng rng(1);
  Card card;
  card.link.shared_with_kernel = true;  // 192.0.2.9 is known by its question
  Asker app;
  FrameLoop loop(config, 4, hal::WorkerApplicationRef(app), rng, {.streams = 0, .datagrams = true});
  loop.prepare(card.link);
  Instant now = Instant::since_boot(Duration::seconds(1));
  loop.start(now, {}, card);
  const auto turn = [&] {
    now = now + Duration::milliseconds(10);
    loop.turn(now, {}, card);
  };
  const auto port_asked_from = [&]() -> u16 {
    card.sent.clear();
    card.incoming.push_back(question());
    app.wants_to_ask = true;
    turn();
    for (const std::vector<u8>& frame : card.sent) {
      if (frame.size() > 42 && load_be16(frame, 12) == 0x0800 && load_be16(frame, 36) == 53) return load_be16(frame, 34);
    }
    return 0;
  };
  const auto answer_to = [&](u16 port) {
    std::vector<u8> frame = question();
    store_be16(frame, 34, 53);
    store_be16(frame, 36, port);
    card.incoming.push_back(std::move(frame));
    turn();
    return std::exchange(app.answers, 0);
  };
  const u16 old_port = port_asked_from();
  ASSERT_NE(old_port, 0);
  EXPECT_EQ(port_asked_from(), old_port);
  EXPECT_EQ(answer_to(old_port), 1U);
  loop.renew_secrets();
  EXPECT_EQ(app.renewals, 1U);
  const u16 new_port = port_asked_from();
  EXPECT_NE(new_port, 0);
  EXPECT_NE(new_port, old_port);
  EXPECT_EQ(answer_to(old_port), 0U);
  EXPECT_EQ(answer_to(new_port), 1U);
}

TEST(FrameLoop, connections_bear_new_secrets_and_the_next_ones_have_other_numbers) {
  const auto first_number = [](bool renewed) {
    Machine machine(fixed(), 1, true);
    if (renewed) machine.loop.renew_secrets();
    net::tcp::SegmentHeader syn;
    syn.source = Port(4'000);
    syn.destination = server_port;
    syn.seq = net::tcp::SeqNumber(100);
    syn.flags = net::tcp::flag::syn;
    syn.window = 1'000;
    machine.card.incoming.push_back(tcp_frame(IpAddress::v4({192, 0, 2, 9}), syn, {}));
    machine.run_for(Duration::milliseconds(10));
    for (const std::vector<u8>& frame : machine.card.sent) {
      if (const auto read = read_tcp_frame(frame)) return read->segment.header.seq.value();
    }
    return u32{0};
  };
  EXPECT_EQ(first_number(false), first_number(false)) << "two that are the same say the same";
  EXPECT_NE(first_number(false), first_number(true));
}

}  // namespace
}  // namespace samara::runtime
