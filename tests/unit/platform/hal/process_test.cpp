// These tests take whole images through their lives on loopback. The ones that need the filter are in filter_test.cpp.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "image_process.h"
#include "loopback.h"
#include "platform/hal/linux/confinement.h"
#include "platform/hal/linux/listen_sockets.h"

namespace samara::hal {
namespace {

constexpr const char* with_storage = "127.0.0.1:0\nstorage\n";

TEST(Image, KeepsWhatIsInItsStorageOverARestart) {
  const int file = ::memfd_create("storage", 0);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  for (const char* expected : {"0 1y", "0 2y", "0 3y"}) {
    // Opened anew as by each `samara run`: the lock goes with the image.
    const int opened = ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDWR);
    Image image(with_storage, {}, false, 0, opened);
    ::close(opened);
    image.ready();
    EXPECT_EQ(image.request(kind_storage, ""), expected);
    image.terminate();
    EXPECT_EQ(image.wait().exit_code, 0);
  }
  ::close(file);
}

TEST(Image, OnlyTheLoaderHoldsTheStorage) {
  const int file = ::memfd_create("samara-storage", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  Image image(with_storage, {}, false, 0, file);
  image.ready();
  const auto holds = [](pid_t process) {
    for (int fd = 3; fd < 64; ++fd) {
      std::array<char, 128> target{};
      const std::string link = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(fd);
      if (::readlink(link.c_str(), target.data(), target.size() - 1) > 0 &&
          std::string_view(target.data()).find("samara-storage") != std::string_view::npos) {
        return true;
      }
    }
    return false;
  };
  EXPECT_TRUE(holds(image.process()));
  const auto workers = image.workers();
  EXPECT_EQ(workers.size(), 2U);
  for (const pid_t worker : workers) EXPECT_FALSE(holds(worker));
  ::close(file);
}

TEST(Image, AStorageThatAnotherImageUsesIsRefused) {
  const int file = ::memfd_create("storage", 0);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  Image first(with_storage, {}, false, 0, file);
  first.ready();
  const int again = ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDWR);
  Image second(with_storage, {}, false, 0, again);
  EXPECT_EQ(second.wait().exit_code, static_cast<int>(ExitCode::unavailable));
  EXPECT_NE(second.errors().find("in use by another image"), std::string::npos);
  ::close(file);
  ::close(again);
}

TEST(Image, WithoutTheStorageItNeedsIsRefused) {
  Image image(with_storage);
  EXPECT_EQ(image.wait().exit_code, static_cast<int>(ExitCode::unavailable));
  EXPECT_NE(image.errors().find("no storage"), std::string::npos);
  const int read_only = ::open("/proc/self/exe", O_RDONLY);
  Image other(with_storage, {}, false, 0, read_only);
  EXPECT_EQ(other.wait().exit_code, static_cast<int>(ExitCode::usage));
  EXPECT_NE(other.errors().find("not open for reading and writing"), std::string::npos);
  ::close(read_only);
  Image nothing(with_storage, {}, false, 0, 999);
  EXPECT_EQ(nothing.wait().exit_code, static_cast<int>(ExitCode::usage));
}

TEST(Image, HasNoStorageThatItDoesNotAskFor) {
  const int file = ::memfd_create("storage", 0);
  ASSERT_EQ(::ftruncate(file, 1'000'000), 0);
  Image image("127.0.0.1:0\n", {}, false, 0, file);
  image.ready();
  EXPECT_EQ(image.request(kind_storage, ""), "0 0n");
  ::close(file);
}

TEST(Image, SaysReadyForEachEndpointAndAnswersOnAll) {
  Image image(both);
  for (int i = 0; i < 2; ++i) {
    const Endpoint at = image.ready();
    EXPECT_EQ(Client::udp(at).ask("datagram"), "datagram");
    EXPECT_EQ(Client::tcp(at).ask("stream"), "stream");
    EXPECT_EQ(Client::udp(at).ask("root"), "0 5");
  }
}

TEST(Image, RunsUnprivileged) {
  Image image(both);
  image.ready();
  std::vector<pid_t> processes = image.workers();
  EXPECT_EQ(processes.size(), 2U);
  processes.push_back(image.process());
  for (const pid_t process : processes) {
    EXPECT_EQ(status_of(process, "NoNewPrivs"), "1");
    EXPECT_EQ(status_of(process, "CapEff"), "0000000000000000");
    EXPECT_EQ(status_of(process, "CapPrm"), "0000000000000000");
    EXPECT_NE(status_of(process, "Uid"), "0");
  }
}

TEST(Image, StopsInGoodOrderOnASignalOrTheEndOfTheControlStream) {
  for (const int how : {SIGTERM, SIGINT, 0}) {
    Image image(both);
    const Endpoint at = image.ready();
    EXPECT_EQ(Client::udp(at).ask("x"), "x");
    how == 0 ? image.end_control() : image.terminate(how);
    EXPECT_EQ(image.wait().exit_code, 0) << how;
    EXPECT_TRUE(bind_listen_sockets({at}, 1).ok()) << "no worker is left on the port";
  }
}

TEST(Image, IgnoresAHangup) {
  Image image(both);
  const Endpoint at = image.ready();
  image.terminate(SIGHUP);
  EXPECT_EQ(image.request(kind_echo, "alive"), "0 alive");
  EXPECT_EQ(Client::udp(at).ask("alive"), "alive");
}

TEST(Image, AnswersRequestsInOrder) {
  Image image(both);
  const Endpoint at = image.ready();
  EXPECT_EQ(image.request(kind_echo, "hello"), "0 hello");
  EXPECT_EQ(image.request(99, "what"), "65 what");
  EXPECT_EQ(image.request(kind_echo, std::string(1000, 'm')), "0 " + std::string(1000, 'm'));
  EXPECT_TRUE(image.request(kind_echo, std::string(1001, 'm')).starts_with("65 "));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Client::udp(at).ask("x"), "x");
  EXPECT_EQ(image.request(kind_counters, ""), "0 \x03");
}

