// A worker and the loader's side of its updates.
#pragma once

#include <gtest/gtest.h>

#include "dns-core/message/response.h"
#include "dns-core/tsig/client.h"
#include "server/update_batch.h"
#include "update_text.h"
#include "worker_fixture.h"

namespace samara::server {
namespace {

class WorkerUpdate : public WorkerTest {
 protected:
  void begin() {
    start();
    batch_.emplace(config_, loader_);
  }
  void admit_all() { config_.access.update.push_back({}); }

  // What the loader does with all the worker has for it; how many updates that were.
  unsigned pump() {
    unsigned taken = 0;
    Octets room(runtime::max_message);
    for (size_t size = worker_->poll_message(room); size != 0; size = worker_->poll_message(room)) {
      if (const auto note = read_transfer_note(Bytes(room).first(size)); note.has_value()) {
        batch_->on_transfer_note(0, *note);
        continue;
      }
      const auto update = read_update(Bytes(room).first(size));
      EXPECT_TRUE(update.has_value());
      batch_->on_update(0, *update, {.now = now_, .wall = {epoch_ + 1}});
      ++taken;
    }
    batch_->make_room();
    batch_->settle();
    if (batch_->is_changed()) {
      const auto set = loader_.next_set();
      EXPECT_TRUE(set.has_value());
      loader_.published(++generation_);
      worker_->use_zones(set->root(), generation_);
      batch_->on_published();
    }
    batch_->send_all(1, [&](u32, Bytes message) {
      worker_->on_message(now_, message);
      return true;
    });
    loader_.release_before(worker_->oldest_generation(), [](zone::Extent) {});
    return taken;
  }
  Octets late_datagram() {
    Octets payload(runtime::min_reply_room);
    runtime::OutgoingDatagram out{.peer = {}, .local = {}, .payload = payload};
    payload.resize(worker_->poll_datagram(now_, out));
    sent_to_ = out.peer;
    sent_from_ = out.local;
    return payload;
  }
  static std::string rcode_of(Bytes message) {
    if (message.size() < dns::header_size) return "none";
    EXPECT_EQ(load_be16(message, 2) & 0xf800, 0xa800);  // a response to UPDATE
    return std::string(dns::rcode_name(static_cast<dns::Rcode>(message[3] & 15)));
  }
  // By UDP, whatever the way the answer takes.
  std::string update(const Lines& lines, std::string_view from = "192.0.2.1") {
    const Octets at_once = datagram(text.message(lines), from);
    if (!at_once.empty()) return rcode_of(at_once);
    pump();
    return rcode_of(late_datagram());
  }

  // The same by TCP.
  std::string update_by_tcp(const Lines& lines, std::string_view from = "192.0.2.1") {
    constexpr runtime::StreamId id = 3;
    EXPECT_TRUE(worker_->on_stream_open(now_, id, endpoint(from), endpoint("192.0.2.53")));
    send(id, framed(text.message(lines)));
    pump();
    const Octets answer = receive(id);
    worker_->on_stream_closed(now_, id);
    return answer.size() < 2 ? "none" : rcode_of(Bytes(answer).subspan(2));
  }
  // Signed with this key at `when`.
  Octets signed_message(const Lines& lines, const dns::TsigKey& key, i64 when) {
    ++text.id;
    Octets packet = text.message(lines);
    const size_t size = packet.size();
    packet.resize(size + 512);
    ByteWriter out(packet, size);
    dns::TsigClient client(key);
    client.sign_request(out, UnixTime{when});
    packet.resize(out.size());
    return packet;
  }
  std::string rcode_of_late() {
    EXPECT_EQ(pump(), 1U);
    return rcode_of(late_datagram());
  }

  // What a reload does with what zones have of their own.
  void reload(const std::vector<ZoneSource>& zones) {
    const auto blob = blob_of_settings(config_, zones, config_.catalogs, write_primary_config);
    ASSERT_TRUE(blob.has_value());
    const PrimaryConfig* settings = settings_.take(*blob);
    ASSERT_NE(settings, nullptr);
    batch_->use_settings(*settings, *blob);
    pump();
  }

  UpdateText text;
  ReloadedSettings<PrimaryConfig> settings_{read_primary_config};
  std::optional<UpdateBatch> batch_;
  u64 generation_ = 1;
  Endpoint sent_to_;
  std::optional<Endpoint> sent_from_;
};

}  // namespace
}  // namespace samara::server
