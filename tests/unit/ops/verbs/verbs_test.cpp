// What the verbs do with files and servers, as a shell would run them.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>

#include "ops/files.h"
#include "ops/verbs/verbs.h"

namespace samara::ops {
namespace {

class Verbs : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-verbs-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string file(const std::string& name, const std::string& content) const {
    EXPECT_TRUE(write_file(path(name), content).ok());
    return path(name);
  }
  static Action action(void (*add)(CLI::App&, Action&), std::vector<std::string> arguments) {
    CLI::App samara;
    Action chosen;
    add(samara, chosen);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    samara.parse(arguments);
    return chosen;
  }
  // What the verb wrote to standard output is in `output_`, to standard error in `errors_`.
  ExitCode run(void (*add)(CLI::App&, Action&), const std::vector<std::string>& arguments) {
    const Action chosen = action(add, arguments);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const ExitCode code = chosen();
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string folder_;
  std::string output_;
  std::string errors_;
};

TEST_F(Verbs, AKeyAsJsonHasItsNameAlgorithmAndSecret) {
  ASSERT_EQ(run(add_key_generate, {"generate", "transfer.example.com", "--json"}), ExitCode::good) << errors_;
  const std::string start = R"({"name":"transfer.example.com.","algorithm":"hmac-sha256","secret":")";
  EXPECT_TRUE(output_.starts_with(start)) << output_;
  EXPECT_TRUE(output_.ends_with("\"}\n")) << output_;
  EXPECT_EQ(output_.size(), start.size() + 44 + 3) << "32 octets in base 64";
}

TEST_F(Verbs, TheKeyThatSignsIsChosenByItsName) {
  const std::string secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  const std::string key = "{algorithm: hmac-sha256, secret: " + secret + "}\n";
  const std::string keys = file("keys.yaml", "keys:\n  one.example: " + key + "  two.example: " + key);
  const std::vector<std::string> usual{"notify", "example.com", "--server", "127.0.0.1:9", "--timeout", "0.1", "--key", keys};
  EXPECT_EQ(run(add_notify, usual), ExitCode::bad_data);
  EXPECT_NE(errors_.find("--key-name"), std::string::npos) << errors_;
  std::vector<std::string> named = usual;
  named.insert(named.end(), {"--key-name", "two.example"});
  EXPECT_EQ(run(add_notify, named), ExitCode::unavailable) << "it is sent, and nobody is there: " << errors_;
}

TEST_F(Verbs, ADifferenceAppliedGivesTheNewZone) {
  const std::string head = "$TTL 300\n@ SOA ns host ";
  const std::string rest = " 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";
  const std::string old_zone = file("old", head + "1" + rest + "a A 192.0.2.2\nb A 192.0.2.3\n");
  const std::string new_zone = file("new", head + "2" + rest + "b A 192.0.2.4\nc TXT text\nd TXT text\n");
  ASSERT_EQ(run(add_zone_diff, {"diff", "--zone", "example", old_zone, new_zone, "-o", path("change")}), ExitCode::good);
  ASSERT_EQ(run(add_zone_diff, {"diff", "--zone", "example", "--apply", path("change"), old_zone, "-o", path("made")}),
            ExitCode::good)
      << errors_;
  ASSERT_EQ(run(add_zone_diff, {"diff", "--zone", "example", "--exit-code", new_zone, path("made")}), ExitCode::good)
      << output_ << errors_;
}

TEST_F(Verbs, AStorageShowsACatalogOfItsMembersOnly) {
  std::filesystem::create_directory(path("saved"));
  const std::string records = "@ 300 IN SOA ns host 7 7200 900 1209600 300\n@ 300 IN NS ns\nns 300 IN A 192.0.2.1\n";
  file("saved/example.zone",
       "; samara storage export 1\n; zone example.\n; file-serial 3\n; file-digest 77\n$ORIGIN example.\n" + records);
  ASSERT_EQ(run(add_storage, {"storage", "import", path("store"), path("saved"), "--size", "1MiB"}), ExitCode::good) << errors_;
  ASSERT_EQ(run(add_storage, {"storage", "show", path("store"), "--json"}), ExitCode::good) << errors_;
  EXPECT_NE(output_.find(R"("zone":"example.","serial":7,)"), std::string::npos) << output_;
  EXPECT_EQ(output_.find("catalog"), std::string::npos) << output_;
  ASSERT_EQ(run(add_storage, {"storage", "show", path("store")}), ExitCode::good) << errors_;
  EXPECT_EQ(output_.find("member of"), std::string::npos) << output_;
}

// From now on the system has no random numbers for this process.
bool take_random_numbers_away() {
  std::array<sock_filter, 4> program{
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(Verbs, NoBlobIsWrittenWithASeedThatIsNotRandom) {
  const std::string manifest = file("a.yaml", "role: primary\nlisten: [127.0.0.1:5300]\nzones: {}\n");
  const Action compile = action(add_config_compile, {"compile", "--seed", manifest, "-o", path("blob")});
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(take_random_numbers_away() ? static_cast<int>(compile()) : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::bad_data));
  EXPECT_FALSE(std::filesystem::exists(path("blob")));
  EXPECT_EQ(compile(), ExitCode::good) << "it is the random numbers that were missing";
}

}  // namespace
}  // namespace samara::ops
