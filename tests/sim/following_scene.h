// FollowingScene: a primary, three secondaries that follow it directly or through each other, and a client that changes the
// zones and watches. The very images boot on machines of the simulated world; each seed draws how they are set up and what
// happens to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dns-core/tsig/key.h"
#include "server/config/primary_config.h"
#include "server/config/secondary_config.h"
#include "tests/sim/following_truth.h"
#include "tests/sim/following_watcher.h"
#include "tests/sim/machine.h"
#include "tests/sim/plugged_storage.h"
#include "tests/sim/runner.h"

namespace samara::sim {

enum class Topology : u8 {
  chain,    // p - 1 - 2 - 3
  tree,     // p - {1, 2}, 1 - 3
  several,  // p - 1, {p, 1} - 2, {1, 2} - 3
};

class FollowingScene {
 public:
  static constexpr size_t servers = 4;
  // A NOTIFY is sent at once, and acted upon a second or two after the last attempt.
  static constexpr Duration notify_reaches = Duration::seconds(10);
  // What a host may send in any minute. A zone that changes costs some 16 frames at each of its two ends (NOTIFY, SOA query, a
  // transfer with its connection), a large one as many again for a transfer's acknowledgements; changes come eight at a time,
  // and 8 * 32 is 256. Where two such rows fall into one minute, so do their frames.
  static constexpr u64 most_frames_in_a_minute = 300;
  static constexpr u64 changes_at_once = 8;
  static constexpr u64 frames_of_change = 32;
  // What a secondary may send once its zones have been expired for half an hour. In a minute: for each zone one attempt, of one
  // query to each of two primaries, whose neighbour has to be found; as much to answer another secondary; and the client. In an
  // hour without the client: some five attempts for each zone, because RETRY is doubled; as many of a child to answer; and the
  // neighbours.
  static constexpr u64 most_frames_in_a_minute_without_primary = 30;
  static constexpr u64 most_frames_in_an_hour_without_primary = 120;

  FollowingScene(Run& run, Topology topology);

  // Faults and changes for as long as this takes.
  void disturb();
  // A server, or a part of them, is cut off for longer than EXPIRE.
  void cut_off_beyond_expire();
  void lose_primary_for_hours();
  // Changes from now on, for so long.
  void change_for(Duration time);
  // Until nothing is broken any more; then all must come to the same within a bound, and stay there.
  void run_until_over();
  void converge(std::optional<Duration> within = std::nullopt);
  void stay_quiet();
  void run_for(Duration time);
  void spoil();

 private:
  struct ZoneSetup {
    dns::Name apex;
    std::string text;
    u32 refresh;
    u32 retry;
    u32 expire;
    u32 names;
  };

  void draw_zones();
  void draw_clocks();
  template <class Config>
  Config base_config(size_t server) const;
  std::vector<u8> primary_blob() const;
  std::vector<u8> secondary_blob(size_t server) const;
  server::PeerList peers(const std::vector<size_t>& servers_of) const;
  Endpoint endpoint(size_t server) const;
  void keep_texts();

  void power_on(size_t server);
  void power_off(size_t server);
  void cut(size_t a, size_t b, bool cut);
  void set_wire(bool bad);
  void check();
  Duration bound() const;

  // Faults, each at a moment of the time there is for them.
  Instant any_moment(Duration length);
  void over_at(Instant when) { over_ = std::max(over_, when); }
  void fault_restart(Duration length);
  void fault_cut(Duration length);
  void fault_isolation(Duration length);
  void fault_weather(Duration length);
  void fault_clock(Duration length);
  Duration draw_length();

  void change_once();
  u64 most_changes_in_a_minute() const;
  void watch();

  Run& run_;
  std::vector<std::vector<size_t>> from_;
  bool ipv6_;
  bool signed_;
  std::string secret_;
  dns::TsigKey key_;
  std::vector<ZoneSetup> zones_;
  std::vector<std::unique_ptr<PluggedStorage>> storages_;
  std::unique_ptr<FollowingTruth> truth_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::unique_ptr<FollowingWatcher> watcher_;
  hal::sim::HostId watcher_id_ = 0;
  std::vector<u32> off_;                // how many faults want each machine off
  std::vector<std::vector<u32>> cuts_;  // and each line cut
  std::vector<Duration> clock_errors_;  // when nothing is wrong
  Duration least_delay_;
  Instant begin_;
  Instant over_;                  // when nothing is broken any more
  std::vector<Instant> changes_;  // when, in the order in which they are made
  Duration longest_;              // that a secondary may have been without its primary
  bool watching_ = true;
};

}  // namespace samara::sim
