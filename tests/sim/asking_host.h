// AskingHost: an image with a loader and a worker on one simulated host, whose worker echoes what it is asked and asks others
// as its loader tells it (tests/unit/platform/hal/asking_application.h). The loader's role is a list of exchanges to get
// through, each repeated until it works:
//
//   a stream: connect, send a text, get it back, finish, hear that it is closed
//   a datagram: send a text from the client port, get it back
//   a late answer: the server's loader answers what its worker was asked, some time after
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/hal/sim/sim_loader.h"
#include "platform/runtime/frame_loop.h"
#include "tests/unit/platform/hal/asking_application.h"

namespace samara::sim {

class AskingRole final : public hal::Role {
 public:
  struct Exchange {
    Endpoint peer;
    std::string text;
    bool stream = false;
    // Where nobody answers: it is enough that each try ends.
    bool hopeless = false;

    u64 tries = 0;
    u64 ended = 0;  // streams that were closed
    bool connected = false;
    std::string got{};
    bool done = false;
    Instant asked_at{};
    Instant first_end{};  // of a stream
  };

  explicit AskingRole(u32 first_stream) : first_stream_(first_stream) {}
  std::vector<Exchange> exchanges;
  bool all_done() const;
  u64 released = 0;
  u64 publications = 0;
  u64 wrong_turns = 0;  // what was heard of a stream that should not be there

  Result<hal::Plan, hal::Refusal> configure(Bytes, const hal::Entropy&) override { return hal::Plan{}; }
  Result<u64, hal::Refusal> load(Bytes, hal::Loader&) override { return u64{0}; }
  void serve(hal::Worker&) override {}
  hal::Reply on_request(u32, Bytes, hal::Loader&) override { return {}; }
  void on_released(hal::Loader&) override { ++released; }
  void on_message(u32 worker, Bytes message, hal::Loader& loader) override;
  Instant next_deadline() override { return deadline_; }
  void on_deadline(hal::Loader& loader) override;

 private:
  static constexpr Duration try_again = Duration::seconds(2);
  void say(hal::Loader& loader, const std::string& text);
  void flush(hal::Loader& loader);

  u32 first_stream_;
  std::vector<std::string> unsaid_;  // the worker is behind
  Instant deadline_;
  std::optional<Instant> answer_at_;
};

class AskingHost {
 public:
  static constexpr u32 streams = 8;
  static constexpr u32 client_streams = 4;

  AskingHost(hal::sim::World& world, const std::array<u8, 6>& mac, const std::vector<runtime::NetworkAddress>& addresses,
             u64 seed);

  AskingRole role{streams};
  const hal::AskingApplication& application() const { return app_; }
  const hal::LocalLoader& loader() const { return loader_; }

 private:
  hal::sim::SeededRng rng_;
  runtime::NetworkConfig network_;
  hal::AskingApplication app_{streams, client_streams};
  runtime::FrameLoop loop_;
  hal::sim::SimLoader loader_;
  hal::LoaderAndWorker host_;
};

}  // namespace samara::sim
