// The worker's loop over real sockets on loopback, with an echo application, in a thread of the test.
#include "platform/hal/linux/kernel_sockets.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "echo_application.h"
#include "loopback.h"

namespace samara::hal {
namespace {

using std::chrono::milliseconds;

class KernelSocketsTest : public ::testing::Test {
 protected:
  static constexpr u32 streams = 4;

  void start(std::vector<Endpoint> listen, bool publish_now = true) {
    auto bound = bind_listen_sockets(listen, 1);
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    for (const auto& socket : bound.value()[0].datagram) at_.push_back(socket.local);
    auto loop = KernelSockets::create(
        {.sockets = std::move(bound.value()[0]), .wake = wake_.get(), .max_streams = streams, .worker = 0},
        WorkerApplicationRef(app_), page_);
    ASSERT_TRUE(loop.ok()) << loop.error().text();
    loop_ = std::move(loop).value();
    if (publish_now) publish(1);
    thread_ = std::thread([this] { loop_->run(); });
  }
  void publish(u64 root) {
    page_.publish(root);
    wake();
  }
  void wake() {
    const u64 one = 1;
    ASSERT_EQ(::write(wake_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  // Ends the loop; afterwards the application may be looked at.
  void stop() {
    if (!thread_.joinable()) return;
    page_.stop();
    wake();
    thread_.join();
    EXPECT_EQ(app_.contract_errors, 0U);
    EXPECT_EQ(app_.clock_errors, 0U);
  }
  void TearDown() override {
    stop();
    loop_.reset();
  }
  SocketCounters counters() const { return page_.row(0).counters.read(); }
  template <class F>
  static bool eventually(F condition, milliseconds limit = milliseconds(5000)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  }

  std::array<u8, 64> region_{7, 8, 9};
  EchoApplication app_{streams, region_};
  ControlPage page_;
  Descriptor wake_{::eventfd(0, EFD_NONBLOCK)};
  std::vector<Endpoint> at_;
  std::unique_ptr<KernelSockets> loop_;
  std::thread thread_;
};

TEST_F(KernelSocketsTest, AnswersDatagramsOverIpv4AndIpv6) {
  start({endpoint("127.0.0.1:0"), endpoint("[::1]:0")});
  EXPECT_EQ(Client::udp(at_[0]).ask("hello"), "hello");
  EXPECT_EQ(Client::udp(at_[1]).ask("hello"), "hello");
}

TEST_F(KernelSocketsTest, TellsTheApplicationWhoAskedAndWhichAddress) {
  start({endpoint("127.0.0.1:0"), endpoint("[::1]:0")});
  for (const Endpoint& at : at_) {
    Client client = Client::udp(at);
    EXPECT_EQ(client.ask("local"), text_of(at));
    SocketAddress own{};
    socklen_t size = sizeof own;
    ::getsockname(client.fd(), &own.generic, &size);
    EXPECT_EQ(client.ask("peer"), text_of(to_endpoint(own)));
  }
}

// The client's socket is connected: an answer from another address would not reach it.
TEST_F(KernelSocketsTest, AnswersFromTheAddressThatWasAskedOnWildcardSockets) {
  start({endpoint("0.0.0.0:0"), endpoint("[::]:0")});
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.99.98.97"}) {
    const Endpoint asked = with_port(address, at_[0].port);
    EXPECT_EQ(Client::udp(asked).ask("local"), text_of(asked));
  }
  const Endpoint asked = with_port("::1", at_[1].port);
  EXPECT_EQ(Client::udp(asked).ask("local"), text_of(asked));
}

TEST_F(KernelSocketsTest, KeepsWildcardAndSpecificSocketsApartInOneBatchMemory) {
  start({endpoint("0.0.0.0:0"), endpoint("127.0.0.1:0"), endpoint("[::]:0"), endpoint("[::1]:0")});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Client::udp(with_port("127.0.0.5", at_[0].port)).ask("local"), text_of(with_port("127.0.0.5", at_[0].port)));
    EXPECT_EQ(Client::udp(at_[1]).ask("local"), text_of(at_[1]));
    EXPECT_EQ(Client::udp(with_port("::1", at_[2].port)).ask("local"), text_of(with_port("::1", at_[2].port)));
    EXPECT_EQ(Client::udp(at_[3]).ask("local"), text_of(at_[3]));
  }
}

TEST_F(KernelSocketsTest, TakesDatagramsOfEverySizeWhole) {
  start({endpoint("127.0.0.1:0"), endpoint("[::1]:0")});
  for (const Endpoint& at : at_) {
    Client client = Client::udp(at);
    for (const size_t size : {size_t{1}, size_t{511}, size_t{512}, size_t{4095}, size_t{4096}}) {
      const std::string data(size, 'd');
      EXPECT_EQ(client.ask(data), data);
    }
  }
}

TEST_F(KernelSocketsTest, SendsNothingForAnEmptyReplyAndGoesOn) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::udp(at_[0]);
  client.set_time_limit(50);
  EXPECT_EQ(client.ask("drop"), "(error)");
  EXPECT_EQ(client.ask(""), "(error)");  // an empty datagram is delivered; its echo is empty, so none is sent
  client.set_time_limit(5000);
  EXPECT_EQ(client.ask("after"), "after");
  stop();
  EXPECT_EQ(counters().datagrams_in, 3U);
  EXPECT_EQ(counters().datagrams_out, 1U);
}

TEST_F(KernelSocketsTest, DeliversTheLargestDatagramWhole) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::udp(at_[0]);
  EXPECT_EQ(client.ask(std::string(65'507, 'b')), std::string(4096, 'b'));
  EXPECT_EQ(client.ask("length"), "65507");
  EXPECT_EQ(counters().datagrams_cut, 0U);
}

TEST_F(KernelSocketsTest, AnswersMoreThanAFullBatchInOrderAndSkipsTheDroppedOnes) {
  start({endpoint("127.0.0.1:0")}, false);  // all wait in the socket until the first publication
  Client client = Client::udp(at_[0]);
  constexpr int count = 200;
  for (int i = 0; i < count; ++i) ASSERT_TRUE(client.send(i % 3 == 0 ? "drop" : "query " + std::to_string(i)));
  publish(1);
  for (int i = 0; i < count; ++i) {
    if (i % 3 != 0) {
      ASSERT_EQ(client.receive(), "query " + std::to_string(i));
    }
  }
  stop();
  EXPECT_EQ(counters().datagrams_in, 200U);
  EXPECT_LT(app_.turns, 20U) << "datagrams come in batches";
}

TEST_F(KernelSocketsTest, ServesWhatIsPublishedLast) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::udp(at_[0]);
  EXPECT_EQ(client.ask("root"), "1 8");
  publish(2);
  ASSERT_TRUE(eventually([this] { return page_.all_serve(2, 1); }));
  EXPECT_EQ(client.ask("root"), "2 9");
  EXPECT_EQ(page_.oldest_in_use(1), 2U);
}

TEST_F(KernelSocketsTest, KeepsAnOldPublicationInUseUntilTheApplicationLetsItGo) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::udp(at_[0]);
  EXPECT_EQ(client.ask("hold"), "held");
  publish(2);
  ASSERT_TRUE(eventually([this] { return page_.all_serve(2, 1); }));
  EXPECT_EQ(page_.oldest_in_use(1), 1U);
  EXPECT_EQ(client.ask("let go"), "let go");
  EXPECT_TRUE(eventually([this] { return page_.oldest_in_use(1) == 2; }));
}

TEST_F(KernelSocketsTest, EchoesStreamsOverIpv4AndIpv6) {
  start({endpoint("127.0.0.1:0"), endpoint("[::1]:0")});
  for (const Endpoint& at : at_) {
    Client client = Client::tcp(at);
    EXPECT_EQ(client.ask("one"), "one");
    EXPECT_EQ(client.ask("two"), "two");
    client.end();
    EXPECT_EQ(client.receive(), "");
  }
  ASSERT_TRUE(eventually([this] { return counters().streams_opened == 2; }));
  stop();
  EXPECT_EQ(app_.closed, 2U);
}

TEST_F(KernelSocketsTest, ReadsNoMoreThanTheApplicationHasRoomFor) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::tcp(at_[0]);
  std::string data;
  for (int i = 0; i < 20'000; ++i) data += static_cast<char>('a' + i % 26);
  std::thread writer([&] {
    EXPECT_TRUE(client.send(data));
    client.end();
  });
  EXPECT_EQ(client.receive_exactly(data.size() + 1), data);
  writer.join();
  stop();
  EXPECT_GE(app_.inputs, data.size() / EchoApplication::buffer_size);
}

TEST_F(KernelSocketsTest, ServesOthersWhileAClientDribbles) {
  start({endpoint("127.0.0.1:0")});
  Client slow = Client::tcp(at_[0]);
  for (const char c : std::string("slowly")) {
    EXPECT_EQ(slow.ask(std::string(1, c)), std::string(1, c));
    std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(Client::udp(at_[0]).ask("quick"), "quick");
  }
}

TEST_F(KernelSocketsTest, DoesNotSpinOrStallForAClientThatNeverReads) {
  start({endpoint("127.0.0.1:0")});
  Client deaf = Client::tcp(at_[0], 4096);
  ASSERT_TRUE(deaf.send("flood"));
  // The windows are full when nothing more arrives.
  const auto arrived = [&] {
    int octets = 0;
    EXPECT_EQ(::ioctl(deaf.fd(), FIONREAD, &octets), 0);
    return octets;
  };
  EXPECT_TRUE(eventually([&] {
    const int before = arrived();
    std::this_thread::sleep_for(milliseconds(50));
    return before != 0 && arrived() == before;
  }));
  EXPECT_EQ(Client::udp(at_[0]).ask("alive"), "alive");
  const auto processor_time = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
           usage.ru_stime.tv_usec / 1000;
  };
  const long before = processor_time();
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_LT(processor_time() - before, 100);
  // It reads after all: the rest comes.
  EXPECT_EQ(deaf.receive_exactly(1'000'000).size(), 1'000'000U);
  deaf.reset();
  EXPECT_EQ(Client::tcp(at_[0]).ask("next"), "next");
}

