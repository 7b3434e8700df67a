// The supervisor with shell scripts in the image's place: what it hands over, what it passes on, what becomes of exit codes.
#include "ops/image/supervisor.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "ops/files.h"
#include "ops/image/back_off.h"
#include "ops/image/pid_file.h"

namespace samara::ops {
namespace {

class Supervised : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-supervisor-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string content(const std::string& name) const { return read_file(path(name)).value_or(""); }

  // A supervisor in a process of its own over an image that is this script (its folder is $D).
  pid_t start(const std::string& script, bool good_files = true, bool restart = false) {
    EXPECT_TRUE(write_file(path("image"), "#!/bin/sh\nD=" + folder_ + "\n" + script + "\n", 0755).ok());
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    [[maybe_unused]] const int closed = ::dup2(::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    Launch launch{path("image"), "test.yaml", [&](Diagnostics& found) { return load(good_files, found); }};
    launch.restart = restart;
    launch.crash_report = path("crash");
    ::_exit(static_cast<int>(supervise(launch, {}, Descriptor())));
  }

  std::optional<Deployment> load(bool good, Diagnostics& found) const {
    // The second load of "broken-later" fails: a file tells the first from the second.
    if (!good || std::filesystem::exists(path("broken"))) {
      found.error({"test.yaml", 1, 1}, "broken");
      return {};
    }
    Deployment deployment;
    if (std::filesystem::exists(path("secondary"))) {
      server::SecondaryConfig& config = deployment.config.emplace<server::SecondaryConfig>();
      config.storage = server::StorageConfig{deployment.keep(content("secondary")), 1 << 20};
    }
    deployment.service().listen.push_back(*Endpoint::parse("127.0.0.1:53"));
    return deployment;
  }

  static int wait_for(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status);
  }

