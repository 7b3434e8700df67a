// AskingApplication: an EchoApplication that also asks others, as its loader tells it by messages, and tells its loader what
// comes of it. What the loader may say:
//
//   connect ID ENDPOINT    send ID TEXT    finish ID    abort ID    datagram ENDPOINT TEXT    answer TEXT    repeat TEXT
//
// and what it hears: connected ID, input ID TEXT, end ID, closed ID, datagram ENDPOINT TEXT, TEXT. A datagram "wait" to a
// served endpoint is answered when the loader says "answer".
#pragma once

#include <deque>
#include <sstream>
#include <string>

#include "echo_application.h"

namespace samara::hal {

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}
inline std::string text_of(Bytes octets) {
  return {octets.begin(), octets.end()};
}

class AskingApplication : public EchoApplication {
 public:
  AskingApplication(u32 streams, u32 clients, Bytes region = {})
      : EchoApplication(streams, region), base_(streams), asked_(clients) {}

  size_t on_datagram(Instant now, const runtime::Datagram& d) {
    if (text_of(d.payload) != "wait") return EchoApplication::on_datagram(now, d);
    waiting_ = Waiting{d.peer, d.local};
    tell("waiting");
    return 0;
  }
  void on_client_datagram(Instant, const Endpoint& peer, Bytes payload) {
    tell("datagram " + name(peer) + " " + text_of(payload));
  }

  void on_stream_connected(Instant, runtime::StreamId id) {
    if (asked(id).state != Asked::State::connecting) ++contract_errors;
    asked(id).state = Asked::State::open;
    tell("connected " + std::to_string(id));
  }
  MutableBytes stream_input_space(runtime::StreamId id) {
    if (id < base_) return EchoApplication::stream_input_space(id);
    return open(id).buffer;
  }
  void on_stream_input(Instant now, runtime::StreamId id, size_t count) {
    if (id < base_) return EchoApplication::on_stream_input(now, id, count);
    tell("input " + std::to_string(id) + " " + text_of(Bytes(open(id).buffer).first(count)));
  }
  Bytes stream_output(runtime::StreamId id) {
    if (id < base_) return EchoApplication::stream_output(id);
    return bytes_of(open(id).output);
  }
  void on_stream_output_sent(Instant now, runtime::StreamId id, size_t count) {
    if (id < base_) return EchoApplication::on_stream_output_sent(now, id, count);
    open(id).output.erase(0, count);
  }
  bool stream_finished(runtime::StreamId id) { return id < base_ ? EchoApplication::stream_finished(id) : open(id).finished; }
  void on_stream_end(Instant now, runtime::StreamId id) {
    if (id < base_) return EchoApplication::on_stream_end(now, id);
    open(id).finished = true;
    tell("end " + std::to_string(id));
  }
  void on_stream_closed(Instant now, runtime::StreamId id) {
    if (id < base_) return EchoApplication::on_stream_closed(now, id);
    if (asked(id).state == Asked::State::closed) ++contract_errors;
    asked(id) = Asked{};
    tell("closed " + std::to_string(id));
  }
  std::optional<runtime::StreamId> poll_stream_abort() {
    if (const auto id = EchoApplication::poll_stream_abort()) return id;
    return std::exchange(to_abort_, std::nullopt);
  }

  void on_message(Instant, Bytes message) {
    std::istringstream words(text_of(message));
    std::string verb;
    words >> verb;
    if (verb == "connect") {
      runtime::StreamId id = 0;
      std::string at;
      words >> id >> at;
      to_connect_.push_back({id, Endpoint::parse(at).value()});
    } else if (verb == "send") {
      runtime::StreamId id = 0;
      words >> id;
      asked(id).output += rest(words);
    } else if (verb == "finish") {
      runtime::StreamId id = 0;
      words >> id;
      asked(id).finished = true;
    } else if (verb == "abort") {
      runtime::StreamId id = 0;
      words >> id;
      to_abort_ = id;
    } else if (verb == "datagram") {
      std::string at;
      words >> at;
      to_send_.push_back({Endpoint::parse(at).value(), std::nullopt, rest(words)});
    } else if (verb == "answer" && waiting_.has_value()) {
      to_send_.push_back({waiting_->peer, waiting_->local, rest(words)});
    } else if (verb == "repeat") {
      tell(rest(words));
    } else {
      ++contract_errors;
    }
  }
  std::optional<runtime::Connect> poll_connect() {
    if (to_connect_.empty()) return std::nullopt;
    const runtime::Connect next = to_connect_.front();
    to_connect_.pop_front();
    asked(next.id).state = Asked::State::connecting;
    return next;
  }
  size_t poll_datagram(Instant, runtime::OutgoingDatagram& out) {
    if (to_send_.empty()) return 0;
    const Sending next = to_send_.front();
    to_send_.pop_front();
    out.peer = next.peer;
    out.local = next.local;
    std::ranges::copy(bytes_of(next.text), out.payload.begin());
    return next.text.size();
  }
  size_t poll_message(MutableBytes room) {
    if (to_tell_.empty()) return 0;
    const std::string next = to_tell_.front();
    to_tell_.pop_front();
    std::ranges::copy(bytes_of(next), room.begin());
    return next.size();
  }

 private:
  struct Asked {
    enum class State : u8 { closed, connecting, open };
    State state = State::closed;
    bool finished = false;
    std::string output;
    std::array<u8, 256> buffer{};
  };
  struct Sending {
    Endpoint peer;
    std::optional<Endpoint> local;
    std::string text;
  };
  struct Waiting {
    Endpoint peer;
    Endpoint local;
  };
  static std::string name(const Endpoint& e) {
    TextBuffer<96> text;
    e.write_text(text.writer());
    return std::string(text.view());
  }
  static std::string rest(std::istringstream& words) {
    std::string text;
    words.get();  // the space
    std::getline(words, text, '\0');
    return text;
  }
  void tell(std::string text) { to_tell_.push_back(std::move(text)); }
  Asked& asked(runtime::StreamId id) { return asked_.at(id - base_); }
  Asked& open(runtime::StreamId id) {
    if (asked(id).state != Asked::State::open) ++contract_errors;
    return asked(id);
  }

  runtime::StreamId base_;
  std::vector<Asked> asked_;
  std::deque<runtime::Connect> to_connect_;
  std::deque<Sending> to_send_;
  std::deque<std::string> to_tell_;
  std::optional<runtime::StreamId> to_abort_;
  std::optional<Waiting> waiting_;
};

static_assert(WorkerApplication<AskingApplication>);
static_assert(runtime::ClientApplication<AskingApplication>);
static_assert(!runtime::ClientApplication<EchoApplication>);

}  // namespace samara::hal
