#include "server_side.h"

namespace samara::net::dhcp {
namespace {

const IpAddress everybody = *IpAddress::parse("255.255.255.255");
const IpAddress server = *IpAddress::parse("192.0.2.254");
const IpAddress given = *IpAddress::parse("192.0.2.50");

struct DhcpClient : testing::Test {
  FixedRng rng;
  Instant now = Instant::since_boot(Duration::seconds(100));
  Client client{{.mac = mac, .host_name = "ns1", .remembered = {}}, rng};

  // Goes to the client's next deadline; what it sends there.
  std::optional<Outgoing> step() {
    now = std::max(now, client.next_deadline());
    client.on_deadline(now);
    return client.poll_message();
  }
  static Sent seen(const std::optional<Outgoing>& message) {
    EXPECT_TRUE(message.has_value());
    return message.has_value() ? read(Bytes(message->octets).first(message->size)) : Sent{};
  }
  std::vector<Event::Kind> events() {
    std::vector<Event::Kind> all;
    while (const auto event = client.poll_event()) all.push_back(event->kind);
    return all;
  }
  void reply(u8 type, u32 transaction, Answer answer = {}) {
    answer.type = type;
    answer.transaction = transaction;
    client.on_message(now, answer.octets());
  }
  // As far as BOUND.
  void bind(const Answer& ack = {}) {
    client.start(now);
    const Sent discover = seen(step());
    reply(2, discover.transaction);
    const Sent request = seen(client.poll_message());
    reply(5, request.transaction, ack);
    client.on_address_free(now);
    ASSERT_EQ(client.state(), State::bound);
    events();
    bound_at = now;
  }
  Instant bound_at;
  double until_deadline() const { return static_cast<double>((client.next_deadline() - now).milliseconds()) / 1000; }
};

TEST_F(DhcpClient, DiscoverOfferRequestAckCheckBound) {  // RFC 2131 section 3.1
  client.start(now);
  const auto first = step();
  const Sent discover = seen(first);
  EXPECT_EQ(discover.type, 1);
  EXPECT_EQ(first->destination, everybody);
  EXPECT_TRUE(first->source.is_unspecified());
  EXPECT_EQ(discover.flags, 0);
  EXPECT_FALSE(discover.has(54));
  EXPECT_EQ(discover.options.at(12), (Octets{'n', 's', '1'}));
  EXPECT_EQ(client.state(), State::selecting);

  reply(2, discover.transaction);
  EXPECT_EQ(client.state(), State::requesting);
  const auto second = client.poll_message();
  const Sent request = seen(second);
  EXPECT_EQ(request.type, 3);
  EXPECT_EQ(second->destination, everybody);
  EXPECT_EQ(request.option_address(50), given);
  EXPECT_EQ(request.option_address(54), server);
  EXPECT_TRUE(request.client_address.is_unspecified());

  reply(5, request.transaction);
  EXPECT_EQ(events(), std::vector{Event::Kind::check});
  EXPECT_EQ(client.state(), State::checking);
  client.on_address_free(now);
  EXPECT_EQ(events(), std::vector{Event::Kind::bound});
  EXPECT_EQ(client.lease().address, given);
  EXPECT_EQ(client.lease().prefix_length, 24);
  ASSERT_EQ(client.lease().routes.count, 1U);
  EXPECT_EQ(client.lease().routes.all()[0].gateway, server);
  EXPECT_EQ(client.next_deadline() - now, Duration::seconds(1800));
}

TEST_F(DhcpClient, DiscoverIsRepeatedEverMoreSlowly) {  // section 4.1
  client.start(now);
  EXPECT_LE(until_deadline(), 0.25);
  step();
  for (const double expected : {4, 8, 16, 32, 64, 64, 64}) {
    EXPECT_GE(until_deadline(), expected - 1);
    EXPECT_LE(until_deadline(), expected + 1);
    EXPECT_EQ(seen(step()).type, 1);
  }
  EXPECT_EQ(events(), std::vector{Event::Kind::silence});
}

TEST_F(DhcpClient, BroadcastIsAskedForWhenUnicastBringsNothing) {
  client.start(now);
  EXPECT_EQ(seen(step()).flags, 0);
  EXPECT_EQ(seen(step()).flags, 0);
  EXPECT_EQ(seen(step()).flags, 0x8000);
}

TEST_F(DhcpClient, SecondsTellHowLongItTakes) {
  client.start(now);
  EXPECT_EQ(seen(step()).seconds, 0);
  const u16 later = seen(step()).seconds;
  EXPECT_GE(later, 3);
  EXPECT_LE(later, 5);
}

TEST_F(DhcpClient, RepliesToOthersAreIgnored) {
  client.start(now);
  const Sent discover = seen(step());
  reply(2, discover.transaction + 1);
  Answer other{.type = 2, .transaction = discover.transaction};
  Octets message = other.octets();
  message[33] ^= 1;  // another client's link-layer address
  client.on_message(now, message);
  reply(5, discover.transaction);  // an acknowledgement nobody asked for
  reply(6, discover.transaction);
  Answer nobody;
  nobody.options = {{51, {0, 0, 1, 0}}};  // no server identifier
  reply(2, discover.transaction, nobody);
  Answer nowhere;
  nowhere.address = {224, 0, 0, 1};
  reply(2, discover.transaction, nowhere);
  EXPECT_EQ(client.state(), State::selecting);
  EXPECT_FALSE(client.poll_message().has_value());
}

TEST_F(DhcpClient, UnansweredRequestBeginsAnew) {
  client.start(now);
  reply(2, seen(step()).transaction);
  EXPECT_EQ(seen(client.poll_message()).type, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(seen(step()).type, 3);
  EXPECT_FALSE(step().has_value());
  EXPECT_EQ(client.state(), State::init);
  EXPECT_EQ(seen(step()).type, 1);
}

TEST_F(DhcpClient, RefusalBeginsAnewAndRepeatedOnesWait) {
  client.start(now);
  for (int i = 0; i < 4; ++i) {
    const Sent discover = seen(step());
    ASSERT_EQ(discover.type, 1);
    reply(2, discover.transaction);
    reply(6, seen(client.poll_message()).transaction);
    EXPECT_EQ(client.state(), State::init);
    if (i == 0) {
      EXPECT_EQ(until_deadline(), 0);
    }
  }
  EXPECT_TRUE(events().empty());  // nothing was held
}

TEST_F(DhcpClient, RefusalFromAnotherServerIsIgnored) {
  client.start(now);
  reply(2, seen(step()).transaction);
  Answer other;
  other.options = {{54, {192, 0, 2, 253}}};
  reply(6, seen(client.poll_message()).transaction, other);
  EXPECT_EQ(client.state(), State::requesting);
}

TEST_F(DhcpClient, AddressInUseIsDeclinedAndAnotherAskedForAfterTenSeconds) {  // section 3.1, 5
  client.start(now);
  reply(2, seen(step()).transaction);
  reply(5, seen(client.poll_message()).transaction);
  events();
  client.on_conflict(now);
  const auto message = client.poll_message();
  const Sent decline = seen(message);
  EXPECT_EQ(decline.type, 4);
  EXPECT_EQ(message->destination, everybody);
  EXPECT_EQ(decline.option_address(50), given);
  EXPECT_EQ(decline.option_address(54), server);
  EXPECT_TRUE(decline.client_address.is_unspecified());
  EXPECT_FALSE(decline.has(55));
  EXPECT_EQ(events(), std::vector{Event::Kind::lost});
  EXPECT_GE(until_deadline(), 10);
  EXPECT_EQ(seen(step()).type, 1);
}

TEST_F(DhcpClient, RenewsByUnicastAtHalfTheLease) {  // section 4.4.5
  bind();
  const auto message = step();
  EXPECT_EQ(now - bound_at, Duration::seconds(1800));
  EXPECT_EQ(client.state(), State::renewing);
  const Sent request = seen(message);
  EXPECT_EQ(request.type, 3);
  EXPECT_EQ(message->destination, server);
  EXPECT_EQ(message->source, given);
  EXPECT_EQ(request.client_address, given);
  EXPECT_FALSE(request.has(50));
  EXPECT_FALSE(request.has(54));
  reply(5, request.transaction);
  EXPECT_EQ(events(), std::vector{Event::Kind::renewed});
  EXPECT_EQ(client.state(), State::bound);
  EXPECT_EQ(until_deadline(), 1800);
}

TEST_F(DhcpClient, TheLeaseCountsFromTheRequestHoweverLateTheAnswerIs) {  // section 4.4.5
  client.start(now);
  const Sent discover = seen(step());
  reply(2, discover.transaction);
  const Sent request = seen(client.poll_message());
  const Instant asked = now;
  now = now + Duration::seconds(3);
  reply(5, request.transaction);
  now = now + Duration::seconds(1);
  client.on_address_free(now);
  ASSERT_EQ(client.state(), State::bound);
  EXPECT_EQ(client.next_deadline() - asked, Duration::seconds(1800));
  // And the time after, when it is renewed.
  const Sent renewal = seen(step());
  const Instant asked_again = now;
  now = now + Duration::seconds(2);
  reply(5, renewal.transaction);
  EXPECT_EQ(client.next_deadline() - asked_again, Duration::seconds(1800));
  events();
  while (client.state() != State::init) step();
  EXPECT_EQ(now - asked_again, Duration::seconds(3600));
}

TEST_F(DhcpClient, LeaseIsConfirmedWhenTheLinkIsUpAgain) {  // section 3.7, 4.3.2
  bind();
  now = now + Duration::seconds(100);
  client.on_link_up(now);
  const auto message = step();
  EXPECT_LT(now - bound_at, Duration::seconds(101));
  EXPECT_EQ(client.state(), State::confirming);
  const Sent request = seen(message);
  EXPECT_EQ(request.type, 3);
  EXPECT_EQ(message->destination, everybody);
  EXPECT_TRUE(message->source.is_unspecified());
  EXPECT_TRUE(request.client_address.is_unspecified()) << "as in INIT-REBOOT";
  EXPECT_EQ(request.option_address(50), given);
  EXPECT_FALSE(request.has(54));
  reply(5, request.transaction);
  EXPECT_EQ(events(), std::vector{Event::Kind::renewed}) << "never lost";
  EXPECT_EQ(client.state(), State::bound);
  EXPECT_EQ(until_deadline(), 1800);
}

TEST_F(DhcpClient, LeaseIsKeptWhenNobodyAnswersOnTheLink) {  // section 3.2
  bind();
  client.on_link_up(now);
  int requests_sent = 0;
  while (client.state() != State::bound) requests_sent += step().has_value() ? 1 : 0;
  EXPECT_EQ(requests_sent, 2);
  EXPECT_TRUE(events().empty());
  const Sent renewal = seen(step());
  EXPECT_EQ(now - bound_at, Duration::seconds(1800)) << "and is renewed when it was to be";
  EXPECT_EQ(renewal.client_address, given);
}

TEST_F(DhcpClient, LeaseIsGivenUpWhenTheServerOfTheLinkSaysNo) {
  bind();
  client.on_link_up(now);
  const Sent request = seen(step());
  reply(6, request.transaction);
  EXPECT_EQ(events(), std::vector{Event::Kind::lost});
  const Sent discover = seen(step());
  EXPECT_EQ(discover.type, 1);
}

TEST_F(DhcpClient, LeaseThatEndsWhileItIsConfirmedIsLostInTime) {
  bind();
  while (client.state() != State::rebinding) step();
  now = bound_at + Duration::seconds(3595);
  client.on_link_up(now);
  while (client.state() != State::init) step();
  EXPECT_EQ(events(), std::vector{Event::Kind::lost});
  EXPECT_EQ(now - bound_at, Duration::seconds(3600));
}

TEST_F(DhcpClient, SearchForAServerBeginsAnewWhenTheLinkComesUp) {
  client.start(now);
  for (int i = 0; i < 6; ++i) step();
  ASSERT_GT(until_deadline(), 30);
  client.on_link_up(now);
  EXPECT_LT(until_deadline(), 1);
  EXPECT_EQ(seen(step()).type, 1);
}

TEST_F(DhcpClient, ALinkThatComesUpChangesNothingAfterTheRelease) {
  bind();
  client.release(now);
  client.on_link_up(now);
  EXPECT_EQ(client.state(), State::stopped);
  EXPECT_EQ(client.next_deadline(), Instant::never());
}

struct DhcpRenewal : DhcpClient {
  void answer_with_another_address(State wanted) {
    bind();
    Sent request;
    while (client.state() != wanted) request = seen(step());
    Answer answer;
    answer.address = {192, 0, 2, 51};
    reply(5, request.transaction, answer);
    EXPECT_EQ(events(), std::vector{Event::Kind::lost});
    EXPECT_EQ(client.state(), State::init);
  }
};

TEST_F(DhcpRenewal, AnotherAddressEndsTheLease) {
  answer_with_another_address(State::renewing);
}

TEST_F(DhcpRenewal, AnotherAddressEndsTheLeaseWhenEveryServerIsAskedToo) {
  answer_with_another_address(State::rebinding);
}

TEST_F(DhcpClient, RebindsByBroadcastAtSevenEighthsAndLosesTheAddressAtTheEnd) {
  bind();
  bool rebound = false;
  int messages = 0;
  while (client.state() != State::init) {
    const Instant before = now;
    const auto message = step();
    if (messages > 0 && message.has_value() && client.state() == State::renewing) {
      EXPECT_GE(now - before, Duration::seconds(60));
    }
    if (!message.has_value()) break;
    ++messages;
    if (client.state() == State::rebinding && !rebound) {
      rebound = true;
      EXPECT_EQ(now - bound_at, Duration::seconds(3150));
    }
    EXPECT_EQ(message->destination, rebound ? everybody : server);
    EXPECT_EQ(seen(message).client_address, given);
    ASSERT_LT(messages, 30);
  }
  EXPECT_TRUE(rebound);
  EXPECT_EQ(now - bound_at, Duration::seconds(3600));
  EXPECT_EQ(events(), std::vector{Event::Kind::lost});
  EXPECT_EQ(seen(step()).type, 1);
}

TEST_F(DhcpClient, RefusedRenewalEndsTheLeaseAtOnce) {
  bind();
  const Sent request = seen(step());
  reply(6, request.transaction);
  EXPECT_EQ(events(), std::vector{Event::Kind::lost});
  EXPECT_EQ(client.state(), State::init);
}

TEST_F(DhcpClient, TimesOfTheServerAreTakenWhenTheyMakeSense) {
  Answer ack;
  ack.options.push_back({58, {0, 0, 0, 100}});
  ack.options.push_back({59, {0, 0, 0, 200}});
  bind(ack);
  EXPECT_EQ(until_deadline(), 100);
  step();
  while (client.state() == State::renewing) step();
  EXPECT_EQ(now - bound_at, Duration::seconds(200));
}

struct ToldTimes {
  u32 t1;
  u32 t2;
  u32 lease;
  int renewed;  // after so many seconds
  int rebound;
};
struct DhcpTimes : DhcpClient, testing::WithParamInterface<ToldTimes> {};

TEST_P(DhcpTimes, SenselessOnesBecomeTheUsualOnes) {  // section 4.4.5
  const ToldTimes& told = GetParam();
  const auto seconds = [](u32 value) {
    Octets octets(4);
    store_be32(octets, 0, value);
    return octets;
  };
  Answer ack;
  ack.options[1] = {51, seconds(told.lease)};
  ack.options.push_back({58, seconds(told.t1)});
  ack.options.push_back({59, seconds(told.t2)});
  bind(ack);
  EXPECT_EQ(until_deadline(), told.renewed);
  step();
  while (client.state() == State::renewing) step();
  EXPECT_EQ(now - bound_at, Duration::seconds(told.rebound));
}
INSTANTIATE_TEST_SUITE_P(Cases, DhcpTimes,
                         testing::Values(ToldTimes{0x7f000064, 0x7f000063, 3600, 1800, 3150},
                                         ToldTimes{0, 3000, 3600, 1800, 3150}, ToldTimes{0, 1, 3600, 1800, 3150},
                                         ToldTimes{1, 2, 3600, 1800, 3150}, ToldTimes{29, 3000, 3600, 1800, 3150},
                                         ToldTimes{30, 3000, 3600, 30, 3000}, ToldTimes{200, 100, 3600, 1800, 3150},
                                         ToldTimes{200, 200, 3600, 1800, 3150}, ToldTimes{200, 3600, 3600, 1800, 3150},
                                         ToldTimes{0, 1, 40, 20, 35}, ToldTimes{20, 30, 40, 20, 30}));

// A server that tells T1 = 0 with each acknowledgement is not asked as fast as it answers.
TEST_F(DhcpClient, RenewalsAreHalfAMinuteApartWhateverTheServerSays) {
  Answer ack;
  ack.options.push_back({58, {0, 0, 0, 0}});
  bind(ack);
  for (int i = 0; i < 5; ++i) {
    const Instant before = now;
    const Sent request = seen(step());
    EXPECT_GE(now - before, Duration::seconds(30));
    reply(5, request.transaction, ack);
    EXPECT_EQ(client.state(), State::bound);
  }
}

TEST_F(DhcpClient, LeaseOfNoTimeDoesNotFloodTheServer) {
  Answer ack;
  ack.options[1] = {51, {0, 0, 0, 0}};
  bind(ack);
  EXPECT_GE(until_deadline(), 5);
}

TEST_F(DhcpClient, LeaseForEverIsNotRenewed) {
  Answer ack;
  ack.options[1] = {51, {255, 255, 255, 255}};
  bind(ack);
  EXPECT_EQ(client.next_deadline(), Instant::never());
}

TEST_F(DhcpClient, AcknowledgementWithoutLeaseTimeIsIgnored) {
  client.start(now);
  reply(2, seen(step()).transaction);
  Answer ack;
  ack.options.erase(ack.options.begin() + 1);
  reply(5, seen(client.poll_message()).transaction, ack);
  EXPECT_EQ(client.state(), State::requesting);
}

TEST_F(DhcpClient, ClasslessRoutesReplaceTheRouter) {  // RFC 3442
  Answer ack;
  ack.options.push_back({121, {8, 10, 192, 0, 2, 7}});
  bind(ack);
  ASSERT_EQ(client.lease().routes.count, 1U);
  EXPECT_EQ(client.lease().routes.all()[0].gateway, *IpAddress::parse("192.0.2.7"));
}

TEST_F(DhcpClient, RoutesThatCannotBeReadLeaveTheRouterInUse) {  // RFC 3442: at least 5 octets
  for (const Octets& routes : {Octets{}, Octets{0, 192, 0, 2}, Octets{33, 1, 2, 3, 4, 5, 6, 7, 8}}) {
    Client fresh({.mac = mac, .host_name = {}, .remembered = given}, rng);
    fresh.start(now);
    fresh.on_deadline(fresh.next_deadline());
    Answer ack{.type = 5, .transaction = seen(fresh.poll_message()).transaction};
    ack.options.push_back({121, routes});
    fresh.on_message(now, ack.octets());
    ASSERT_EQ(fresh.state(), State::checking);
    ASSERT_EQ(fresh.lease().routes.count, 1U);
    EXPECT_EQ(fresh.lease().routes.all()[0], (ClasslessRoute{IpPrefix(), server}));
  }
}

struct DhcpUnusable : DhcpClient {
  void is_refused(const Answer& offer) {
    client.start(now);
    const u32 transaction = seen(step()).transaction;
    for (int i = 0; i < 3; ++i) reply(2, transaction, offer);
    EXPECT_EQ(client.state(), State::selecting);
    EXPECT_FALSE(client.poll_message().has_value());
    EXPECT_EQ(events(), std::vector{Event::Kind::unusable}) << "told once";
    reply(2, transaction);
    EXPECT_EQ(client.state(), State::requesting) << "another server's is taken";
  }
};

TEST_F(DhcpUnusable, AnOfferOfTheNetworksOwnAddressIsRefused) {
  Answer offer;
  offer.address = {192, 0, 2, 0};
  is_refused(offer);
}

TEST_F(DhcpUnusable, AnOfferOfTheBroadcastAddressIsRefused) {
  Answer offer;
  offer.address = {192, 0, 2, 255};
  is_refused(offer);
}

TEST_F(DhcpUnusable, AnOfferWithAMaskWithHolesIsRefused) {
  Answer offer;
  offer.options[2] = {1, {255, 0, 255, 0}};
  is_refused(offer);
}

TEST_F(DhcpUnusable, BothAddressesOfALinkOfTwoCanBeHad) {  // RFC 3021
  Answer offer;
  offer.options[2] = {1, {255, 255, 255, 254}};
  client.start(now);
  reply(2, seen(step()).transaction, offer);
  EXPECT_EQ(client.state(), State::requesting);
}

TEST_F(DhcpUnusable, ARenewalWithAMaskThatCannotBeUsedChangesNothing) {
  bind();
  const Sent request = seen(step());
  Answer ack;
  ack.options[2] = {1, {255, 0, 255, 0}};
  reply(5, request.transaction, ack);
  EXPECT_EQ(client.state(), State::renewing);
  EXPECT_EQ(client.lease().prefix_length, 24);
  EXPECT_EQ(events(), std::vector{Event::Kind::unusable});
}

TEST_F(DhcpClient, RememberedAddressIsAskedForFirst) {  // section 4.4.2
  Client again({.mac = mac, .host_name = {}, .remembered = given}, rng);
  again.start(now);
  now = again.next_deadline();
  again.on_deadline(now);
  EXPECT_EQ(again.state(), State::rebooting);
  const auto message = again.poll_message();
  const Sent request = seen(message);
  EXPECT_EQ(request.type, 3);
  EXPECT_EQ(request.option_address(50), given);
  EXPECT_FALSE(request.has(54));
  EXPECT_TRUE(request.client_address.is_unspecified());
  Answer ack{.type = 5, .transaction = request.transaction};
  again.on_message(now, ack.octets());
  EXPECT_EQ(again.state(), State::checking);
}

TEST_F(DhcpClient, RememberedAddressIsForgottenWhenRefusedOrUnanswered) {
  for (const bool refused : {true, false}) {
    Client again({.mac = mac, .host_name = {}, .remembered = given}, rng);
    again.start(now);
    for (int i = 0; i < 8 && again.state() != State::selecting; ++i) {
      now = again.next_deadline();
      again.on_deadline(now);
      const auto message = again.poll_message();
      if (!message.has_value() || !refused || again.state() != State::rebooting) continue;
      again.on_message(now, Answer{.type = 6, .transaction = seen(message).transaction}.octets());
      EXPECT_EQ(again.state(), State::init);
    }
    EXPECT_EQ(again.state(), State::selecting);
  }
}

TEST_F(DhcpClient, ReleaseGivesTheAddressBack) {  // section 4.4.6
  bind();
  client.release(now);
  const auto message = client.poll_message();
  const Sent release = seen(message);
  EXPECT_EQ(release.type, 7);
  EXPECT_EQ(message->destination, server);
  EXPECT_EQ(release.client_address, given);
  EXPECT_EQ(release.option_address(54), server);
  EXPECT_FALSE(release.has(50));
  EXPECT_EQ(events(), std::vector{Event::Kind::lost});
  EXPECT_EQ(client.next_deadline(), Instant::never());
  EXPECT_EQ(client.state(), State::stopped);
}

}  // namespace
}  // namespace samara::net::dhcp