  // Whether `name` comes to be within five seconds.
  bool appears(const std::string& name) const {
    for (int i = 0; i < 500; ++i) {
      if (std::filesystem::exists(path(name))) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::string folder_;
};

TEST_F(Supervised, ExitCodeOfTheImageIsOurs) {
  EXPECT_EQ(wait_for(start("exit 0")), 0);
  EXPECT_EQ(wait_for(start("exit 69")), 69);
  EXPECT_EQ(wait_for(start("exit 77")), 77);
}

TEST_F(Supervised, AnImageThatIsKilledIsABug) {
  EXPECT_EQ(wait_for(start("kill -SEGV $$")), 70);
}

TEST_F(Supervised, AnImageThatIsNotThereIsUnavailable) {
  const pid_t pid = start("exit 0");
  wait_for(pid);
  std::filesystem::remove(path("image"));
  const Launch launch{path("image"), "test.yaml", [&](Diagnostics& found) { return load(true, found); }};
  const pid_t child = ::fork();
  if (child == 0) ::_exit(static_cast<int>(supervise(launch, {}, Descriptor())));
  EXPECT_EQ(wait_for(child), 69);
}

TEST_F(Supervised, BrokenFilesStartNothing) {
  EXPECT_EQ(wait_for(start("touch $D/ran", false)), 65);
  EXPECT_FALSE(std::filesystem::exists(path("ran")));
}

TEST_F(Supervised, BlobIsOnDescriptorThreeAndControlOnFour) {
  EXPECT_EQ(wait_for(start("echo \"$@\" > $D/args; cat <&3 > $D/blob; test -S /proc/$$/fd/4 && touch $D/socket; "
                           "ls /proc/$$/fd > $D/fds; env > $D/env")),
            0);
  EXPECT_EQ(content("args"), "--config-fd 3 --control-fd 4\n");
  EXPECT_TRUE(content("blob").starts_with("\xd0\x0d\xfe\xed"));
  EXPECT_TRUE(std::filesystem::exists(path("socket")));
  EXPECT_EQ(content("env").find("HOME="), std::string::npos);
}

TEST_F(Supervised, StorageIsOnDescriptorFive) {
  ASSERT_TRUE(write_file(path("secondary"), path("zones.store")).ok());
  EXPECT_EQ(wait_for(start("echo \"$@\" > $D/args; echo kept 1<>/proc/$$/fd/5")), 0);
  EXPECT_EQ(content("args"), "--config-fd 3 --control-fd 4 --storage-fd 5\n");
  EXPECT_TRUE(content("zones.store").starts_with("kept\n"));
  EXPECT_EQ(std::filesystem::file_size(path("zones.store")), 1U << 20);
}

TEST_F(Supervised, NothingIsStartedWithoutTheStorageItNeeds) {
  ASSERT_TRUE(write_file(path("secondary"), path("no/zones.store")).ok());
  EXPECT_EQ(wait_for(start("touch $D/ran")), 69);
  EXPECT_FALSE(std::filesystem::exists(path("ran")));
  EXPECT_NE(content("log").find("no/zones.store\" cannot be opened as storage: No such file or directory"), std::string::npos);
}

// What starting and stopping an image take.
constexpr unsigned long long capabilities_of_a_supervisor =
    1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH | 1ULL << CAP_KILL | 1ULL << CAP_SETGID | 1ULL << CAP_SETUID |
    1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_SYS_RESOURCE;

TEST_F(Supervised, has_given_up_what_it_does_not_need_and_gives_no_more_to_the_image) {
  EXPECT_EQ(wait_for(start("cp /proc/$PPID/status $D/supervisor; cp /proc/$$/status $D/image_status")), 0);
  for (const std::string who : {"supervisor", "image_status"}) {
    const std::string status = content(who);
    EXPECT_NE(status.find("NoNewPrivs:\t1\n"), std::string::npos) << who;
    for (const std::string set : {"CapPrm:\t", "CapEff:\t", "CapBnd:\t"}) {
      if (set == "CapBnd:\t" && ::geteuid() != 0) continue;  // without rights it cannot be narrowed, and need not be
      const size_t at = status.find(set);
      ASSERT_NE(at, std::string::npos) << who;
      EXPECT_EQ(std::stoull(status.substr(at + set.size()), nullptr, 16) & ~capabilities_of_a_supervisor, 0U)
          << who << ' ' << set;
    }
  }
}

TEST_F(Supervised, StopIsPassedOnAndWaitedFor) {
  for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
    const pid_t pid = start("trap 'touch $D/told; exit 0' TERM; touch $D/up; while :; do sleep 0.05; done");
    ASSERT_TRUE(appears("up"));
    // What means something else to other servers ends nothing.
    for (const int other : {SIGUSR1, SIGUSR2, SIGALRM}) ::kill(pid, other);
    ::kill(pid, number);
    EXPECT_EQ(wait_for(pid), 0);
    EXPECT_TRUE(std::filesystem::exists(path("told")));
    std::filesystem::remove(path("up"));
    std::filesystem::remove(path("told"));
  }
}

TEST_F(Supervised, SecondStopIsFinal) {
  const pid_t pid = start("trap 'touch $D/told' TERM; touch $D/up; while :; do sleep 0.05; done");
  ASSERT_TRUE(appears("up"));
  ::kill(pid, SIGTERM);
  ASSERT_TRUE(appears("told"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 70);
}

TEST_F(Supervised, OneWishThatComesTwiceIsOne) {
  // As `timeout` does it: to the process, then to its group.
  const pid_t pid = start("trap 'sleep 0.2; exit 0' TERM; touch $D/up; while :; do sleep 0.05; done");
  ASSERT_TRUE(appears("up"));
  for (int i = 0; i < 3; ++i) {
    ::kill(pid, SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(wait_for(pid), 0);
}

// How often the image was started, as it notes itself.
constexpr const char* note_start = "echo x >> $D/starts; echo ready 127.0.0.1:53\n";

TEST_F(Supervised, AnImageThatAnsweredIsStartedAgain) {
  const pid_t pid = start(std::string(note_start) +
                              "if [ $(wc -l < $D/starts) = 1 ]; then kill -SEGV $$; fi\n"
                              "trap 'exit 0' TERM; touch $D/up; while :; do sleep 0.05; done",
                          true, true);
  ASSERT_TRUE(appears("up"));
  EXPECT_EQ(content("starts"), "x\nx\n");
  EXPECT_NE(content("log").find("samara: the image was ended by signal 11 (Segmentation fault)\n"
                                "samara: test.yaml: the image is started again in 1 second\n"),
            std::string::npos)
      << content("log");
  const std::string report = content("crash");
  EXPECT_NE(report.find(" the image ended by signal 11 (Segmentation fault), number 1\n  after "), std::string::npos) << report;
  EXPECT_NE(report.find(" s, ready\n"), std::string::npos) << report;
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 0);
}

TEST_F(Supervised, AnImageThatNeverAnsweredIsNotStartedAgain) {
  EXPECT_EQ(wait_for(start("echo x >> $D/starts; exit 70", true, true)), 70);
  EXPECT_EQ(content("starts"), "x\n");
}

TEST_F(Supervised, AnImageIsNotStartedAgainWhereThatIsOff) {
  EXPECT_EQ(wait_for(start(std::string(note_start) + "exit 70")), 70);
  EXPECT_EQ(content("starts"), "x\n");
  EXPECT_NE(content("crash").find("ended with exit code 70 (a bug of ours), number 1"), std::string::npos);
}

TEST_F(Supervised, AStopWhileThePauseLastsEndsInOrder) {
  const pid_t pid = start(std::string(note_start) + "exit 70", true, true);
  ASSERT_TRUE(appears("crash"));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 0);
  EXPECT_EQ(content("starts"), "x\n");
}

TEST_F(Supervised, FilesThatAreBrokenByThenAreTriedAgain) {
  const pid_t pid = start(std::string(note_start) +
                              "[ $(wc -l < $D/starts) = 2 ] || exit 70\n"
                              "trap 'exit 0' TERM; touch $D/up; while :; do sleep 0.05; done",
                          true, true);
  ASSERT_TRUE(appears("crash"));
  ASSERT_TRUE(write_file(path("broken"), "").ok());
  for (int i = 0; i < 500 && content("log").find("in 2 seconds") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_NE(content("log").find("samara: test.yaml:1:1: broken\n"), std::string::npos) << content("log");
  std::filesystem::remove(path("broken"));
  ::kill(pid, SIGHUP);  // now, not when the pause is over
  EXPECT_TRUE(appears("up"));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 0);
}

TEST_F(Supervised, AnImageWithoutItsControlStreamIsReplaced) {
  // It answers a request that nobody made.
  const pid_t pid =
      start(std::string(note_start) +
                "trap 'exit 0' TERM; if [ $(wc -l < $D/starts) = 1 ]; then printf '\\0\\0\\0\\0\\0\\0\\0\\0' >&4; "
                "else touch $D/up; fi\nwhile :; do sleep 0.05; done",
            true, true);
  EXPECT_TRUE(appears("up"));
  EXPECT_NE(
      content("log").find("samara: the control stream to the image is lost (it sends what nobody asked for): it cannot be "
                          "reloaded and is stopped\nsamara: test.yaml: the image is started again in 1 second\n"),
      std::string::npos)
      << content("log");
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 0);
}

TEST_F(Supervised, AnImageThatClosesItsControlStreamIsReplaced) {
  const pid_t pid = start("exec 4>&-; touch $D/up; trap 'exit 0' TERM; while :; do sleep 0.05; done");
  ASSERT_TRUE(appears("up"));
  EXPECT_EQ(wait_for(pid), 70);  // it was not ready yet
  EXPECT_NE(content("log").find("the control stream to the image is lost (the image has closed it)"), std::string::npos);
}

TEST_F(Supervised, ReloadSendsAFrameAndWaitsForTheReply) {
  // head gives up after the frame's header; the reply is status 0 without text.
  const pid_t pid =
      start("touch $D/up; head -c 4 <&4 > $D/kind; printf '\\0\\0\\0\\0\\0\\0\\0\\0' >&4; touch $D/replied; sleep 0.3");
  ASSERT_TRUE(appears("up"));
  ::kill(pid, SIGHUP);
  EXPECT_EQ(wait_for(pid), 0);
  EXPECT_EQ(content("kind"), std::string("\0\0\0\x01", 4));
  EXPECT_NE(content("log").find("test.yaml: reloaded\n"), std::string::npos) << content("log");
}

TEST_F(Supervised, TheLastLineOfTheReplySumsItUp) {
  const pid_t pid = start(
      "touch $D/up; head -c 4 <&4 > $D/kind; printf '\\0\\0\\0\\101\\0\\0\\0\\32zone a.\\n3 zones, 1 changed' >&4; sleep 0.3");
  ASSERT_TRUE(appears("up"));
  ::kill(pid, SIGHUP);
  EXPECT_EQ(wait_for(pid), 0);
  EXPECT_NE(content("log").find("what could not be replaced stays in service: 3 zones, 1 changed\n"), std::string::npos)
      << content("log");
}

TEST_F(Supervised, BrokenFilesAreNotSent) {
  const pid_t pid = start("touch $D/up; trap 'exit 0' TERM; while :; do sleep 0.05; done");
  ASSERT_TRUE(appears("up"));
  ASSERT_TRUE(write_file(path("broken"), "").ok());
  ::kill(pid, SIGHUP);
  for (int i = 0; i < 500 && content("log").find("not reloaded") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(content("log").find("samara: test.yaml:1:1: broken\nsamara: test.yaml: not reloaded"), std::string::npos);
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 0);
}

TEST_F(Supervised, WritesNoLogIntoTheManifest) {
  std::ofstream(path("manifest")) << "role: primary\n";
  std::filesystem::create_symlink(path("manifest"), path("link"));
  for (const char* log : {"manifest", "link"}) {
    EXPECT_EQ(run_in_background({path("manifest"), path("pid"), path(log)}, 1,
                                [](Descriptor) -> ExitCode {
                                  ADD_FAILURE() << "started";
                                  return ExitCode::good;
                                }),
              ExitCode::usage);
  }
  EXPECT_EQ(read_file(path("manifest")).value(), "role: primary\n");
  EXPECT_FALSE(std::filesystem::exists(path("pid")));
}

TEST_F(Supervised, BackgroundReturnsWhenEverythingIsReady) {
  ASSERT_TRUE(
      write_file(path("image"), "#!/bin/sh\ntrap 'exit 0' TERM\necho ready 127.0.0.1:53\nwhile :; do sleep 0.05; done\n", 0755)
          .ok());
  const Launch launch{path("image"), "test.yaml", [&](Diagnostics& found) { return load(true, found); }};
  ::testing::internal::CaptureStdout();
  const ExitCode code = run_in_background({path("manifest"), path("pid"), path("log")}, 1,
                                          [&](Descriptor output) { return supervise(launch, {}, std::move(output)); });
  std::fflush(stdout);
  const std::string printed = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, ExitCode::good);
  const pid_t pid = std::stoi(content("pid"));
  EXPECT_EQ(printed, "ready 127.0.0.1:53\npid " + std::to_string(pid) + "\n");
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), 0);
  EXPECT_FALSE(std::filesystem::exists(path("pid")));
}

