// Reading in a process of its own: what that process may, and what comes back.
#include "ops/image/confined_reading.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "ops/files.h"
#include "ops/image/privileges.h"

namespace samara::ops {
namespace {

Deployment deployment_with(std::string_view listen) {
  Deployment deployment;
  deployment.service().listen.push_back(*Endpoint::parse(listen));
  return deployment;
}

// A line of /proc/self/status.
std::string status_line(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return {};
}

// What `ask` says where files are read.
std::string said_by_the_reader(const std::function<std::string()>& ask) {
  Diagnostics found;
  EXPECT_FALSE(read_confined(
                   [&](Diagnostics& inside) {
                     inside.error({"here"}, ask());
                     return std::optional<Deployment>();
                   },
                   "test.yaml", found)
                   .has_value());
  EXPECT_EQ(found.all().size(), 1U);
  return found.all().empty() ? "" : found.all().front().problem;
}

TEST(ConfinedReading, has_the_right_to_read_and_no_other) {
  EXPECT_EQ(said_by_the_reader([] { return status_line("NoNewPrivs"); }), "1");
  const std::string effective = said_by_the_reader([] { return status_line("CapEff"); });
  if (::geteuid() != 0) {
    EXPECT_EQ(effective, "0000000000000000");
    return;
  }
  EXPECT_EQ(effective, "0000000000000004") << "CAP_DAC_READ_SEARCH";
  EXPECT_EQ(said_by_the_reader([] { return status_line("CapBnd"); }), "0000000000000004");
  EXPECT_EQ(said_by_the_reader([] { return status_line("Uid"); }), "65534\t65534\t65534\t65534");
  EXPECT_EQ(said_by_the_reader([] { return status_line("Groups"); }), " ") << "none";
  EXPECT_EQ(said_by_the_reader([] { return std::to_string(reading_user()); }), "0");
  EXPECT_EQ(said_by_the_reader([] { return std::string(::fork() < 0 ? "no process" : "a process"); }), "no process");
}

TEST(ConfinedReading, finds_what_root_may_find_and_changes_nothing) {
  std::string folder = (std::filesystem::temp_directory_path() / "samara-reading-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);  // 0700
  const std::string path = folder + "/secret";
  ASSERT_TRUE(write_file(path, "read", 0600).ok());
  EXPECT_EQ(said_by_the_reader([&] { return read_file(path).value_or("not read"); }), "read");
  if (::geteuid() == 0) {
    EXPECT_EQ(said_by_the_reader([&] { return std::string(write_file(path, "written").ok() ? "written" : "refused"); }),
              "refused");
    EXPECT_EQ(said_by_the_reader([&] { return std::string(::unlink(path.c_str()) == 0 ? "gone" : "refused"); }), "refused");
  }
  EXPECT_EQ(read_file(path).value_or(""), "read");
  std::filesystem::remove_all(folder);
}

TEST(ConfinedReading, has_none_of_the_supervisors_descriptors) {
  const Descriptor own(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Descriptor given(::open("/dev/null", O_RDWR));  // as one that a shell names /dev/fd/N
  EXPECT_EQ(said_by_the_reader([&] { return std::string(::fcntl(own.get(), F_GETFD) < 0 ? "closed" : "open"); }), "closed");
  EXPECT_EQ(said_by_the_reader([&] { return std::string(::fcntl(given.get(), F_GETFD) < 0 ? "closed" : "open"); }), "open");
}

TEST(ConfinedReading, gives_the_deployment_and_all_that_was_found) {
  Diagnostics found(Unreadable::leave_out);
  const auto deployment = read_confined(
      [](Diagnostics& inside) {
        inside.note("first");
        inside.warning({"a.zone", 3, 9}, "problem \n", "expected");
        inside.unreadable_file({"b.zone"}, "cannot be read", true);
        Deployment made = deployment_with("192.0.2.1:53");
        made.target = "virtio";
        made.primary()->zones.push_back({.name = dns::Name(), .files = {{made.keep("a.zone"), made.keep("the text")}}});
        return std::optional(std::move(made));
      },
      "test.yaml", found);
  ASSERT_TRUE(deployment.has_value());
  EXPECT_EQ(deployment->target, "virtio");
  ASSERT_EQ(deployment->service().listen.size(), 1U);
  EXPECT_EQ(deployment->service().listen[0], *Endpoint::parse("192.0.2.1:53"));
  ASSERT_EQ(deployment->primary()->zones.size(), 1U);
  EXPECT_EQ(deployment->primary()->zones[0].files.at(0).text, "the text");
  EXPECT_EQ(found.noted(), "first");
  ASSERT_EQ(found.all().size(), 2U);
  EXPECT_EQ(found.all()[0].to_text(), "a.zone:3:9: warning: problem \\x0a (expected expected)");
  EXPECT_TRUE(found.good()) << "what cannot be read costs its zone only";
  EXPECT_EQ(found.exit_code(), ExitCode::no_permission);
}

TEST(ConfinedReading, that_ends_by_itself_is_an_error_and_nothing_more) {
  Diagnostics found;
  const auto crashes = [](Diagnostics&) -> std::optional<Deployment> {
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
    return {};
  };
  EXPECT_FALSE(read_confined(crashes, "test.yaml", found).has_value());
  ASSERT_EQ(found.all().size(), 1U);
  EXPECT_EQ(found.all()[0].to_text(), "test.yaml: the process that reads it ended by signal 11 (Segmentation fault)");
  const auto leaves = [](Diagnostics&) -> std::optional<Deployment> { ::_exit(0); };
  EXPECT_FALSE(read_confined(leaves, "test.yaml", found).has_value());
  EXPECT_EQ(found.all().back().problem, "the process that reads it gave nothing that can be used");
}

}  // namespace
}  // namespace samara::ops
