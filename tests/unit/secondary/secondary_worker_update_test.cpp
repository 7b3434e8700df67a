// UPDATE at a secondary: two workers and their loader, with the primary's answers and the network by the test.
#include "../zone/master_file_zone.h"
#include "../zone/store/crashing_storage.h"
#include "secondary/secondary_worker.h"
#include "secondary/zone_keeper.h"

namespace samara::secondary {
namespace {

using dns::Rcode;
using zone::name_of;
using Octets = std::vector<u8>;

constexpr u32 streams = 8;
constexpr u32 transfers = 2;
constexpr const char* may = "192.0.2.2";
constexpr const char* may_not = "192.0.2.3";
constexpr std::string_view secret = "0123456789abcdef";
constexpr UnixTime wall{1'800'000'000};
constexpr server::ServerCookies::Secret cookie_secret{1, 2};
const Endpoint local = *Endpoint::parse("192.0.2.53:53");

Endpoint endpoint(std::string_view address) {
  return {*IpAddress::parse(address), Port(1053)};
}

Octets update_of(u16 id = 77, std::string_view zone = "example.", u16 type = 6) {
  Octets memory(400);
  ByteWriter out(memory);
  for (const u16 word : {id, u16{5 << 11}, u16{1}, u16{0}, u16{0}, u16{0}}) out.u16(word);
  out.bytes(name_of(zone).wire());
  out.u16(type);
  out.u16(1);
  memory.resize(out.size());
  return memory;
}

dns::TsigKey key_named(std::string_view name, std::string_view octets = secret) {
  Octets copy(octets.begin(), octets.end());
  return {.name = name_of(name), .algorithm = dns::TsigAlgorithm::hmac_sha256, .secret = crypto::SecretBytes(copy)};
}

// The message with a cookie that this server gave to `from`.
Octets with_cookie(Octets packet, std::string_view from) {
  store_be16(packet, 10, 1);
  const dns::CookieOption client{.client = {1, 2, 3, 4, 5, 6, 7, 8}, .server = {}, .server_size = 0};
  const auto cookie = server::ServerCookies(cookie_secret, std::nullopt).make(client, *IpAddress::parse(from), wall);
  const Octets opt{0, 0, 41, 2, 0, 0, 0, 0, 0, 0, cookie.size() + 4, 0, 10, 0, cookie.size()};
  packet.insert(packet.end(), opt.begin(), opt.end());
  packet.insert(packet.end(), cookie.begin(), cookie.end());
  return packet;
}

Octets signed_update(dns::TsigClient& client, const Octets& plain = with_cookie(update_of(), may)) {
  Octets memory(1000);
  ByteWriter out(memory);
  out.bytes(plain);
  client.sign_request(out, wall);
  memory.resize(out.size());
  return memory;
}

Octets framed(const Octets& message) {
  Octets all{static_cast<u8>(message.size() >> 8), static_cast<u8>(message.size())};
  all.insert(all.end(), message.begin(), message.end());
  return all;
}

Rcode rcode_of(Bytes message) {
  return static_cast<Rcode>(message[3] & 15);
}

struct Secondary {
  zone::TestRegion region{size_t{64} << 20};
  server::SecondaryConfig config;
  zone::store::SeededRng rng{1};
  std::optional<ZoneKeeper> keeper;
  std::array<std::unique_ptr<SecondaryWorker>, 2> workers;
  Instant now = Instant::since_boot(Duration::seconds(100));
  std::vector<runtime::Connect> connects;  // to pass updates on
  struct Late {
    u32 worker;
    Endpoint peer;
    Endpoint local;
    Octets message;
  };
  std::vector<Late> late;

  Secondary() {
    config.zones.push_back({.name = name_of("example."), .primaries = {{*Endpoint::parse("192.0.2.1:53"), std::nullopt}}});
    config.keys.push_back({name_of("known."), server::KeyAlgorithm::hmac_sha256, secret});
    config.access.update = {{.from = *IpPrefix::parse("192.0.2.2/32"), .key = std::nullopt},
                            {.from = std::nullopt, .key = u16{0}}};
    config.forward_updates = true;
  }
  void start() {
    keeper.emplace(config, region.bytes(), nullptr, rng);
    keeper->start({.now = now, .wall = wall});
    const auto set = keeper->next_set();
    ASSERT_TRUE(set.has_value());
    keeper->published(1);
    for (u32 i = 0; i < workers.size(); ++i) {
      const std::array<u8, crypto::Drbg::seed_size> seed{static_cast<u8>(i)};
      const u32 clients = i == 0 ? transfers + forward_streams_of(config) : 0;
      workers[i] = std::make_unique<SecondaryWorker>(config, cookie_secret, seed, region.bytes(), streams, clients);
      workers[i]->use_zones(set->root(), 1);
    }
    settle();
  }
  // Turns until nobody has anything to say.
  void settle() {
    for (int turn = 0; turn < 10; ++turn) {
      for (u32 i = 0; i < workers.size(); ++i) {
        SecondaryWorker& worker = *workers[i];
        worker.on_turn(now, wall);
        if (worker.next_deadline() <= now) worker.on_deadline(now);
        while (const auto id = worker.poll_stream_abort()) worker.on_stream_closed(now, *id);
        while (const auto connect = worker.poll_connect()) {
          if (connect->id >= streams + transfers) connects.push_back(*connect);
        }
        Octets room(runtime::max_message);
        runtime::OutgoingDatagram out{.peer = {}, .local = {}, .payload = room};
        while (const size_t size = worker.poll_datagram(now, out)) {
          if (out.local.has_value())
            late.push_back({i, out.peer, *out.local, {room.begin(), room.begin() + static_cast<i64>(size)}});
        }
        while (const size_t size = worker.poll_message(room)) {
          keeper->on_message({.now = now, .wall = wall}, i, Bytes(room).first(size));
        }
      }
      EXPECT_TRUE(keeper->send_all(2, [&](u32 worker, Bytes message) {
        workers[worker]->on_message(now, message);
        return true;
      }));
    }
  }
  void wait(Duration duration) {
    for (const Instant end = now + duration; now < end; now = now + Duration::milliseconds(500)) settle();
    settle();
  }
  // What is said at once to a client whose address is known to be its own; empty: nothing.
  Octets ask(u32 worker, const Octets& packet, std::string_view from = may) {
    return datagram(worker, load_be16(packet, 10) == 0 ? with_cookie(packet, from) : packet, from);
  }
  Octets datagram(u32 worker, const Octets& packet, std::string_view from) {
    Octets reply(runtime::min_reply_room);
    const Endpoint peer = endpoint(from);
    reply.resize(workers[worker]->on_datagram(now, {.peer = peer, .local = local, .payload = packet, .reply = reply}));
    settle();
    return reply;
  }
  // The message that the last connection carries.
  Octets sent() {
    const runtime::StreamId id = connects.back().id;
    workers[0]->on_stream_connected(now, id);
    const Bytes output = workers[0]->stream_output(id);
    Octets message(output.begin() + 2, output.end());
    workers[0]->on_stream_output_sent(now, id, output.size());
    return message;
  }
  // The primary's answer to it: an RCODE, and octets of a record more.
  void answer(Rcode rcode, u16 more = 0) {
    const Octets request = sent();
    Octets memory(100 + size_t{more});
    ByteWriter out(memory);
    out.bytes(Bytes(request).first(2));
    for (const u16 word : {static_cast<u16>(0xa800 | dns::code(rcode)), u16{0}, static_cast<u16>(more != 0), u16{0}, u16{0}})
      out.u16(word);
    if (more != 0) {
      out.u8(0);
      for (const u16 word : {u16{16}, u16{1}, u16{0}, u16{0}, more}) out.u16(word);
      out.zeros(more);
    }
    memory.resize(out.size());
    answer_with(memory);
  }
  void answer_with(const Octets& message) {
    const Octets memory = framed(message);
    Bytes octets = memory;
    const runtime::StreamId id = connects.back().id;
    while (!octets.empty()) {
      const MutableBytes space = workers[0]->stream_input_space(id);
      const size_t count = std::min(space.size(), octets.size());
      std::ranges::copy(octets.first(count), space.begin());
      workers[0]->on_stream_input(now, id, count);
      octets = octets.subspan(count);
    }
    EXPECT_TRUE(workers[0]->stream_finished(id));
    close();
  }
  void close() {
    workers[0]->on_stream_closed(now, connects.back().id);
    settle();
  }
};

TEST(SecondaryWorkerUpdate, GoesToThePrimaryFromAnyWorkerAndItsAnswerBack) {
  for (const u32 worker : {0u, 1u}) {
    Secondary secondary;
    secondary.start();
    const Octets update = update_of(77);
    EXPECT_TRUE(secondary.ask(worker, update).empty());
    ASSERT_EQ(secondary.connects.size(), 1u);
    EXPECT_EQ(secondary.connects[0].peer, *Endpoint::parse("192.0.2.1:53"));
    secondary.answer(Rcode::YXRRSET);
    ASSERT_EQ(secondary.late.size(), 1u);
    EXPECT_EQ(secondary.late[0].worker, worker);
    EXPECT_EQ(secondary.late[0].peer, endpoint(may));
    EXPECT_EQ(secondary.late[0].local, local);
    EXPECT_EQ(secondary.late[0].message, (Octets{0, 77, 0xa8, 7, 0, 0, 0, 0, 0, 0, 0, 0}));
  }
}

TEST(SecondaryWorkerUpdate, IsAnsweredOnItsConnectionWhichIsNotIdleMeanwhile) {
  Secondary secondary;
  secondary.config.limits.tcp_idle_seconds = 1;
  secondary.start();
  SecondaryWorker& worker = *secondary.workers[1];
  ASSERT_TRUE(worker.on_stream_open(secondary.now, 0, endpoint(may), local));
  const Octets request = framed(update_of(78));
  std::ranges::copy(request, worker.stream_input_space(0).begin());
  worker.on_stream_input(secondary.now, 0, request.size());
  secondary.settle();
  ASSERT_EQ(secondary.connects.size(), 1u);
  EXPECT_TRUE(worker.stream_output(0).empty());
  secondary.wait(Duration::seconds(5));
  secondary.answer(Rcode::NOERROR);
  const Bytes output = worker.stream_output(0);
  EXPECT_EQ(Octets(output.begin(), output.end()), (Octets{0, 12, 0, 78, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  worker.on_stream_output_sent(secondary.now, 0, output.size());
  worker.on_stream_closed(secondary.now, 0);
}

TEST(SecondaryWorkerUpdate, IsForgottenWithTheConnectionItCameBy) {
  Secondary secondary;
  secondary.start();
  SecondaryWorker& worker = *secondary.workers[1];
  ASSERT_TRUE(worker.on_stream_open(secondary.now, 0, endpoint(may), local));
  const Octets request = framed(update_of(78));
  std::ranges::copy(request, worker.stream_input_space(0).begin());
  worker.on_stream_input(secondary.now, 0, request.size());
  secondary.settle();
  worker.on_stream_closed(secondary.now, 0);
  ASSERT_TRUE(worker.on_stream_open(secondary.now, 0, endpoint(may_not), local));
  secondary.answer(Rcode::NOERROR);
  EXPECT_TRUE(worker.stream_output(0).empty());
}

TEST(SecondaryWorkerUpdate, IsRefusedToWhoMayNot) {
  Secondary secondary;
  secondary.start();
  const Octets answer = secondary.ask(1, update_of(), may_not);
  EXPECT_EQ(rcode_of(answer), Rcode::REFUSED);
  EXPECT_EQ(rcode_of(secondary.ask(0, update_of(1, "other."))), Rcode::NOTAUTH);
  EXPECT_EQ(rcode_of(secondary.ask(0, update_of(1, "example.", 1))), Rcode::FORMERR);
  EXPECT_TRUE(secondary.connects.empty());
}

// Anybody can send one datagram with an address of the list; what is signed the primary judges.
TEST(SecondaryWorkerUpdate, with_an_address_that_is_not_shown_is_asked_to_come_by_tcp) {
  Secondary secondary;
  secondary.start();
  const Octets answer = secondary.datagram(1, update_of(), may);
  EXPECT_EQ(rcode_of(answer), Rcode::REFUSED);
  EXPECT_NE(answer[2] & 2, 0);
  EXPECT_TRUE(secondary.connects.empty());
  EXPECT_EQ(secondary.datagram(1, update_of(), may_not)[2] & 2, 0);
  // A key that is not known here shows nothing either: anybody can write some name and some MAC.
  const dns::TsigKey key = key_named("far.");
  dns::TsigClient client(key);
  const Octets refused = secondary.datagram(1, signed_update(client, update_of()), may);
  ASSERT_FALSE(refused.empty());
  EXPECT_NE(refused[2] & 2, 0);
  EXPECT_TRUE(secondary.connects.empty());
  dns::TsigClient shown(key);
  EXPECT_TRUE(secondary.datagram(1, signed_update(shown), may).empty());
  EXPECT_EQ(secondary.connects.size(), 1u);
}

constexpr size_t cookie_option = 4 + 24;

// RFC 7873: a cookie is between a client and the server it asks.
TEST(SecondaryWorkerUpdate, is_passed_on_without_the_requesters_cookie_and_answered_with_ours) {
  Secondary secondary;
  secondary.start();
  const Octets update = with_cookie(update_of(), may);
  EXPECT_TRUE(secondary.datagram(1, update, may).empty());
  ASSERT_EQ(secondary.connects.size(), 1u);
  const Octets sent = secondary.sent();
  Octets bare = update;
  bare.resize(update.size() - cookie_option);
  store_be16(bare, bare.size() - 2, 0);
  EXPECT_EQ(Octets(sent.begin() + 2, sent.end()), Octets(bare.begin() + 2, bare.end()));
  // The primary's answer with a cookie of its own, which is nobody's here.
  Octets answer{sent[0], sent[1], 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 20, 0, 10, 0, 16};
  answer.resize(answer.size() + 16, 0x77);
  secondary.answer_with(answer);
  ASSERT_EQ(secondary.late.size(), 1u);
  const Octets& late = secondary.late[0].message;
  ASSERT_EQ(late.size(), answer.size() - 20 + cookie_option);
  EXPECT_TRUE(std::equal(late.end() - 24, late.end(), update.end() - 24)) << "the client's cookie and ours for it";
  EXPECT_EQ(load_be16(late, late.size() - cookie_option - 2), cookie_option);
  EXPECT_EQ(std::ranges::count(late, 0x77), 0);
}

// A secondary that ignores NOTIFYs without a cookie, which no primary sends, stops following.
TEST(SecondaryWorkerUpdate, cookies_are_not_required_of_a_primarys_notify) {
  Secondary secondary;
  secondary.config.cookies.required = true;
  secondary.start();
  Octets notify = update_of();
  notify[2] = 4 << 3;
  const Octets answer = secondary.datagram(1, notify, "192.0.2.1");
  EXPECT_EQ(rcode_of(answer), Rcode::NOERROR);
  EXPECT_EQ(answer[2] & 2, 0) << "not put off to TCP";
  EXPECT_EQ(rcode_of(secondary.datagram(1, notify, may_not)), Rcode::REFUSED);
}

TEST(SecondaryWorkerUpdate, IsPassedOnWhereTheZoneSaysSo) {
  {
    Secondary secondary;
    secondary.config.forward_updates = false;
    secondary.start();
    EXPECT_EQ(rcode_of(secondary.ask(0, update_of())), Rcode::REFUSED);
  }
  {
    Secondary secondary;
    secondary.config.zones[0].overrides.forward_updates = false;
    secondary.start();
    EXPECT_EQ(rcode_of(secondary.ask(0, update_of())), Rcode::REFUSED);
  }
  {
    Secondary secondary;
    secondary.config.forward_updates = false;
    secondary.config.zones[0].overrides.forward_updates = true;
    secondary.config.zones[0].overrides.update = {server::AccessRule{}};
    secondary.start();
    EXPECT_TRUE(secondary.ask(0, update_of(), may_not).empty());
    EXPECT_EQ(secondary.connects.size(), 1u);
  }
}

TEST(SecondaryWorkerUpdate, FollowsWhatAReloadSaysOfTheZone) {
  Secondary secondary;
  secondary.config.listen.push_back(local);
  secondary.start();
  std::vector<server::SecondaryZone> zones = secondary.config.zones;
  zones[0].overrides.update.emplace();
  secondary.keeper->reload({.now = secondary.now, .wall = wall}, zones);
  secondary.settle();
  for (const u32 worker : {0u, 1u}) EXPECT_EQ(rcode_of(secondary.ask(worker, update_of())), Rcode::REFUSED);
  secondary.keeper->reload({.now = secondary.now, .wall = wall}, secondary.config.zones);
  secondary.settle();
  for (const u32 worker : {0u, 1u}) EXPECT_TRUE(secondary.ask(worker, update_of()).empty());
  EXPECT_EQ(secondary.connects.size(), 2u);
}

TEST(SecondaryWorkerUpdate, KeepsTheSignatureOfWhoeverSigned) {
  for (const char* name : {"known.", "far."}) {
    Secondary secondary;
    secondary.start();
    const dns::TsigKey key = key_named(name);
    dns::TsigClient client(key);
    const Octets update = signed_update(client);
    EXPECT_TRUE(secondary.ask(1, update, may).empty());
    ASSERT_EQ(secondary.connects.size(), 1u) << name;
    const Octets sent = secondary.sent();
    EXPECT_EQ(Octets(sent.begin() + 2, sent.end()), Octets(update.begin() + 2, update.end()));
  }
}

TEST(SecondaryWorkerUpdate, KnowsWhoHasAKeyOfOurs) {
  Secondary secondary;
  secondary.start();
  const dns::TsigKey key = key_named("known.");
  dns::TsigClient client(key);
  EXPECT_TRUE(secondary.datagram(1, signed_update(client), may_not).empty());
  EXPECT_EQ(secondary.connects.size(), 1u);
  // With another secret it is not the key of ours, and nobody else's either.
  const dns::TsigKey wrong = key_named("known.", "fedcba9876543210");
  dns::TsigClient forger(wrong);
  EXPECT_EQ(rcode_of(secondary.ask(1, signed_update(forger), may)), Rcode::NOTAUTH);
  EXPECT_EQ(secondary.connects.size(), 1u);
}

TEST(SecondaryWorkerUpdate, SaysBadkeyToAStrangerWithAKeyUnknownHere) {
  Secondary secondary;
  secondary.start();
  const dns::TsigKey key = key_named("far.");
  dns::TsigClient client(key);
  const Octets answer = secondary.ask(1, signed_update(client), may_not);
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(rcode_of(answer), Rcode::NOTAUTH);
  const auto response = dns::read_response(answer);
  ASSERT_TRUE(response.ok());
  EXPECT_FALSE(client.on_response(answer, response.value().tsig_at, wall).ok());
  EXPECT_EQ(client.peer_error(), Rcode::BADKEY);
  EXPECT_TRUE(secondary.connects.empty());
}

TEST(SecondaryWorkerUpdate, FailsWithASignatureWhenNoPrimaryCanBeReached) {
  Secondary secondary;
  secondary.start();
  const dns::TsigKey key = key_named("known.");
  dns::TsigClient client(key);
  const Octets update = signed_update(client);
  EXPECT_TRUE(secondary.ask(1, update).empty());
  secondary.close();
  secondary.wait(forward_pause);
  ASSERT_EQ(secondary.connects.size(), 2u);
  secondary.close();
  ASSERT_EQ(secondary.late.size(), 1u);
  const Octets& answer = secondary.late[0].message;
  EXPECT_EQ(rcode_of(answer), Rcode::SERVFAIL);
  const auto response = dns::read_response(answer);
  ASSERT_TRUE(response.ok());
  EXPECT_TRUE(client.on_response(answer, response.value().tsig_at, wall).ok());
  // The same datagram again is told the same, and not passed on.
  EXPECT_EQ(rcode_of(secondary.ask(1, update)), Rcode::SERVFAIL);
  EXPECT_EQ(secondary.connects.size(), 2u);
}

TEST(SecondaryWorkerUpdate, ThatComesTwiceIsPassedOnOnceAndAnsweredTwice) {
  Secondary secondary;
  secondary.start();
  EXPECT_TRUE(secondary.ask(1, update_of()).empty());
  EXPECT_TRUE(secondary.ask(1, update_of()).empty());  // while the first is under way
  EXPECT_EQ(secondary.connects.size(), 1u);
  secondary.answer(Rcode::NOERROR);
  EXPECT_EQ(secondary.late.size(), 1u);
  EXPECT_TRUE(secondary.ask(1, update_of()).empty());  // and afterwards
  EXPECT_EQ(secondary.connects.size(), 1u);
  ASSERT_EQ(secondary.late.size(), 2u);
  EXPECT_EQ(secondary.late[0].message, secondary.late[1].message);
  // Another id is another update.
  EXPECT_TRUE(secondary.ask(1, update_of(79)).empty());
  EXPECT_EQ(secondary.connects.size(), 2u);
}

TEST(SecondaryWorkerUpdate, HasAnAnswerCutThatIsTooLongForADatagram) {
  Secondary secondary;
  secondary.start();
  EXPECT_TRUE(secondary.ask(1, update_of()).empty());
  secondary.answer(Rcode::NOERROR, 600);
  ASSERT_EQ(secondary.late.size(), 1u);
  const Octets& answer = secondary.late[0].message;
  EXPECT_LT(answer.size(), 512u);
  EXPECT_NE(answer[2] & 2, 0);
  EXPECT_EQ(rcode_of(answer), Rcode::NOERROR);
}

}  // namespace
}  // namespace samara::secondary