TEST(Image, ServesWhatARequestPublishedWhenItsReplyIsThere) {
  Image image(both);
  const Endpoint at = image.ready();
  for (int generation = 1; generation < 30; ++generation) {
    ASSERT_EQ(image.request(kind_publish, "now"), "0 now");
    const std::string expected = std::to_string((1 + generation % 4) * page) + " " + std::to_string(generation + 50);
    for (int i = 0; i < 4; ++i) ASSERT_EQ(Client::udp(at).ask("root"), expected);  // different ports: both workers
  }
}

TEST(Image, ReleasesAPublicationOnlyWhenNoWorkerRefersToIt) {
  Image image(both);
  Client client = Client::udp(image.ready());
  EXPECT_EQ(client.ask("hold"), "held");
  EXPECT_EQ(image.request(kind_publish, ""), "0 ");
  std::this_thread::sleep_for(std::chrono::milliseconds(150));  // nothing is released in this time
  EXPECT_EQ(image.request(kind_released, ""), std::string("0 \x00\x01", 4));
  EXPECT_EQ(client.ask("let go"), "let go");
  const std::string released("0 \x01\x02", 4);
  for (int i = 0; i < 500 && image.request(kind_released, "") != released; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(image.request(kind_released, ""), released);
}

TEST(Image, LosesNoQueryWhilePublicationsChange) {
  Image image(both);
  const Endpoint at = image.ready();
  std::atomic<bool> done{false};
  std::thread reloader([&] {
    while (!done) EXPECT_EQ(image.request(kind_publish, ""), "0 ");
  });
  Client client = Client::udp(at);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(client.ask("query"), "query");
  done = true;
  reloader.join();
}

TEST(Image, EndsWith70WhenAWorkerPanics) {
  Image image(both);
  Client client = Client::udp(image.ready());
  EXPECT_TRUE(client.send("bug"));
  EXPECT_EQ(image.wait().exit_code, 70);
  const std::string errors = image.errors();
  EXPECT_NE(errors.find("panic: asked to"), std::string::npos) << errors;
  EXPECT_NE(errors.find("the image stops"), std::string::npos) << errors;
}

TEST(Image, EndsWith70WhenAWorkerIsKilled) {
  Image image(both);
  image.ready();
  const auto workers = image.workers();
  ASSERT_EQ(workers.size(), 2U);
  ::kill(workers[1], SIGKILL);
  EXPECT_EQ(image.wait().exit_code, 70);
  EXPECT_NE(image.errors().find("signal 9"), std::string::npos);
}

TEST(Image, LeavesNoWorkerBehindWhenTheLoaderIsKilled) {
  Image image(both);
  const Endpoint at = image.ready();
  // A process that ends closes standard error before its sockets: only the end of the process itself says that both are gone.
  std::vector<Descriptor> workers;
  for (const pid_t worker : image.workers()) workers.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  EXPECT_EQ(workers.size(), 2U);
  image.terminate(SIGKILL);
  EXPECT_EQ(image.wait().signal, SIGKILL);
  for (const Descriptor& worker : workers) {
    pollfd end{.fd = worker.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&end, 1, 5000), 1);
  }
  EXPECT_TRUE(bind_listen_sockets({at}, 1).ok());
}

