// FollowingScene: what goes wrong, and what changes meanwhile.
#include <algorithm>

#include "tests/sim/following_scene.h"

namespace samara::sim {

Instant FollowingScene::any_moment(Duration length) {
  const Instant when = begin_ + Duration::seconds(40) + run_.rng.up_to(over_ - begin_);
  over_at(when + length);
  longest_ = std::max(longest_, length);
  return when;
}

Duration FollowingScene::draw_length() {
  return Duration::seconds(static_cast<i64>(run_.one_in(2) ? run_.between(1, 60) : run_.between(60, 1200)));
}

void FollowingScene::fault_restart(Duration length) {
  const size_t server = run_.below(servers);
  const Instant when = any_moment(length);
  run_.world.at(when, [this, server] {
    ++off_[server];
    power_off(server);
  });
  run_.world.at(when + length, [this, server] {
    --off_[server];
    power_on(server);
  });
}

void FollowingScene::fault_cut(Duration length) {
  const size_t child = run_.between(1, servers - 1);
  const size_t parent = from_[child][run_.below(from_[child].size())];
  const Instant when = any_moment(length);
  run_.world.at(when, [this, child, parent] { cut(child, parent, true); });
  run_.world.at(when + length, [this, child, parent] { cut(child, parent, false); });
}

// A server from all others; clients reach it.
void FollowingScene::fault_isolation(Duration length) {
  const size_t server = run_.below(servers);
  const Instant when = any_moment(length);
  const auto set = [this, server](bool is_cut) {
    for (size_t other = 0; other < servers; ++other) {
      if (other != server) cut(server, other, is_cut);
    }
  };
  run_.world.at(when, [set] { set(true); });
  run_.world.at(when + length, [set] { set(false); });
}

void FollowingScene::fault_weather(Duration length) {
  const Instant when = any_moment(length);
  run_.world.at(when, [this] { set_wire(true); });
  run_.world.at(when + length, [this] { set_wire(false); });
}

// Hours ahead or behind: signatures are not accepted.
void FollowingScene::fault_clock(Duration length) {
  const size_t server = run_.below(servers);
  const i64 hours = static_cast<i64>(run_.between(1, 3)) * (run_.one_in(2) ? 1 : -1);
  const Instant when = any_moment(length);
  run_.world.at(when, [this, server, hours] {
    truth_->on_clock_off(server);
    machines_[server]->set_clock_error(clock_errors_[server] + Duration::seconds(hours * 3600));
  });
  run_.world.at(when + length, [this, server] { machines_[server]->set_clock_error(clock_errors_[server]); });
}

void FollowingScene::disturb() {
  over_at(begin_ + Duration::seconds(static_cast<i64>(run_.between(1'200, 5'400))));
  change_for(over_ - begin_);
  set_wire(false);
  for (u64 faults = run_.between(3, 10); faults != 0; --faults) {
    const Duration length = draw_length();
    switch (run_.below(5)) {
      case 0: fault_restart(length); break;
      case 1: fault_cut(length); break;
      case 2: fault_isolation(length); break;
      case 3: fault_weather(length); break;
      default: run_.one_in(3) ? fault_clock(length) : fault_restart(length); break;
    }
  }
}

void FollowingScene::cut_off_beyond_expire() {
  u32 expire = 0;
  for (const ZoneSetup& zone : zones_) expire = std::max(expire, zone.expire);
  const Duration length = Duration::seconds(i64{expire} * static_cast<i64>(run_.between(12, 25)) / 10);
  run_.one_in(3) ? fault_isolation(length) : run_.one_in(2) ? fault_cut(length) : fault_restart(length);
}

// All that its children do then is to ask, ever more seldom.
void FollowingScene::lose_primary_for_hours() {
  run_for(Duration::seconds(600));
  ++off_[0];
  power_off(0);
  // Until then those behind another secondary refresh from it as ever.
  u32 expire = 0;
  for (const ZoneSetup& zone : zones_) expire = std::max(expire, zone.expire);
  const Duration patience = Duration::seconds(i64{expire} + 1800);
  run_for(patience);
  const u64 hours = run_.between(2, 7);
  watching_ = false;
  for (const auto& machine : machines_) {
    machine->take_most_frames();
    machine->take_frames();
  }
  for (u64 hour = 0; hour < hours; ++hour) {
    run_for(Duration::seconds(3600));
    for (size_t i = 1; i < servers; ++i) {
      const u64 frames = machines_[i]->take_frames();
      run_.require(frames <= most_frames_in_an_hour_without_primary, "server ", i, " sent ", frames,
                   " frames in an hour while the primary was gone");
    }
  }
  watching_ = true;
  run_for(Duration::seconds(1800));
  const Duration gone = Duration::seconds(static_cast<i64>(hours) * 3600 + 1800);
  for (size_t i = 1; i < servers; ++i) {
    const u64 frames = machines_[i]->take_most_frames();
    run_.require(frames <= most_frames_in_a_minute_without_primary, "server ", i, " sent ", frames,
                 " frames in a minute while the primary was gone");
    for (size_t z = 0; z < zones_.size(); ++z) {
      run_.require(!truth_->serves(i, z), "server ", i, " serves a zone whose primary has gone");
      run_.require(truth_->servfails(i, z) != 0, "server ", i, " never answered SERVFAIL");
    }
  }
  --off_[0];
  power_on(0);
  over_ = run_.world.now();
  longest_ = patience + gone;
}

void FollowingScene::spoil() {
  run_.world.wire().corruption = 2'000;
  run_.world.wire().checksums_trusted = true;
}

void FollowingScene::change_once() {
  const size_t zone = run_.below(zones_.size());
  const u32 name = static_cast<u32>(run_.below(zones_[zone].names + 20));
  std::optional<std::array<u8, 4>> address;
  if (!run_.one_in(4)) address = {10, 1, static_cast<u8>(run_.below(256)), static_cast<u8>(run_.below(256))};
  changes_.push_back(run_.world.now());
  watcher_->update(run_.world.now(), zone, name, address);
  run_.world.poke(watcher_id_);
}

u64 FollowingScene::most_changes_in_a_minute() const {
  u64 most = 0;
  for (auto first = changes_.begin(); first != changes_.end(); ++first) {
    const Instant end = *first + Duration::seconds(60) + notify_reaches;
    const auto last = std::find_if(first, changes_.end(), [end](Instant when) { return when > end; });
    most = std::max(most, static_cast<u64>(last - first));
  }
  return most;
}

void FollowingScene::change_for(Duration time) {
  const Instant now = run_.world.now();
  for (u64 moments = run_.between(3, 25); moments != 0; --moments) {
    Instant when = now + run_.rng.up_to(time);
    // Now and then several in a row.
    for (u64 changes = run_.one_in(5) ? run_.between(2, 8) : 1; changes != 0; --changes) {
      run_.world.at(when, [this] { change_once(); });
      when = when + run_.rng.up_to(Duration::seconds(2));
    }
  }
}

void FollowingScene::watch() {
  const Instant next = run_.world.now() + Duration::seconds(2) + run_.rng.up_to(Duration::seconds(20));
  run_.world.at(next, [this] {
    if (watching_) {
      watcher_->ask(run_.below(servers), run_.below(zones_.size()));
      run_.world.poke(watcher_id_);
    }
    watch();
  });
}

}  // namespace samara::sim
