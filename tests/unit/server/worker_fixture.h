// A worker of the primary as its loop sees it: octets in, octets out, and the time it is told.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "answer_scenario.h"
#include "server/primary_worker.h"
#include "server/zone_loader.h"

namespace samara::server {

class WorkerTest : public testing::Test {
 protected:
  static constexpr u32 streams = 64;
  static constexpr std::string_view zone_text = R"($TTL 300
@ SOA ns host 7 7200 900 1209600 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
mail A 192.0.2.25
*.wild TXT "made up"
cut NS ns.elsewhere.test.
@ TXT "00 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
@ TXT "01 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
@ TXT "02 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
@ TXT "03 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
@ TXT "04 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
@ TXT "05 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
)";
  static constexpr std::string_view www_answer = "answer www.example. 300 A 192.0.2.80\n";

  WorkerTest() : region_(size_t{4} << 20), loader_(region_) {
    config_.zones.push_back({name_of("example."), {{"example.zone", zone_text}}});
  }

  // Once the configuration is as the test wants it.
  void start() {
    LoadReport report([](void*, Level, std::string_view) {}, nullptr);
    const auto set = loader_.load(config_, UnixTime{}, report);
    ASSERT_TRUE(set.has_value());
    ASSERT_EQ(report.errors(), 0U);
    worker_.emplace(config_, ServerCookies::Secret{1, 2, 3}, std::array<u8, crypto::Drbg::seed_size>{}, region_, streams);
    worker_->use_zones(set->root(), 1);
    at(Duration::seconds(1));
  }
  // A turn at this time since boot, and this much after `epoch`.
  void at(Duration since_boot) {
    now_ = Instant::since_boot(since_boot);
    worker_->on_turn(now_, UnixTime{epoch_ + since_boot.seconds()});
  }
  void at_wall(i64 unix_seconds) { worker_->on_turn(now_, UnixTime{unix_seconds}); }

  static Endpoint endpoint(std::string_view address) { return {*IpAddress::parse(address), Port(1053)}; }

  // The answer to a datagram; empty when there is none.
  Octets datagram(Bytes packet, std::string_view from = "192.0.2.1") {
    Octets reply(runtime::min_reply_room, 0xee);
    const Endpoint peer = endpoint(from);
    const Endpoint local{*IpAddress::parse(peer.address.is_v4() ? "192.0.2.53" : "2001:db8::53"), Port(53)};
    reply.resize(worker_->on_datagram(now_, {.peer = peer, .local = local, .payload = packet, .reply = reply}));
    return reply;
  }
  // A query and its answer in the words of answer_scenario.h, by UDP.
  std::string ask(const std::string& line, std::string_view from = "192.0.2.1") {
    const Octets packet = query_of(line).packet;
    return text_of_response(datagram(packet, from), packet);
  }

  Octets framed(Bytes packet) {
    Octets octets{static_cast<u8>(packet.size() >> 8), static_cast<u8>(packet.size())};
    octets.insert(octets.end(), packet.begin(), packet.end());
    return octets;
  }
  // Puts octets into a stream as far as it takes them; how many it took.
  size_t send(runtime::StreamId id, Bytes octets) {
    size_t sent = 0;
    while (sent < octets.size()) {
      const MutableBytes space = worker_->stream_input_space(id);
      const size_t count = std::min(space.size(), octets.size() - sent);
      if (count == 0) break;
      std::ranges::copy(octets.subspan(sent, count), space.begin());
      worker_->on_stream_input(now_, id, count);
      sent += count;
    }
    return sent;
  }
  // Takes all output there is.
  Octets receive(runtime::StreamId id) {
    Octets received;
    for (Bytes output = worker_->stream_output(id); !output.empty(); output = worker_->stream_output(id)) {
      received.insert(received.end(), output.begin(), output.end());
      worker_->on_stream_output_sent(now_, id, output.size());
    }
    return received;
  }
  // The same by TCP, over a connection of its own.
  std::string ask_by_tcp(const std::string& line, std::string_view from = "192.0.2.1") {
    constexpr runtime::StreamId id = streams - 1;
    const Octets packet = query_of(line).packet;
    EXPECT_TRUE(worker_->on_stream_open(now_, id, endpoint(from), endpoint("192.0.2.53")));
    EXPECT_EQ(send(id, framed(packet)), packet.size() + 2);
    const Octets answer = receive(id);
    worker_->on_stream_closed(now_, id);
    if (answer.empty()) return "no response\n";
    EXPECT_EQ(load_be16(answer) + 2U, answer.size());
    return text_of_response(Bytes(answer).subspan(2), packet);
  }

  static constexpr i64 epoch_ = 1'800'000'000;
  std::vector<u8> region_;
  PrimaryConfig config_;
  ZoneLoader loader_;
  std::optional<PrimaryWorker> worker_;
  Instant now_;
};

}  // namespace samara::server
