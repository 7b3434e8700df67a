// Runs scenarios: each is a function of a seed that builds a world, lets it run and says what must hold. Seeds are played by
// several processes at once. A run that fails prints what was wrong and the command that plays it again, and leaves a capture
// of its frames in out/sim/.
//
//   PROGRAM                       every scenario, with as many seeds as it says
//   PROGRAM --scenario NAME       only this one
//   PROGRAM --seed N              only this seed, and what came of it: what a failure asks for
//   PROGRAM --seeds N             this many seeds instead
//   PROGRAM --first N             from this one on, not from 1
//   PROGRAM --jobs N              processes; as many as there are processors
//   PROGRAM --seed N --log 1      and what the hosts log, with the world's time
//
// Ends with `N passed, N failed`, counted in scenarios.
#pragma once

#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "platform/hal/sim/world.h"

namespace samara::sim {

// What did not hold.
struct Failure {
  std::string text;
};

// One run of a scenario.
class Run {
 public:
  Run(u64 number, size_t captured) : seed(number), rng(number * 2 + 1), world(number * 2, captured) {}

  const u64 seed;
  hal::sim::SeededRng rng;  // what the scenario draws, beside the wire's own
  hal::sim::World world;

  u64 below(u64 limit) { return limit == 0 ? 0 : rng.next() % limit; }
  u64 between(u64 low, u64 high) { return low + below(high - low + 1); }
  bool one_in(u64 n) { return below(n) == 0; }
  // Ends the run as failed.
  template <class... Pieces>
  void require(bool good, const Pieces&... pieces) const {
    if (good) return;
    std::ostringstream text;
    text << "at " << static_cast<double>(world.now().since_boot().nanoseconds()) / 1e9 << " s: ";
    (text << ... << pieces);
    throw Failure{text.str()};
  }
  // The run did not come to what it is for, and what the wire did is why. Few may.
  void excuse() { excused_ = true; }
  bool excused() const { return excused_; }

 private:
  bool excused_ = false;
};

struct Scenario {
  std::string_view name;
  u64 seeds;
  void (*play)(Run&);
  bool must_fail = false;        // something is broken on purpose: each run must be found to fail
  u64 excused_per_thousand = 0;  // runs that may call excuse()
};

int run_scenarios(int argc, char** argv, std::span<const Scenario> scenarios);

}  // namespace samara::sim
