#include "tests/sim/runner.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "platform/base/log.h"
#include "platform/base/panic.h"

namespace samara::sim {
namespace {

constexpr size_t max_jobs = 64;
constexpr size_t captured_frames = 20'000;
constexpr unsigned seconds_for_one_seed = 60;  // of real time
constexpr u64 failures_shown = 3;              // of one scenario
constexpr u64 played_twice_every = 64;

// What the processes of one scenario share.
struct Board {
  std::atomic<u64> next = 0;
  std::atomic<u64> failed = 0;
  std::atomic<u64> excused = 0;
  std::array<std::atomic<u64>, max_jobs> playing{};
};

struct Options {
  std::optional<u64> seed;
  std::optional<u64> seeds;
  u64 first = 1;
  std::string_view scenario;
  size_t jobs = std::max(1U, std::thread::hardware_concurrency());
  bool log = false;
};

// Whose lines are printed, where lines are asked for.
const hal::sim::World* logging_world = nullptr;

void print_line(Level level, std::string_view line) {
  if (logging_world == nullptr) return;
  const double at = static_cast<double>(logging_world->now().since_boot().milliseconds()) / 1e3;
  const std::string_view name = level_name(level);
  std::printf("%10.3f %.*s: %.*s\n", at, static_cast<int>(name.size()), name.data(), static_cast<int>(line.size()),
              line.data());
}

void drop_line(Level, std::string_view) {}

[[noreturn]] void fail_by_panic(std::string_view message) {
  throw Failure{"panic: " + std::string(message)};
}

// What a run came to.
struct Outcome {
  std::optional<std::string> failure;
  u64 digest = 0;
  bool excused = false;
};

Outcome play(const Scenario& scenario, u64 seed, const std::string& capture_file) {
  Run run(seed, capture_file.empty() ? 0 : captured_frames);
  logging_world = capture_file.empty() ? nullptr : &run.world;
  Outcome outcome;
  set_panic_handler(fail_by_panic);
  try {
    scenario.play(run);
  } catch (const Failure& failure) {
    outcome.failure = failure.text;
  } catch (const std::exception& error) {
    outcome.failure = error.what();
  }
  logging_world = nullptr;
  outcome.digest = run.world.digest();
  outcome.excused = run.excused();
  if (!capture_file.empty()) {
    const std::vector<u8> file = run.world.pcap();
    std::ofstream out(capture_file, std::ios::binary);
    std::ranges::copy(file, std::ostreambuf_iterator<char>(out));
  }
  return outcome;
}

std::string capture_name(const Scenario& scenario, u64 seed) {
  std::filesystem::create_directories(SAMARA_SIM_CAPTURES);
  return std::string(SAMARA_SIM_CAPTURES) + "/" + std::string(scenario.name) + "-" + std::to_string(seed) + ".pcap";
}

void tell(const Scenario& scenario, u64 seed, const std::string& what, const char* program, const std::string& capture) {
  std::printf("FAIL %.*s: %s\n  again: %s --scenario %.*s --seed %llu\n", static_cast<int>(scenario.name.size()),
              scenario.name.data(), what.c_str(), program, static_cast<int>(scenario.name.size()), scenario.name.data(),
              static_cast<unsigned long long>(seed));
  if (!capture.empty()) std::printf("  frames: %s\n", capture.c_str());
  std::fflush(stdout);
}

// What is wrong with this seed; nothing: it is as it should be.
std::optional<std::string> judge(const Scenario& scenario, u64 seed, bool again, bool& excused) {
  const Outcome outcome = play(scenario, seed, {});
  excused = outcome.excused;
  if (scenario.must_fail) {
    if (!outcome.failure.has_value()) return "something is broken on purpose, and nothing noticed";
    return std::nullopt;
  }
  if (outcome.failure.has_value()) return outcome.failure;
  if (again && play(scenario, seed, {}).digest != outcome.digest) return "two runs of the same seed differ";
  return std::nullopt;
}

// One process: takes seeds until there are no more.
void work(const Scenario& scenario, u64 first, u64 count, Board& board, size_t job, const char* program) {
  for (u64 taken = board.next++; taken < count && board.failed < failures_shown; taken = board.next++) {
    const u64 seed = first + taken;
    board.playing[job] = seed;
    alarm(seconds_for_one_seed);
    bool excused = false;
    const auto wrong = judge(scenario, seed, taken % played_twice_every == 0, excused);
    if (excused) ++board.excused;
    if (!wrong.has_value()) continue;
    ++board.failed;
    const std::string capture = capture_name(scenario, seed);
    if (count > 1) play(scenario, seed, capture);
    tell(scenario, seed, *wrong, program, capture);
  }
}

// One seed, for a person: what came of it, and its frames.
void show(const Scenario& scenario, u64 seed) {
  const std::string capture = capture_name(scenario, seed);
  const Outcome outcome = play(scenario, seed, capture);
  std::printf("%s\n  digest: %016llx\n  frames: %s\n", outcome.failure.value_or("nothing is wrong").c_str(),
              static_cast<unsigned long long>(outcome.digest), capture.c_str());
}

bool run_scenario(const Scenario& scenario, const Options& options, const char* program) {
  const auto begin = std::chrono::steady_clock::now();
  const u64 first = options.seed.value_or(options.first);
  const u64 count = options.seed.has_value() ? 1 : options.seeds.value_or(scenario.seeds);
  void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  Board& board = *new (memory) Board;
  std::vector<pid_t> children;
  std::fflush(stdout);
  for (size_t job = 0; job < options.jobs; ++job) {
    const pid_t child = fork();
    if (child == 0) {
      work(scenario, first, count, board, job, program);
      _exit(0);
    }
    if (child > 0) children.push_back(child);
  }
  bool good = children.size() == options.jobs;
  for (size_t job = 0; job < children.size(); ++job) {
    int status = 0;
    waitpid(children[job], &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    ++board.failed;
    std::string what = "ended with code " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) what = "died of signal " + std::to_string(WTERMSIG(status));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) what = "takes more than a minute";
    tell(scenario, board.playing[job], what, program, {});
  }
  // Not after a crash, of which this process would die too: then nobody has asked for a second seed.
  if (options.seed.has_value() && board.next > count) show(scenario, first);
  const u64 excused = board.excused;
  if (!options.seed.has_value() && excused * 1000 > std::max(count * scenario.excused_per_thousand, u64{1000})) {
    std::printf("FAIL %.*s: too many runs came to nothing\n", static_cast<int>(scenario.name.size()), scenario.name.data());
    good = false;
  }
  good = good && board.failed == 0;
  const auto time = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%s %.*s: %llu seeds, %llu given up by the wire, %.1f s\n", good ? "ok" : "FAIL",
              static_cast<int>(scenario.name.size()), scenario.name.data(), static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(excused), time);
  std::fflush(stdout);
  munmap(memory, sizeof(Board));
  return good;
}

