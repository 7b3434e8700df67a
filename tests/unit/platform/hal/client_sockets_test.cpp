// What a worker asks others, over real sockets on loopback, and its messages to and from the loader, whose part the test plays.
#include "platform/hal/linux/client_sockets.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <chrono>
#include <set>
#include <thread>

#include "asking_application.h"
#include "loopback.h"
#include "platform/hal/linux/kernel_sockets.h"
#include "platform/hal/linux/message_lanes.h"

namespace samara::hal {
namespace {

using std::chrono::milliseconds;

class AskingTest : public ::testing::Test {
 protected:
  static constexpr u32 streams = 2;
  static constexpr u32 clients = 2;

  // `said`: under one wake with the first publication, which the worker waits for.
  void start(std::vector<Endpoint> listen = {endpoint("127.0.0.1:0")}, bool datagrams = true, const std::string& said = "") {
    auto bound = bind_listen_sockets(listen, 1);
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    for (const auto& socket : bound.value()[0].datagram) at_.push_back(socket.local);
    auto loop = KernelSockets::create({.sockets = std::move(bound.value()[0]),
                                       .wake = wake_.get(),
                                       .max_streams = streams,
                                       .worker = 0,
                                       .client_streams = clients,
                                       .client_datagrams = datagrams,
                                       .mailbox = &worker_,
                                       .loader_wake = loader_wake_.get()},
                                      WorkerApplicationRef(app_), page_);
    ASSERT_TRUE(loop.ok()) << loop.error().text();
    loop_ = std::move(loop).value();
    thread_ = std::thread([this] { loop_->run(); });
    if (!said.empty()) {
      std::this_thread::sleep_for(milliseconds(50));
      ASSERT_TRUE(loader_.send(bytes_of(said)) && loader_.take_wake());
    }
    page_.publish(1);
    wake();
  }
  void wake() {
    const u64 one = 1;
    ASSERT_EQ(::write(wake_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  void say(const std::string& text) {
    ASSERT_TRUE(loader_.send(bytes_of(text)));
    if (loader_.take_wake()) wake();
  }
  // What the worker says next.
  std::string hear(milliseconds limit = milliseconds(5000)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!loader_.look()) {
      if (std::chrono::steady_clock::now() > until) return "(silence)";
      std::this_thread::sleep_for(milliseconds(1));
    }
    const std::string text = text_of(*loader_.receive());
    if (loader_.take_wake()) wake();
    return text;
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    page_.stop();
    wake();
    thread_.join();
    EXPECT_EQ(app_.contract_errors, 0U);
  }
  SocketCounters counters() const { return page_.row(0).counters.read(); }

  AskingApplication app_{streams, clients};
  ControlPage page_;
  MessageLanes lanes_ = std::move(MessageLanes::create(1)).value();
  std::vector<u8> scratch_a_ = std::vector<u8>(runtime::max_message);
  std::vector<u8> scratch_b_ = std::vector<u8>(runtime::max_message);
  Mailbox loader_ = lanes_.loader_side(0, scratch_a_);
  Mailbox worker_ = lanes_.worker_side(0, scratch_b_);
  Descriptor wake_{::eventfd(0, EFD_NONBLOCK)};
  Descriptor loader_wake_{::eventfd(0, EFD_NONBLOCK)};
  std::vector<Endpoint> at_;
  std::unique_ptr<KernelSockets> loop_;
  std::thread thread_;
};

TEST_F(AskingTest, TellsTheLoaderAndWakesIt) {
  start();
  say("repeat hello");
  EXPECT_EQ(hear(), "hello");
  u64 woken = 0;
  EXPECT_EQ(::read(loader_wake_.get(), &woken, sizeof woken), static_cast<ssize_t>(sizeof woken));
}

TEST_F(AskingTest, HearsWhatWasSaidTogetherWithTheFirstPublication) {
  start({endpoint("127.0.0.1:0")}, true, "repeat early");
  EXPECT_EQ(hear(), "early");
}

TEST_F(AskingTest, GoesOnWhenTheLoaderIsBehind) {
  start();
  const std::string long_one(60'000, 'l');
  constexpr int count = 40;  // more than a lane holds
  for (int i = 0; i < count; ++i) {
    while (!loader_.send(bytes_of("repeat " + long_one))) std::this_thread::sleep_for(milliseconds(1));
    if (loader_.take_wake()) wake();
  }
  EXPECT_EQ(Client::udp(at_[0]).ask("still"), "still");
  for (int i = 0; i < count; ++i) ASSERT_EQ(hear(), long_one) << i;
}

TEST_F(AskingTest, ServesAPublicationBeforeItTellsTheMessageBehindIt) {
  start();
  for (u64 root = 2; root < 200; ++root) {
    page_.publish(root);
    say("repeat root");
    ASSERT_EQ(hear(), "root");
    ASSERT_EQ(page_.oldest_in_use(1), root);
  }
}

TEST_F(AskingTest, AsksByDatagramsOverBothFamilies) {
  start();
  for (const char* address : {"127.0.0.1", "::1"}) {
    SocketAddress own{};
    socklen_t size = from_endpoint(with_port(address, Port(0)), own);
    const Descriptor peer(::socket(own.generic.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(peer.get(), &own.generic, size), 0);
    ::getsockname(peer.get(), &own.generic, &size);
    const std::string name = text_of(to_endpoint(own));
    say("datagram " + name + " question");
    SocketAddress asker{};
    size = sizeof asker;
    std::array<char, 100> text{};
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ASSERT_EQ(::recvfrom(peer.get(), text.data(), text.size(), 0, &asker.generic, &size), 8);
    EXPECT_EQ(std::string_view(text.data(), 8), "question");
    EXPECT_NE(to_endpoint(asker).port, at_[0].port);
    ASSERT_EQ(::sendto(peer.get(), "reply", 5, 0, &asker.generic, size), 5);
    EXPECT_EQ(hear(), "datagram " + name + " reply");
  }
}

TEST_F(AskingTest, SurvivesDatagramsNobodyTakes) {
  start();
  const Endpoint closed = [] {
    const Listener gone("127.0.0.1");
    return gone.at();
  }();
  for (int i = 0; i < 10; ++i) say("datagram " + text_of(closed) + " anybody");
  say("datagram 127.0.0.1:0 nowhere");
  say("repeat alive");
  EXPECT_EQ(hear(), "alive");
  EXPECT_EQ(Client::udp(at_[0]).ask("alive"), "alive");
}

TEST_F(AskingTest, AnswersLateFromTheAddressThatWasAsked) {
  start({endpoint("127.0.0.1:0"), endpoint("0.0.0.0:0"), endpoint("[::]:0"), endpoint("[::1]:0")});
  // Connected sockets: an answer from elsewhere would not reach them.
  const Endpoint asked[] = {at_[0], with_port("127.0.0.9", at_[1].port), with_port("::1", at_[2].port), at_[3]};
  for (const Endpoint& at : asked) {
    Client client = Client::udp(at);
    ASSERT_TRUE(client.send("wait"));
    ASSERT_EQ(hear(), "waiting");
    say("answer here it is");
    EXPECT_EQ(client.receive(), "here it is") << text_of(at);
  }
}

TEST_F(AskingTest, ConnectsAndExchangesOctetsOverBothFamilies) {
  start();
  for (const char* address : {"127.0.0.1", "::1"}) {
    Listener listener(address);
    say("connect 3 " + text_of(listener.at()));
    Client peer = listener.accept();
    EXPECT_EQ(hear(), "connected 3");
    say("send 3 question");
    EXPECT_EQ(peer.receive(), "question");
    ASSERT_TRUE(peer.send("answer"));
    EXPECT_EQ(hear(), "input 3 answer");
    say("finish 3");
    EXPECT_EQ(peer.receive(), "") << "a FIN";
    peer.end();
    EXPECT_EQ(hear(), "closed 3");
  }
}

TEST_F(AskingTest, SendsAFinWhenThePeerEndsFirst) {
  start();
  Listener listener("127.0.0.1");
  say("connect 2 " + text_of(listener.at()));
  Client peer = listener.accept();
  EXPECT_EQ(hear(), "connected 2");
  ASSERT_TRUE(peer.send("last"));
  peer.end();
  EXPECT_EQ(hear(), "input 2 last");
  EXPECT_EQ(hear(), "end 2");
  EXPECT_EQ(hear(), "closed 2");
  EXPECT_EQ(peer.receive(), "") << "a FIN, no reset";
}

TEST_F(AskingTest, TellsOnceThatAConnectionIsRefusedOrHasNoWay) {
  start();
  Listener gone("127.0.0.1");
  gone.close();
  for (int i = 0; i < 5; ++i) {
    for (const std::string& nowhere :
         {text_of(gone.at()), std::string("127.0.0.1:0"), std::string("255.255.255.255:53"), std::string("[ff02::1]:53")}) {
      say("connect 2 " + nowhere);
      EXPECT_EQ(hear(), "closed 2") << nowhere;
    }
  }
  EXPECT_EQ(hear(milliseconds(50)), "(silence)");
}

// Each end of a connection leaves the socket as new; there is one socket for each stream and family, so it is the same one.
TEST_F(AskingTest, UsesSocketsAgainWhateverBecameOfTheirConnections) {
  start();
  Listener listener("127.0.0.1");
  Listener gone("127.0.0.1");
  gone.close();
  std::set<u16> ports;
  const auto connect_both = [&](auto&& then) {
    for (const std::string id : {"2", "3"}) {  // the whole pool
      say("connect " + id + " " + text_of(listener.at()));
      Client peer = listener.accept();
      ports.insert(listener.last_peer.port.value());
      ASSERT_EQ(hear(), "connected " + id);
      // Nothing is left of what the connection before received, and both directions are open.
      ASSERT_TRUE(peer.send("fresh"));
      ASSERT_EQ(hear(), "input " + id + " fresh");
      say("send " + id + " too");
      ASSERT_EQ(peer.receive(), "too");
      then(peer, id);
      ASSERT_EQ(hear(), "closed " + id);
    }
  };
  for (int round = 0; round < 3; ++round) {
    connect_both([&](Client& peer, const std::string&) { peer.reset(); });
    connect_both([&](Client& peer, const std::string& id) {  // aborted by us, with input it never reads
      peer.send("unread");
      ASSERT_TRUE(hear().starts_with("input"));
      say("abort " + id);
      EXPECT_EQ(peer.receive(), "(error)") << "a reset";
    });
    connect_both([&](Client& peer, const std::string& id) {  // our FIN, then theirs
      say("finish " + id);
      EXPECT_EQ(peer.receive(), "");
      peer.end();
    });
    connect_both([&](Client& peer, const std::string& id) {  // theirs, then ours
      peer.end();
      EXPECT_EQ(hear(), "end " + id);
    });
    connect_both([&](Client& peer, const std::string& id) {  // our FIN, then a reset
      say("finish " + id);
      EXPECT_EQ(peer.receive(), "");
      peer.reset();
    });
    say("connect 2 " + text_of(gone.at()));
    EXPECT_EQ(hear(), "closed 2");
    say("connect 3 255.255.255.255:53");
    EXPECT_EQ(hear(), "closed 3");
  }
  EXPECT_GT(ports.size(), 10U) << "each connection gets a port of its own";
}

TEST_F(AskingTest, GivesUpLingeringForAPeerThatNeverCloses) {
  start();
  Listener listener("127.0.0.1");
  say("connect 2 " + text_of(listener.at()));
  Client peer = listener.accept();
  EXPECT_EQ(hear(), "connected 2");
  say("finish 2");
  EXPECT_EQ(hear(), "closed 2");
  say("connect 2 " + text_of(listener.at()));
  Client again = listener.accept();
  EXPECT_EQ(hear(), "connected 2");
}

// A listen queue that is full lets further SYNs wait, as a peer does that is down or filtered.
TEST_F(AskingTest, GivesUpConnectingAfterALimitAndOnDemandWithoutSpinning) {
  start();
  Listener full("127.0.0.1", 0);
  const Client first = Client::tcp(full.at());
  say("connect 2 " + text_of(full.at()));
  say("connect 3 " + text_of(full.at()));
  say("repeat both are on their way");
  EXPECT_EQ(hear(), "both are on their way");
  say("abort 3");
  EXPECT_EQ(hear(), "closed 3");
  const auto processor_time = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000;
  };
  const long before = processor_time();
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(hear(milliseconds(12'000)), "closed 2");
  const auto took = std::chrono::steady_clock::now() - asked;
  EXPECT_GT(took, milliseconds(9'000));
  EXPECT_LT(processor_time() - before, 1'500);
  Listener listener("127.0.0.1");
  for (const std::string id : {"2", "3"}) {
    say("connect " + id + " " + text_of(listener.at()));
    Client peer = listener.accept();
    EXPECT_EQ(hear(), "connected " + id);
    peer.reset();
    EXPECT_EQ(hear(), "closed " + id);
  }
}

TEST_F(AskingTest, DoesNotSpinForIdleSockets) {
  start();
  say("repeat up");
  EXPECT_EQ(hear(), "up");
  const u64 before = app_.turns;
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_LE(app_.turns, before + 1);
}

}  // namespace
}  // namespace samara::hal