TEST(Image, RefusesToStartWithAClearLineAndExitCode) {
  Image running("127.0.0.1:0\n");
  const std::string used = text_of(running.ready());
  struct Case {
    std::string config;
    std::vector<std::string> options;
    bool unprivileged;
    int exit_code;
    std::string line;
  };
  const Case cases[] = {
      {"rubbish\n", {}, false, 65, "echo: no endpoint: rubbish"},
      {"", {}, false, 65, "the boot configuration is empty"},
      {"load fails\n127.0.0.1:0\n", {}, false, 65, "no zone can be loaded"},
      {"serve fails\n127.0.0.1:0\n", {}, false, 70, "Role::serve returned"},
      {"load fails\n", {}, false, 65, "addresses to listen on"},
      {"too many connections\n127.0.0.1:0\n", {}, false, 65, "connections to others"},
      {"asks over xdp\n", {}, false, 65, "network: mode xdp"},
      {used + "\n", {}, false, 69, used + ": the port is in use"},
      {"203.0.113.77:53\n", {}, false, 69, "not on this machine"},
      {"127.0.0.1:53\n", {}, true, 77, "no permission to use port 53"},
      {"127.0.0.1:0\n", {"--config-fd"}, false, 64, "a descriptor number is expected"},
      {"127.0.0.1:0\n", {"--config-fd", "3x"}, false, 64, "a descriptor number is expected"},
      {"127.0.0.1:0\n", {"--config-fd", "999"}, false, 64, "no boot configuration on descriptor 999"},
      {"127.0.0.1:0\n", {"--colour"}, false, 64, "unknown option --colour"},
  };
  for (const Case& c : cases) {
    Image image(c.config, c.options, c.unprivileged);
    EXPECT_EQ(image.wait().exit_code, c.exit_code) << c.line;
    const std::string errors = image.errors();
    EXPECT_NE(errors.find(c.line), std::string::npos) << "expected: " << c.line << "\ngot: " << errors;
  }
}

TEST(Image, CarriesMessagesBetweenTheLoaderAndEachWorker) {
  Image image("asks\n127.0.0.1:0\n");
  image.ready();
  for (const std::string worker : {"0", "1"}) {
    EXPECT_EQ(image.request(kind_tell, worker + " repeat hello"), "0 ");
    EXPECT_EQ(heard(image), worker + " hello\n");
  }
  EXPECT_EQ(image.request(kind_tell, "2 nobody"), "1 ");
  EXPECT_EQ(image.request(kind_tell, "1 repeat echo"), "0 ");
  std::string both = heard(image);
  while (both.size() < std::string("1 echo\n1 echoed\n").size()) both += heard(image);
  EXPECT_EQ(both, "1 echo\n1 echoed\n");
}

TEST(Image, PublishesWhatAMessageLedTo) {
  Image image("asks\n127.0.0.1:0\n");
  Client client = Client::udp(image.ready());
  EXPECT_EQ(image.request(kind_tell, "0 repeat publish"), "0 ");
  EXPECT_EQ(heard(image), "0 publish\n");
  for (int i = 0; i < 500 && image.request(kind_released, "") != std::string("0 \x01\x02", 4); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(image.request(kind_released, ""), std::string("0 \x01\x02", 4));
}

TEST(Image, CallsTheRoleWhenItsDeadlineHasCome) {
  Image image("127.0.0.1:0\n");
  image.ready();
  EXPECT_EQ(image.request(kind_remind, ""), "0 ");
  EXPECT_EQ(heard(image), "deadline\n");
}

TEST(Image, MakesConnectionsBehindItsFilterInWorkerZero) {
  Image image("asks\n127.0.0.1:0\n");
  image.ready();
  Listener listener("127.0.0.1");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(image.request(kind_tell, "0 connect 8 " + text_of(listener.at())), "0 ");
    Client peer = listener.accept();
    EXPECT_EQ(heard(image), "0 connected 8\n");
    EXPECT_EQ(image.request(kind_tell, "0 send 8 question"), "0 ");
    EXPECT_EQ(peer.receive(), "question");
    i % 2 == 0 ? peer.end() : peer.reset();
    std::string end = heard(image);
    while (!end.ends_with("closed 8\n")) end += heard(image);
  }
}

TEST(Image, WakesItsLoaderThoughOtherDescriptorsAreInTheWay) {
  Image image("asks\n127.0.0.1:0\n", {}, false, loader_wake_fd);
  image.ready();
  EXPECT_EQ(image.request(kind_tell, "0 repeat hello"), "0 ");
  EXPECT_EQ(heard(image), "0 hello\n");
}

TEST(Image, BoundsMemoryAndGoesOnThroughGarbage) {
  Image image("127.0.0.1:0\n");
  const Endpoint at = image.ready();
  const auto garbage = [&at] {
    for (int i = 0; i < 100; ++i) {
      Client::udp(at).send(std::string(static_cast<size_t>(i) * 655, static_cast<char>(i)));
      Client client = Client::tcp(at);
      client.send(std::string(static_cast<size_t>(i) * 655, static_cast<char>(i)));
      if (i % 2 == 0) client.reset();
    }
    EXPECT_EQ(Client::udp(at).ask("alive"), "alive");
    EXPECT_EQ(Client::tcp(at).ask("alive"), "alive");
  };
  std::vector<unsigned long> before;
  for (const pid_t worker : image.workers()) before.push_back(anonymous_kilobytes(worker));
  for (int i = 0; i < 5; ++i) garbage();
  const auto workers = image.workers();
  ASSERT_EQ(workers.size(), before.size());
  // The receive slots hold 4 MiB in all; nothing else may grow.
  for (size_t i = 0; i < workers.size(); ++i) EXPECT_LT(anonymous_kilobytes(workers[i]), before[i] + 6000);
}

}  // namespace
}  // namespace samara::hal
