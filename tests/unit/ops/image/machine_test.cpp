#include "ops/image/machine.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace samara::ops {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + ' ';
  return text;
}

server::PrimaryConfig listening(std::initializer_list<const char*> endpoints) {
  server::PrimaryConfig config;
  for (const char* text : endpoints) config.listen.push_back(*Endpoint::parse(text));
  return config;
}

TEST(Machine, UserNetworkPassesOnIpv4EndpointsOfBothProtocols) {
  const MachineOptions options;
  const auto forwards = forwarded(options, listening({"127.0.0.1:5353", "[::1]:5353", "127.0.0.2:0"}));
  ASSERT_EQ(forwards.size(), 1U);
  const std::string words = joined(qemu_words(options, "image.elf", "/proc/self/fd/3", forwards, 53));
  EXPECT_NE(words.find("user,id=net,hostfwd=udp:127.0.0.1:5353-:53,hostfwd=tcp:127.0.0.1:5353-:53 "), std::string::npos);
}

TEST(Machine, TapNetworkForwardsNothingAndRunsNoScripts) {
  MachineOptions options;
  options.network = "tap:vm7";
  EXPECT_TRUE(forwarded(options, listening({"127.0.0.1:5353"})).empty());
  const std::string words = joined(qemu_words(options, "image.elf", "/proc/self/fd/3", {}, 53));
  EXPECT_NE(words.find("tap,id=net,ifname=vm7,script=no,downscript=no "), std::string::npos);
}

TEST(Machine, DevicesFitTheMachine) {
  MachineOptions options;
  EXPECT_NE(joined(qemu_words(options, "i", "m", {}, 53)).find("virtio-net-device,netdev=net"), std::string::npos);
  EXPECT_NE(joined(qemu_words(options, "i", "m", {}, 53)).find("virtio-mmio.force-legacy=false"), std::string::npos);
  for (const char* type : {"pc", "q35"}) {
    options.type = type;
    const std::string words = joined(qemu_words(options, "i", "m", {}, 53));
    EXPECT_NE(words.find("virtio-net-pci,netdev=net"), std::string::npos) << type;
    EXPECT_EQ(words.find("virtio-mmio"), std::string::npos) << type;
  }
}

TEST(Machine, HasADiskWhereThereIsStorage) {
  MachineOptions options;
  EXPECT_EQ(joined(qemu_words(options, "i", "m", {}, 53)).find("-drive"), std::string::npos);
  const std::string words = joined(qemu_words(options, "i", "m", {}, 53, "/proc/self/fd/4"));
  EXPECT_NE(words.find("-drive if=none,id=storage,format=raw,file=/proc/self/fd/4 "), std::string::npos);
  EXPECT_NE(words.find("-device virtio-blk-device,drive=storage "), std::string::npos);
  options.type = "q35";
  EXPECT_NE(joined(qemu_words(options, "i", "m", {}, 53, "/proc/self/fd/4")).find("-device virtio-blk-pci,drive=storage"),
            std::string::npos);
}

TEST(Machine, TheBootConfigurationIsNotOnTheCommandLine) {
  const auto words = qemu_words({}, "image.elf", "/proc/self/fd/3", {}, 53);
  const auto initrd = std::ranges::find(words, "-initrd");
  ASSERT_NE(initrd, words.end());
  EXPECT_EQ(*(initrd + 1), "/proc/self/fd/3");
}

}  // namespace
}  // namespace samara::ops
