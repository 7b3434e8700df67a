// What scripts read: the verbs' --json, as a shell would run them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "ops/files.h"
#include "ops/verbs/verbs.h"

namespace samara::ops {
namespace {

class Json : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "samara-json-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(write_file(path, content).ok());
    return path;
  }
  std::string zone(const std::string& name, int serial, const std::string& records) {
    return file(name, "$TTL 300\n@ SOA ns host " + std::to_string(serial) + " 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n" +
                          records);
  }
  // Runs a verb; what it wrote to standard output is in `output_`, to standard error in `errors_`.
  ExitCode run(void (*add)(CLI::App&, Action&), std::vector<std::string> arguments) {
    CLI::App samara;
    Action chosen;
    add(samara, chosen);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    samara.parse(arguments);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const ExitCode code = chosen();
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return code;
  }
  static std::string object(const std::string& severity, const std::string& file, int line, int column,
                            const std::string& message, const std::string& expected = "") {
    return "{\"severity\":\"" + severity + "\",\"file\":\"" + file + "\",\"line\":" + std::to_string(line) +
           ",\"column\":" + std::to_string(column) + ",\"message\":\"" + message + "\",\"expected\":\"" + expected +
           "\",\"suggestion\":\"\"}";
  }

  std::string folder_;
  std::string output_;
  std::string errors_;
};

TEST_F(Json, OfAGoodZoneIsAnEmptyList) {
  const std::string path = zone("example.zone", 1, "");
  EXPECT_EQ(run(add_zone_check, {"check", "--json", path}), ExitCode::good);
  EXPECT_EQ(output_, "[]\n");
  EXPECT_EQ(errors_, "");
}

TEST_F(Json, OfABadZoneHasWhatAndWhere) {
  const std::string path = zone("example.zone", 1, "www CNAME ns\nwww A 192.0.2.2\n");
  EXPECT_EQ(run(add_zone_check, {"check", "--json", path}), ExitCode::bad_data);
  EXPECT_EQ(output_, "[" + object("error", path, 5, 1, "www.example.: CNAME beside other data") + "]\n");
  EXPECT_EQ(errors_, "");
  const std::string syntax = zone("example.org.zone", 1, "www A 192.0.2.256\n");
  EXPECT_EQ(run(add_zone_check, {"check", "--json", path, syntax}), ExitCode::bad_data);
  EXPECT_NE(output_.find("\"file\":\"" + syntax + "\",\"line\":5,\"column\":7,\"message\":\""), std::string::npos) << output_;
}

TEST_F(Json, OfAManifestHasWhatAndWhere) {
  zone("example.zone", 1, "");
  const std::string good = "role: primary\nlisten: [127.0.0.1:5300]\nzones:\n  example: {file: example.zone}\n";
  EXPECT_EQ(run(add_config_check, {"check", "--json", file("good.yaml", good)}), ExitCode::good);
  EXPECT_EQ(output_, "[]\n");
  const std::string bad = file("bad.yaml", good + "workers: many\n");
  EXPECT_EQ(run(add_config_check, {"check", "--json", bad}), ExitCode::bad_data);
  EXPECT_NE(output_.find("{\"severity\":\"error\",\"file\":\"" + bad + "\",\"line\":5,\"column\":10,\"message\":\""),
            std::string::npos)
      << output_;
  EXPECT_EQ(errors_, "");
}

TEST_F(Json, OfADifferenceHasTheRecordsOfBothSides) {
  const std::string old_zone = zone("old", 1, "a A 192.0.2.2\nkept TXT \"\\\"quoted\\\"\"\n");
  const std::string new_zone = zone("new", 2, "a 60 A 192.0.2.3\nkept TXT \"\\\"quoted\\\"\"\nb TXT \"\\\"hi\\\"\"\n");
  EXPECT_EQ(run(add_zone_diff, {"diff", "--json", "--zone", "example", old_zone, new_zone}), ExitCode::good);
  const auto soa = [](const std::string& serial) {
    return "{\"owner\":\"example.\",\"ttl\":300,\"type\":\"SOA\",\"rdata\":\"ns.example. host.example. " + serial +
           " 7200 900 1209600 60\"}";
  };
  EXPECT_EQ(output_, "{\"from_serial\":1,\"to_serial\":2,\"deleted\":[" + soa("1") +
                         ",{\"owner\":\"a.example.\",\"ttl\":300,\"type\":\"A\",\"rdata\":\"192.0.2.2\"}],\"added\":[" +
                         soa("2") +
                         ",{\"owner\":\"a.example.\",\"ttl\":60,\"type\":\"A\",\"rdata\":\"192.0.2.3\"}"
                         ",{\"owner\":\"b.example.\",\"ttl\":300,\"type\":\"TXT\",\"rdata\":\"\\\"\\\\\\\"hi\\\\\\\"\\\"\"}],"
                         "\"diagnostics\":[]}\n");
  EXPECT_EQ(errors_, "");
}

TEST_F(Json, OfADifferenceSaysWhatIsOddAboutIt) {
  const std::string old_zone = zone("old", 2, "");
  const std::string new_zone = zone("new", 2, "a A 192.0.2.3\n");
  EXPECT_EQ(run(add_zone_diff, {"diff", "--json", "--zone", "example", old_zone, new_zone}), ExitCode::good);
  EXPECT_TRUE(output_.ends_with(
      ",\"diagnostics\":[" +
      object("warning", new_zone, 0, 0, "the zone has changed but its serial was not raised: secondaries will not follow") +
      "]}\n"))
      << output_;
}

TEST_F(Json, OfNoDifferenceHasEmptyLists) {
  const std::string path = zone("old", 7, "");
  const std::string to = folder_ + "/out.json";
  EXPECT_EQ(run(add_zone_diff, {"diff", "--json", "--zone", "example", path, path, "-o", to}), ExitCode::good);
  EXPECT_EQ(output_, "");
  EXPECT_EQ(MUST(read_file(to)), "{\"from_serial\":7,\"to_serial\":7,\"deleted\":[],\"added\":[],\"diagnostics\":[]}\n");
}

TEST_F(Json, OfADifferenceThatCannotBeMadeHasDiagnosticsAlone) {
  const std::string path = zone("old", 7, "");
  const std::string missing = folder_ + "/none";
  EXPECT_EQ(run(add_zone_diff, {"diff", "--json", "--zone", "example", path, missing}), ExitCode::bad_data);
  EXPECT_EQ(output_, "{\"diagnostics\":[" +
                         object("error", missing, 0, 0, "cannot be read: No such file or directory", "a readable file") +
                         "]}\n");
}

TEST_F(Json, IsNotForApplyingADifference) {
  EXPECT_THROW(run(add_zone_diff, {"diff", "--json", "--apply", "change", "old"}), CLI::ParseError);
}

}  // namespace
}  // namespace samara::ops