TEST_F(KernelSocketsTest, SharesTurnsBetweenATransferAndQueries) {
  start({endpoint("127.0.0.1:0")});
  Client flood = Client::tcp(at_[0]);
  ASSERT_TRUE(flood.send("flood"));
  std::thread reader([&] { EXPECT_EQ(flood.receive_exactly(50'000'000).size(), 50'000'000U); });
  Client client = Client::udp(at_[0]);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.ask("meanwhile"), "meanwhile");
  reader.join();
  flood.reset();
}

TEST_F(KernelSocketsTest, SendsTheLastAnswerWholeThoughInputIsLeftUnread) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::tcp(at_[0]);
  // "bye" finishes the stream with its echo unsent and much input behind it: closing at once would reset the connection.
  const std::string data = "bye" + std::string(20'000, 'z');
  ASSERT_TRUE(client.send(data));
  EXPECT_EQ(client.receive_exactly(data.size()).substr(0, 3), "bye");
  EXPECT_EQ(client.receive(), "") << "a FIN, no reset";
}

TEST_F(KernelSocketsTest, StopsLingeringWhenTheClientNeverCloses) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::tcp(at_[0]);
  EXPECT_EQ(client.ask("bye"), "bye");
  EXPECT_EQ(client.receive(), "");
  std::this_thread::sleep_for(milliseconds(2200));
  stop();
  EXPECT_EQ(app_.closed, 1U);
}

