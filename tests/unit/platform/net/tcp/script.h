// A scripted peer, in the manner of packetdrill: each line of a script is a segment that arrives, one that must go out, a call
// of the user, or time that passes. Sequence numbers are relative to the initial ones.
//
//   < FLAGS SEQ(LEN) [ack N] [win N] [urg N] [mss N] [ws N] [sackok] [ts VALUE ECHO] [sack A-B …] [raw HEX] [many]
//         a segment arrives. FLAGS: any of S F R P U . (ACK). `raw`: option octets; `many`: sent to a group address
//   > FLAGS SEQ(LEN) [ack N] [win N] [urg N] [mss N] [ws N] [nows] [sackok] [nosack] [sack A-B …]
//         the next segment out has exactly these flags and length; other fields are compared when they are named
//   > nothing                 no segment is to be sent
//   +MS                       so many milliseconds pass; every deadline in them is met
//   listen [BACKLOG] | connect | send N [more] | read N | close | shutdown | abort | urgent
//   events [NAME …]           exactly these since the last time; `accepted` names the connection the user's calls are about
//   state NAME | stale        of that connection
#pragma once

#include <sstream>
#include <string>

#include "tcp_host.h"

namespace samara::net::tcp::test {

inline const std::array<std::string_view, 10> state_names{"closed",     "syn_sent",   "syn_received", "established",
                                                          "fin_wait_1", "fin_wait_2", "close_wait",   "closing",
                                                          "last_ack",   "time_wait"};
inline const std::array<std::string_view, 8> event_names{"accepted", "connected", "readable", "writable",
                                                         "end",      "urgent",    "trouble",  "closed"};

class Script {
 public:
  explicit Script(const Options& with = {}, const Capacity& capacity = Host::small()) : host(7, capacity), options(with) {}

