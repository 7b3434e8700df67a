// The MUSTs of RFC 9293 about what a segment looks like: windows, checksums, options, addresses, initial sequence numbers.
#include "platform/net/tcp/isn.h"
#include "script.h"

namespace samara::net::tcp::test {
namespace {

TEST(TcpMust, Must01WindowIsUnsigned) {
  Script s;
  s.established("mss 1460", "65535");
  // 0xffff read as a signed number would be no window at all.
  s.run("send 1460\n> P. 1(1460)\nsend 30000\n> . 1461(1460)");
}

TEST(TcpMust, Must02SenderComputesTheChecksum) {
  Script s;
  s.established();
  s.run("send 3\n> P. 1(3)");
  EXPECT_EQ(sum_of(host_a, host_b, s.last_out->octets), 0);
  EXPECT_NE(load_be16(s.last_out->octets, checksum_offset), 0);
}

TEST(TcpMust, Must03ReceiverChecksTheChecksum) {
  Script s;
  s.established();
  Packet packet = make_packet(host_b, host_a, s.build(flag::ack, 1, 1), pattern(10));
  packet.octets[25] ^= 1;
  s.host.deliver(packet);
  s.run("events\n> nothing");
  EXPECT_EQ(s.host.tcp.counters().bad_checksum, 1U);
}

TEST(TcpMust, Must04TheMandatoryOptionsAreUnderstood) {
  Script s;
  // End of list, no operation and MSS: NOP, MSS 536, end, and junk behind the end.
  s.run("listen\n< S 0(0) win 65535 raw 01020402180005ff\n> S. 0(0) ack 1 mss 1460\n< . 1(0) ack 1\nevents accepted");
  s.run("send 600\n> . 1(536)\n< . 1(0) ack 537\n> P. 537(64)");
}

TEST(TcpMust, Must05OptionsAreTakenInAnySegment) {
  Script s;
  s.established();
  s.run("< P. 1(10) ack 1 raw 0101080a0000000100000002\nevents readable\nread 10");
}

TEST(TcpMust, Must06UnknownOptionsAreIgnored) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 raw fd04abcd020405b4\n> S. 0(0) ack 1\n< . 1(0) ack 1 raw fe06aabbccdd\nevents accepted");
  s.run("send 1460\n> P. 1(1460)");
}

TEST(TcpMust, Must07IllegalOptionLengthsAreSurvived) {
  for (const char* options : {"0200", "0201", "02ff05b4", "08", "05030000", "fd", "fd00fd00"}) {
    SCOPED_TRACE(options);
    Script s;
    s.run(std::string("listen\n< S 0(0) win 65535 raw ") + options + "\n> S. 0(0) ack 1\n< . 1(0) ack 1 raw " + options +
          "\nevents accepted");
  }
}

TEST(TcpMust, Must08InitialSequenceNumbersFollowAClock) {
  SeededRng rng(1);
  const InitialNumbers numbers(rng);
  const Flow flow{{host_a, Port(53)}, {host_b, Port(1'000)}};
  const Instant now = Instant::since_boot(seconds(5'000));
  // Section 3.4.1: about every 4 microseconds.
  EXPECT_EQ(distance(numbers.sequence(now, flow), numbers.sequence(now + seconds(1), flow)), 250'000);
}

TEST(TcpMust, Must09InitialSequenceNumbersTellNothingOutside) {
  SeededRng one(1), two(2);
  const InitialNumbers numbers(one), others(two);
  const Instant now = Instant::since_boot(seconds(5'000));
  const Flow flow{{host_a, Port(53)}, {host_b, Port(1'000)}};
  Flow next = flow;
  next.peer.port = Port(1'001);
  EXPECT_NE(numbers.sequence(now, flow), others.sequence(now, flow));
  EXPECT_GT(std::abs(distance(numbers.sequence(now, flow), numbers.sequence(now, next))), 100'000);
}

TEST(TcpMust, Must14MssIsSentAndTaken) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 mss 700\n> S. 0(0) ack 1 mss 1460\n< . 1(0) ack 1\nevents accepted\nsend 700\n> P. 1(700)");
}

TEST(TcpMust, Must15WithoutMssTheDefaultHolds) {
  Script s;
  s.run("listen\n< S 0(0) win 65535\n> S. 0(0) ack 1\n< . 1(0) ack 1\nevents accepted\nsend 1400\n> . 1(536)");
  Script six;
  six.local.address = host_a6;
  six.peer.address = host_b6;
  six.run("listen\n< S 0(0) win 65535\n> S. 0(0) ack 1 mss 1440\n< . 1(0) ack 1\nevents accepted\nsend 1400\n> . 1(1220)");
}

TEST(TcpMust, Must16EffectiveMssCountsOptionsAndPath) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 mss 1460 ts 1 0\n> S. 0(0) ack 1\n< . 1(0) ack 1 ts 2 0\nevents accepted");
  s.run("send 3000\n> . 1(1448)");
  Script small;
  small.established();
  small.host.tcp.on_path_mtu(small.host.now, host_b, 1'000);
  small.run("send 3000\n> . 1(960)");
}

TEST(TcpMust, Must57SegmentsFromOrToManyAreDropped) {
  Script s;
  s.run("listen\n< S 0(0) win 65535 many\n> nothing");
  Packet packet = make_packet(host_b, host_a, s.build(flag::syn, 0, std::nullopt), {});
  s.host.tcp.on_segment(s.host.now, {.source = host_b,
                                     .destination = host_a,
                                     .protocol = Protocol::tcp,
                                     .hop_limit = 64,
                                     .unicast = false,
                                     .payload = packet.octets,
                                     .quotable = {}});
  s.run("> nothing");
  EXPECT_EQ(s.host.tcp.counters().malformed, 2U);
}

TEST(TcpMust, Must63SynFromAnImpossibleAddressIsDropped) {
  Script s;
  s.run("listen");
  for (const char* address : {"255.255.255.255", "0.0.0.0", "239.1.2.3", "ff02::1", "::"}) {
    Script t;
    t.peer.address = *IpAddress::parse(address);
    t.local.address = t.peer.address.is_v4() ? host_a : host_a6;
    t.run("listen\n< S 0(0) win 65535\n> nothing");
    EXPECT_EQ(t.host.tcp.counters().malformed, 1U) << address;
  }
}

TEST(TcpMust, Must64OptionsNeedNoAlignment) {
  Script s;
  // Window scale first, so that MSS and timestamps stand at odd places.
  s.run(
      "listen\n< S 0(0) win 65535 raw 030302020402bc080a0000000100000000\n> S. 0(0) ack 1 ws 1\n< . 1(0) ack 1 ts 2 0\n"
      "events accepted\nsend 1000\n> . 1(688)");
}

TEST(TcpMust, Must65MssIsInSynsOnly) {
  Script s;
  s.established();
  s.run("send 10\n> P. 1(10) nomss\n< P. 1(10) ack 11\n+40\n> . 11(0) ack 11 nomss\nclose\n> R. 11(0) nomss");
}

TEST(TcpMust, Must67MssSentFollowsWhatWeCanReceive) {
  Script s;
  s.host.tcp.set_link_mtu(1'400);
  s.run("listen\n< S 0(0) win 65535\n> S. 0(0) ack 1 mss 1360");
  Script six;
  six.local.address = host_a6;
  six.peer.address = host_b6;
  six.host.tcp.set_link_mtu(1'280);
  six.run("listen\n< S 0(0) win 65535\n> S. 0(0) ack 1 mss 1220");
}

TEST(TcpMust, Must68OptionsHaveALength) {
  SegmentHeader header;
  header.options.mss = 1'460;
  header.options.window_scale = 7;
  header.options.sack_permitted = true;
  header.options.timestamps = Timestamps{1, 2};
  std::vector<u8> octets(header_size(header.options));
  write_header(header, octets);
  for (size_t i = 20; i < octets.size();) {
    if (octets[i] == 0) break;
    if (octets[i] == 1) {
      ++i;
      continue;
    }
    ASSERT_LT(i + 1, octets.size());
    ASSERT_GE(octets[i + 1], 2);
    i += octets[i + 1];
    ASSERT_LE(i, octets.size());
  }
}

TEST(TcpMust, Must69HeaderPaddingIsZero) {
  SegmentHeader header;
  header.options.window_scale = 7;
  std::vector<u8> octets(24, 0xee);
  ASSERT_EQ(header_size(header.options), 24U);
  write_header(header, octets);
  EXPECT_EQ(octets[23], 0);
  header.options = {};
  header.options.sack_permitted = true;
  std::ranges::fill(octets, 0xee);
  write_header(header, octets);
  EXPECT_EQ(load_be16(octets, 22), 0);
}

}  // namespace
}  // namespace samara::net::tcp::test
