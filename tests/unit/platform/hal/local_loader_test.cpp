// Loader and worker of one process: what either says to the other while the other is at work.
#include "platform/hal/local_loader.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace samara::hal {
namespace {

class QuietHandler final : public FrameHandler {
 public:
  void prepare(const LinkDescription&) override {}
  void start(Instant, UnixTime, Link&) override {}
  bool turn(Instant, UnixTime, Link&) override { return false; }
  void stop(Instant, Link&) override {}
  Instant next_deadline() const override { return Instant::never(); }
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return 1; }
  bool poll_ready(TextWriter&) override { return false; }
  bool poll_trouble(TextWriter&) override { return false; }
  bool has_messages() const override { return true; }
  void use_mailbox(Mailbox& mailbox) override { mailbox_ = &mailbox; }
  Mailbox& mailbox() { return *mailbox_; }

 private:
  Mailbox* mailbox_ = nullptr;
};

class ListeningRole final : public Role {
 public:
  Result<Plan, Refusal> configure(Bytes, const Entropy&) override { return Plan{}; }
  Result<u64, Refusal> load(Bytes, Loader&) override { return u64{0}; }
  void serve(Worker&) override {}
  Reply on_request(u32, Bytes, Loader&) override { return {}; }
  void on_released(Loader&) override {}
  void on_message(u32, Bytes message, Loader&) override {
    if (meanwhile) std::exchange(meanwhile, {})();
    heard.emplace_back(message.begin(), message.end());
  }
  std::function<void()> meanwhile;
  std::vector<std::vector<u8>> heard;
};

class PlainLoader final : public LocalLoader {
 public:
  MutableBytes region() override { return {}; }
  void release(size_t, size_t) override {}
  void forget(std::string_view) override {}
  Instant now() const override { return {}; }
  UnixTime wall() const override { return {}; }
  const Entropy& entropy() const override { return entropy_; }
  Storage* storage() override { return nullptr; }

 private:
  Entropy entropy_{};
};

TEST(LocalLoader, keeps_the_message_it_works_on_while_the_worker_sends_and_receives_others) {
  PlainLoader loader;
  loader.publish(1);
  QuietHandler worker;
  ListeningRole role;
  loader.attach(Instant(), worker);
  const std::vector<u8> first(1000, 1), second(1000, 2), back(1000, 3);
  ASSERT_TRUE(worker.mailbox().send(first));
  ASSERT_TRUE(loader.send(0, back));
  role.meanwhile = [&] {  // the role waits for its storage
    worker.mailbox().look();
    EXPECT_EQ(worker.mailbox().receive().value().front(), 3);
    MutableBytes room = worker.mailbox().room();
    std::ranges::copy(second, room.begin());
    worker.mailbox().send_room(second.size());
  };
  loader.turn(Instant(), role);
  loader.turn(Instant(), role);
  EXPECT_EQ(role.heard, (std::vector<std::vector<u8>>{first, second}));
}

}  // namespace
}  // namespace samara::hal
