// A primary and three secondaries, in a chain, a tree, or with several primaries each, the very images on machines of their
// own: zones change, and lines, machines and clocks fail. Nobody ever serves what the primary did not have, or later than it
// may; and when all is well again, all have the same.
#include "tests/sim/following_scene.h"
#include "tests/sim/runner.h"

namespace samara::sim {
namespace {

template <Topology topology>
void follow(Run& run) {
  // Each has fortunes of its own.
  run.rng = hal::sim::SeededRng(run.rng.next() + static_cast<u64>(topology));
  FollowingScene scene(run, topology);
  scene.disturb();
  if (run.one_in(3)) scene.cut_off_beyond_expire();
  scene.run_until_over();
  scene.converge();
  scene.stay_quiet();
}

void primary_gone(Run& run) {
  FollowingScene scene(run, static_cast<Topology>(run.below(3)));
  scene.change_for(Duration::seconds(500));
  scene.lose_primary_for_hours();
  // It tells its children that it is back, and they theirs; who has just failed once more waits for 64 seconds
  // (secondary/refresh.cpp).
  scene.converge(Duration::seconds(3 * 75));
  scene.stay_quiet();
}

// No fault that anything could stand: it shows that wrong content is seen.
void spoilt(Run& run) {
  FollowingScene scene(run, Topology::chain);
  scene.spoil();
  scene.change_for(Duration::seconds(3000));
  scene.run_for(Duration::seconds(3000));
}

constexpr Scenario scenarios[] = {
    {.name = "following-chain", .seeds = 300, .play = follow<Topology::chain>},
    {.name = "following-tree", .seeds = 300, .play = follow<Topology::tree>},
    {.name = "following-several-primaries", .seeds = 300, .play = follow<Topology::several>},
    {.name = "following-primary-gone", .seeds = 100, .play = primary_gone},
    {.name = "following-spoilt-zones-are-noticed", .seeds = 10, .play = spoilt, .must_fail = true},
};

}  // namespace
}  // namespace samara::sim

int main(int argc, char** argv) {
  return samara::sim::run_scenarios(argc, argv, samara::sim::scenarios);
}
