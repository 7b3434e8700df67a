// The Linux target's frame devices against the kernel, in a network namespace of the test's own.
#include "platform/hal/linux/frame_device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "child_process.h"
#include "platform/hal/linux/descriptor.h"

namespace samara::hal {
namespace {

// Runs `body` in a child with a network namespace of its own, where `commands` have been run; its exit code: 0 is good.
template <class F>
int in_namespace(const std::string& commands, F body) {
  return in_child([&] {
           if (::unshare(CLONE_NEWNET) != 0) ::_exit(99);
           if (std::system(("set -e; " + commands).c_str()) != 0) ::_exit(98);  // NOLINT(cert-env33-c): a test sets its scene
           ::_exit(body());
         })
      .exit_code;
}

LinkPlan plan_for(LinkPlan::Kind kind, std::string_view interface) {
  LinkPlan plan;
  plan.kind = kind;
  plan.interface = interface;
  plan.serve = {*Endpoint::parse("192.0.2.1:53"), *Endpoint::parse("[2001:db8::1]:53")};
  return plan;
}

void send_datagram(const char* to, u16 port, std::string_view text) {
  const Descriptor fd(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const IpAddress ip = *IpAddress::parse(to);
  std::copy_n(ip.octets().begin(), 4, reinterpret_cast<u8*>(&address.sin_addr));
  ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

// The first frame of ether type `type` whose last octets are `ending`, within two seconds.
bool receives(FrameDevice& device, u16 type, std::string_view ending) {
  for (int tries = 0; tries < 20; ++tries) {
    pollfd wait{.fd = device.descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, 100);
    std::array<ReceivedFrame, frame_burst> burst;
    const size_t count = device.receive(burst);
    bool found = false;
    for (const ReceivedFrame& frame : std::span(burst).first(count)) {
      const std::string text(frame.octets.begin(), frame.octets.end());
      found = found || (load_be16(frame.octets, 12) == type && text.ends_with(ending));
    }
    device.release();
    if (found) return true;
  }
  return false;
}

class FrameDevices : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::geteuid(), 0U) << "network namespaces need root"; }
};

TEST_F(FrameDevices, ATapDeviceIsMadeAndCarriesFramesBothWays) {
  EXPECT_EQ(
      in_namespace(
          "true",
          [] {
            auto devices = open_frame_devices(plan_for(LinkPlan::Kind::tap, "t0"), 1);
            if (!devices.ok() || devices.value().size() != 1) return 1;
            FrameDevice& tap = *devices.value().front();
            if (std::system("ip addr add 192.0.2.2/24 dev t0; ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev t0") != 0)
              return 2;
            send_datagram("192.0.2.1", 53, "a question");
            if (!receives(tap, 0x0800, "a question")) return 3;
            // Out: an Ethernet frame of an unused type is counted by the kernel's end.
            auto slot = tap.take_slot();
            if (!slot.has_value() || tap.take_slot().has_value()) return 4;
            slot->set_payload(46);
            std::ranges::fill(slot->payload_room().first(46), u8{0});
            const MutableBytes header = slot->prepend(14);
            std::ranges::fill(header, u8{0xff});
            store_be16(header, 12, 0x88b5);
            tap.transmit(*slot);
            tap.flush();
            return std::system("[ \"$(cat /proc/net/dev | awk '/t0:/ {print $3}')\" -ge 1 ]") == 0 ? 0 : 5;
          }),
      0);
}

// As QEMU does with a card that has `mrg_rxbuf`: the size stays with a persistent device.
bool leave_longer_header(const char* name) {
  const Descriptor fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::copy_n(name, std::strlen(name), request.ifr_name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  int size = 12;
  return ::ioctl(fd.get(), TUNSETIFF, &request) == 0 && ::ioctl(fd.get(), TUNSETVNETHDRSZ, &size) == 0;
}

TEST_F(FrameDevices, APersistentTapDeviceThatAMachineHasUsedCarriesFrames) {
  EXPECT_EQ(
      in_namespace(
          "ip tuntap add dev t3 mode tap",
          [] {
            if (!leave_longer_header("t3")) return 1;
            auto devices = open_frame_devices(plan_for(LinkPlan::Kind::tap, "t3"), 1);
            if (!devices.ok()) return 2;
            if (std::system("ip addr add 192.0.2.2/24 dev t3; ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev t3") != 0)
              return 3;
            send_datagram("192.0.2.1", 53, "a question");
            return receives(*devices.value().front(), 0x0800, "a question") ? 0 : 4;
          }),
      0);
}

TEST_F(FrameDevices, AMacAddressOfATapDeviceIsNotItsKernelEnds) {
  EXPECT_EQ(in_namespace("ip tuntap add dev t1 mode tap; ip link set t1 address 02:11:22:33:44:56",
                         [] {
                           auto devices = open_frame_devices(plan_for(LinkPlan::Kind::tap, "t1"), 1);
                           if (!devices.ok()) return 1;
                           const std::array<u8, 6> expected{0x02, 0x11, 0x22, 0x33, 0x44, 0x57};
                           return devices.value().front()->description().mac == expected ? 0 : 2;
                         }),
            0);
}

TEST_F(FrameDevices, WhatCannotBeUsedIsRefusedWithAWayOut) {
  const auto refusal = [](LinkPlan::Kind kind, std::string_view interface, u32 workers) -> std::string {
    auto devices = open_frame_devices(plan_for(kind, interface), workers);
    return devices.ok() ? "no refusal" : std::string(devices.error().text());
  };
  EXPECT_EQ(refusal(LinkPlan::Kind::tap, "lo", 1), "tap device lo: an interface of this name exists and is not a tap device");
  EXPECT_EQ(refusal(LinkPlan::Kind::tap, "t2", 2), "a tap device serves one worker, not 2; set workers: 1");
  EXPECT_EQ(refusal(LinkPlan::Kind::xdp, "nosuchlink", 1), "xdp: no network interface nosuchlink on this machine (ip link)");
}

constexpr const char* veth =
    "ip link add v0 type veth peer name v1; ip link set v0 address 02:00:00:00:00:01; ip link set v0 up; ip link set v1 up; "
    "ip addr add 192.0.2.2/24 dev v1; ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev v1";

TEST_F(FrameDevices, XdpTakesWhatIsServedAndNothingElse) {
  EXPECT_EQ(in_namespace(veth,
                         [] {
                           auto devices = open_frame_devices(plan_for(LinkPlan::Kind::xdp, "v0"), 1);
                           if (!devices.ok()) return 1;
                           FrameDevice& xdp = *devices.value().front();
                           send_datagram("192.0.2.1", 53, "to our port");
                           if (!receives(xdp, 0x0800, "to our port")) return 2;
                           send_datagram("192.0.2.1", 54, "to another port");
                           if (receives(xdp, 0x0800, "to another port")) return 3;
                           return 0;
                         }),
            0);
}

TEST_F(FrameDevices, XdpSendsAllItsFramesAndGetsThemBack) {
  EXPECT_EQ(in_namespace(veth,
                         [] {
                           auto devices = open_frame_devices(plan_for(LinkPlan::Kind::xdp, "v0"), 1);
                           if (!devices.ok()) return 1;
                           FrameDevice& xdp = *devices.value().front();
                           constexpr u32 frames = 10'000;
                           for (u32 i = 0; i < frames; ++i) {
                             auto slot = xdp.take_slot();
                             if (!slot.has_value()) return 2;
                             slot->set_payload(46);
                             const MutableBytes header = slot->prepend(14);
                             std::ranges::fill(header, u8{0xff});
                             store_be16(header, 12, 0x88b5);
                             xdp.transmit(*slot);
                             if (i % 64 == 63) xdp.flush();
                           }
                           xdp.flush();
                           return std::system("[ \"$(awk '/v1:/ {print $3}' /proc/net/dev)\" -ge 10000 ]") == 0 ? 0 : 3;
                         }),
            0);
}

TEST_F(FrameDevices, XdpOnAnInterfaceWithTooFewQueuesIsRefused) {
  EXPECT_EQ(in_namespace(veth,
                         [] {
                           auto devices = open_frame_devices(plan_for(LinkPlan::Kind::xdp, "v0"), 2);
                           if (devices.ok()) return 1;
                           return devices.error().text() ==
                                          "xdp on v0: it has fewer receive queues than there are workers (ethtool -l v0)"
                                      ? 0
                                      : 2;
                         }),
            0);
}

TEST_F(FrameDevices, XdpOnAnInterfaceWithQueuesThatNobodyServesIsRefused) {
  EXPECT_EQ(in_namespace("ip link add v0 numrxqueues 3 type veth peer name v1",
                         [] {
                           auto devices = open_frame_devices(plan_for(LinkPlan::Kind::xdp, "v0"), 1);
                           if (devices.ok()) return 1;
                           return devices.error().text() ==
                                          "xdp on v0: it has 3 receive queues but there is 1 worker; set workers to 3, or the "
                                          "queues: ethtool -L v0 rx 1"
                                      ? 0
                                      : 2;
                         }),
            0);
}

}  // namespace
}  // namespace samara::hal
