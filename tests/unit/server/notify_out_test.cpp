#include "server/notify_out.h"

#include <gtest/gtest.h>

#include "../zone/master_file_zone.h"
#include "dns-core/message/query.h"
#include "dns-core/tsig/server.h"
#include "platform/crypto/drbg.h"
#include "server/notify_targets.h"
#include "zone/zone_set.h"

namespace samara::server {
namespace {

using Octets = std::vector<u8>;
using Lines = std::vector<std::string>;
using zone::name_of;

class NotifyOut : public testing::Test {
 protected:
  using Urgency = Notifier::Urgency;
  using Kind = NotifyEvent::Kind;

  NotifyOut() { serve(7); }

  void serve(u32 serial) {
    const zone::Zone zone =
        zones_.build("@ 60 SOA ns host " + std::to_string(serial) + " 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n");
    const zone::ZoneSetEntry entry{name_of("example."), zone};
    set_.emplace(zone::build_zone_set(zones_.memory(), std::span(&entry, 1)).value());
  }
  void at(Duration since_boot) { now_ = Instant::since_boot(since_boot); }
  bool changed(std::span<const NotifyTarget> targets, u32 serial = 7, Urgency urgency = Urgency::change) {
    return notifier_.on_zone_changed(now_, name_of("example."), dns::Serial(serial), targets, urgency);
  }
  static NotifyTarget target(std::string_view address, const dns::TsigKey* key = nullptr) {
    return {{*IpAddress::parse(address), Port(53)}, key};
  }
  UnixTime wall() const { return {1'800'000'000 + now_.since_boot().seconds()}; }
  Octets poll() {
    Octets message(1232);
    message.resize(notifier_.poll_datagram(now_, wall(), *set_, peer_, message));
    return message;
  }
  static Octets answer_to(const Octets& request, u16 rcode = 0) {
    Octets message = request;
    message[2] |= 0x80;
    message[3] = static_cast<u8>(rcode);
    message[7] = 0;
    message.resize(dns::header_size + dns::parse_query(request).question_size());
    return message;
  }
  void answer(Bytes message, std::string_view from = "192.0.2.9") {
    notifier_.on_datagram(wall(), *set_, {*IpAddress::parse(from), Port(53)}, message);
  }
  NotifyCounters counters() const {
    NotifyCounters all;
    notifier_.for_each_peer([&all](const IpAddress*, const NotifyCounters& peer) {
      all.sent += peer.sent;
      all.answered += peer.answered;
      all.refused += peer.refused;
      all.given_up += peer.given_up;
      all.bad += peer.bad;
    });
    return all;
  }

  zone::TestZones zones_;
  std::optional<zone::ZoneSet> set_;
  crypto::Drbg rng_{std::array<u8, crypto::Drbg::seed_size>{}};
  Notifier notifier_{Notifier::Limits{.pending = 3000, .per_second = 100, .start_per_second = 40}, rng_};
  Instant now_ = Instant::since_boot(Duration::seconds(1));
  Endpoint peer_;
};

TEST_F(NotifyOut, SendsTheSoaAtOnce) {
  EXPECT_EQ(notifier_.next_deadline(), Instant::never());
  ASSERT_TRUE(changed(std::array{target("192.0.2.9")}));
  EXPECT_LE(notifier_.next_deadline(), now_);
  const Octets message = poll();
  EXPECT_EQ(peer_, (Endpoint{*IpAddress::parse("192.0.2.9"), Port(53)}));
  const dns::Query query = dns::parse_query(message);
  EXPECT_EQ(query.verdict, dns::QueryVerdict::good);
  EXPECT_EQ(query.opcode, dns::Opcode::NOTIFY);
  EXPECT_EQ(query.type, dns::RrType::SOA);
  EXPECT_EQ(query.flags, 0x2400);  // NOTIFY, AA
  EXPECT_TRUE(name_of("example.").equals(query.name(message)));
  EXPECT_EQ(load_be16(message, 6), 1);
  EXPECT_EQ(load_be32(Bytes(message).last(20)), 7U);
  EXPECT_TRUE(poll().empty());
}

// Gives what it was told to, again and again.
class ScriptedRng final : public Rng {
 public:
  explicit ScriptedRng(std::vector<u8> octets) : octets_(std::move(octets)) {}
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = octets_[next_++ % octets_.size()];
  }

 private:
  std::vector<u8> octets_;
  size_t next_ = 0;
};

TEST_F(NotifyOut, HoldsIdsApartThatDifferInAnyBit) {
  // An id, one that differs in its high bits only, both again (taken by then), and a third. Between them what delays are drawn
  // from, four octets each.
  ScriptedRng rng({0x00, 0x01, 127, 0, 0, 0, 0x80, 0x01, 127, 0, 0, 0, 0x00, 0x01, 0x80, 0x01, 0x04, 0x01, 127, 0, 0, 0});
  Notifier notifier(Notifier::Limits{}, rng);
  const std::array targets{target("192.0.2.7"), target("192.0.2.8"), target("192.0.2.9")};
  ASSERT_TRUE(notifier.on_zone_changed(now_, name_of("example."), dns::Serial(7), targets, Urgency::change));
  std::array<Octets, 3> sent;
  std::array<Endpoint, 3> peers;
  for (size_t i = 0; i < sent.size(); ++i) {
    sent[i].resize(1232);
    sent[i].resize(notifier.poll_datagram(now_, wall(), *set_, peers[i], sent[i]));
  }
  EXPECT_EQ(load_be16(sent[0]), 0x0001);
  EXPECT_EQ(load_be16(sent[1]), 0x8001);
  EXPECT_EQ(load_be16(sent[2]), 0x0401);
  EXPECT_EQ(notifier.pending(), 3U);
  // From the middle of those that share a place, then the rest.
  for (const size_t i : {size_t{1}, size_t{0}, size_t{2}}) {
    notifier.on_datagram(wall(), *set_, peers[(i + 1) % 3], answer_to(sent[i]));  // not whom it was sent to
    const size_t before = notifier.pending();
    notifier.on_datagram(wall(), *set_, peers[i], answer_to(sent[i]));
    EXPECT_EQ(notifier.pending(), before - 1) << i;
  }
  EXPECT_EQ(notifier.pending(), 0U);
}

TEST_F(NotifyOut, AnyResponseEndsIt) {
  for (const u16 rcode : {0, 4, 5}) {
    ASSERT_TRUE(changed(std::array{target("192.0.2.9")}));
    answer(answer_to(poll(), rcode));
    EXPECT_EQ(notifier_.pending(), 0U);
    at(now_.since_boot() + Duration::seconds(100));
    EXPECT_TRUE(poll().empty());
  }
  EXPECT_EQ(counters().answered, 1U);
  EXPECT_EQ(counters().refused, 2U);
  EXPECT_EQ(notifier_.poll_event()->rcode, dns::Rcode::NOTIMP);
  EXPECT_EQ(notifier_.poll_event()->rcode, dns::Rcode::REFUSED);
  EXPECT_FALSE(notifier_.poll_event().has_value());
}

TEST_F(NotifyOut, SendsAgainWithLongerWaitsAndGivesUpInAMinute) {
  ASSERT_TRUE(changed(std::array{target("192.0.2.9")}));
  const Octets first = poll();
  std::vector<double> waits;
  Instant last = now_;
  while (notifier_.pending() != 0) {
    ASSERT_NE(notifier_.next_deadline(), Instant::never());
    now_ = notifier_.next_deadline();
    const Octets again = poll();
    waits.push_back(static_cast<double>((now_ - last).milliseconds()) / 1000);
    last = now_;
    if (!again.empty()) EXPECT_EQ(again, first);
  }
  ASSERT_EQ(waits.size(), 5U);
  for (size_t i = 0; i < waits.size(); ++i) {
    const double nominal = static_cast<double>(2U << i);
    EXPECT_GE(waits[i], nominal * 0.74);
    EXPECT_LE(waits[i], nominal * 1.26);
  }
  EXPECT_EQ(counters().sent, 5U);
  EXPECT_EQ(counters().given_up, 1U);
  const auto event = notifier_.poll_event();
  EXPECT_EQ(event->kind, Kind::given_up);
  EXPECT_EQ(event->serial, dns::Serial(7));
}

TEST_F(NotifyOut, OnlyAnAnswerToItCounts) {
  ASSERT_TRUE(changed(std::array{target("192.0.2.9")}));
  const Octets good = answer_to(poll());
  answer(good, "192.0.2.10");
  Octets other = good;
  other[1] ^= 1;  // id
  answer(other);
  other = good;
  other[2] ^= 0x80;  // a request
  answer(other);
  other = good;
  other[2] ^= 0x20;  // another opcode
  answer(other);
  other = good;
  other[13] = 'x';  // another name
  answer(other);
  other = good;
  other[good.size() - 3] = 1;  // another type
  answer(other);
  for (size_t size = 0; size < good.size(); ++size) answer(Bytes(good).first(size));
  EXPECT_EQ(notifier_.pending(), 1U);
  answer(good);
  EXPECT_EQ(notifier_.pending(), 0U);
}

TEST_F(NotifyOut, ANewerSerialTakesThePlaceOfTheOneUnderWay) {
  ASSERT_TRUE(changed(std::array{target("192.0.2.9")}));
  const Octets old = poll();
  at(Duration::seconds(2));
  serve(8);
  ASSERT_TRUE(changed(std::array{target("192.0.2.9")}, 8));
  EXPECT_EQ(notifier_.pending(), 1U);
  const Octets fresh = poll();
  EXPECT_EQ(load_be32(Bytes(fresh).last(20)), 8U);
  EXPECT_NE(load_be16(old), load_be16(fresh));
  answer(answer_to(old));
  EXPECT_EQ(notifier_.pending(), 1U);
  answer(answer_to(fresh));
  EXPECT_EQ(notifier_.pending(), 0U);
}

TEST_F(NotifyOut, OfAFewChangesInARowAreToldAtOnceThenOnceASecond) {
  const std::array both{target("192.0.2.9"), target("192.0.2.8")};
  const Instant start = now_;
  Lines sent;
  for (u32 tenth = 0; tenth < 30; ++tenth) {
    now_ = start + Duration::milliseconds(100 * tenth);
    serve(100 + tenth);
    ASSERT_TRUE(changed(both, 100 + tenth));
    for (Octets message = poll(); !message.empty(); message = poll()) {
      if (peer_.address == both[0].peer.address)
        sent.push_back(std::to_string(tenth) + ": " + std::to_string(load_be32(Bytes(message).last(20))));
      notifier_.on_datagram(wall(), *set_, peer_, answer_to(message));
    }
  }
  EXPECT_EQ(sent, (Lines{"0: 100", "1: 101", "2: 102", "3: 103", "4: 104", "10: 110", "20: 120"}));
  // The last of them is told as well, and what comes after a pause at once.
  now_ = notifier_.next_deadline();
  EXPECT_EQ(now_ - start, Duration::seconds(3));
  for (int i = 0; i < 2; ++i) {
    const Octets message = poll();
    EXPECT_EQ(load_be32(Bytes(message).last(20)), 129U);
    notifier_.on_datagram(wall(), *set_, peer_, answer_to(message));
  }
  EXPECT_EQ(notifier_.pending(), 0U);
  now_ = now_ + notify_spacing;
  EXPECT_TRUE(poll().empty());
  ASSERT_TRUE(changed(both, 130));
  EXPECT_FALSE(poll().empty());
}

// A hundred changes, one a second, each up to 800 ms later: the median and the longest time until the NOTIFY goes.
TEST_F(NotifyOut, OneChangeASecondIsToldWithin50Milliseconds) {
  const std::array one{target("192.0.2.9")};
  const Instant start = now_;
  std::vector<i64> waits;
  for (u32 i = 0; i < 100; ++i) {
    now_ = start + Duration::milliseconds(1'000 * i + i * 7'919 % 800);
    serve(100 + i);
    ASSERT_TRUE(changed(one, 100 + i));
    const Instant change = now_;
    now_ = std::max(now_, notifier_.next_deadline());
    for (Octets message = poll(); message.empty(); message = poll()) now_ = std::max(now_, notifier_.next_deadline());
    waits.push_back((now_ - change).milliseconds());
    // No answer comes: what is sent again does not hold up what is new.
  }
  std::ranges::sort(waits);
  EXPECT_LE(waits[waits.size() / 2], 50);
  EXPECT_LE(waits.back(), 50);
}

class NotifyByCatalogs : public NotifyOut {
 protected:
  NotifyByCatalogs() : learning_(Notifier::Limits{.pending = 100, .by_catalogs = true}, rng_) {}
  Octets poll_learning() {
    Octets message(1232);
    message.resize(learning_.poll_datagram(now_, wall(), *set_, peer_, message));
    return message;
  }
  void answer_learning(Bytes message) {
    learning_.on_datagram(wall(), *set_, {*IpAddress::parse("192.0.2.9"), Port(53)}, message);
  }
  Notifier learning_;
};

TEST_F(NotifyByCatalogs, APeerThatDoesNotKnowTheZoneYetIsAskedAgainWithoutAWord) {
  constexpr u16 notauth = 9;
  const std::array one{target("192.0.2.9")};
  ASSERT_TRUE(learning_.on_zone_changed(now_, name_of("example."), dns::Serial(7), one, Urgency::change));
  answer_learning(answer_to(poll_learning(), notauth));
  EXPECT_EQ(learning_.pending(), 1U);
  const Instant asked = now_;
  now_ = learning_.next_deadline();
  EXPECT_LE(now_ - asked, Duration::milliseconds(2'500));
  answer_learning(answer_to(poll_learning()));
  EXPECT_EQ(learning_.pending(), 0U);
  EXPECT_FALSE(learning_.poll_event().has_value());
}

TEST_F(NotifyByCatalogs, APeerThatNeverKnowsTheZoneIsToldOfOnce) {
  constexpr u16 notauth = 9;
  const std::array one{target("192.0.2.9")};
  ASSERT_TRUE(learning_.on_zone_changed(now_, name_of("example."), dns::Serial(7), one, Urgency::change));
  unsigned tries = 0;
  while (learning_.pending() != 0) {
    now_ = std::max(now_, learning_.next_deadline());
    const Octets message = poll_learning();
    if (message.empty()) continue;
    ++tries;
    answer_learning(answer_to(message, notauth));
  }
  EXPECT_EQ(tries, max_notify_tries);
  const auto event = learning_.poll_event();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, Kind::refused);
  EXPECT_EQ(event->rcode, dns::Rcode::NOTAUTH);
  EXPECT_FALSE(learning_.poll_event().has_value());
}

TEST_F(NotifyOut, AnythingCanBeToldOfLater) {
  const std::array one{target("192.0.2.9")};
  for (const Urgency urgency : {Urgency::change, Urgency::start}) {
    const Instant later = now_ + Duration::milliseconds(500);
    ASSERT_TRUE(notifier_.on_zone_changed(now_, name_of("example."), dns::Serial(7), one, urgency, later));
    EXPECT_TRUE(poll().empty());
    EXPECT_GE(notifier_.next_deadline(), later);
    now_ = notifier_.next_deadline();
    answer(answer_to(poll()));
    EXPECT_EQ(notifier_.pending(), 0U);
  }
}

TEST_F(NotifyOut, AZoneThatIsGoneIsForgotten) {
  ASSERT_TRUE(changed(std::array{target("192.0.2.9")}));
  set_.emplace(zone::build_zone_set(zones_.memory(), {}).value());
  EXPECT_TRUE(poll().empty());
  EXPECT_EQ(notifier_.pending(), 0U);
}

TEST_F(NotifyOut, SignsAndTakesOnlySignedAnswers) {
  dns::TsigKeyring keys;
  keys.add({.name = name_of("key."), .secret = crypto::SecretBytes(Octets(32, 7))});
  const dns::TsigKey* key = keys.find(name_of("key."));
  ASSERT_TRUE(changed(std::array{target("192.0.2.9", key)}));
  const Octets message = poll();
  const dns::Query query = dns::parse_query(message);
  ASSERT_NE(query.tsig_at, 0);
  dns::TsigServer server;
  EXPECT_EQ(server.on_request(message, query.tsig_at, keys, wall()), dns::TsigVerdict::verified);
  Octets unsigned_answer = answer_to(message);
  unsigned_answer[11] = 0;
  Octets signed_answer = unsigned_answer;
  const size_t size = signed_answer.size();
  signed_answer.resize(512);
  ByteWriter out(signed_answer, size);
  server.sign_response(out, wall());
  signed_answer.resize(out.size());

  answer(unsigned_answer);
  EXPECT_EQ(notifier_.pending(), 1U);
  EXPECT_EQ(counters().bad, 1U);
  EXPECT_EQ(notifier_.poll_event()->kind, Kind::bad_signature);
  // A forger has not put an end to it: the next try is the same, and so is its answer.
  now_ = notifier_.next_deadline();
  EXPECT_EQ(poll(), message);
  answer(signed_answer);
  EXPECT_EQ(notifier_.pending(), 0U);
  EXPECT_EQ(counters().answered, 1U);
}

TEST_F(NotifyOut, ManyZonesAtStartAreSpreadAndChangesGoFirst) {
  std::vector<zone::ZoneSetEntry> entries;
  const zone::Zone zone = zones_.build("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n");
  for (int i = 0; i < 1000; ++i) entries.push_back({name_of("z" + std::to_string(i) + "."), zone});
  entries.push_back({name_of("changed."), zone});
  set_.emplace(zone::build_zone_set(zones_.memory(), entries).value());
  const std::array targets{target("192.0.2.9"), target("2001:db8::9")};
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(notifier_.on_zone_changed(now_, entries[static_cast<size_t>(i)].apex, dns::Serial(1), targets, Urgency::start));
  }
  std::array<unsigned, 200> in_second{};
  const Instant start = now_;
  Instant changed_at = start + Duration::seconds(20);
  bool told = false;
  while (notifier_.pending() != 0) {
    now_ = std::max(now_, notifier_.next_deadline());
    if (now_ >= changed_at) {
      ASSERT_TRUE(
          notifier_.on_zone_changed(now_, name_of("changed."), dns::Serial(1), std::span(targets).first(1), Urgency::change));
      changed_at = Instant::never();
      const Octets message = poll();
      told = !message.empty() && name_of("changed.").equals(dns::parse_query(message).name(message));
      answer(answer_to(message));
    }
    for (Octets message = poll(); !message.empty(); message = poll()) {
      ++in_second[static_cast<size_t>((now_ - start).seconds())];
      notifier_.on_datagram(wall(), *set_, peer_, answer_to(message));
    }
  }
  EXPECT_TRUE(told);
  EXPECT_LE(*std::ranges::max_element(in_second), 41U);
  EXPECT_EQ(counters().answered, 2001U);
}

TEST_F(NotifyOut, PeersThatDoNotAnswerDoNotExceedTheRate) {
  std::vector<zone::ZoneSetEntry> entries;
  const zone::Zone zone = zones_.build("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n");
  for (int i = 0; i < 1000; ++i) entries.push_back({name_of("z" + std::to_string(i) + "."), zone});
  set_.emplace(zone::build_zone_set(zones_.memory(), entries).value());
  const std::array targets{target("192.0.2.9"), target("2001:db8::9")};
  for (const auto& entry : entries)
    ASSERT_TRUE(notifier_.on_zone_changed(now_, entry.apex, dns::Serial(1), targets, Urgency::change));
  std::array<unsigned, 400> in_second{};
  const Instant start = now_;
  while (notifier_.pending() != 0) {
    const Instant next = notifier_.next_deadline();
    ASSERT_NE(next, Instant::never());
    now_ = std::max(now_, next);
    while (!poll().empty()) ++in_second.at(static_cast<size_t>((now_ - start).seconds()));
  }
  EXPECT_LE(*std::ranges::max_element(in_second), 151U);  // a second's and a burst
  EXPECT_EQ(counters().sent, 10'000U);
  EXPECT_EQ(counters().given_up, 2000U);
}

TEST_F(NotifyOut, SaysWhenThereIsNoRoom) {
  std::vector<NotifyTarget> targets;
  for (u8 i = 0; i < 200; ++i) targets.push_back({{IpAddress::v4({10, 0, 0, i}), Port(53)}, nullptr});
  for (u32 i = 0; i < 15; ++i) {
    ASSERT_TRUE(notifier_.has_room(targets.size()));
    ASSERT_TRUE(notifier_.on_zone_changed(now_, name_of(std::to_string(i) + "."), dns::Serial(1), targets, Urgency::change));
  }
  EXPECT_FALSE(notifier_.has_room(1));
  EXPECT_FALSE(changed(targets));
  // One that is under way is no new one.
  EXPECT_TRUE(notifier_.on_zone_changed(now_, name_of("3."), dns::Serial(2), targets, Urgency::change));
}

TEST_F(NotifyOut, PeersBeyondTheTableAreCountedTogether) {
  for (u32 i = 0; i < max_notify_peers + 5; ++i) {
    const NotifyTarget one{{IpAddress::v4({10, 0, static_cast<u8>(i >> 8), static_cast<u8>(i)}), Port(53)}, nullptr};
    ASSERT_TRUE(changed(std::span(&one, 1)));
    at(now_.since_boot() + Duration::seconds(1));
    while (!poll().empty()) continue;
  }
  size_t peers = 0;
  u64 others = 0;
  notifier_.for_each_peer([&](const IpAddress* address, const NotifyCounters& counted) {
    if (address == nullptr) others = counted.sent;
    ++peers;
  });
  EXPECT_EQ(peers, max_notify_peers + 1);
  EXPECT_GE(others, 5U);
}

// ---- targets --------------------------------------------------------------------------------------------------------

class NotifyTargets : public testing::Test {
 protected:
  NotifyTargets() {
    config_.listen.push_back({*IpAddress::parse("192.0.2.3"), Port(53)});
    config_.keys.push_back({.name = name_of("key."), .secret = "0123456789abcdef"});
    keys_.add({.name = name_of("key."), .secret = crypto::SecretBytes(Octets(16, 1))});
  }
  std::string text(const PeerList& servers, bool ns_records) {
    const zone::Zone zone = zones_.build(R"($TTL 60
@ SOA ns1 host 1 2 3 4 5
@ NS ns1
@ NS ns2
@ NS ns3
@ NS ns.other.
@ NS ns.elsewhere.test.
ns1 A 192.0.2.1
ns2 A 192.0.2.2
ns2 AAAA 2001:db8::2
ns3 A 192.0.2.3
)");
    const std::array entries{
        zone::ZoneSetEntry{name_of("example."), zone},
        zone::ZoneSetEntry{name_of("other."),
                           zones_.build("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.4\n", name_of("other."))}};
    const auto set = zone::build_zone_set(zones_.memory(), entries);
    std::string all;
    std::vector<NotifyTarget> targets;
    find_notify_targets(config_, keys_, {servers, ns_records}, set.value(), zone, targets);
    for (const NotifyTarget& target : targets) {
      all += zone::text_of(target.peer) + (target.key != nullptr ? " signed\n" : "\n");
    }
    return all;
  }

  zone::TestZones zones_;
  ServiceConfig config_;
  dns::TsigKeyring keys_;
};

TEST_F(NotifyTargets, AreTheConfiguredServers) {
  EXPECT_EQ(
      text({{*Endpoint::parse("198.51.100.1:5353"), u16{0}}, {*Endpoint::parse("[2001:db8::1]:53"), std::nullopt}}, false),
      "198.51.100.1:5353 signed\n[2001:db8::1]:53\n");
}

TEST_F(NotifyTargets, AndNameServersWithAddressesHereButNotTheMnameAndNotOurselves) {
  EXPECT_EQ(text({{*Endpoint::parse("192.0.2.4:53"), std::nullopt}}, true), "192.0.2.4:53\n192.0.2.2:53\n[2001:db8::2]:53\n");
}

}  // namespace
}  // namespace samara::server
