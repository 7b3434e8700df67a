// What a secondary tells its own secondaries of how long a zone is still good (RFC 7314 section 3.2).
#include <gtest/gtest.h>

#include "../server/answer_scenario.h"
#include "secondary/secondary_worker.h"
#include "server/zone_loader.h"

namespace samara::secondary {
namespace {

using server::query_of;
using server::text_of_response;

class SecondaryExpiry : public testing::Test {
 protected:
  SecondaryExpiry() : region_(size_t{1} << 20), loader_(region_) {
    const dns::Name apex = MUST(dns::Name::parse("example.", dns::Name()));
    server::PrimaryConfig zones;
    zones.zones.push_back({apex, {{"example.zone", "$TTL 300\n@ SOA ns host 7 7200 900 1000 60\n@ NS ns\nns A 192.0.2.1\n"}}});
    server::LoadReport report([](void*, Level, std::string_view) {}, nullptr);
    config_.zones.push_back({apex, {{*Endpoint::parse("192.0.2.1:53"), std::nullopt}}});
    config_.access.transfer.emplace_back();
    // Not the agent: any worker knows it.
    worker_.emplace(config_, server::ServerCookies::Secret{1}, std::array<u8, crypto::Drbg::seed_size>{}, region_, streams, 0);
    worker_->use_zones(loader_.load(zones, UnixTime{}, report)->root(), 1);
    at(100);
    tell({.kind = AgentMessageKind::primaries, .members = {{*Endpoint::parse("192.0.2.1:53"), std::nullopt}}});
  }
  void at(i64 second) {
    now_ = Instant::since_boot(Duration::seconds(second));
    worker_->on_turn(now_, UnixTime{1'800'000'000 + second});
  }
  void tell(AgentMessage message) {
    if (message.kind != AgentMessageKind::primaries) message.zone = config_.zones[0].name;
    std::vector<u8> octets(1'000);
    ByteWriter out(octets);
    write_message(message, out);
    worker_->on_message(now_, out.written());
  }
  void tell_confirmed(i64 seconds) { tell({.kind = AgentMessageKind::confirmed, .expires_in = Duration::seconds(seconds)}); }
  void tell_follow(std::optional<i64> held) {
    AgentMessage follow{.kind = AgentMessageKind::follow};
    if (held.has_value()) follow.held = HeldVersion{.soa = {}, .expires_in = Duration::seconds(*held)};
    tell(follow);
  }
  std::string ask(const std::string& line) {
    const auto packet = query_of(line).packet;
    std::vector<u8> reply(runtime::min_reply_room);
    const Endpoint peer{*IpAddress::parse("192.0.2.9"), Port(1053)};
    const Endpoint local{*IpAddress::parse("192.0.2.2"), Port(53)};
    reply.resize(worker_->on_datagram(now_, {.peer = peer, .local = local, .payload = packet, .reply = reply}));
    return text_of_response(reply, packet);
  }
  bool says(const std::string& line, u32 seconds) {
    return ask(line).find(" expire=" + std::to_string(seconds) + '\n') != std::string::npos;
  }

  static constexpr u32 streams = 4;
  std::vector<u8> region_;
  server::ZoneLoader loader_;
  server::SecondaryConfig config_;
  std::optional<SecondaryWorker> worker_;
  Instant now_;
};

TEST_F(SecondaryExpiry, IsWhatIsLeftAndNotWhatTheSoaSays) {
  tell_follow(std::nullopt);
  tell_confirmed(600);
  EXPECT_TRUE(says("example. SOA expire", 600)) << ask("example. SOA expire");
  at(350);
  EXPECT_TRUE(says("example. SOA expire", 350)) << ask("example. SOA expire");
  tell_confirmed(900);
  EXPECT_TRUE(says("example. SOA expire", 900)) << ask("example. SOA expire");
}

TEST_F(SecondaryExpiry, OfAZoneThatWasKeptOverARestartIsWhatIsLeftOfIt) {
  tell_follow(40);
  at(110);
  EXPECT_TRUE(says("example. SOA expire", 30)) << ask("example. SOA expire");
}

TEST_F(SecondaryExpiry, IsNothingWhenTheTimeIsOverOrUnknown) {
  tell_follow(std::nullopt);
  EXPECT_TRUE(says("example. SOA expire", 0)) << ask("example. SOA expire");
  tell_confirmed(10);
  at(200);
  EXPECT_TRUE(says("example. SOA expire", 0)) << ask("example. SOA expire");
}

TEST_F(SecondaryExpiry, IsNeverMoreThanTheSoaSays) {
  tell_follow(std::nullopt);
  tell_confirmed(5'000);
  EXPECT_TRUE(says("example. SOA expire", 1'000)) << ask("example. SOA expire");
}

TEST_F(SecondaryExpiry, IsToldWithTransfersToo) {
  tell_follow(std::nullopt);
  tell_confirmed(600);
  constexpr runtime::StreamId id = 0;
  auto packet = query_of("example. AXFR expire").packet;
  packet.insert(packet.begin(), {static_cast<u8>(packet.size() >> 8), static_cast<u8>(packet.size())});
  const Endpoint peer{*IpAddress::parse("192.0.2.9"), Port(1053)};
  ASSERT_TRUE(worker_->on_stream_open(now_, id, peer, peer));
  std::ranges::copy(packet, worker_->stream_input_space(id).begin());
  worker_->on_stream_input(now_, id, packet.size());
  const Bytes output = worker_->stream_output(id);
  const std::array<u8, 8> option{0, 9, 0, 4, 0, 0, 2, 88};  // 600
  EXPECT_FALSE(std::ranges::search(output, option).empty());
}

}  // namespace
}  // namespace samara::secondary
