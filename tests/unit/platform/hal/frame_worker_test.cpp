// The loop of a worker over frames, with a device and a handler made for it, in a process of its own.
#include "platform/hal/linux/frame_worker.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "child_process.h"

namespace samara::hal {
namespace {

// A device whose frames cannot leave while its socket is full. There is always something to read from it.
class FullDevice final : public FrameDevice {
 public:
  explicit FullDevice(int fd) : fd_(fd) {}
  bool kept_waiting = true;
  bool takes_no_input = false;  // congested, or only with frames left over

  const LinkDescription& description() const override { return description_; }
  size_t receive(std::span<ReceivedFrame>) override { return 0; }
  void release() override {}
  std::optional<FrameSlot> take_slot() override { return std::nullopt; }
  void drop(const FrameSlot&) override {}
  void transmit(const FrameSlot&) override {}
  void flush() override {
    const char octet = 0;
    if (kept_waiting && ::sendto(fd_, &octet, 1, MSG_DONTWAIT, nullptr, 0) == 1) kept_waiting = false;
  }
  bool congested() override { return kept_waiting && takes_no_input; }
  bool unsent() const override { return kept_waiting; }
  int descriptor() const override { return fd_; }
  std::span<const AllowedCall> system_calls() const override { return xdp_system_calls; }

 private:
  int fd_;
  LinkDescription description_;
};

// Takes turns until the device has sent everything.
class Patient final : public FrameHandler {
 public:
  explicit Patient(FullDevice& device, ControlPage& control) : device_(device), control_(control) {}
  u32 turns = 0;
  u32 stopped = 0;
  Duration waited;

  void prepare(const LinkDescription&) override {}
  void start(Instant now, UnixTime, Link&) override { begin_ = now; }
  bool turn(Instant now, UnixTime, Link& link) override {
    ++turns;
    link.flush();
    waited = now - begin_;
    if (!device_.kept_waiting || waited > Duration::seconds(5)) control_.stop();
    return false;
  }
  Instant next_deadline() const override { return Instant::never(); }
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return 1; }
  bool poll_ready(TextWriter&) override { return false; }
  bool poll_trouble(TextWriter&) override { return false; }
  void stop(Instant, Link&) override { ++stopped; }

 private:
  FullDevice& device_;
  ControlPage& control_;
  Instant begin_;
};

// A worker whose device is full, and free again after 200 ms; its exit code.
int wait_for_room(bool congested) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 90;
  const std::array<char, 4096> rubbish{};
  while (::send(ends[0], rubbish.data(), rubbish.size(), MSG_DONTWAIT) > 0) {
  }
  if (congested && ::send(ends[1], rubbish.data(), 1, 0) != 1) return 91;  // there is input, and it has to wait
  SharedState state = std::move(SharedState::create(1 << 20)).value();
  state.control().publish(0);
  const pid_t worker = ::fork();
  if (worker == 0) {
    FullDevice device(ends[0]);
    device.takes_no_input = congested;
    Patient handler(device, state.control());
    int wake[2];
    if (::pipe(wake) != 0) ::_exit(92);
    const auto code = run_frame_worker(device, wake[0], handler, state.control(), 0, nullptr);
    if (!code.ok() || code.value() != ExitCode::good) ::_exit(1);
    if (device.kept_waiting || handler.waited < Duration::milliseconds(150)) ::_exit(2);
    if (handler.turns > 50) ::_exit(3);  // it slept
    ::_exit(handler.stopped == 1 ? 0 : 4);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  std::array<char, 65536> taken;
  while (::recv(ends[1], taken.data(), taken.size(), MSG_DONTWAIT) > 0) {
  }
  const ChildEnd end = wait_for(worker);
  ::close(ends[0]);
  ::close(ends[1]);
  return end.exit_code;
}

TEST(FrameWorker, SleepsWhileItsDeviceIsCongestedAlthoughThereIsInput) {
  EXPECT_EQ(wait_for_room(true), 0);
}

TEST(FrameWorker, SleepsUntilTheRestCanBeSent) {
  EXPECT_EQ(wait_for_room(false), 0);
}

}  // namespace
}  // namespace samara::hal
