#include "platform/hal/linux/shared_state.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "child_process.h"

namespace samara::hal {
namespace {

constexpr size_t page = 4096;

SharedState create(u64 size = u64{1} << 30) {
  return std::move(SharedState::create(size)).value();
}

TEST(SharedState, ShowsAWorkerWhatTheLoaderWritesAfterTheFork) {
  SharedState state = create();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t worker = ::fork();
  if (worker == 0) {
    if (!state.region().make_read_only()) ::_exit(2);
    char c = 0;
    if (::read(ready[0], &c, 1) != 1) ::_exit(3);
    const Publication p = state.control().latest();
    const bool good = p.generation == 1 && state.region().bytes()[p.root] == 42;
    state.control().row(0).serving.store(1);
    ::_exit(good ? 0 : 1);
  }
  const u64 root = state.region().size() - 1;
  state.region().bytes()[root] = 42;
  EXPECT_FALSE(state.control().all_serve(1, 1));
  state.control().publish(root);
  ASSERT_EQ(::write(ready[1], "x", 1), 1);
  EXPECT_EQ(wait_for(worker).exit_code, 0);
  EXPECT_TRUE(state.control().all_serve(1, 1));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(SharedState, CannotBeWrittenByAWorker) {
  SharedState state = create();
  const ChildEnd end = in_child([&] {
    if (!state.region().make_read_only()) ::_exit(2);
    ::signal(SIGSEGV, SIG_DFL);
    state.region().bytes()[0] = 1;
  });
  EXPECT_EQ(end.signal, SIGSEGV);
}

TEST(SharedState, ReleasesWholePagesInsideAnExtentAndKeepsTheRest) {
  SharedState state = create(64 * page);
  const MutableBytes bytes = state.region().bytes();
  std::ranges::fill(bytes, u8{1});
  state.region().release(page - 1, 2 * page + 2);  // touches pages 0 to 3, covers 1 and 2
  EXPECT_EQ(bytes[page - 1], 1);
  EXPECT_EQ(bytes[page], 0);
  EXPECT_EQ(bytes[3 * page - 1], 0);
  EXPECT_EQ(bytes[3 * page], 1);
  state.region().release(10 * page + 1, page);  // no whole page inside
  EXPECT_EQ(bytes[10 * page + 1], 1);
  state.region().release(60 * page, ~size_t{0});  // to the end at most
  EXPECT_EQ(bytes[60 * page], 0);
  state.region().release(1000 * page, page);
  EXPECT_EQ(bytes[59 * page], 1);
}

TEST(SharedState, CostsAddressSpaceOnly) {
  const SharedState state = create(u64{64} << 30);
  EXPECT_EQ(state.region().size(), u64{64} << 30);
}

TEST(SharedState, SaysWhenTheAddressSpaceIsNotThere) {
  const auto state = SharedState::create(u64{1} << 60);
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code(), ExitCode::unavailable);
}

TEST(ControlPage, KnowsTheSlowestWorker) {
  ControlPage control;
  control.publish(10);
  control.publish(20);
  EXPECT_EQ(control.generation(), 2U);
  EXPECT_EQ(control.oldest_in_use(2), 0U);
  control.row(0).serving.store(2);
  control.row(0).oldest.store(2);
  EXPECT_FALSE(control.all_serve(2, 2));
  EXPECT_TRUE(control.all_serve(2, 1));
  control.row(1).serving.store(2);
  control.row(1).oldest.store(1);
  EXPECT_TRUE(control.all_serve(2, 2));
  EXPECT_EQ(control.oldest_in_use(2), 1U);
  control.row(1).oldest.store(2);
  EXPECT_EQ(control.oldest_in_use(2), 2U);
  EXPECT_FALSE(control.all_ended(1));
}

TEST(ControlPage, NeverPairsAGenerationWithAnothersRoot) {
  ControlPage control;
  control.publish(1);
  std::atomic<bool> done{false};
  std::thread loader([&] {
    for (u64 root = 2; root < 300'000; ++root) control.publish(root);
    done = true;
  });
  u64 wrong = 0;
  while (!done) {
    const Publication p = control.latest();
    if (p.root != p.generation) ++wrong;
  }
  loader.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace samara::hal
