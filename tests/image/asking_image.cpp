// A role whose worker asks others, one question at a time, so that all of an image that is needed for that is tried where it
// runs. It is configured as a primary is. A datagram "udp ENDPOINT TEXT" or "tcp ENDPOINT TEXT" goes
//
//   worker --message--> loader, which publishes once more --message--> worker --TEXT--> ENDPOINT
//
// and what comes back from there is the late answer, behind the generation that is served; "closed", where a connection ends
// before. "memory" is answered with the number of generations whose memory came back.
#include <algorithm>
#include <array>
#include <optional>

#include "tests/image/configured_role.h"

namespace samara::test {
namespace {

using runtime::StreamId;

constexpr size_t longest_text = 1024;

std::string_view text_of(Bytes octets) {
  return {static_cast<const char*>(static_cast<const void*>(octets.data())), octets.size()};
}
size_t copy_text(std::string_view text, MutableBytes to) {
  return static_cast<size_t>(std::ranges::copy(text, to.begin()).out - to.begin());
}

class Asker {
 public:
  explicit Asker(StreamId own_stream, Bytes region) : own_stream_(own_stream), region_(region) {}

  void on_turn(Instant, UnixTime) {}
  size_t on_datagram(Instant, const runtime::Datagram& d) {
    if (text_of(d.payload) == "memory") {
      TextBuffer<32> count;
      count.writer().decimal(region_[0]);
      return copy_text(count.view(), d.reply);
    }
    if (d.payload.size() > longest_text) return 0;
    asker_ = d.peer;
    asked_ = d.local;
    std::ranges::copy(d.payload, text_.begin());
    size_ = d.payload.size();
    phase_ = Phase::to_loader;
    return 0;
  }
  bool on_stream_open(Instant, StreamId, const Endpoint&, const Endpoint&) { return false; }
  MutableBytes stream_input_space(StreamId) { return answer_; }
  void on_stream_input(Instant, StreamId, size_t count) {
    answer(Bytes(answer_).first(count));
    finished_ = true;
  }
  Bytes stream_output(StreamId) { return phase_ == Phase::asking ? text() : Bytes(); }
  void on_stream_output_sent(Instant, StreamId, size_t count) {
    sent_ += count;
    if (sent_ == size_) phase_ = Phase::waiting;
  }
  bool stream_finished(StreamId) { return finished_; }
  void on_stream_end(Instant, StreamId) { finished_ = true; }
  void on_stream_closed(Instant, StreamId) {
    in_use_ = false;
    if (!finished_) answer_text("closed");
  }
  std::optional<StreamId> stream_in_the_way(Instant, const Endpoint&, bool) const { return std::nullopt; }
  std::optional<StreamId> poll_stream_abort() { return std::nullopt; }
  Instant next_deadline() const { return Instant::never(); }
  void on_deadline(Instant) {}
  void on_publication(Instant, hal::Publication publication) { generation_ = publication.generation; }
  u64 oldest_generation() const { return generation_; }

  size_t poll_message(MutableBytes room) {
    if (phase_ != Phase::to_loader) return 0;
    phase_ = Phase::idle;
    std::ranges::copy(Bytes(text_).first(size_), room.begin());
    return size_;
  }
  void on_message(Instant, Bytes message) {
    const std::string_view words = text_of(message);
    const size_t space = words.find(' ', 4);
    const auto at = Endpoint::parse(words.substr(std::min<size_t>(4, words.size()), space - 4));
    if (space == std::string_view::npos || !at.has_value()) return;
    peer_ = *at;
    size_ = copy_text(words.substr(space + 1), text_);
    sent_ = 0;
    phase_ = words.starts_with("tcp ") ? Phase::to_connect : Phase::to_send;
  }
  std::optional<runtime::Connect> poll_connect() {
    if (phase_ != Phase::to_connect || in_use_) return std::nullopt;  // the last connection may still be closing
    phase_ = Phase::connecting;
    in_use_ = true;
    finished_ = false;
    return runtime::Connect{own_stream_, peer_};
  }
  void on_stream_connected(Instant, StreamId) { phase_ = Phase::asking; }
  size_t poll_datagram(Instant, runtime::OutgoingDatagram& out) {
    if (phase_ == Phase::to_send) {
      phase_ = Phase::waiting;
      out.peer = peer_;
      std::ranges::copy(Bytes(text_).first(size_), out.payload.begin());
      return size_;
    }
    if (phase_ != Phase::answering) return 0;
    phase_ = Phase::idle;
    out.peer = asker_;
    out.local = asked_;
    std::ranges::copy(Bytes(text_).first(size_), out.payload.begin());
    return size_;
  }
  void on_client_datagram(Instant, const Endpoint& peer, Bytes payload) {
    if (phase_ == Phase::waiting && peer == peer_) answer(payload.first(std::min(payload.size(), answer_.size())));
  }

 private:
  enum class Phase : u8 { idle, to_loader, to_connect, connecting, to_send, asking, waiting, answering };
  Bytes text() const { return Bytes(text_).subspan(sent_, size_ - sent_); }
  void answer(Bytes octets) { answer_text(text_of(octets)); }
  void answer_text(std::string_view text) {
    TextBuffer<longest_text + 32> line;
    line.writer().decimal(generation_);
    line.writer().put(' ');
    line.writer().put(text);
    size_ = copy_text(line.view().substr(0, text_.size()), text_);
    phase_ = Phase::answering;
  }

  StreamId own_stream_;
  Bytes region_;
  Phase phase_ = Phase::idle;
  bool in_use_ = false;    // the stream
  bool finished_ = false;  // and we with it
  Endpoint asker_;
  Endpoint asked_;
  Endpoint peer_;
  std::array<u8, longest_text> text_{};
  size_t size_ = 0;
  size_t sent_ = 0;
  std::array<u8, 512> answer_{};
  u64 generation_ = 0;
};

class AskingRole final : public ConfiguredRole {
 public:
  Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy& entropy) override {
    hal::Plan plan = TRY(ConfiguredRole::configure(blob, entropy));
    plan.client_streams = 1;
    plan.client_datagrams = true;
    return plan;
  }
  void serve(hal::Worker& worker) override {
    Asker asker(worker.max_streams(), worker.region());
    run(worker, asker, [](const auto&) {});
  }
  void on_released(hal::Loader& loader) override { loader.region()[0] = static_cast<u8>(loader.oldest_in_use() - 1); }
  void on_message(u32 worker, Bytes message, hal::Loader& loader) override {
    loader.publish(1);
    if (!loader.send(worker, message)) log(Level::error, "the worker is behind with one message");
  }
};

}  // namespace
}  // namespace samara::test

extern "C" int main(int argc, char** argv) {
  samara::test::AskingRole role;
  return samara::hal::run(argc, argv, "asking", role);
}
