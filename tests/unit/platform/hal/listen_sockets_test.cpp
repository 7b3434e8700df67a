#include "platform/hal/linux/listen_sockets.h"

#include <gtest/gtest.h>

#include "child_process.h"
#include "loopback.h"

namespace samara::hal {
namespace {

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

Descriptor occupy(int type, Endpoint& at, bool share) {
  Descriptor fd(::socket(AF_INET, type, 0));
  const int one = 1;
  if (share) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  SocketAddress address;
  socklen_t size = from_endpoint(at, address);
  EXPECT_EQ(::bind(fd.get(), &address.generic, size), 0);
  if (type == SOCK_STREAM) ::listen(fd.get(), 1);
  size = sizeof address;
  ::getsockname(fd.get(), &address.generic, &size);
  at = to_endpoint(address);
  return fd;
}

TEST(ListenSockets, GiveEachWorkerItsOwnOnTheSamePort) {
  const auto sets = bind_listen_sockets({endpoint("127.0.0.1:0"), endpoint("[::1]:0")}, 3);
  ASSERT_TRUE(sets.ok()) << sets.error().text();
  ASSERT_EQ(sets.value().size(), 3U);
  for (const ListenSockets& set : sets.value()) {
    ASSERT_EQ(set.datagram.size(), 2U);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_NE(set.datagram[i].local.port.value(), 0);
      EXPECT_EQ(set.datagram[i].local, set.stream[i].local) << "one number for UDP and TCP";
      EXPECT_EQ(set.datagram[i].local, sets.value()[0].datagram[i].local);
      EXPECT_FALSE(set.datagram[i].wildcard);
    }
  }
}

TEST(ListenSockets, BindBothFamiliesToAllAddressesOfOnePort) {
  const auto v4 = bind_listen_sockets({endpoint("0.0.0.0:0")}, 1);
  ASSERT_TRUE(v4.ok());
  const Port port = v4.value()[0].datagram[0].local.port;
  const auto v6 = bind_listen_sockets({with_port("::", port)}, 2);
  ASSERT_TRUE(v6.ok()) << v6.error().text();
  EXPECT_TRUE(v6.value()[1].stream[0].wildcard);
  EXPECT_EQ(option(v6.value()[0].datagram[0].fd.get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST(ListenSockets, NeverFragmentAnswersForAForgedPathMtu) {
  const auto sets = bind_listen_sockets({endpoint("127.0.0.1:0"), endpoint("[::1]:0")}, 1);
  ASSERT_TRUE(sets.ok());
  EXPECT_EQ(option(sets.value()[0].datagram[0].fd.get(), IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
  EXPECT_EQ(option(sets.value()[0].datagram[1].fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_OMIT);
}

TEST(ListenSockets, RefuseAPortInUseEvenByOneThatWouldShareIt) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    for (const bool share : {false, true}) {
      Endpoint at = endpoint("127.0.0.1:0");
      const Descriptor other = occupy(type, at, share);
      const auto sets = bind_listen_sockets({at}, 1);
      ASSERT_FALSE(sets.ok()) << type << share;
      EXPECT_EQ(sets.error().code(), ExitCode::unavailable);
      EXPECT_NE(sets.error().text().find(text_of(at)), std::string_view::npos) << sets.error().text();
      EXPECT_NE(sets.error().text().find("in use"), std::string_view::npos) << sets.error().text();
    }
  }
}

TEST(ListenSockets, RefuseTheSameEndpointTwice) {
  const auto first = bind_listen_sockets({endpoint("127.0.0.1:0")}, 1);
  ASSERT_TRUE(first.ok());
  const auto second = bind_listen_sockets({first.value()[0].datagram[0].local}, 1);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ExitCode::unavailable);
}

TEST(ListenSockets, CanBeBoundAgainAtOnceAfterConnectionsWereClosed) {
  Endpoint at = endpoint("127.0.0.1:0");
  {
    const auto sets = bind_listen_sockets({at}, 1);
    ASSERT_TRUE(sets.ok());
    at = sets.value()[0].stream[0].local;
    Client client = Client::tcp(at);
    Descriptor accepted;
    while (!accepted.open()) accepted = Descriptor(::accept4(sets.value()[0].stream[0].fd.get(), nullptr, nullptr, 0));
    accepted.close();  // our side closes first: it keeps the port in TIME_WAIT
    EXPECT_EQ(client.receive(), "");
  }
  EXPECT_TRUE(bind_listen_sockets({at}, 1).ok());
}

TEST(ListenSockets, NameAnAddressThatIsNotOurs) {
  const auto sets = bind_listen_sockets({endpoint("203.0.113.77:5300")}, 1);
  ASSERT_FALSE(sets.ok());
  EXPECT_EQ(sets.error().code(), ExitCode::unavailable);
  EXPECT_NE(sets.error().text().find("not on this machine"), std::string_view::npos);
}

TEST(ListenSockets, SayWhichPrivilegeAPortBelow1024Needs) {
  const ChildEnd end = in_child([] {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    const auto sets = bind_listen_sockets({endpoint("127.0.0.1:53")}, 1);
    const bool good = !sets.ok() && sets.error().code() == ExitCode::no_permission &&
                      sets.error().text().find("CAP_NET_BIND_SERVICE") != std::string_view::npos;
    ::_exit(good ? 77 : 2);
  });
  EXPECT_EQ(end.exit_code, 77) << "where net.ipv4.ip_unprivileged_port_start is lowered, this cannot be shown";
}

}  // namespace
}  // namespace samara::hal
