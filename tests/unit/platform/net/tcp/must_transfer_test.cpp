// The MUSTs of RFC 9293 about moving data: Nagle, retransmission, windows, urgent data, acknowledgements, PSH.
#include "script.h"

namespace samara::net::tcp::test {
namespace {

TEST(TcpMust, Must17NaglesAlgorithmCanBeTurnedOff) {
  Script on;
  on.established();
  on.run("send 10\n> P. 1(10)\nsend 10\n> nothing\nsend 10\n< . 1(0) ack 11\n> P. 11(20)");
  Script off({.no_delay = true});
  off.established();
  off.run("send 10\n> P. 1(10)\nsend 10\n> P. 11(10)");
}

TEST(TcpMust, Must18TheTimeoutFollowsTheMeasuredRoundTrip) {
  Script s;
  // RFC 6298 section 2.2: the first sample R gives SRTT = R, RTTVAR = R / 2, and a timeout of SRTT + 4 * RTTVAR = 3 R.
  s.run("listen\n< S 0(0) win 65535 mss 1460\n> S. 0(0) ack 1\n+300\n< . 1(0) ack 1\nevents accepted");
  s.run("send 10\n> P. 1(10)\n+899\n> nothing\n+1\n> P. 1(10)");
  // Karn: what was sent twice is no sample, and the doubled timeout stays until there is one.
  s.run("+5\n< . 1(0) ack 11\nsend 10\n> P. 11(10)\n+1799\n> nothing\n+1\n> P. 11(10)");
}

TEST(TcpMust, Must19TimeoutsDoubleAndStartSlowly) {
  Script s;
  s.established();
  s.run(
      "send 14600\n> . 1(1460)\n> . 1461(1460)\n> . 2921(1460)\n> . 4381(1460)\n> . 5841(1460)\n> . 7301(1460)\n"
      "> . 8761(1460)\n> . 10221(1460)\n> . 11681(1460)\n> P. 13141(1460)\n> nothing");
  // RFC 5681: after the timeout one segment, then two for each acknowledgement.
  s.run("+200\n> . 1(1460)\n> nothing\n< . 1(0) ack 1461\n> . 1461(1460)\n> . 2921(1460)\n> nothing");
  Script silent;
  silent.established();
  // The handshake took no time, so the timeout is the least there is.
  silent.run(
      "send 10\n> P. 1(10)\n+199\n> nothing\n+1\n> P. 1(10)\n+399\n> nothing\n+1\n> P. 1(10)\n+799\n> nothing\n+1\n> P. 1(10)");
}

TEST(TcpMust, Must19ThreeDuplicatesHalveTheWindow) {
  Script s;
  s.established();
  s.run(
      "send 14600\n> . 1(1460)\n> . 1461(1460)\n> . 2921(1460)\n> . 4381(1460)\n> . 5841(1460)\n> . 7301(1460)\n"
      "> . 8761(1460)\n> . 10221(1460)\n> . 11681(1460)\n> P. 13141(1460)\nsend 14600");
  // RFC 3042: each of the first two duplicates lets one new segment out; the third brings the lost one back.
  s.run("< . 1(0) ack 1\n> . 14601(1460)\n< . 1(0) ack 1\n> . 16061(1460)\n< . 1(0) ack 1\n> . 1(1460)\n> nothing");
  EXPECT_EQ(s.host.tcp.counters().fast_retransmits, 1U);
}

TEST(TcpMust, Must30Must62UrgentDataAreMarkedUpToTheOctetBehindThem) {
  Script s;
  s.established();
  // The pointer names the first octet that is not urgent any more.
  s.run("send 10\nurgent\n> PU. 1(10) urg 10\n< . 1(0) ack 11\nsend 5\n> P. 11(5)");
}

TEST(TcpMust, Must31UrgentDataMayBeOfAnyLength) {
  Script s;
  s.established();
  s.run("send 60000\nsend 5000\nurgent\n> U. 1(1460) urg 65000\n> U. 1461(1460) urg 63540");
}

TEST(TcpMust, Must32Must33TheUserHearsOfUrgentDataAndHowMuchIsLeft) {
  Script s;
  s.established();
  s.run("< U. 1(10) ack 1 urg 30\nevents readable urgent");
  EXPECT_EQ(s.host.tcp.urgent_ahead(s.id), 30U);
  s.run("read 10");
  EXPECT_EQ(s.host.tcp.urgent_ahead(s.id), 20U);
  s.run("< U. 11(25) ack 1 urg 20\nevents readable\nread 20");
  EXPECT_FALSE(s.host.tcp.urgent_ahead(s.id).has_value());
  s.run("read 5");  // RFC 6093: urgent octets are in the stream like others
}

TEST(TcpMust, Must34AShrinkingWindowIsSurvived) {
  Script s;
  s.established("mss 1000", "4000");
  s.run("send 6000\n> . 1(1000)\n> . 1001(1000)\n> . 2001(1000)\n> . 3001(1000)\n> nothing");
  s.run("< . 1(0) ack 1001 win 1000\n> nothing\n< . 1(0) ack 4001 win 1000\n> . 4001(1000)\n> nothing");
}

TEST(TcpMust, Must35AWindowThatShrinksToZeroIsProbed) {
  Script s;
  s.established("mss 1000", "2000");
  s.run(
      "send 3000\n> . 1(1000)\n> . 1001(1000)\n< . 1(0) ack 1001 win 0\n+1000\n> P. 1001(1)\n< . 1(0) ack 1001 win 0\n"
      "< . 1(0) ack 1001 win 2000\n> . 1001(1000)");
}

TEST(TcpMust, Must36ZeroWindowsAreProbed) {
  Script s;
  s.established("mss 1000", "1000");
  // SHLD-29, SHLD-30: first after a timeout, then further apart each time.
  s.run(
      "send 2000\n> . 1(1000)\n< . 1(0) ack 1001 win 0\n> nothing\n+199\n> nothing\n+1\n> P. 1001(1)\n"
      "< . 1(0) ack 1001 win 0\n> nothing\n+399\n> nothing\n+1\n> P. 1001(1)\n+799\n> nothing\n+1\n> P. 1001(1)");
  s.run("< . 1(0) ack 1001 win 1000\n> P. 1001(1000)");
}

TEST(TcpMust, Must37AZeroWindowMayLastForever) {
  Script s;
  s.established("mss 1000", "1000");
  s.run("send 2000\n> . 1(1000)\n< . 1(0) ack 1001 win 0\n> nothing");
  for (int i = 0; i < 40; ++i) s.run("+61000\n> P. 1001(1)\n< . 1(0) ack 1001 win 0\n> nothing");
  s.run("state established");
}

TEST(TcpMust, Must38TheSenderAvoidsSillyWindows) {
  Script s;
  s.established("mss 1000", "10000");
  // A window of less than a segment, and of less than half the largest, is not worth sending into while data are under way.
  s.run(
      "send 11000\n> . 1(1000)\n> . 1001(1000)\n> . 2001(1000)\n> . 3001(1000)\n> . 4001(1000)\n> . 5001(1000)\n> . "
      "6001(1000)\n"
      "> . 7001(1000)\n> . 8001(1000)\n> . 9001(1000)\n< . 1(0) ack 10001 win 300\n> nothing\n+199\n> nothing\n+1\n> . "
      "10001(300)");
}

TEST(TcpMust, Must39TheReceiverAvoidsSillyWindows) {
  Capacity capacity = Host::small();
  capacity.receive_limit = 8'000;
  Script s({}, capacity);
  s.established();
  // The right edge does not move for 500 octets of room, which are less than a segment.
  s.run("< . 1(1460) ack 1\n< . 1461(1460) ack 1\n> . 1(0) ack 2921 win 5080\nevents readable\nread 500\n> nothing");
  s.run("< . 2921(1460) ack 1\n< . 4381(1460) ack 1\n> . 1(0) ack 5841 win 2160\nread 2500\n> . 1(0) ack 5841 win 5160");
}

TEST(TcpMust, Must40AcknowledgementsAreDelayedByLessThanHalfASecond) {
  Script s;
  s.established();
  s.run("< P. 1(10) ack 1\n> nothing\n+499\n> . 1(0) ack 11");
}

TEST(TcpMust, Must58AcknowledgementsAreAggregated) {
  Script s;
  s.established();
  s.run("< . 1(1460) ack 1\n< . 1461(1460) ack 1\n< . 2921(1460) ack 1\n< . 4381(1460) ack 1\n> . 1(0) ack 5841\n> nothing");
}

TEST(TcpMust, Must59AllQueuedSegmentsAreProcessedBeforeTheAcknowledgement) {
  Script s;
  s.established("mss 1460 sackok");
  s.run("< . 1461(1460) ack 1\n< . 2921(1460) ack 1\n< . 1(1460) ack 1\n> . 1(0) ack 4381 nosack\n> nothing");
}

TEST(TcpMust, Must60DataAreNotKeptBackForever) {
  Script s;
  s.established();
  s.run("send 10 more\n> nothing\n+500\n> P. 1(10)");
}

TEST(TcpMust, Must61TheLastOctetsQueuedArePushed) {
  Script s;
  s.established();
  s.run("send 2000\n> . 1(1460)\n< . 1(0) ack 1461\n> P. 1461(540)");
}

TEST(TcpMust, Must66RstAndUrgAreProcessedWithAClosedWindow) {
  Capacity capacity = Host::small();
  capacity.receive_limit = 4'096;
  Script s({}, capacity);
  s.established();
  s.run(
      "< . 1(1460) ack 1\n< . 1461(1460) ack 1\n> . 1(0)\n< . 2921(1176) ack 1\n+40\n> . 1(0) ack 4097 win 0\nevents readable");
  s.run("send 5\n> P. 1(5)\n< U. 4097(1) ack 6 urg 7\nevents urgent\n> . 6(0) ack 4097 win 0");
  EXPECT_EQ(s.host.tcp.unacknowledged(s.id), 0U);
  s.run("< R 4097(0)\nevents closed");
  EXPECT_EQ(s.closed_error, Error::reset);
}

}  // namespace
}  // namespace samara::net::tcp::test