  Host host;
  Options options;
  ConnectionId id{};
  ListenerId listener{};
  Endpoint local{host_a, Port(53)};
  Endpoint peer{host_b, Port(1'000)};
  SeqNumber peer_isn{0xfffff000};  // wraps in the middle of most scripts
  SeqNumber our_isn;
  std::optional<Error> closed_error;
  std::optional<Packet> last_out;
  std::optional<Segment> last;  // a view of last_out
  std::vector<u8> received;

  void run(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string verb;
      if (!(words >> verb)) continue;
      SCOPED_TRACE(line);
      step(verb, words);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  // Three-way handshake of a connection that the peer opens, without options.
  void established(const std::string& syn_options = "mss 1460", const std::string& window = "65535") {
    run("listen\n< S 0(0) win " + window + " " + syn_options + "\n> S. 0(0) ack 1\n< . 1(0) ack 1 win " + window +
        "\nevents accepted\nstate established");
  }
  // The same with a peer whose answers take 10 ms.
  void far_established(const std::string& syn_options) {
    run("listen\n< S 0(0) win 65535 " + syn_options +
        "\n> S. 0(0) ack 1\n+10\n< . 1(0) ack 1 win 65535\nevents accepted\nstate established");
  }
  SegmentHeader build(u8 flags, u32 seq, std::optional<u32> ack, u16 window = 65'535) const {
    SegmentHeader header;
    header.source = peer.port;
    header.destination = local.port;
    header.seq = peer_isn + seq;
    header.flags = flags;
    if (ack) header.ack = our_isn + *ack;
    header.window = window;
    return header;
  }
  void inject(const SegmentHeader& header, size_t length = 0) {
    host.deliver(make_packet(peer.address, local.address, header, Bytes(pattern_).subspan(stream_offset(header), length)));
  }

 private:
  size_t stream_offset(const SegmentHeader& header) const {
    return static_cast<size_t>(std::max<i32>(distance(peer_isn + 1, header.seq), 0));
  }
  static u8 flags_of(const std::string& text) {
    u8 flags = 0;
    for (const char c : text) {
      const size_t at = std::string_view("FSRP.U").find(c);
      EXPECT_NE(at, std::string_view::npos) << text;
      flags |= static_cast<u8>(1U << at);
    }
    return flags;
  }
  static void parse_place(const std::string& text, u32& seq, u32& length) {
    const size_t open = text.find('(');
    seq = static_cast<u32>(std::stoll(text.substr(0, open)));
    length = static_cast<u32>(std::stoul(text.substr(open + 1)));
  }
  static SackBlock parse_block(const std::string& text, SeqNumber base) {
    const size_t dash = text.find('-');
    return {base + static_cast<u32>(std::stoul(text.substr(0, dash))),
            base + static_cast<u32>(std::stoul(text.substr(dash + 1)))};
  }

  void step(const std::string& verb, std::istringstream& words) {
    if (verb == "<") return arrive(words);
    if (verb == ">") return expect(words);
    if (verb[0] == '+') return pass(ms(std::stol(verb.substr(1))));
    if (verb == "events") return expect_events(words);
    if (verb == "state") {
      std::string name;
      words >> name;
      const auto state = host.tcp.state(id);
      ASSERT_TRUE(state.has_value());
      EXPECT_EQ(state_names[static_cast<size_t>(*state)], name);
      return;
    }
    if (verb == "stale") {
      EXPECT_FALSE(host.tcp.state(id).has_value());
      return;
    }
    call(verb, words);
  }
  void call(const std::string& verb, std::istringstream& words) {
    u32 number = 0;
    std::string more;
    words >> number >> more;
    if (verb == "listen") {
      listener = MUST(host.tcp.listen(local, number != 0 ? number : 16, options));
    } else if (verb == "connect") {
      id = MUST(host.tcp.connect(host.now, local, peer, 1'500, options));
    } else if (verb == "send") {
      const auto taken = host.tcp.send(host.now, id, Bytes(pattern_).subspan(sent_, number), more != "more");
      ASSERT_TRUE(taken.ok());
      EXPECT_EQ(taken.value(), number);
      sent_ += number;
    } else if (verb == "read") {
      std::vector<u8> buffer(number);
      const auto got = host.tcp.receive(host.now, id, buffer);
      ASSERT_TRUE(got.ok());
      ASSERT_EQ(got.value(), number);
      EXPECT_TRUE(std::ranges::equal(buffer, Bytes(pattern_).subspan(received.size(), number)));
      received.insert(received.end(), buffer.begin(), buffer.end());
    } else if (verb == "close") {
      host.tcp.close(host.now, id);
    } else if (verb == "shutdown") {
      ASSERT_TRUE(host.tcp.shutdown(host.now, id).ok());
    } else if (verb == "abort") {
      host.tcp.abort(host.now, id);
    } else if (verb == "urgent") {
      ASSERT_TRUE(host.tcp.mark_urgent(host.now, id).ok());
    } else {
      FAIL() << "unknown: " << verb;
    }
  }
  void pass(Duration duration) {
    const Instant end = host.now + duration;
    while (host.tcp.next_deadline() <= end) {
      host.now = std::max(host.now, host.tcp.next_deadline());
      host.tcp.on_deadline(host.now);
      ASSERT_GT(host.tcp.next_deadline(), host.now);
      if (collecting) {
        while (auto packet = host.poll()) waiting_.push_back(*packet);
      } else if (!waiting_.empty() || fetch()) {
        // What a deadline sends is looked at when the script asks for it; later deadlines wait for that.
        host.now = end;
        return;
      }
    }
    host.now = end;
  }
  bool fetch() {
    if (auto packet = host.poll()) waiting_.push_back(*packet);
    return !waiting_.empty();
  }
  void arrive(std::istringstream& words) {
    std::string flags, place, word;
    words >> flags >> place;
    u32 seq = 0, length = 0;
    parse_place(place, seq, length);
    SegmentHeader header = build(flags_of(flags), seq, std::nullopt);
    std::vector<u8> raw;
    bool many = false;
    while (words >> word) {
      u32 n = 0, m = 0;
      if (word == "ack" && words >> n) header.ack = our_isn + n;
      if (word == "win" && words >> n) header.window = static_cast<u16>(n);
      if (word == "urg" && words >> n) header.urgent = static_cast<u16>(n);
      if (word == "mss" && words >> n) header.options.mss = static_cast<u16>(n);
      if (word == "ws" && words >> n) header.options.window_scale = static_cast<u8>(n);
      if (word == "sackok") header.options.sack_permitted = true;
      if (word == "ts" && words >> n >> m) header.options.timestamps = Timestamps{n, m};
      if (word == "many") many = true;
      if (word == "raw" && words >> word) {
        for (size_t i = 0; i + 1 < word.size(); i += 2)
          raw.push_back(static_cast<u8>(std::stoul(word.substr(i, 2), nullptr, 16)));
      }
      if (word == "sack") {
        while (words >> word) header.options.sack[header.options.sack_count++] = parse_block(word, our_isn);
      }
    }
    Packet packet = make_packet(peer.address, local.address, header, Bytes(pattern_).subspan(stream_offset(header), length));
    if (!raw.empty()) {
      raw.resize((raw.size() + 3) & ~size_t{3});
      packet.octets.insert(packet.octets.begin() + 20, raw.begin(), raw.end());
      packet.octets[12] = static_cast<u8>((5 + raw.size() / 4) << 4);
      store_be16(packet.octets, checksum_offset, 0);
      store_be16(packet.octets, checksum_offset, sum_of(packet.source, packet.destination, packet.octets));
    }
    if (many) packet.source = IpAddress::v4({224, 0, 0, 1});
    host.deliver(packet);
  }
  void expect(std::istringstream& words) {
    std::string flags, place, word;
    words >> flags;
    if (flags == "nothing") {
      EXPECT_FALSE(fetch());
      return;
    }
    words >> place;
    ASSERT_TRUE(fetch()) << "nothing is sent";
    last_out = waiting_.front();
    waiting_.erase(waiting_.begin());
    last = MUST(parse_segment(last_out->octets));
    const SegmentHeader& header = last->header;
    if (header.has(flag::syn)) our_isn = header.seq;
    u32 seq = 0, length = 0;
    parse_place(place, seq, length);
    EXPECT_EQ(header.flags, flags_of(flags));
    EXPECT_EQ(header.source, local.port);
    EXPECT_EQ(header.destination, peer.port);
    EXPECT_EQ(distance(our_isn, header.seq), static_cast<i32>(seq));
    EXPECT_EQ(last->payload.size(), length);
    if (length != 0 && seq != 0) {
      EXPECT_TRUE(std::ranges::equal(last->payload, Bytes(pattern_).subspan(seq - 1, length)));
    }
    size_t sacks = 0;
    while (words >> word) {
      u32 n = 0;
      if (word == "ack" && words >> n) {
        EXPECT_EQ(distance(peer_isn, header.ack), static_cast<i32>(n));
      }
      if (word == "win" && words >> n) {
        EXPECT_EQ(header.window, n);
      }
      if (word == "urg" && words >> n) {
        EXPECT_EQ(header.urgent, n);
      }
      if (word == "mss" && words >> n) {
        EXPECT_EQ(header.options.mss, std::optional<u16>(static_cast<u16>(n)));
      }
      if (word == "nomss") {
        EXPECT_FALSE(header.options.mss.has_value());
      }
      if (word == "ws" && words >> n) {
        EXPECT_EQ(header.options.window_scale, std::optional<u8>(static_cast<u8>(n)));
      }
      if (word == "nows") {
        EXPECT_FALSE(header.options.window_scale.has_value());
      }
      if (word == "sackok") {
        EXPECT_TRUE(header.options.sack_permitted);
      }
      if (word == "nosack") {
        EXPECT_EQ(header.options.sack_count, 0);
      }
      if (word == "sack") {
        while (words >> word) {
          ASSERT_LT(sacks, header.options.sack_count);
          EXPECT_EQ(header.options.sack[sacks++], parse_block(word, peer_isn));
        }
        EXPECT_EQ(sacks, header.options.sack_count);
      }
    }
  }
  void expect_events(std::istringstream& words) {
    std::string wanted, word, seen;
    while (words >> word) wanted += word + " ";
    for (const Event& event : host.events()) {
      seen += std::string(event_names[static_cast<size_t>(event.kind)]) + " ";
      if (event.kind == Event::Kind::accepted) id = event.connection;
      if (event.kind == Event::Kind::closed) closed_error = event.error;
    }
    EXPECT_EQ(seen, wanted);
  }

 public:
  bool collecting = false;  // pass() goes on and keeps what is sent
  std::vector<Packet> waiting_;

 private:
  std::vector<u8> pattern_ = pattern(400'000);
  size_t sent_ = 0;
};

}  // namespace samara::net::tcp::test