std::optional<Options> parse(std::span<char*> arguments) {
  Options options;
  for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const std::string_view value = arguments[i + 1];
    if (name == "--scenario") {
      options.scenario = value;
      continue;
    }
    u64 number = 0;
    const auto [end, error] = std::from_chars(value.begin(), value.end(), number);
    if (error != std::errc() || end != value.end()) return std::nullopt;
    if (name == "--seed") {
      options.seed = number;
      options.jobs = 1;
    } else if (name == "--seeds") {
      options.seeds = number;
    } else if (name == "--first") {
      options.first = number;
    } else if (name == "--log") {
      options.log = number != 0;
    } else if (name == "--jobs" && number >= 1 && number <= max_jobs) {
      options.jobs = number;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.size() % 2 != 0) return std::nullopt;
  options.jobs = std::min(options.jobs, max_jobs);
  return options;
}

}  // namespace

int run_scenarios(int argc, char** argv, std::span<const Scenario> scenarios) {
  const auto options = parse(std::span(argv, static_cast<size_t>(argc)).subspan(1));
  if (!options.has_value()) {
    std::fprintf(stderr, "usage: %s [--scenario NAME] [--seed N | --first N --seeds N] [--jobs N] [--log 1]\n", argv[0]);
    return 64;
  }
  set_log_level(options->log ? Level::info : Level::error);
  set_log_sink(options->log ? print_line : drop_line);
  u64 passed = 0;
  u64 failed = 0;
  for (const Scenario& scenario : scenarios) {
    if (!options->scenario.empty() && options->scenario != scenario.name) continue;
    ++(run_scenario(scenario, *options, argv[0]) ? passed : failed);
  }
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(passed), static_cast<unsigned long long>(failed));
  return failed == 0 && passed != 0 ? 0 : 1;
}

}  // namespace samara::sim
