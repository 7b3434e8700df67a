#include "tests/sim/following_scene.h"

#include <algorithm>

#include "platform/codec/device_tree.h"
#include "zone/format.h"

extern "C" int samara_primary_image(int, char**);
extern "C" int samara_secondary_image(int, char**);

namespace samara::sim {
namespace {

constexpr u64 small_zone_memory = u64{2} << 20;
constexpr u64 large_zone_memory = u64{8} << 20;
constexpr u32 large_zone = 3'000;  // names
// What a zone may take of it, with its history, what it was before, and room to grow: a little, and so much for each name.
constexpr u64 memory_of_zone = u64{16} << 10;
constexpr u64 memory_of_name = 200;
// A step of the history: two SOA records of some 80 octets, two addresses of 30, and what leads to them (zone/history.h).
constexpr u64 memory_of_change = 256;
constexpr u64 storage_size = u64{1} << 20;
constexpr u32 streams = 16;
constexpr std::string_view key_name = "transfer.example.";
// RFC 8945 section 10: signatures are good for 300 s each way; any two clocks are within that.
constexpr i64 signed_clock_error = 140;
constexpr i64 unsigned_clock_error = 7'200;
constexpr i64 most_drift = 10'000;  // 1 %
// secondary/refresh.h: what a failed attempt is doubled up to, and the time its queries take for each primary.
constexpr Duration longest_backoff = Duration::seconds(3600);
constexpr Duration attempt = Duration::seconds(25);
// Connections are gone by then.
constexpr Duration all_forgotten = Duration::seconds(300);

std::vector<std::vector<size_t>> parents(Topology topology) {
  switch (topology) {
    case Topology::chain: return {{}, {0}, {1}, {2}};
    case Topology::tree: return {{}, {0}, {0}, {1}};
    case Topology::several: return {{}, {0}, {0, 1}, {1, 2}};
  }
  return {};
}

net::StackConfig watcher_stack() {
  net::StackConfig config = small_stack();
  config.addresses = {{IpAddress::v4({192, 0, 2, 1}), 24}, {*IpAddress::parse("2001:db8::1"), 64}};
  return config;
}

}  // namespace

FollowingScene::FollowingScene(Run& run, Topology topology)
    : run_(run),
      from_(parents(topology)),
      ipv6_(run.one_in(3)),
      signed_(run.one_in(2)),
      secret_(32, 's'),
      off_(servers),
      cuts_(servers, std::vector<u32>(servers)),
      clock_errors_(servers) {
  key_ = {.name = MUST(dns::Name::parse(key_name, dns::Name())),
          .algorithm = dns::TsigAlgorithm::hmac_sha256,
          .secret = crypto::SecretBytes(std::vector<u8>(secret_.begin(), secret_.end()))};
  draw_zones();
  std::vector<FollowingTruth::Zone> judged;
  std::vector<dns::Name> names;
  std::vector<Endpoint> endpoints;
  for (const ZoneSetup& zone : zones_) {
    judged.push_back({zone.apex, Duration::seconds(zone.expire)});
    names.push_back(zone.apex);
  }
  truth_ = std::make_unique<FollowingTruth>(run, judged, from_);
  for (size_t i = 0; i < servers; ++i) {
    const std::array<u8, 6> mac{2, 0, 0, 0, 0, static_cast<u8>(0x50 + i)};
    machines_.push_back(
        std::make_unique<Machine>(run.world, mac, i == 0 ? samara_primary_image : samara_secondary_image, run.rng.next()));
    endpoints.push_back(endpoint(i));
    storages_.push_back(i != 0 && !run.one_in(5) ? std::make_unique<PluggedStorage>(storage_size) : nullptr);
    machines_[i]->set_storage(storages_[i].get());
    truth_->add(*machines_[i]);
  }
  draw_clocks();
  watcher_ = std::make_unique<FollowingWatcher>(
      watcher_stack(), run.rng.next(), endpoints, names, signed_ ? &key_ : nullptr,
      [this](size_t server, size_t zone, const secondary::SoaReply& reply) { truth_->on_answer(server, zone, reply); });
  watcher_id_ = run.world.add({2, 0, 0, 0, 1, 1}, *watcher_);
  least_delay_ = Duration::microseconds(static_cast<i64>(run.between(50, 50'000)));
  begin_ = over_ = run.world.now();
  // The order in which they are started does not matter.
  for (size_t i = 0; i < servers; ++i) {
    const Instant when = begin_ + run.rng.up_to(Duration::seconds(30));
    ++off_[i];
    run.world.at(when, [this, i] {
      --off_[i];
      power_on(i);
    });
    over_at(when);
  }
  watch();
}

// ---- how they are set up ------------------------------------------------------------------------------------------------

void FollowingScene::draw_zones() {
  const u64 count = run_.between(1, 2);
  for (u64 z = 0; z < count; ++z) {
    ZoneSetup zone;
    const char letter = static_cast<char>('a' + z);
    zone.apex = MUST(dns::Name::parse(std::string(1, letter) + ".example.", dns::Name()));
    zone.refresh = static_cast<u32>(run_.between(60, 600));
    zone.retry = static_cast<u32>(run_.between(15, 120));
    zone.expire = static_cast<u32>(run_.between(zone.refresh + 300, 3600));
    // Now and then one that takes several messages, and the loader several batches.
    zone.names = static_cast<u32>(run_.one_in(20) ? run_.between(large_zone, 2 * large_zone) : run_.between(5, 150));
    // Serials wrap (RFC 1982).
    const u32 serial = run_.one_in(4) ? static_cast<u32>(0 - run_.between(1, 30)) : static_cast<u32>(run_.between(1, 1000));
    std::ostringstream text;
    text << "$TTL 300\n@ SOA ns host " << serial << ' ' << zone.refresh << ' ' << zone.retry << ' ' << zone.expire
         << " 60\n@ NS ns\nns A 192.0.2.80\n";
    for (u32 i = 0; i < zone.names; ++i) text << 'n' << i << " A 10.0." << i / 256 << '.' << i % 256 << '\n';
    zone.text = text.str();
    zones_.push_back(std::move(zone));
  }
}

void FollowingScene::draw_clocks() {
  const i64 most = signed_ ? signed_clock_error : unsigned_clock_error;
  for (size_t i = 0; i < servers; ++i) {
    clock_errors_[i] = Duration::seconds(static_cast<i64>(run_.below(static_cast<u64>(2 * most))) - most);
    machines_[i]->set_clock({.drift = static_cast<i64>(run_.below(2 * most_drift)) - most_drift, .error = clock_errors_[i]});
  }
}

Endpoint FollowingScene::endpoint(size_t server) const {
  const u8 last = static_cast<u8>(0x50 + server);
  std::array<u8, 16> own{};
  std::ranges::copy(IpAddress::parse("2001:db8::")->octets(), own.begin());
  own[15] = last;
  return {ipv6_ ? IpAddress::v6(own) : IpAddress::v4({192, 0, 2, last}), Port(53)};
}

server::PeerList FollowingScene::peers(const std::vector<size_t>& servers_of) const {
  server::PeerList list;
  for (const size_t server : servers_of) list.push_back({endpoint(server), signed_ ? std::optional<u16>(0) : std::nullopt});
  return list;
}

template <class Config>
Config FollowingScene::base_config(size_t server) const {
  const server::AccessList access{{.from = std::nullopt, .key = signed_ ? std::optional<u16>(0) : std::nullopt}};
  Config config;
  const Endpoint own = endpoint(server);
  config.listen = {own};
  config.network.emplace();
  config.network->mode = runtime::NetworkMode::tap;
  config.network->interface = "sim0";
  config.network->addresses = {{own.address, static_cast<u8>(ipv6_ ? 64 : 24)}};
  config.network->router_advertisements = false;
  config.network->listen = {own};
  config.log_level = log_enabled(Level::info) ? Level::info : Level::error;
  if (signed_) config.keys.push_back({.name = key_.name, .secret = secret_});
  config.access.transfer = access;
  config.limits.tcp_clients = streams;
  const bool large = std::ranges::any_of(zones_, [](const ZoneSetup& zone) { return zone.names >= large_zone; });
  config.limits.zone_memory = large ? large_zone_memory : small_zone_memory;
  std::vector<size_t> children;
  for (size_t i = 0; i < servers; ++i) {
    if (std::ranges::find(from_[i], server) != from_[i].end()) children.push_back(i);
  }
  config.notify = peers(children);
  return config;
}

std::vector<u8> FollowingScene::primary_blob() const {
  auto config = base_config<server::PrimaryConfig>(0);
  config.access.update = config.access.transfer;
  for (const ZoneSetup& zone : zones_) config.zones.push_back({.name = zone.apex, .files = {{"zone", zone.text}}});
  codec::DeviceTreeWriter out;
  server::write_primary_config(config, out);
  return MUST(std::move(out).finish());
}

std::vector<u8> FollowingScene::secondary_blob(size_t server) const {
  auto config = base_config<server::SecondaryConfig>(server);
  for (const ZoneSetup& zone : zones_) config.zones.push_back({.name = zone.apex, .primaries = peers(from_[server])});
  config.transfers_in.concurrent = 4;
  if (storages_[server] != nullptr) config.storage = server::StorageConfig{.file = "store", .size = storage_size};
  codec::DeviceTreeWriter out;
  server::write_secondary_config(config, out);
  return MUST(std::move(out).finish());
}

// The zone files of the primary are as it last served the zones.
void FollowingScene::keep_texts() {
  const zone::ZoneSet set = machines_[0]->zones();
  for (ZoneSetup& zone : zones_) {
    const auto match = set.at(zone.apex);
    run_.require(match.has_value() && match->zone.has_value(), "the primary has lost a zone");
    zone.text.clear();
    zone::write_zone(*match->zone, [&](std::string_view line) { zone.text += line; });
  }
}

// ---- what happens to them -----------------------------------------------------------------------------------------------

void FollowingScene::power_on(size_t server) {
  if (off_[server] != 0 || machines_[server]->is_on()) return;
  truth_->before_power_on(server);
  machines_[server]->power_on(server == 0 ? primary_blob() : secondary_blob(server));
}

void FollowingScene::power_off(size_t server) {
  if (!machines_[server]->is_on()) return;
  truth_->before_power_off(server);
  if (server == 0) keep_texts();
  machines_[server]->power_off();
  if (storages_[server] != nullptr) storages_[server]->lose_power(run_.rng);
}

void FollowingScene::cut(size_t a, size_t b, bool cut) {
  u32& faults = cuts_[std::min(a, b)][std::max(a, b)];
  cut ? ++faults : --faults;
  // A machine that never ran has no place in the world yet.
  run_.world.partition(machines_[a]->id(), machines_[b]->id(), faults != 0);
  truth_->on_cut(a, b, faults != 0);
}

void FollowingScene::set_wire(bool bad) {
  hal::sim::Wire& wire = run_.world.wire();
  wire.loss = static_cast<u32>(bad ? run_.between(300, 5'000) : run_.below(300));
  wire.duplication = static_cast<u32>(run_.below(bad ? 2'000 : 100));
  wire.reordering = static_cast<u32>(run_.below(bad ? 3'000 : 100));
  wire.corruption = static_cast<u32>(bad && run_.one_in(2) ? run_.below(500) : 0);
  wire.delay = least_delay_;
  wire.jitter = bad ? Duration::milliseconds(static_cast<i64>(run_.below(400))) : Duration();
  wire.hold = Duration::milliseconds(static_cast<i64>(run_.between(1, 200)));
}

// ---- what must come of it -----------------------------------------------------------------------------------------------

void FollowingScene::check() {
  truth_->check();
  for (size_t i = 0; i < servers; ++i) {
    if (!machines_[i]->is_on()) continue;
    const net::tcp::Tcp& tcp = machines_[i]->stack().tcp();
    run_.require(tcp.connections() <= streams + 64 + 4, "server ", i, " has ", tcp.connections(), " connections");
  }
}

void FollowingScene::run_for(Duration time) {
  run_.world.run_until(
      [this] {
        check();
        return false;
      },
      time);
}

void FollowingScene::run_until_over() {
  run_for(over_ - run_.world.now());
  const Duration delay = run_.world.wire().delay;
  run_.world.wire() = {};
  run_.world.wire().delay = delay;
  over_ = run_.world.now();
}

// Each server after the one before it: it waits for its refresh time, or after failures for up to what doubling has made of
// its retry time meanwhile.
Duration FollowingScene::bound() const {
  Duration slowest;
  for (const ZoneSetup& zone : zones_) {
    const Duration trouble = over_ - begin_ + longest_;
    const Duration backoff = std::min(longest_backoff, Duration::seconds(zone.retry) + trouble + trouble);
    slowest = std::max({slowest, Duration::seconds(zone.refresh), backoff});
  }
  const Duration hop = slowest + Duration::nanoseconds(slowest.nanoseconds() / 50) + attempt;
  return hop * static_cast<i64>(servers - 1);
}

void FollowingScene::converge(std::optional<Duration> within) {
  const Duration limit = within.value_or(bound());
  const bool done = run_.world.run_until(
      [this] {
        check();
        return truth_->what_differs(over_).empty();
      },
      limit);
  run_.require(done, "after ", limit.seconds(), " s: ", truth_->what_differs(over_));
}

// Nothing is lost again, and what changes now is everywhere at once.
void FollowingScene::stay_quiet() {
  Duration round;
  for (const ZoneSetup& zone : zones_) round = std::max(round, Duration::seconds(zone.refresh));
  run_for(round + round);
  run_.require(truth_->what_differs(over_).empty(), "in peace: ", truth_->what_differs(over_));
  const u64 done = watcher_->updates_done();
  watcher_->update(run_.world.now(), 0, 1, std::array<u8, 4>{10, 2, 0, 1});
  run_.world.poke(watcher_id_);
  const bool changed = run_.world.run_until([&] { return watcher_->updates_done() != done; }, notify_reaches);
  run_.require(changed, "an update is not answered");
  const bool reached = run_.world.run_until([this] { return truth_->what_differs(over_).empty(); }, notify_reaches);
  run_.require(reached, "a change is not everywhere soon: ", truth_->what_differs(over_));
  run_for(all_forgotten);
  u64 memory = 0;
  for (const ZoneSetup& zone : zones_) memory += memory_of_zone + memory_of_name * zone.names;
  memory += memory_of_change * changes_.size();
  const u64 most_changes = most_changes_in_a_minute();
  const u64 most_frames =
      most_frames_in_a_minute + frames_of_change * (std::max(most_changes, changes_at_once) - changes_at_once);
  for (size_t i = 0; i < servers; ++i) {
    const u64 frames = machines_[i]->take_most_frames();
    run_.require(frames <= most_frames, "server ", i, " sent ", frames, " frames in a minute; at most ", most_frames);
    const net::tcp::Tcp& tcp = machines_[i]->stack().tcp();
    run_.require(tcp.connections() == 0, "server ", i, " keeps ", tcp.connections(), " connections");
    run_.require(tcp.blocks_in_use() == 0, "server ", i, " keeps ", tcp.blocks_in_use(), " blocks");
    run_.require(machines_[i]->memory_in_use() <= memory, "server ", i, " keeps ", machines_[i]->memory_in_use(),
                 " octets of zone memory; at most ", memory);
  }
}

}  // namespace samara::sim
