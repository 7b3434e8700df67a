// The primary on a machine of its own, and clients that ask it while everything goes wrong: each question gets the right answer
// within a bound, and memory stays within its own.
#include <memory>

#include "tests/sim/dns_client.h"
#include "tests/sim/primary_host.h"
#include "tests/sim/runner.h"
#include "tests/sim/strangers.h"
#include "tests/sim/too_big.h"

namespace samara::sim {
namespace {

using hal::sim::HostId;
using hal::sim::Wire;
using Way = DnsClient::Way;

constexpr std::array<u8, 6> server_mac{2, 0, 0, 0, 0, 0x53};
const IpAddress server4 = IpAddress::v4({192, 0, 2, 53});
const IpAddress server6 = *IpAddress::parse("2001:db8::53");
const std::vector<runtime::NetworkAddress> server_addresses{{server4, 24}, {server6, 64}};

constexpr size_t clients = 3;
constexpr size_t ipv6_client = 1;
constexpr u64 questions = 16;  // of each client
constexpr Duration asking_time = Duration::seconds(8);
// From the last moment at which something was broken for good until the last answer.
constexpr Duration bound = Duration::seconds(90);
// Idle connections, TIME-WAIT and half-open ones are gone by then.
constexpr Duration all_forgotten = Duration::seconds(300);

enum class Fault : u8 {
  none,
  loss,
  duplication,
  corruption,
  reordering,
  delay,
  small_card,
  narrow_path,
  black_hole,
  slow_wire,
  partition,
  restart,
  clock_error,
  flood,
  unchecked_corruption,  // no fault that anything could stand: it shows that wrong answers are seen
  all_at_once,
};

// One run: who there is, and what is done to them.
class Scene {
 public:
  Scene(Run& run, Fault fault) : run_(run), fault_(fault) {
    server_.push_back(std::make_unique<PrimaryHost>(server_addresses, run.rng.next()));
    server_id_ = run.world.add(server_mac, server_.back()->handler(), fault == Fault::small_card ? 1280 : 1500);
    for (u8 i = 0; i < clients; ++i) {
      net::StackConfig config = small_stack();
      config.addresses = {{IpAddress::v4({192, 0, 2, static_cast<u8>(1 + i)}), 24}};
      std::array<u8, 16> own{};
      std::ranges::copy(server6.octets(), own.begin());
      own[15] = static_cast<u8>(1 + i);
      config.addresses.push_back({IpAddress::v6(own), 64});
      const Endpoint at{i == ipv6_client ? server6 : server4, Port(53)};
      clients_.push_back(std::make_unique<DnsClient>(config, run.rng.next(), at, oracle_));
      client_ids_.push_back(run.world.add({2, 0, 0, 0, 1, i}, *clients_.back()));
    }
    begin_ = run.world.now() + Duration::seconds(4);
    last_trouble_ = begin_ + asking_time;
  }