TEST_F(Supervised, BackgroundReportsAnImageThatEndsEarly) {
  ASSERT_TRUE(write_file(path("image"), "#!/bin/sh\necho port in use >&2\nexit 69\n", 0755).ok());
  const Launch launch{path("image"), "test.yaml", [&](Diagnostics& found) { return load(true, found); }};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run_in_background({path("manifest"), path("pid"), path("log")}, 1,
                              [&](Descriptor output) { return supervise(launch, {}, std::move(output)); }),
            ExitCode::unavailable);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "port in use\n");
  EXPECT_FALSE(std::filesystem::exists(path("pid")));
}

TEST_F(Supervised, ASecondStartLeavesTheFirstAlone) {
  ASSERT_TRUE(write_file(path("image"),
                         "#!/bin/sh\nD=" + folder_ +
                             "\nif [ -e $D/up ]; then exit 69; fi\ntouch $D/up\ntrap 'exit 0' TERM\necho ready 127.0.0.1:53\n"
                             "while :; do sleep 0.05; done\n",
                         0755)
                  .ok());
  const Launch launch{path("image"), "test.yaml", [&](Diagnostics& found) { return load(true, found); }};
  const auto run = [&](const std::string& pid_file) {
    return run_in_background({path("manifest"), path(pid_file), path("log")}, 1,
                             [&](Descriptor output) { return supervise(launch, {}, std::move(output)); });
  };
  ASSERT_EQ(run("pid"), ExitCode::good);
  const std::string pid = content("pid");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run("pid"), ExitCode::unavailable);
  const std::string running = path("pid") + ": already running as pid " + pid.substr(0, pid.size() - 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "samara: " + running + " (expected --pid-file FILE)\n");
  EXPECT_EQ(content("pid"), pid);
  // Another pid file: its own goes, the other stays.
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run("other"), ExitCode::unavailable);
  ::testing::internal::GetCapturedStderr();
  EXPECT_FALSE(std::filesystem::exists(path("other")));
  EXPECT_EQ(content("pid"), pid);
  ::kill(std::stoi(pid), SIGTERM);
  EXPECT_EQ(wait_for(std::stoi(pid)), 0);
  EXPECT_FALSE(std::filesystem::exists(path("pid")));
}

