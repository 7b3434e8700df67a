// Images that ask each other, each with a loader and a worker: connections and datagrams of their own, late answers, messages
// and publications, over wires that lose, hold up and double frames.
#include <memory>

#include "tests/sim/asking_host.h"
#include "tests/sim/runner.h"

namespace samara::sim {
namespace {

const IpAddress server4 = IpAddress::v4({192, 0, 2, 53});
const IpAddress server6 = *IpAddress::parse("2001:db8::53");
const IpAddress nobody4 = IpAddress::v4({192, 0, 2, 99});
constexpr Port echo{7};
constexpr Port closed{8};
// By then every exchange has worked, on the worst of the wires.
constexpr Duration bound = Duration::seconds(400);
// From asking for a connection that nobody answers to its end: runtime::connect_limit, and a message's way back.
constexpr Duration patience = Duration::milliseconds(10'500);

struct Scene {
  explicit Scene(Run& run)
      : server(run.world, {2, 0, 0, 0, 0, 0x53}, {{server4, 24}, {server6, 64}}, run.rng.next()),
        client(run.world, {2, 0, 0, 0, 0, 1}, {{IpAddress::v4({192, 0, 2, 1}), 24}, {*IpAddress::parse("2001:db8::1"), 64}},
               run.rng.next()) {
    const auto text = [&run](u64 longest) {
      return std::string(run.between(1, longest), static_cast<char>('m' + run.below(10)));
    };
    auto& exchanges = client.role.exchanges;
    exchanges.push_back({.peer = {server4, echo}, .text = text(20'000), .stream = true});
    exchanges.push_back({.peer = {server6, echo}, .text = text(20'000), .stream = true});
    exchanges.push_back({.peer = {server4, closed}, .text = "refused", .stream = true, .hopeless = true});
    exchanges.push_back({.peer = {nobody4, echo}, .text = "unheard", .stream = true, .hopeless = true});
    exchanges.push_back({.peer = {server4, echo}, .text = text(1'000)});
    exchanges.push_back({.peer = {server6, echo}, .text = text(3'000)});
    exchanges.push_back({.peer = {server4, echo}, .text = "wait"});
    exchanges.push_back({.peer = {server6, closed}, .text = "unreachable", .hopeless = true});
    exchanges.push_back({.peer = {nobody4, echo}, .text = "unheard", .hopeless = true});
  }
  AskingHost server;
  AskingHost client;
};

void play(Run& run) {
  Scene scene(run);
  const AskingRole& role = scene.client.role;
  const bool done = run.world.run_until([&] { return role.all_done(); }, bound);
  for (size_t i = 0; i < role.exchanges.size(); ++i) {
    const auto& exchange = role.exchanges[i];
    run.require(exchange.done, "exchange ", i, " did not work in ", exchange.tries, " tries; it got ", exchange.got.size(),
                " of ", exchange.text.size(), " octets");
  }
  run.require(done, "it took longer than ", bound.seconds(), " s");
  run.world.run_for(Duration::seconds(5));
  for (const AskingHost* host : {&scene.server, &scene.client}) {
    run.require(host->application().contract_errors == 0, host->application().contract_errors, " calls against the contract");
    run.require(host->application().clock_errors == 0, "the clock went back");
    run.require(host->loader().oldest_in_use() == host->loader().generation(), "an old publication is in use");
  }
  run.require(role.wrong_turns == 0, role.wrong_turns, " messages about streams that are not there");
  run.require(role.publications != 0 && role.released != 0, "publications do not come back");
}

void quiet(Run& run) {
  Scene scene(run);
  const AskingRole& role = scene.client.role;
  const Instant start = run.world.now();
  run.require(run.world.run_until([&] { return role.all_done(); }, Duration::seconds(60)), "a quiet wire is enough");
  for (const auto& exchange : role.exchanges) {
    if (!exchange.stream) continue;
    const bool unheard = exchange.peer.address == nobody4;
    run.require(exchange.first_end < start + Duration::seconds(5) + (unheard ? patience : Duration{}),
                "a stream took too long to end");
    run.require(!unheard || exchange.first_end > start + Duration::seconds(1), "nobody's silence came too early");
  }
}

void loss(Run& run) {
  run.world.wire().loss = static_cast<u32>(run.between(100, 2'000));
  play(run);
}

void disorder(Run& run) {
  run.world.wire().reordering = static_cast<u32>(run.between(500, 4'000));
  run.world.wire().duplication = static_cast<u32>(run.between(500, 3'000));
  run.world.wire().hold = Duration::milliseconds(static_cast<i64>(run.between(1, 50)));
  play(run);
}

void corruption(Run& run) {
  run.world.wire().corruption = static_cast<u32>(run.between(100, 800));
  run.world.wire().loss = static_cast<u32>(run.between(0, 500));
  play(run);
}

constexpr Scenario scenarios[] = {
    {.name = "quiet", .seeds = 50, .play = quiet},
    {.name = "loss", .seeds = 300, .play = loss},
    {.name = "disorder", .seeds = 300, .play = disorder},
    {.name = "corruption", .seeds = 300, .play = corruption},
};

}  // namespace
}  // namespace samara::sim

int main(int argc, char** argv) {
  return samara::sim::run_scenarios(argc, argv, samara::sim::scenarios);
}