TEST_F(KernelSocketsTest, ForgetsAStreamThatIsReset) {
  start({endpoint("127.0.0.1:0")});
  // A newcomer is refused while the system has not told of the last resets yet, and comes again.
  const auto served = [&](std::string_view text) {
    return eventually([&] {
      Client client = Client::tcp(at_[0]);
      const bool answered = client.ask(std::string(text)) == text;
      if (answered) client.reset();
      return answered;
    });
  };
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(served("x"));
  EXPECT_TRUE(served("still here"));
  stop();
  EXPECT_EQ(app_.opened, 21U);
  EXPECT_GE(app_.closed, 20U);
}

TEST_F(KernelSocketsTest, SendsOutputAfterTheClientsEndOfInput) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::tcp(at_[0]);
  ASSERT_TRUE(client.send("late"));
  client.end();
  EXPECT_EQ(client.receive(), "late answer");
  EXPECT_EQ(client.receive(), "");
  stop();
  EXPECT_EQ(app_.deadlines, 1U);
}

TEST_F(KernelSocketsTest, AbortsAStreamTheApplicationDrops) {
  start({endpoint("127.0.0.1:0")});
  Client client = Client::tcp(at_[0]);
  ASSERT_TRUE(client.send("abort"));
  EXPECT_EQ(client.receive(), "");
  stop();
  EXPECT_EQ(app_.closed, 1U);
}

