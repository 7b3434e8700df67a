// EchoApplication: the smallest application that exercises everything a loop does. Datagrams come back as they are, but for a
// few words: "drop", "local" (which address was asked), "root" (what is published). Streams echo through a small buffer and
// read only when it is empty; a stream that begins with "flood" gets endless output, "bye" ends it, "abort" is asked to be
// aborted at the deadline, "late" is answered at the deadline.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/hal/hal.h"

namespace samara::hal {

class EchoApplication {
 public:
  static constexpr size_t buffer_size = 256;
  static constexpr Duration deadline_after = Duration::milliseconds(30);

  explicit EchoApplication(u32 streams, Bytes region = {}) : streams_(streams), region_(region) {}

  void on_publication(Instant, Publication p) { serving_ = p; }
  u64 oldest_generation() const { return held_ != 0 ? held_ : serving_.generation; }

  void on_turn(Instant now, UnixTime wall) {
    if (now < now_) ++clock_errors;
    now_ = now;
    wall_ = wall;
    ++turns;
  }

  size_t on_datagram(Instant, const runtime::Datagram& d) {
    const std::string_view text(reinterpret_cast<const char*>(d.payload.data()), d.payload.size());
    TextBuffer<256> answer;
    TextWriter& out = answer.writer();
    if (text == "drop") return 0;
    if (text == "length") {
      out.put(last_size_);
    } else if (text == "local") {
      d.local.write_text(out);
    } else if (text == "peer") {
      d.peer.write_text(out);
    } else if (text == "root") {
      out.put(serving_.root);
      out.put(' ');
      out.put(region_.empty() ? u8{0} : region_[serving_.root]);
    } else if (text == "hold") {
      held_ = serving_.generation;
      out.put("held");
    } else if (text == "let go") {
      held_ = 0;
      out.put("let go");
    } else if (text == "forbidden") {
      forbidden();
    } else if (text == "bug") {
      panic("asked to");
    } else {
      last_size_ = d.payload.size();
      const size_t size = std::min(d.payload.size(), d.reply.size());
      std::copy_n(d.payload.begin(), size, d.reply.begin());
      return size;
    }
    std::ranges::transform(answer.view(), d.reply.begin(), [](char c) { return static_cast<u8>(c); });
    return answer.view().size();
  }

  std::optional<runtime::StreamId> stream_in_the_way(Instant, const Endpoint&, bool full) const {
    return full ? makes_room : std::nullopt;
  }
  bool on_stream_open(Instant, runtime::StreamId id, const Endpoint& peer, const Endpoint&) {
    if (refuse_streams) return false;
    if (streams_[id].open) ++contract_errors;
    streams_[id] = Stream{.open = true};
    last_peer = peer;
    ++opened;
    return true;
  }
  MutableBytes stream_input_space(runtime::StreamId id) {
    Stream& s = at(id);
    if (s.flooding || s.filled != s.sent) return {};
    return s.buffer;
  }
  void on_stream_input(Instant now, runtime::StreamId id, size_t count) {
    Stream& s = at(id);
    if (count == 0 || count > s.buffer.size()) ++contract_errors;
    ++inputs;
    s.filled = count;
    s.sent = 0;
    const std::string_view text(reinterpret_cast<const char*>(s.buffer.data()), count);
    if (text.starts_with("flood")) s.flooding = true;
    if (text.starts_with("bye")) s.finished = true;
    if (text.starts_with("abort") || text.starts_with("late")) {
      s.wanted = text.starts_with("abort") ? Wanted::abort : Wanted::late;
      s.filled = 0;
      deadline_ = now + deadline_after;
    }
  }
  Bytes stream_output(runtime::StreamId id) {
    Stream& s = at(id);
    if (s.flooding) return flood_;
    return Bytes(s.buffer).subspan(s.sent, s.filled - s.sent);
  }
  void on_stream_output_sent(Instant, runtime::StreamId id, size_t count) {
    Stream& s = at(id);
    if (count == 0) ++contract_errors;
    octets_sent += count;
    if (!s.flooding) s.sent += count;
  }
  bool stream_finished(runtime::StreamId id) { return at(id).finished; }
  void on_stream_end(Instant, runtime::StreamId id) {
    if (at(id).ended) ++contract_errors;
    at(id).ended = true;
    at(id).finished = !at(id).flooding && at(id).wanted == Wanted::nothing;
  }
  void on_stream_closed(Instant, runtime::StreamId id) {
    at(id).open = false;
    ++closed;
  }
  std::optional<runtime::StreamId> poll_stream_abort() { return std::exchange(abort_, std::nullopt); }
  Instant next_deadline() const { return deadline_; }
  void on_deadline(Instant) {
    deadline_ = Instant::never();
    ++deadlines;
    for (runtime::StreamId id = 0; id < streams_.size(); ++id) {
      Stream& s = streams_[id];
      if (!s.open || s.wanted == Wanted::nothing) continue;
      if (s.wanted == Wanted::abort) abort_ = id;
      if (s.wanted == Wanted::late) {
        constexpr std::string_view answer = "late answer";
        std::ranges::transform(answer, s.buffer.begin(), [](char c) { return static_cast<u8>(c); });
        s.filled = answer.size();
        s.sent = 0;
        s.finished = s.ended;
      }
      s.wanted = Wanted::nothing;
    }
  }

  bool refuse_streams = false;
  std::optional<runtime::StreamId> makes_room;  // where all streams are in use
  Endpoint last_peer;
  u64 turns = 0;
  u64 opened = 0;
  u64 closed = 0;
  u64 inputs = 0;
  u64 octets_sent = 0;
  u64 deadlines = 0;
  u64 clock_errors = 0;
  u64 contract_errors = 0;
  void (*forbidden)() = [] {};

 private:
  enum class Wanted : u8 { nothing, abort, late };
  struct Stream {
    bool open = false;
    bool flooding = false;
    bool finished = false;
    bool ended = false;
    Wanted wanted = Wanted::nothing;
    size_t filled = 0;
    size_t sent = 0;
    std::array<u8, buffer_size> buffer{};
  };
  Stream& at(runtime::StreamId id) {
    if (!streams_[id].open) ++contract_errors;
    return streams_[id];
  }

  std::vector<Stream> streams_;
  Bytes region_;
  Publication serving_;
  u64 held_ = 0;
  size_t last_size_ = 0;
  Instant now_;
  UnixTime wall_;
  Instant deadline_ = Instant::never();
  std::optional<runtime::StreamId> abort_;
  std::vector<u8> flood_ = std::vector<u8>(16'384, u8{'x'});
};

static_assert(WorkerApplication<EchoApplication>);

}  // namespace samara::hal
