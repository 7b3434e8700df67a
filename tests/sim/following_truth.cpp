#include "tests/sim/following_truth.h"

#include <algorithm>
#include <sstream>

#include "dns-core/rdata/rdata_text.h"
#include "secondary/agent_messages.h"

namespace samara::sim {
namespace {

using secondary::AgentMessageKind;

// An answer, or a transfer, that was under way when the line was cut or the machine fell: by then it has come or is given up.
constexpr Duration under_way = Duration::seconds(60);
// Between a message and what comes of it.
constexpr Duration soon = Duration::seconds(2);
// A client's answer may be about what was served so long ago.
constexpr Duration answer_age = Duration::seconds(10);
// What the storage has for certain (secondary::confirmed_unsaved, and a turn to write it).
constexpr Duration saved_by = Duration::seconds(40);
constexpr Duration saved_version_by = Duration::seconds(5);
// Clocks differ in rate by up to 1 % each.
constexpr i64 drift_percent = 3;
constexpr size_t promises_kept = 64;

u64 digest_of(const zone::Zone& zone) {
  u64 digest = 0xcbf29ce484222325;
  const auto mix = [&digest](Bytes octets) {
    for (const u8 octet : octets) digest = (digest ^ octet) * 0x100000001b3;
  };
  zone.for_each_record([&](const dns::Name& owner, zone::RecordView record) {
    std::array<u8, 6> head{};
    store_be16(head, 0, code(record.type()));
    store_be32(head, 2, record.ttl().seconds());
    mix(owner.wire());
    mix(head);
    mix(record.rdata());
  });
  return digest;
}

Duration more_by_drift(Duration time) {
  return time + Duration::nanoseconds(time.nanoseconds() / 100 * drift_percent);
}

Duration less_by_drift(Duration time) {
  return time - Duration::nanoseconds(time.nanoseconds() / 100 * drift_percent);
}

}  // namespace

FollowingTruth::FollowingTruth(Run& run, std::vector<Zone> zones, std::vector<std::vector<size_t>> from)
    : run_(run),
      zones_(std::move(zones)),
      from_(std::move(from)),
      states_(zones_.size() * from_.size()),
      versions_(zones_.size()),
      latest_(zones_.size()),
      off_since_(from_.size()),
      clock_was_off_(from_.size()),
      fresh_(from_.size(), true) {}

void FollowingTruth::add(Machine& machine) {
  const size_t server = machines_.size();
  machines_.push_back(&machine);
  machine.listen([this, server](u64) { on_published(server); },
                 [this, server](bool to_loader, Bytes message) { on_said(server, to_loader, message); });
}

size_t FollowingTruth::index_of(const dns::Name& apex) const {
  return static_cast<size_t>(std::ranges::find(zones_, apex, &Zone::apex) - zones_.begin());
}

// ---- what is served -----------------------------------------------------------------------------------------------------

void FollowingTruth::on_published(size_t server) {
  const zone::ZoneSet set = machines_[server]->zones();
  const Instant now = run_.world.now();
  for (size_t z = 0; z < zones_.size(); ++z) {
    const auto match = set.at(zones_[z].apex);
    run_.require(match.has_value(), "server ", server, " has forgotten a zone");
    State& state = at(server, z);
    if (match->zone.has_value() != state.served) state.changed = now;
    if (match->zone.has_value()) {
      check_serving(server, z, *match->zone);
      if (!state.served || state.serial != match->zone->serial().value()) state.served_since = now;
      state.serial = match->zone->serial().value();
    }
    state.served = match->zone.has_value();
    if (fresh_[server] && state.stored.has_value()) {
      run_.require(state.served, "server ", server, " was restarted and has lost zone ", z, " (serial ", *state.stored, ")");
    }
    state.stored.reset();
  }
  fresh_[server] = false;
}

void FollowingTruth::check_serving(size_t server, size_t zone, const zone::Zone& now) {
  const State& state = at(server, zone);
  const u32 serial = now.serial().value();
  const u64 digest = digest_of(now);
  const auto newer_than = [&](u32 other) { return now.serial().compare(dns::Serial(other)) == dns::Serial::Order::greater; };
  if (server == 0) {
    if (!latest_[zone].has_value() || newer_than(*latest_[zone])) latest_[zone] = serial;
    const auto [known, added] = versions_[zone].try_emplace(serial, digest);
    run_.require(known->second == digest, "the primary gives two contents the serial ", serial);
    run_.require(serial == *latest_[zone], "the primary goes back from ", *latest_[zone], " to ", serial);
    return;
  }
  const auto version = versions_[zone].find(serial);
  run_.require(version != versions_[zone].end(), "server ", server, " serves serial ", serial, ", which never was");
  run_.require(version->second == digest, "server ", server, " serves other records with serial ", serial);
  const bool back = state.served && serial != state.serial && !newer_than(state.serial);
  run_.require(!back || fresh_[server], "server ", server, " goes back from ", state.serial, " to ", serial);
  if (!fresh_[server] || !state.stored.has_value()) return;
  run_.require(serial == *state.stored || newer_than(*state.stored), "server ", server, " was restarted with serial ", serial,
               ", and had ", *state.stored, " in its storage");
}

// ---- promises -----------------------------------------------------------------------------------------------------------

void FollowingTruth::on_said(size_t server, bool to_loader, Bytes octets) {
  if (server == 0) return;
  const auto read = secondary::read_message(octets);
  if (!read.ok()) return;
  const secondary::AgentMessage& message = read.value();
  const size_t zone = index_of(message.zone);
  if (zone == zones_.size()) return;
  if (to_loader && message.kind == AgentMessageKind::confirmed) on_promise(server, zone, message.expires_in);
  if (!to_loader && message.kind == AgentMessageKind::follow && message.held.has_value()) {
    State& state = at(server, zone);
    state.promised = true;
    state.good_until = machines_[server]->now() + message.held->expires_in;
    // With a wrong time of day it believes what it cannot know better.
    if (clock_was_off_[server]) state.vouched = run_.world.now();
  }
}

// Whether server `server` can have heard `whom` just now.
bool FollowingTruth::could_ask(size_t server, size_t whom) const {
  const Instant now = run_.world.now();
  const auto cut = cut_since_.find(std::minmax(server, whom));
  if (cut != cut_since_.end() && cut->second + under_way < now) return false;
  return machines_[whom]->is_on() || now <= off_since_[whom] + under_way;
}

Duration FollowingTruth::left(size_t server, size_t zone) const {
  if (server == 0) return zones_[zone].expire;
  const State& state = at(server, zone);
  if (!machines_[server]->is_on() || !state.promised || state.good_until <= machines_[server]->now()) return {};
  return state.good_until - machines_[server]->now();
}

void FollowingTruth::on_promise(size_t server, size_t zone, Duration expires_in) {
  State& state = at(server, zone);
  const Instant now = run_.world.now();
  run_.require(expires_in <= zones_[zone].expire, "server ", server, " believes in a zone for ", expires_in.seconds(),
               " s, which is longer than EXPIRE");
  std::optional<Duration> least;  // that a parent had left
  Instant vouched;
  for (const size_t parent : from_[server]) {
    if (!could_ask(server, parent)) continue;
    vouched = std::max(vouched, parent == 0 ? now : at(parent, zone).vouched);
    // What a parent said before it was refreshed itself was right then.
    const bool changes = parent != 0 && now < at(parent, zone).extended + under_way;
    const Duration parents = changes ? Duration() : left(parent, zone);
    least = least.has_value() ? std::min(*least, parents) : parents;
  }
  run_.require(least.has_value(), "server ", server, " was told by nobody that it can reach that zone ", zone, " is good");
  run_.require(expires_in >= less_by_drift(*least) - under_way, "server ", server, " believes in zone ", zone, " for ",
               expires_in.seconds(), " s, and its primaries for ", least->seconds(), " s");
  state.vouched = std::max(state.vouched, vouched);
  state.promised = true;
  state.extended = now;
  state.good_until = machines_[server]->now() + expires_in;
  state.kept.push_back({now, now + less_by_drift(expires_in)});
  if (state.kept.size() > promises_kept) state.kept.pop_front();
}

// ---- events -------------------------------------------------------------------------------------------------------------

void FollowingTruth::before_power_off(size_t server) {
  const Instant now = run_.world.now();
  off_since_[server] = now;
  for (size_t z = 0; z < zones_.size(); ++z) {
    State& state = at(server, z);
    state.stored.reset();
    if (machines_[server]->has_storage() && state.served && state.served_since + saved_version_by < now)
      state.stored = state.serial;
    while (!state.kept.empty() && state.kept.back().at + saved_by > now) state.kept.pop_back();
  }
}

void FollowingTruth::before_power_on(size_t server) {
  const Instant now = run_.world.now();
  fresh_[server] = true;
  for (size_t z = 0; z < zones_.size(); ++z) {
    State& state = at(server, z);
    if (state.served) state.changed = now;
    state.served = false;
    state.promised = false;
    // What the storage has may have expired meanwhile, by a clock that is right or by one that is not.
    const bool good = !state.kept.empty() && state.kept.back().until > now + soon;
    if (server == 0 || !good || clock_was_off_[server]) state.stored.reset();
  }
}

void FollowingTruth::on_clock_off(size_t server) {
  clock_was_off_[server] = true;
}

void FollowingTruth::on_cut(size_t a, size_t b, bool cut) {
  if (cut) {
    cut_since_.try_emplace(std::minmax(a, b), run_.world.now());
  } else {
    cut_since_.erase(std::minmax(a, b));
  }
}

void FollowingTruth::on_answer(size_t server, size_t zone, const secondary::SoaReply& reply) {
  State& state = at(server, zone);
  const bool just_changed = run_.world.now() <= state.changed + answer_age;
  if (reply.answer == secondary::SoaAnswer::good) {
    run_.require(state.served || just_changed, "server ", server, " answers from a zone that has expired");
    const u32 serial = reply.soa.serial.value();
    run_.require(versions_[zone].contains(serial), "server ", server, " answers with serial ", serial, ", which never was");
    return;
  }
  run_.require(reply.rcode == dns::Rcode::SERVFAIL, "server ", server, " answers ", dns::rcode_name(reply.rcode));
  run_.require(!state.served || just_changed, "server ", server, " answers SERVFAIL, and zone ", zone, " is good");
  ++state.servfails;
}

void FollowingTruth::check() {
  const Instant world = run_.world.now();
  for (size_t server = 1; server < machines_.size(); ++server) {
    if (!machines_[server]->is_on()) continue;
    const Instant now = machines_[server]->now();
    for (size_t z = 0; z < zones_.size(); ++z) {
      const State& state = at(server, z);
      if (!state.served) {
        run_.require(!state.promised || state.good_until <= now, "server ", server, " does not serve zone ", z,
                     ", which is good for another ", (state.good_until - now).seconds(), " s");
        continue;
      }
      if (!state.promised) {
        run_.require(world <= state.served_since + soon, "server ", server, " serves zone ", z, " and nobody said it is good");
        continue;
      }
      run_.require(now <= state.good_until + soon, "server ", server, " serves zone ", z, " ",
                   (now - state.good_until).seconds(), " s after it has expired");
      const Duration age = world - state.vouched;
      run_.require(age <= more_by_drift(zones_[z].expire) + under_way, "server ", server, " serves zone ", z, " ",
                   age.seconds(), " s after the primary can have vouched for it, and EXPIRE is ", zones_[z].expire.seconds(),
                   " s");
    }
  }
}

std::string FollowingTruth::what_differs(Instant since) const {
  for (size_t server = 1; server < machines_.size(); ++server) {
    for (size_t z = 0; z < zones_.size(); ++z) {
      const State& state = at(server, z);
      const bool same = machines_[server]->is_on() && state.served && state.serial == latest_[z];
      if (same && state.extended >= since) continue;
      std::ostringstream text;
      text << "server " << server << ": zone " << z << " ";
      state.served ? text << "has serial " << state.serial : text << "is not served";
      text << ", the primary has serial " << latest_[z].value_or(0);
      if (same) text << "; nobody has said so since " << since.since_boot().seconds() << " s";
      return text.str();
    }
  }
  return {};
}

}  // namespace samara::sim