TEST_F(KernelSocketsTest, ClosesAStreamTheApplicationRefuses) {
  app_.refuse_streams = true;
  start({endpoint("127.0.0.1:0")});
  EXPECT_EQ(Client::tcp(at_[0]).receive(), "");
  EXPECT_EQ(counters().streams_refused, 1U);
  stop();
  EXPECT_EQ(app_.closed, 0U) << "nothing more is said about a refused stream";
}

TEST_F(KernelSocketsTest, GivesTheStreamTheApplicationNamesToANewClientWhereAllAreInUse) {
  app_.makes_room = 2;
  start({endpoint("127.0.0.1:0"), endpoint("[::1]:0")});
  std::vector<Client> clients;
  for (u32 i = 0; i < streams; ++i) {
    clients.push_back(Client::tcp(at_[i % 2]));
    EXPECT_EQ(clients.back().ask("in"), "in");
  }
  Client newcomer = Client::tcp(at_[0]);
  EXPECT_EQ(newcomer.ask("let me in"), "let me in");
  EXPECT_EQ(clients[2].receive(), "") << "it made room";
  for (const u32 other : {0U, 1U, 3U}) EXPECT_EQ(clients[other].ask("still here"), "still here");
  EXPECT_EQ(newcomer.ask("and again"), "and again");
  stop();
  EXPECT_EQ(app_.opened, streams + 1);
}

TEST_F(KernelSocketsTest, RefusesANewClientWhereAllStreamsAreInUseAndNoneMakesRoom) {
  start({endpoint("127.0.0.1:0")});
  std::vector<Client> clients;
  for (u32 i = 0; i < streams; ++i) {
    clients.push_back(Client::tcp(at_[0]));
    EXPECT_EQ(clients.back().ask("in"), "in");
  }
  EXPECT_EQ(Client::tcp(at_[0]).receive(), "");
  EXPECT_EQ(Client::udp(at_[0]).ask("udp goes on"), "udp goes on");
  EXPECT_EQ(counters().streams_refused, 1U);
  clients.front().reset();
  EXPECT_TRUE(eventually([&] { return Client::tcp(at_[0]).ask("in again") == "in again"; }));
}

TEST_F(KernelSocketsTest, PausesAcceptingWhenDescriptorsRunOutAndRecovers) {
  start({endpoint("127.0.0.1:0")});
  Client first = Client::tcp(at_[0]);
  EXPECT_EQ(first.ask("first"), "first");
  Client second = Client::udp(at_[0]);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  rlimit none = limit;
  none.rlim_cur = static_cast<rlim_t>(client) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  SocketAddress address;
  const socklen_t size = from_endpoint(at_[0], address);
  EXPECT_EQ(::connect(client, &address.generic, size), 0);
  EXPECT_TRUE(eventually([this] { return counters().accepts_failed >= 1; }));
  std::this_thread::sleep_for(milliseconds(250));
  EXPECT_LE(counters().accepts_failed, 5U) << "a pause, not a spin";
  EXPECT_EQ(second.ask("udp"), "udp");
  EXPECT_EQ(first.ask("again"), "again");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(::send(client, "back", 4, 0), 4);
  char answer[8];
  EXPECT_EQ(::recv(client, answer, sizeof answer, 0), 4);
  ::close(client);
}

TEST_F(KernelSocketsTest, AcceptedStreamsSendSmallAnswersAtOnceAndGiveUpOnTheDead) {
  auto bound = bind_listen_sockets({endpoint("127.0.0.1:0")}, 1);
  ASSERT_TRUE(bound.ok());
  const ListenSocket& listener = bound.value()[0].stream[0];
  Client client = Client::tcp(listener.local);
  Descriptor accepted;
  ASSERT_TRUE(eventually([&] { return (accepted = Descriptor(::accept4(listener.fd.get(), nullptr, nullptr, 0))).open(); }));
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &value, &size);
  EXPECT_EQ(value, 1);
  ::getsockopt(accepted.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size);
  EXPECT_EQ(value, 30'000);
}

}  // namespace
}  // namespace samara::hal
