#include "ops/image/machine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "ops/files.h"

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

const MachineParts usual = [] {
  MachineParts parts;
  parts.image = "image.elf";
  parts.module = "/proc/self/fd/3";
  return parts;
}();

TEST(Machine, UserNetworkPassesOnIpv4EndpointsOfBothProtocols) {
  const MachineOptions options;
  const auto forwards = forwarded(options, listening({"127.0.0.1:5353", "[::1]:5353", "127.0.0.2:0"}));
  ASSERT_EQ(forwards.size(), 1U);
  MachineParts parts = usual;
  parts.forwarded = forwards;
  const std::string words = joined(qemu_words(options, parts));
  EXPECT_NE(words.find("user,id=net,hostfwd=udp:127.0.0.1:5353-:53,hostfwd=tcp:127.0.0.1:5353-:53 "), std::string::npos);
}

TEST(Machine, TapNetworkForwardsNothingAndRunsNoScripts) {
  MachineOptions options;
  options.network = "tap:vm7";
  EXPECT_TRUE(forwarded(options, listening({"127.0.0.1:5353"})).empty());
  const std::string words = joined(qemu_words(options, usual));
  EXPECT_NE(words.find("tap,id=net,ifname=vm7,script=no,downscript=no "), std::string::npos);
}

TEST(Machine, PortOfABridgeIsADescriptorAndTheCardHasAnAddressOfItsOwn) {
  MachineOptions options;
  options.network = "bridge:br0";
  EXPECT_TRUE(forwarded(options, listening({"127.0.0.1:5353"})).empty());
  MachineParts parts = usual;
  parts.tap = 5;
  parts.mac = "52:54:00:01:02:03";
  const std::string words = joined(qemu_words(options, parts));
  EXPECT_NE(words.find("-netdev tap,id=net,fd=5 "), std::string::npos);
  EXPECT_NE(words.find("virtio-net-device,netdev=net,mac=52:54:00:01:02:03 "), std::string::npos);
}

TEST(Machine, DevicesFitTheMachine) {
  MachineOptions options;
  EXPECT_NE(joined(qemu_words(options, usual)).find("virtio-net-device,netdev=net"), std::string::npos);
  EXPECT_NE(joined(qemu_words(options, usual)).find("virtio-mmio.force-legacy=false"), std::string::npos);
  for (const char* type : {"pc", "q35"}) {
    options.type = type;
    const std::string words = joined(qemu_words(options, usual));
    EXPECT_NE(words.find("virtio-net-pci,netdev=net"), std::string::npos) << type;
    EXPECT_EQ(words.find("virtio-mmio"), std::string::npos) << type;
  }
}

TEST(Machine, HasADiskWhereThereIsStorage) {
  MachineOptions options;
  EXPECT_EQ(joined(qemu_words(options, usual)).find("-drive"), std::string::npos);
  MachineParts with_disk = usual;
  with_disk.storage = "/proc/self/fd/4";
  const std::string words = joined(qemu_words(options, with_disk));
  EXPECT_NE(words.find("-drive if=none,id=storage,format=raw,file=/proc/self/fd/4 "), std::string::npos);
  EXPECT_NE(words.find("-device virtio-blk-device,drive=storage "), std::string::npos);
  options.type = "q35";
  EXPECT_NE(joined(qemu_words(options, with_disk)).find("-device virtio-blk-pci,drive=storage"), std::string::npos);
}

TEST(Machine, TheBootConfigurationIsNotOnTheCommandLine) {
  const auto words = qemu_words({}, usual);
  const auto initrd = std::ranges::find(words, "-initrd");
  ASSERT_NE(initrd, words.end());
  EXPECT_EQ(*(initrd + 1), "/proc/self/fd/3");
}

// A machine over a shell script in QEMU's place.
class RunningMachine : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-machine-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ASSERT_TRUE(write_file(path("image.elf"), "").ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  struct End {
    int code = 0;
    std::string said;
    std::chrono::microseconds processor_time{};
  };
  End run(const std::string& script) const {
    EXPECT_TRUE(write_file(path("qemu"), "#!/bin/sh\n" + script + "\n", 0755).ok());
    const pid_t pid = ::fork();
    if (pid == 0) become_supervisor();
    int status = 0;
    rusage use{};
    EXPECT_EQ(::wait4(pid, &status, 0, &use), pid);
    EXPECT_TRUE(WIFEXITED(status));
    const auto time = [](timeval of) { return std::chrono::seconds(of.tv_sec) + std::chrono::microseconds(of.tv_usec); };
    return {WEXITSTATUS(status), read_file(path("log")).value_or(""), time(use.ru_utime) + time(use.ru_stime)};
  }

 private:
  [[noreturn]] void become_supervisor() const {
    [[maybe_unused]] const int closed = ::dup2(::open(path("log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    Launch launch{path("image.elf"), "test.yaml", [](Diagnostics&) { return std::optional<Deployment>(); }};
    launch.restart = false;
    Deployment deployment;
    deployment.service().listen.push_back(*Endpoint::parse("127.0.0.1:5353"));
    MachineOptions options;
    options.qemu = path("qemu");
    ::_exit(static_cast<int>(run_machine(launch, options, std::move(deployment), Descriptor())));
  }
  std::string folder_;
};

TEST_F(RunningMachine, ExitCodeOfTheImageIsOurs) {
  EXPECT_EQ(run("exit 0").code, 0) << "a machine that is switched off in silence is a good end";
  // isa-debug-exit gives twice the code and one.
  const End ended = run("echo out of luck; exit 131");
  EXPECT_EQ(ended.code, 65);
  EXPECT_EQ(ended.said, "out of luck\n");
}

TEST_F(RunningMachine, QemuThatEndsWithoutAWordDidNotStartIt) {
  const End ended = run("exit 1");
  EXPECT_EQ(ended.code, 69);
  EXPECT_EQ(ended.said, "samara: " + path("qemu") + " could not start the machine\n");
}

TEST_F(RunningMachine, IsWaitedForAsleep) {
  EXPECT_LT(run("sleep 1").processor_time, std::chrono::milliseconds(150));
}

}  // namespace
}  // namespace samara::ops