TEST(BackOff, PausesGrowUntilAnImageLives) {
  using std::chrono::seconds;
  BackOff pauses;
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) EXPECT_EQ(pauses.on_end(seconds(10)), seconds(wait));
  EXPECT_EQ(pauses.on_end(BackOff::settled), seconds(1));
  EXPECT_EQ(pauses.on_end(seconds(0)), seconds(2));
  EXPECT_EQ(pauses.ends(), 10U);
}

TEST_F(Supervised, AFileOfSomethingElseIsNoPidFile) {
  for (const std::string& text : {std::string("role: primary\n"), std::string("17 18\n"), std::string(40, '1')}) {
    ASSERT_TRUE(write_file(path("manifest"), text).ok());
    const auto claimed = PidFile::claim(path("manifest"));
    ASSERT_FALSE(claimed.ok()) << text;
    EXPECT_NE(claimed.error().problem.find("no pid file"), std::string::npos);
    EXPECT_EQ(content("manifest"), text);
  }
  for (const std::string& text : {std::string(), std::string("17"), std::string("17 \r\n")}) {
    ASSERT_TRUE(write_file(path("pid"), text).ok());
    EXPECT_TRUE(PidFile::claim(path("pid")).ok()) << text;
  }
}

TEST_F(Supervised, APidFileThatIsLeftOverIsTaken) {
  ASSERT_TRUE(write_file(path("pid"), "1\n").ok());  // which lives, and is not ours
  const auto claimed = PidFile::claim(path("pid"));
  ASSERT_TRUE(claimed.ok());
  claimed.value().remove(::getpid());
  EXPECT_EQ(content("pid"), "1\n") << "it does not speak of us";
  EXPECT_TRUE(claimed.value().write(::getpid()));
  EXPECT_EQ(content("pid"), std::to_string(::getpid()) + "\n");
  claimed.value().remove(::getpid());
  EXPECT_FALSE(std::filesystem::exists(path("pid")));
}

TEST_F(Supervised, APidFileInThePlaceOfOursStays) {
  const auto claimed = PidFile::claim(path("pid"));
  ASSERT_TRUE(claimed.ok());
  EXPECT_TRUE(claimed.value().write(::getpid()));
  std::filesystem::rename(path("pid"), path("moved"));
  for (const std::string& theirs : {std::string(), std::to_string(::getpid()) + "\n"}) {
    ASSERT_TRUE(write_file(path("pid"), theirs).ok());
    claimed.value().remove(::getpid());
    EXPECT_TRUE(std::filesystem::exists(path("pid"))) << theirs;
  }
}

TEST_F(Supervised, APidFileThatCannotBeMadeIsAQuestionOfRightsOnlyWhereTheyLack) {
  const auto nowhere = PidFile::claim(path("no/pid"));
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code, ExitCode::unavailable);
  EXPECT_EQ(nowhere.error().problem, "cannot be written: No such file or directory");
  const auto below_a_file = PidFile::claim("/proc/self/mem/pid");
  ASSERT_FALSE(below_a_file.ok());
  EXPECT_EQ(below_a_file.error().code, ExitCode::unavailable) << "a file is no folder";
}

}  // namespace
}  // namespace samara::ops
