// Our TCP against itself over every wire there is: what was sent arrives, nothing else does, and nothing is left behind.
#include <algorithm>
#include <memory>

#include "platform/net/tcp/block_budget.h"
#include "tests/sim/runner.h"
#include "tests/sim/stream_host.h"
#include "tests/sim/too_big.h"

namespace samara::sim {
namespace {

using hal::sim::HostId;
using hal::sim::Wire;
using net::tcp::Error;

constexpr std::array<u8, 6> mac_a{2, 0, 0, 0, 0, 0xa};
constexpr std::array<u8, 6> mac_b{2, 0, 0, 0, 0, 0xb};
const IpAddress a4 = IpAddress::v4({192, 0, 2, 1});
const IpAddress b4 = IpAddress::v4({192, 0, 2, 2});
const IpAddress a6 = *IpAddress::parse("2001:db8::1");
const IpAddress b6 = *IpAddress::parse("2001:db8::2");

// Addresses are ours after duplicate address detection.
constexpr Duration settled = Duration::seconds(4);
// However often what is sent is lost: a transfer is over by then, one way or the other.
constexpr Duration longest_run = Duration::seconds(4 * 3600);
constexpr Duration two_msl = Duration::seconds(60);
constexpr Duration drained_after = Duration::seconds(600);
constexpr Duration half_open_for = Duration::seconds(250);
// Losing a frame and its answer again and again for so long is not to be expected below this loss.
constexpr u32 heavy_loss = 800;

// What is broken on purpose, to see that somebody notices.
enum class Sabotage : u8 { nothing, wrong_octet, spoilt_unchecked, never_reads };

struct Conditions {
  bool clean = false;
  bool slow_reader = false;
  u32 loss_and_corruption = 0;
  u16 mtu_a = 1500;
  u16 mtu_b = 1500;
  size_t connections = 1;
  u64 most_octets = 0;
};

void draw_wire(Run& run, Conditions& conditions) {
  Wire& wire = run.world.wire();
  wire.delay = Duration::microseconds(static_cast<i64>(20) << run.below(13));
  conditions.clean = run.one_in(8);
  if (!conditions.clean) {
    if (run.one_in(2)) wire.loss = static_cast<u32>(run.below(run.one_in(4) ? 2001 : 300));
    if (run.one_in(3)) wire.duplication = static_cast<u32>(run.below(1000));
    if (run.one_in(3)) wire.corruption = static_cast<u32>(run.below(300));
    if (run.one_in(3)) wire.reordering = static_cast<u32>(run.below(3000));
    if (run.one_in(3)) wire.jitter = wire.delay;
    wire.hold = wire.delay * static_cast<i64>(run.between(1, 8));
    if (run.one_in(3)) {
      wire.bits_per_second = u64{64'000} << run.below(11);
      wire.queue_frames = static_cast<u32>(run.between(8, 500));
    }
    if (run.one_in(3)) conditions.mtu_a = static_cast<u16>(run.between(1280, 1500));
    if (run.one_in(3)) conditions.mtu_b = static_cast<u16>(run.between(1280, 1500));
  }
  conditions.loss_and_corruption = wire.loss + wire.corruption;
}

// The wire carries less than the cards believe; somebody says so, or nobody does.
void draw_path(Run& run, bool v4_only) {
  if (!run.one_in(4)) return;
  run.world.wire().mtu = static_cast<u16>(run.between(v4_only ? 576 : 1280, 1499));
  if (run.one_in(2)) run.world.on_too_long([&run](HostId from, Bytes frame) { say_too_big(run.world, from, frame); });
}

void draw_partitions(Run& run) {
  if (!run.one_in(4)) return;
  for (u64 i = run.between(1, 3); i > 0; --i) {
    const Instant from = run.world.now() + settled + Duration::milliseconds(static_cast<i64>(run.below(10'000)));
    run.world.at(from, [&run] { run.world.partition(0, 1, true); });
    run.world.at(from + Duration::milliseconds(static_cast<i64>(run.between(50, 8000))),
                 [&run] { run.world.partition(0, 1, false); });
  }
}

u64 draw_size(Run& run) {
  switch (run.below(8)) {
    case 0: return 0;
    case 1: return run.below(20);
    case 2:
    case 3: return run.below(3000);
    case 4:
    case 5:
    case 6: return run.below(60'000);
    default: return run.below(500'000);
  }
}

struct Pair {
  StreamPlan client;
  StreamPlan server;
  bool early_end() const { return gives_up(client) || gives_up(server); }
  static bool gives_up(const StreamPlan& plan) {
    return plan.finish == StreamPlan::Finish::abort || plan.finish == StreamPlan::Finish::vanish;
  }
};

Pair draw_pair(Run& run) {
  using Finish = StreamPlan::Finish;
  Pair pair;
  pair.client.key_out = pair.server.key_in = run.rng.next();
  pair.client.key_in = pair.server.key_out = run.rng.next();
  pair.client.sends = draw_size(run);
  if (run.one_in(5)) {
    pair.server.echo = true;
    pair.server.finish = Finish::after_end;
    pair.client.key_in = pair.client.key_out;
  } else {
    pair.server.sends = draw_size(run);
    if (run.one_in(2)) (run.one_in(2) ? pair.client : pair.server).finish = Finish::after_end;
  }
  for (StreamPlan* plan : {&pair.client, &pair.server}) {
    if (run.one_in(3)) plan->send_at_once = run.between(100, 5000);
    if (run.one_in(4)) {
      plan->read_at_once = run.between(500, 20'000);
      plan->read_pause = Duration::milliseconds(static_cast<i64>(run.between(1, 200)));
    }
    plan->options.no_delay = run.one_in(2);
    plan->options.user_timeout = Duration::seconds(1800);
  }
  if (run.one_in(8)) {
    StreamPlan& quitter = run.one_in(2) ? pair.client : pair.server;
    quitter.finish = run.one_in(2) ? Finish::abort : Finish::vanish;
    quitter.abort_after = run.below(quitter.sends + 1);
    // Who is left behind notices by itself, though the RST be lost.
    for (StreamPlan* plan : {&pair.client, &pair.server}) {
      plan->options.keep_alive = true;
      plan->options.keep_alive_idle = Duration::seconds(20);
      plan->options.keep_alive_interval = Duration::seconds(5);
      plan->options.user_timeout = Duration::seconds(100);
    }
  }
  return pair;
}

// The other end got everything, if this one has sent all its life as planned.
void check_pair(Run& run, const Pair& pair, const StreamEnd& client, const StreamEnd& server, const Conditions& conditions) {
  for (const StreamEnd* end : {&client, &server}) {
    run.require(!end->wrong.has_value(), "a stream went wrong: ", end->wrong.value_or(""));
    const StreamEnd& other = end == &client ? server : client;
    run.require(end->received <= other.sent, "more arrived than was sent");
  }
  if (pair.early_end()) return;
  const bool failed = client.error.has_value() || server.error.has_value();
  if (failed) {
    const StreamEnd& first = client.error.has_value() ? client : server;
    // A last ACK that does not get through until the peer's TIME-WAIT is over is answered by RST.
    const bool rough = conditions.loss_and_corruption >= heavy_loss || run.world.counters().partitioned != 0;
    run.require(rough && (first.error == Error::timed_out || first.error == Error::reset), "a connection ended with error ",
                static_cast<int>(*first.error), " at the ", &first == &client ? "client" : "server");
    run.excuse();
    return;
  }
  const u64 answer = pair.server.echo ? pair.client.sends : pair.server.sends;
  run.require(server.received == pair.client.sends, "the server got ", server.received, " of ", pair.client.sends, " octets");
  run.require(client.received == answer, "the client got ", client.received, " of ", answer, " octets");
}

void check_nothing_left(Run& run, const StreamHost& host, std::string_view name) {
  const net::tcp::Tcp& tcp = host.stack().tcp();
  run.require(tcp.blocks_in_use() == 0, name, " keeps ", tcp.blocks_in_use(), " blocks");
  run.require(tcp.connections() == 0 && tcp.half_open() == 0, name, " keeps ", tcp.connections(), " connections");
  run.require(tcp.next_deadline() == Instant::never(), name, "'s TCP still waits for something");
  const net::tcp::Capacity& capacity = host.config().tcp;
  run.require(host.most_blocks() <= net::tcp::BlockBudget::blocks_for(capacity.blocks, capacity.connections), name,
              " used too many blocks");
  run.require(host.most_connections() <= host.config().tcp.connections, name, " had too many connections");
}

void check_counters(Run& run, const StreamHost& a, const StreamHost& b, const Conditions& conditions) {
  const hal::sim::WireCounters& wire = run.world.counters();
  run.require(wire.sent + wire.duplicated + wire.injected == wire.delivered + wire.lost + wire.overflowed + wire.too_long +
                                                                 wire.partitioned + wire.unaddressed +
                                                                 run.world.frames_under_way(),
              "the wire's frames do not add up");
  const net::StackCounters& in_a = a.stack().counters();
  const net::StackCounters& in_b = b.stack().counters();
  run.require(in_a.frames_in + in_b.frames_in == wire.delivered, "the hosts did not see what was delivered");
  run.require(in_a.frames_out + in_b.frames_out == wire.sent, "the hosts did not count what they sent");
  const net::tcp::Counters& tcp_a = a.stack().tcp().counters();
  const net::tcp::Counters& tcp_b = b.stack().tcp().counters();
  run.require(tcp_a.opened_active <= conditions.connections && tcp_b.opened_passive <= conditions.connections,
              "more connections than were made");
  const bool narrow = wire.too_long != 0 || wire.overflowed != 0;
  // Window probes are answered by the octet's being asked for again.
  if (!conditions.clean || narrow || wire.partitioned != 0 || conditions.slow_reader) return;
  run.require(tcp_a.segments_out == tcp_b.segments_in && tcp_b.segments_out == tcp_a.segments_in,
              "segments were lost on a wire that loses none");
  run.require(tcp_a.retransmitted + tcp_b.retransmitted + tcp_a.timeouts + tcp_b.timeouts == 0,
              "something was sent twice on a wire that loses nothing");
}

// Neither a storm of answers to answers nor a timer that never rests.
void check_effort(Run& run, const StreamHost& a, const StreamHost& b, const Conditions& conditions) {
  const u64 segments = conditions.most_octets / 200 + 100 * conditions.connections;
  const u64 frames = run.world.counters().sent;
  run.require(frames < 2000 + segments * 8, frames, " frames for ", conditions.most_octets, " octets");
  for (const StreamHost* host : {&a, &b}) {
    const u64 happened = run.world.counters().sent + run.world.counters().delivered;
    run.require(host->turns() < 5000 + happened * 4, host->turns(), " turns for ", happened, " frames");
  }
}

void transfer(Run& run, Sabotage sabotage) {
  Conditions conditions;
  const bool v4_only = run.one_in(2);
  if (sabotage == Sabotage::nothing) {
    draw_wire(run, conditions);
    draw_path(run, v4_only);
    draw_partitions(run);
  }
  if (sabotage == Sabotage::spoilt_unchecked) {
    run.world.wire().corruption = 3000;
    run.world.wire().checksums_trusted = true;
  }

  net::StackConfig config_a = small_stack();
  net::StackConfig config_b = small_stack();
  config_a.addresses = {{a4, 24}, {a6, 64}};
  config_b.addresses = {{b4, 24}, {b6, 64}};
  config_a.ipv6 = config_b.ipv6 = !v4_only;
  if (v4_only) std::erase_if(config_a.addresses, [](const auto& own) { return !own.address.is_v4(); });
  if (v4_only) std::erase_if(config_b.addresses, [](const auto& own) { return !own.address.is_v4(); });
  if (run.one_in(4)) config_b.tcp.receive_limit = 8 * 1024;
  if (run.one_in(4)) config_a.tcp.send_limit = 8 * 1024;
  StreamHost a(config_a, run.rng.next());
  StreamHost b(config_b, run.rng.next());
  const HostId id_a = run.world.add(mac_a, a, conditions.mtu_a);
  run.world.add(mac_b, b, conditions.mtu_b);
  run.world.run_for(settled);

  std::vector<Pair> pairs;
  conditions.connections = run.one_in(3) ? run.between(2, 5) : 1;
  Instant start = run.world.now();
  for (size_t i = 0; i < conditions.connections; ++i) {
    Pair pair = draw_pair(run);
    if (sabotage == Sabotage::wrong_octet || sabotage == Sabotage::spoilt_unchecked) {
      pair.client.sends = 50'000;
      pair.client.finish = pair.server.finish = StreamPlan::Finish::after_sending;
      if (sabotage == Sabotage::wrong_octet) pair.client.wrong_octet_at = run.below(50'000);
    }
    if (sabotage == Sabotage::never_reads) {
      pair.client.sends = std::max<u64>(pair.client.sends, 1);
      pair.client.finish = StreamPlan::Finish::after_sending;
      pair.server.finish = StreamPlan::Finish::after_end;
      pair.server.echo = false;
      pair.server.sends = 1;
      pair.server.read_at_once = 0;
    }
    conditions.most_octets += pair.client.sends + (pair.server.echo ? pair.client.sends : pair.server.sends);
    if (pair.client.read_pause > Duration{} || pair.server.read_pause > Duration{}) conditions.slow_reader = true;
    pairs.push_back(pair);
    const bool v4 = v4_only || run.one_in(2);
    const Port port(static_cast<u16>(1000 + i));
    b.listen({v4 ? IpAddress() : IpAddress::v6({}), port}, pair.server);
    start = start + Duration::milliseconds(static_cast<i64>(run.below(500)));
    run.world.at(start, [&a, &run, id_a, v4, port, pair] {
      a.connect(run.world.now(), {v4 ? b4 : b6, port}, pair.client);
      run.world.poke(id_a);
    });
  }

  const auto done = [&] {
    return a.ends() == pairs.size() && a.all_closed() && (b.all_closed() || b.stack().tcp().connections() == 0);
  };
  if (!run.world.run_until(done, longest_run)) {
    run.require(false, "connections do not end: ", a.stack().tcp().connections(), " and ", b.stack().tcp().connections(),
                " are left");
  }
  // What still stands in the queues of a slow wire may begin TIME-WAIT anew.
  run.require(run.world.run_until([&] { return run.world.frames_under_way() == 0; }, drained_after), "the wire never rests");
  run.world.run_for(two_msl + Duration::seconds(2));
  for (const StreamHost* host : {&a, &b}) {
    const net::tcp::Tcp& tcp = host->stack().tcp();
    run.require(tcp.connections() == tcp.half_open(), "connections outlive TIME-WAIT");
  }
  // A SYN that was doubled and came late opens half a connection, which the peer in TIME-WAIT may not end (RFC 1337).
  if (b.stack().tcp().half_open() != 0) run.world.run_for(half_open_for);
  for (size_t i = 0; i < pairs.size(); ++i) check_pair(run, pairs[i], a.end(i), b.end(i), conditions);
  check_nothing_left(run, a, "the client");
  check_nothing_left(run, b, "the server");
  check_counters(run, a, b, conditions);
  check_effort(run, a, b, conditions);
}

constexpr Scenario scenarios[] = {
    {.name = "transfer",
     .seeds = 10'000,
     .play = [](Run& run) { transfer(run, Sabotage::nothing); },
     .excused_per_thousand = 5},
    {.name = "a-wrong-octet-is-noticed",
     .seeds = 20,
     .play = [](Run& run) { transfer(run, Sabotage::wrong_octet); },
     .must_fail = true},
    {.name = "unchecked-corruption-is-noticed",
     .seeds = 20,
     .play = [](Run& run) { transfer(run, Sabotage::spoilt_unchecked); },
     .must_fail = true},
    {.name = "a-connection-that-never-ends-is-noticed",
     .seeds = 5,
     .play = [](Run& run) { transfer(run, Sabotage::never_reads); },
     .must_fail = true},
};

}  // namespace
}  // namespace samara::sim

int main(int argc, char** argv) {
  return samara::sim::run_scenarios(argc, argv, samara::sim::scenarios);
}