  void impose() {
    Wire& wire = run_.world.wire();
    switch (fault_) {
      case Fault::none:
      case Fault::small_card: break;
      case Fault::loss: wire.loss = static_cast<u32>(run_.between(100, 1000)); break;
      case Fault::duplication: wire.duplication = static_cast<u32>(run_.between(500, 3000)); break;
      case Fault::corruption: wire.corruption = static_cast<u32>(run_.between(100, 800)); break;
      case Fault::reordering:
        wire.reordering = static_cast<u32>(run_.between(500, 4000));
        wire.hold = Duration::milliseconds(static_cast<i64>(run_.between(1, 50)));
        break;
      case Fault::delay:
        wire.delay = Duration::milliseconds(static_cast<i64>(run_.between(1, 300)));
        wire.jitter = wire.delay;
        break;
      case Fault::narrow_path:
        wire.mtu = static_cast<u16>(run_.between(1280, 1400));
        run_.world.on_too_long([this](HostId from, Bytes frame) { say_too_big(run_.world, from, frame); });
        break;
      case Fault::black_hole: wire.mtu = 1280; break;
      case Fault::slow_wire:
        wire.bits_per_second = run_.between(100'000, 1'000'000);
        wire.queue_frames = static_cast<u32>(run_.between(20, 200));
        break;
      case Fault::partition: cut_off(); break;
      case Fault::restart: restart(); break;
      case Fault::clock_error: set_clocks(); break;
      case Fault::flood: flood(); break;
      case Fault::unchecked_corruption:
        wire.corruption = 3000;
        wire.checksums_trusted = true;
        break;
      case Fault::all_at_once:
        wire.loss = wire.duplication = static_cast<u32>(run_.between(50, 400));
        wire.corruption = wire.reordering = static_cast<u32>(run_.between(50, 300));
        cut_off();
        restart();
        set_clocks();
        flood();
        break;
    }
  }

  void ask() {
    for (size_t c = 0; c < clients; ++c) {
      for (u64 i = 0; i < questions; ++i) {
        const Instant when = begin_ + run_.rng.up_to(asking_time);
        const Way way = run_.one_in(2) ? Way::udp : Way::tcp;
        u32 name = static_cast<u32>(run_.below(ExampleZone::names + 10));
        if (run_.one_in(5)) name = ExampleZone::names + static_cast<u32>(run_.below(3));
        if (way == Way::udp && !carries_fragments(c)) name = std::min(name, ExampleZone::names);
        run_.world.at(when, [this, c, name, way] {
          clients_[c]->ask(run_.world.now(), name, way);
          run_.world.poke(client_ids_[c]);
        });
      }
    }
  }

  void play() {
    const auto done = [this] {
      check_memory();
      size_t answered = 0;
      for (const auto& client : clients_) {
        run_.require(!client->wrong().has_value(), client->wrong().value_or(""));
        answered += client->answered();
      }
      return answered == clients * questions;
    };
    if (!run_.world.run_until(done, last_trouble_ + bound - run_.world.now())) {
      size_t open = 0;
      for (const auto& client : clients_) open += client->open();
      run_.require(false, open, " questions have no answer");
    }
    check_scene();
    run_.world.run_for(all_forgotten);
    check_memory();
    const net::tcp::Tcp& tcp = server_.back()->stack().tcp();
    run_.require(tcp.connections() == 0, "the server keeps ", tcp.connections(), " connections");
    run_.require(tcp.blocks_in_use() == 0, "the server keeps ", tcp.blocks_in_use(), " blocks");
  }

 private:
  // Where the path is narrower than the cards: IPv6 is told so, IPv4 would be fragmented by the router we do not have.
  // Where frames are spoilt, a datagram in fragments can take a bit in two of them; when these cancel in the checksum's sum, no
  // receiver can tell.
  bool carries_fragments(size_t client) const {
    if (fault_ == Fault::corruption || fault_ == Fault::all_at_once) return false;
    return fault_ != Fault::black_hole && (fault_ != Fault::narrow_path || client == ipv6_client);
  }
  void check_memory() {
    const net::tcp::Tcp& tcp = server_.back()->stack().tcp();
    run_.require(tcp.connections() <= PrimaryHost::most_connections, tcp.connections(), " connections at once");
    run_.require(tcp.blocks_in_use() <= PrimaryHost::most_blocks, tcp.blocks_in_use(), " blocks at once");
  }

  // What the scene is for has happened.
  void check_scene() {
    const net::Stack& server = server_.back()->stack();
    if (fault_ == Fault::flood) run_.require(server.tcp().counters().cookies_sent != 0, "the flood was none");
    if (fault_ != Fault::small_card) return;
    u64 reassembled = 0;
    for (const auto& client : clients_) reassembled += client->stack().counters().reassembled;
    run_.require(reassembled != 0 || server.counters().fragments_out == 0, "fragments were sent and not put together");
  }

  Instant any_moment() { return begin_ + run_.rng.up_to(asking_time); }
  void trouble_until(Instant when) { last_trouble_ = std::max(last_trouble_, when); }

  void cut_off() {
    for (const HostId client : client_ids_) {
      const Instant from = any_moment();
      const Instant to = from + Duration::milliseconds(static_cast<i64>(run_.between(100, 20'000)));
      run_.world.at(from, [this, client] { run_.world.partition(server_id_, client, true); });
      run_.world.at(to, [this, client] { run_.world.partition(server_id_, client, false); });
      trouble_until(to);
    }
  }

  void restart() {
    const Instant off = any_moment();
    const Instant on = off + Duration::milliseconds(static_cast<i64>(run_.between(10, 10'000)));
    run_.world.at(off, [this] { run_.world.stop(server_id_); });
    run_.world.at(on, [this] {
      server_.push_back(std::make_unique<PrimaryHost>(server_addresses, run_.rng.next()));
      run_.world.start(server_id_, server_.back()->handler());
    });
    trouble_until(on);
  }

  void set_clocks() {
    for (int i = 0; i < 5; ++i) {
      const Duration error = Duration::seconds(static_cast<i64>(run_.below(u64{20} * 365 * 86400)) - i64{10} * 365 * 86400);
      run_.world.at(any_moment(), [this, error] { run_.world.set_clock_error(server_id_, error); });
    }
  }

  // A thousand SYNs and a thousand frames of junk a second, for as long as questions are asked.
  void flood() {
    for (i64 ms = 0; ms < asking_time.milliseconds(); ms += 20) {
      run_.world.at(begin_ + Duration::milliseconds(ms), [this] {
        for (int i = 0; i < 20; ++i) {
          const Victim victim{server_mac, {run_.one_in(2) ? server4 : server6, Port(53)}};
          run_.world.inject(server_id_, stray_syn(run_.rng, victim));
          run_.world.inject(server_id_, junk(run_.rng, victim));
        }
      });
    }
  }

  Run& run_;
  Fault fault_;
  Oracle oracle_;
  std::vector<std::unique_ptr<PrimaryHost>> server_;  // the last one runs
  std::vector<std::unique_ptr<DnsClient>> clients_;
  HostId server_id_ = 0;
  std::vector<HostId> client_ids_;
  Instant begin_;
  Instant last_trouble_;
};

template <Fault fault>
void serve(Run& run) {
  Scene scene(run, fault);
  scene.impose();
  scene.ask();
  scene.play();
}

constexpr Scenario scenarios[] = {
    {.name = "primary-undisturbed", .seeds = 100, .play = serve<Fault::none>},
    {.name = "primary-loss", .seeds = 1000, .play = serve<Fault::loss>},
    {.name = "primary-duplication", .seeds = 1000, .play = serve<Fault::duplication>},
    {.name = "primary-corruption", .seeds = 1000, .play = serve<Fault::corruption>},
    {.name = "primary-reordering", .seeds = 1000, .play = serve<Fault::reordering>},
    {.name = "primary-delay", .seeds = 1000, .play = serve<Fault::delay>},
    {.name = "primary-small-card", .seeds = 1000, .play = serve<Fault::small_card>},
    {.name = "primary-narrow-path", .seeds = 1000, .play = serve<Fault::narrow_path>},
    {.name = "primary-black-hole", .seeds = 1000, .play = serve<Fault::black_hole>},
    {.name = "primary-slow-wire", .seeds = 1000, .play = serve<Fault::slow_wire>},
    {.name = "primary-partition", .seeds = 1000, .play = serve<Fault::partition>},
    {.name = "primary-restart", .seeds = 1000, .play = serve<Fault::restart>},
    {.name = "primary-clock-error", .seeds = 100, .play = serve<Fault::clock_error>},
    {.name = "primary-flood", .seeds = 100, .play = serve<Fault::flood>},
    {.name = "primary-spoilt-answers-are-noticed", .seeds = 20, .play = serve<Fault::unchecked_corruption>, .must_fail = true},
    {.name = "primary-all-at-once", .seeds = 300, .play = serve<Fault::all_at_once>},
};

}  // namespace
}  // namespace samara::sim

int main(int argc, char** argv) {
  return samara::sim::run_scenarios(argc, argv, samara::sim::scenarios);
}
