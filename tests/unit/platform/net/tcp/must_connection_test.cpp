// The MUSTs of RFC 9293 about opening, closing and losing connections, and about what the user and the IP layer are told.
#include "script.h"

namespace samara::net::tcp::test {
namespace {

struct FakeIp final : IpLayer {
  std::optional<IpAddress> source_for(const IpAddress& peer) const override {
    return peer == host_b ? std::optional(host_a) : std::nullopt;
  }
  u16 path_mtu(const IpAddress&) const override { return 1'200; }
};

TEST(TcpMust, Must10BothEndsMayOpenAtOnce) {
  Script s;
  s.run(
      "connect\n> S 0(0)\n< S 0(0) win 65535 mss 1460\n> S. 0(0) ack 1\nstate syn_received\n< S. 0(0) ack 1 win 65535 mss "
      "1460\n"
      "state established\nevents connected\n< P. 1(5) ack 1\nevents readable\nread 5");
}

TEST(TcpMust, Must10TwoMachinesThatOpenAtOnceConnect) {
  Pair pair;
  const Endpoint a{host_a, Port(1'000)}, b{host_b, Port(2'000)};
  const ConnectionId ca = MUST(pair.a.tcp.connect(pair.now(), a, b, 1'500));
  const ConnectionId cb = MUST(pair.b.tcp.connect(pair.now(), b, a, 1'500));
  pair.run(ms(500));
  EXPECT_EQ(pair.a.tcp.state(ca), State::established);
  EXPECT_EQ(pair.b.tcp.state(cb), State::established);
  EXPECT_LT(pair.a.tcp.counters().segments_out, 6U);
}

TEST(TcpMust, Must11SynReceivedRemembersHowItCameAbout) {
  Script passive;
  passive.run("listen\n< S 0(0) win 100\n> S. 0(0) ack 1\n< R 1(0)\nevents\n< S 0(0) win 100\n> S. 0(0) ack 1");
  EXPECT_EQ(passive.host.tcp.connections(), 1U);
  Script active;
  active.run("connect\n> S 0(0)\n< S 0(0) win 100\n> S. 0(0) ack 1\n< R 1(0)\nevents closed\nstale");
  EXPECT_EQ(active.closed_error, Error::refused);
}

TEST(TcpMust, Must12TheUserHearsOfAReset) {
  Script s;
  s.established();
  s.run("< P. 1(5) ack 1\n< R 6(0)\nevents readable closed\nstale");
  EXPECT_EQ(s.closed_error, Error::reset);
}

TEST(TcpMust, Must13TimeWaitLastsTwoMsl) {
  Script s;
  s.established();
  s.run("close\n> F. 1(0) ack 1\n< F. 1(0) ack 2\n> . 2(0) ack 2\nevents closed");
  // Still there just before 2 MSL, and gone afterwards: the second FIN gets a RST.
  s.run("+59900\n< F. 1(0) ack 2\n> . 2(0) ack 2\n+59900\n< F. 1(0) ack 2\n> . 2(0) ack 2\n+60000\n< F. 1(0) ack 2\n> R 2(0)");
}

TEST(TcpMust, Must20SilenceIsReportedAtR1AndEndsAtR2) {
  Script s;
  s.established();
  s.collecting = true;
  s.run("send 10\n> P. 1(10)\n+4000\nevents trouble");
  EXPECT_EQ(s.host.tcp.poll_suspect_path(), host_b);
  EXPECT_FALSE(s.host.tcp.poll_suspect_path().has_value());
  s.run("+90000\nevents\nstate established\n+70000\nevents closed");
  EXPECT_EQ(s.closed_error, Error::timed_out);
}

TEST(TcpMust, Must21TheUserSetsR2) {
  Script s({.user_timeout = seconds(300)});
  s.established();
  s.collecting = true;
  s.run("send 10\n> P. 1(10)\n+290000\nevents trouble\nstate established\n+100000\nevents closed");
}

TEST(TcpMust, Must22SynsCountAsOtherSegmentsDo) {
  Script s;
  s.collecting = true;
  s.run("connect\n> S 0(0)\n+8000\nevents trouble\n> S 0(0)\n> S 0(0)\n> S 0(0)");
  EXPECT_EQ(s.host.tcp.poll_suspect_path(), host_b);
}

TEST(TcpMust, Must23SynsAreSentForThreeMinutes) {
  Script s;
  s.collecting = true;
  s.run("connect\n> S 0(0)\n+179000\nevents trouble\nstate syn_sent\n+65000\nevents closed");
  EXPECT_EQ(s.closed_error, Error::timed_out);
}

TEST(TcpMust, Must24KeepAliveCanBeTurnedOn) {
  Script s;
  s.established();
  s.run("+7300000\n> nothing");
  ASSERT_TRUE(s.host.tcp.set_options(s.id, {.keep_alive = true}).ok());
  s.run("+1\n> . 0(0) ack 1");
}

TEST(TcpMust, Must25KeepAliveIsOffByDefault) {
  EXPECT_FALSE(Options{}.keep_alive);
  Script s;
  s.established();
  EXPECT_EQ(s.host.tcp.next_deadline(), Instant::never());
}

TEST(TcpMust, Must26KeepAliveWaitsUntilNothingWasHeard) {
  Script s({.keep_alive = true, .keep_alive_idle = seconds(100)});
  s.established();
  s.run("+90000\n> nothing\n< P. 1(5) ack 1\n+40\n> . 1(0) ack 6\n+99000\n> nothing\n+1000\n> . 0(0) ack 6");
}

TEST(TcpMust, Must27KeepAliveIntervalIsConfigurable) {
  Script s({.keep_alive = true, .keep_alive_idle = seconds(10), .keep_alive_interval = seconds(3), .keep_alive_probes = 2});
  s.established();
  s.run("+10000\n> . 0(0)\n+3000\n> . 0(0)\n+3000\n> R. 1(0)\nevents closed");
  EXPECT_EQ(s.closed_error, Error::timed_out);
}

TEST(TcpMust, Must28KeepAliveDefaultIsTwoHours) {
  EXPECT_GE(Options{}.keep_alive_idle, seconds(7'200));
}

TEST(TcpMust, Must29OneUnansweredKeepAliveMeansNothing) {
  Script s({.keep_alive = true, .keep_alive_idle = seconds(10)});
  s.established();
  s.run("+10000\n> . 0(0)\n+75000\n> . 0(0)\nstate established\n< . 1(0) ack 1\n+9000\n> nothing\nstate established");
}

TEST(TcpMust, Must41PassiveOpensDoNotDisturbConnections) {
  Script s;
  s.established();
  ASSERT_TRUE(s.host.tcp.listen({host_a, Port(54)}, 4).ok());
  s.run("< P. 1(5) ack 1\nevents readable\nread 5\nstate established");
}

TEST(TcpMust, Must42ManyListenersShareAPort) {
  Host host;
  const IpAddress other = IpAddress::v4({192, 0, 2, 9});
  const ListenerId one = MUST(host.tcp.listen({host_a, Port(53)}, 4));
  const ListenerId two = MUST(host.tcp.listen({other, Port(53)}, 4));
  const ListenerId all = MUST(host.tcp.listen({IpAddress(), Port(53)}, 4));
  for (const auto& [address, expected] : {std::pair{host_a, one}, {other, two}, {IpAddress::v4({192, 0, 2, 77}), all}}) {
    SegmentHeader header;
    header.source = Port(9);
    header.destination = Port(53);
    header.flags = flag::syn;
    header.window = 1'000;
    host.deliver(make_packet(host_b, address, header, {}));
    const auto answer = host.poll();
    ASSERT_TRUE(answer.has_value());
    const Segment parsed = MUST(parse_segment(answer->octets));
    header.flags = flag::ack;
    header.seq = SeqNumber(1);
    header.ack = parsed.header.seq + 1;
    host.deliver(make_packet(host_b, address, header, {}));
    const auto events = host.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].listener, expected);
  }
  EXPECT_EQ(host.tcp.listen({host_a, Port(53)}, 4).error(), Error::address_in_use);
}

TEST(TcpMust, Must43TheUserMayNameTheLocalAddress) {
  Host host;
  ASSERT_TRUE(host.tcp.connect(host.now, {host_a, Port(0)}, {host_b, Port(53)}, 1'500).ok());
  EXPECT_EQ(host.poll()->source, host_a);
}

TEST(TcpMust, Must44OtherwiseTheIpLayerChoosesTheLocalAddress) {
  Host host;
  const FakeIp ip;
  EXPECT_EQ(host.tcp.connect(host.now, {}, {host_b, Port(53)}, 0).error(), Error::bad_address);
  host.tcp.set_ip_layer(&ip);
  const ConnectionId id = MUST(host.tcp.connect(host.now, {}, {host_b, Port(53)}, 0));
  EXPECT_EQ(host.tcp.local(id)->address, host_a);
  EXPECT_EQ(host.tcp.connect(host.now, {}, {IpAddress::v4({10, 0, 0, 1}), Port(53)}, 0).error(), Error::bad_address);
}

TEST(TcpMust, Must45TheLocalAddressStaysTheSame) {
  Script s;
  s.run("connect\n> S 0(0)\n+1000\n> S 0(0)\n< S. 0(0) ack 1 win 65535\n> . 1(0) ack 1");
  EXPECT_EQ(s.last_out->source, host_a);
  s.run("send 5\n> P. 1(5)");
  EXPECT_EQ(s.last_out->source, host_a);
}

TEST(TcpMust, Must46NoConnectionToManyOrNobody) {
  Host host;
  for (const char* address : {"224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1", "::"}) {
    const IpAddress peer = *IpAddress::parse(address);
    const auto result = host.tcp.connect(host.now, {peer.is_v4() ? host_a : host_a6, Port(0)}, {peer, Port(53)}, 1'500);
    ASSERT_FALSE(result.ok()) << address;
    EXPECT_EQ(result.error(), Error::bad_address);
  }
  EXPECT_FALSE(host.tcp.connect(host.now, {host_a, Port(0)}, {host_b, Port(0)}, 1'500).ok());
}

// What an ICMP error quotes of the segment that went out last.
bool report(Script& s, DeliveryError error) {
  return s.host.tcp.on_delivery_error(s.host.now, error, host_a, host_b, Bytes(s.last_out->octets).first(8));
}

TEST(TcpMust, Must47SoftErrorsAreReported) {
  Script s;
  s.established();
  s.run("send 5\n> P. 1(5)");
  EXPECT_TRUE(report(s, DeliveryError::network_unreachable));
  s.run("events trouble\nstate established");
}

TEST(TcpMust, Must48TheUserSetsTheDifferentiatedServicesField) {
  Script s({.traffic_class = 0xb8});
  s.established();
  s.run("send 5\n> P. 1(5)");
  EXPECT_EQ(s.last_out->how.traffic_class, 0xb8);
}

TEST(TcpMust, Must49TheUserSetsTheTimeToLive) {
  EXPECT_EQ(Options{}.hop_limit, 64);
  Script s({.hop_limit = 255});
  s.established();
  s.run("send 5\n> P. 1(5)");
  EXPECT_EQ(s.last_out->how.hop_limit, 255);
}

// IP options, source routes among them, end in the IP layer: TCP is given addresses and octets, and answers the address.
TEST(TcpMust, Must50Must51Must52Must53SegmentsAreAnsweredByAddressWhateverIpOptionsTheyHad) {
  Script s;
  s.run("listen");
  Packet syn = make_packet(host_b, host_a, s.build(flag::syn, 0, std::nullopt), {});
  std::vector<u8> quotable{0x47, 0, 0, 48, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1, 0x83, 7, 8, 203, 0, 113, 9, 0};
  s.host.tcp.on_segment(s.host.now, {.source = host_b,
                                     .destination = host_a,
                                     .protocol = Protocol::tcp,
                                     .hop_limit = 64,
                                     .payload = syn.octets,
                                     .quotable = quotable});
  s.run("> S. 0(0) ack 1");
  EXPECT_EQ(s.last_out->destination, host_b);
}

TEST(TcpMust, Must54IcmpErrorsReachTheConnectionTheyQuote) {
  Script s;
  s.run("connect\n> S 0(0)");
  EXPECT_TRUE(report(s, DeliveryError::port_unreachable));
  s.run("events closed\nstale");
  EXPECT_EQ(s.closed_error, Error::unreachable);
  Script forged;
  forged.established();
  forged.run("send 5\n> P. 1(5)");
  // RFC 5927 section 4.1: a sequence number that is not under way was made up.
  store_be32(forged.last_out->octets, 4, (forged.our_isn + 100).value());
  EXPECT_FALSE(report(forged, DeliveryError::port_unreachable));
  forged.run("events");
}

// The IP layer has no name for a source quench; whatever else it reports, sending goes on as before.
TEST(TcpMust, Must55SourceQuenchChangesNothing) {
  Script s;
  s.established();
  s.run("send 14600\n> . 1(1460)");
  EXPECT_TRUE(report(s, DeliveryError::administratively_prohibited));
  s.run("> . 1461(1460)\n> . 2921(1460)\n> . 4381(1460)");
}

TEST(TcpMust, Must56SoftErrorsDoNotAbort) {
  Script s;
  s.run("connect\n> S 0(0)");
  EXPECT_TRUE(report(s, DeliveryError::network_unreachable));
  EXPECT_TRUE(report(s, DeliveryError::administratively_prohibited));
  s.run("events trouble\nstate syn_sent\n< S. 0(0) ack 1 win 65535\n> . 1(0) ack 1\nevents connected");
}

}  // namespace
}  // namespace samara::net::tcp::test
