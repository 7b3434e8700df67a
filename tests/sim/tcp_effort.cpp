// What our TCP does about a fault it does within a budget that follows from this fault: so much virtual time, so many segments
// sent again, so many time-outs. Each run is played twice, without its faults first: what that takes is no fault's doing.
#include <algorithm>
#include <bit>
#include <functional>
#include <vector>

#include "tests/sim/on_way.h"
#include "tests/sim/runner.h"
#include "tests/sim/stream_host.h"

namespace samara::sim {
namespace {

using hal::sim::HostId;

constexpr std::array<u8, 6> sender_mac{2, 0, 0, 0, 0, 0xa};
constexpr std::array<u8, 6> receiver_mac{2, 0, 0, 0, 0, 0xb};
const IpAddress sender_address = IpAddress::v4({192, 0, 2, 1});
const IpAddress receiver_address = IpAddress::v4({192, 0, 2, 2});
constexpr HostId sender_id = 0;
constexpr HostId receiver_id = 1;
constexpr Port port{1000};
// Addresses are ours after duplicate address detection.
constexpr Duration settled = Duration::seconds(4);
constexpr Duration longest_run = Duration::seconds(4 * 3600);
constexpr u32 full_segment = 1448;
constexpr u64 window_segments = 65'536 / full_segment + 1;
// platform/net/tcp/round_trip.h, send_half.cpp.
constexpr Duration least_timeout = Duration::milliseconds(200);
constexpr Duration longest_timeout = Duration::seconds(60);
constexpr u64 most_tail_probes = 3;
// An acknowledgement may be delayed by that, and a probe of the tail waits for as much.
constexpr Duration ack_delay = Duration::milliseconds(100);

Duration milliseconds(u64 n) {
  return Duration::milliseconds(static_cast<i64>(n));
}

// One connection that carries octets one way.
class Transfer {
 public:
  Transfer(Run& run, u64 octets)
      : run_(run), sender_(config(sender_address), run.rng.next()), receiver_(config(receiver_address), run.rng.next()) {
    run.world.add(sender_mac, sender_);
    run.world.add(receiver_mac, receiver_);
    run.world.run_for(settled);
    StreamPlan plan;
    plan.options.user_timeout = Duration::seconds(1800);
    plan.options.no_delay = run.one_in(2);
    StreamPlan reads = plan;
    plan.key_out = reads.key_in = run.rng.next();
    plan.sends = octets;
    reads.finish = StreamPlan::Finish::after_end;
    receiver_.listen({IpAddress(), port}, reads);
    begin_ = run.world.now();
    sender_.connect(begin_, {receiver_address, port}, plan);
    run.world.poke(sender_id);
  }

  // Everything has arrived, and arrived right.
  bool done() const { return receiver_.ends() == 1 && receiver_.end(0).ended; }
  Duration finish() {
    run_.require(run_.world.run_until([this] { return done(); }, longest_run),
                 "octets are missing: ", receiver_.end(0).received, " of ", sender_.end(0).plan.sends, " have arrived");
    run_.require(!receiver_.end(0).wrong.has_value(), "a stream went wrong: ", receiver_.end(0).wrong.value_or(""));
    run_.require(receiver_.end(0).received == sender_.end(0).plan.sends, "octets are missing");
    return run_.world.now() - begin_;
  }
  Instant begin() const { return begin_; }
  const net::tcp::Counters& sent() const { return sender_.stack().tcp().counters(); }
  const net::tcp::Counters& answered() const { return receiver_.stack().tcp().counters(); }

 private:
  static net::StackConfig config(const IpAddress& address) {
    net::StackConfig config = small_stack();
    config.addresses = {{address, 24}};
    config.ipv6 = false;
    return config;
  }

  Run& run_;
  StreamHost sender_;
  StreamHost receiver_;
  Instant begin_;
};

// A line without faults, and how much goes over it.
struct Line {
  u64 octets = 0;
  Duration round_trip;

  explicit Line(Run& run) : octets(run.between(100'000, 500'000)) {
    hal::sim::Wire& wire = run.world.wire();
    wire.delay = Duration::microseconds(static_cast<i64>(20) << run.below(13));
    if (run.one_in(3)) wire.bits_per_second = u64{8'000'000} << run.below(8);
    round_trip = wire.delay * 2;
    // What waits in the transmitter is a window at most.
    if (wire.bits_per_second != 0)
      round_trip = round_trip + Duration::microseconds(static_cast<i64>(65'536 * 8 * u64{1'000'000} / wire.bits_per_second));
  }
};

// How often the line itself makes a sender probe the tail (RFC 8985 section 7.2). A narrow one takes longer for a window than
// two round trips of what was under way before: once for each doubling of the receiver's window from 16 to 64 KiB, and once at
// the end. Other lines give no reason.
u64 probes_of(Run& run) {
  return run.world.wire().bits_per_second != 0 ? 3 : 0;
}

// The same run, with nothing on the way: how long that takes.
Duration without_faults(const Run& run) {
  Run twin(run.seed, 0);
  const Line line(twin);
  Transfer transfer(twin, line.octets);
  const Duration time = transfer.finish();
  const u64 probes = transfer.sent().tail_probes;
  twin.require(probes <= probes_of(twin), "the tail was probed ", probes, " times");
  twin.require(transfer.sent().retransmitted - probes + transfer.sent().timeouts + transfer.answered().timeouts == 0,
               "something was sent twice on a wire that loses nothing");
  return time;
}

// ---- single losses ------------------------------------------------------------------------------------------------------

// Each is seen by what arrives after it (RFC 8985 section 6), at the tail by a probe: a segment again, and no time-out.
void single_losses(Run& run) {
  const Duration clean = without_faults(run);
  const Line line(run);
  Transfer transfer(run, line.octets);
  std::vector<u64> lose;  // segments of data, by their number
  const u64 segments = line.octets / full_segment;
  const u64 losses = run.between(1, 4);
  for (u64 i = 0; i < losses; ++i) lose.push_back(segments / losses * i + run.between(1, segments / losses - 1));
  u64 number = 0;
  std::optional<u32> newest;
  run.world.on_way([&](HostId from, MutableBytes frame) {
    const auto segment = SegmentOnWay::in(frame);
    if (from != sender_id || !segment || segment->data() == 0) return true;
    const u32 end = segment->seq() + segment->data();
    if (newest.has_value() && static_cast<i32>(end - *newest) <= 0) return true;  // again
    newest = end;
    return std::ranges::find(lose, number++) == lose.end();
  });
  const Duration time = transfer.finish();
  run.require(transfer.sent().timeouts == 0, transfer.sent().timeouts, " time-outs for ", losses, " single losses");
  run.require(transfer.sent().retransmitted <= losses * 2 + probes_of(run), transfer.sent().retransmitted,
              " segments again for ", losses, " lost");
  // To see it, to send it again, and a delayed acknowledgement; and then the window is a half, which at most doubles what is
  // left.
  const Duration budget = clean * 2 + (line.round_trip * 4 + ack_delay) * static_cast<i64>(losses);
  run.require(time <= budget, time.milliseconds(), " ms, where ", clean.milliseconds(), " are needed, for ", losses, " losses");
}

// ---- an outage ----------------------------------------------------------------------------------------------------------

// RFC 6298 section 5.5: each time-out is twice the one before, up to a minute.
u64 most_timeouts(Duration outage) {
  const auto times = static_cast<u64>(outage.nanoseconds() / least_timeout.nanoseconds());
  return 1 + static_cast<u64>(std::bit_width(times + 1)) +
         static_cast<u64>(outage.nanoseconds() / longest_timeout.nanoseconds());
}

void outage(Run& run) {
  const Duration clean = without_faults(run);
  const Line line(run);
  Transfer transfer(run, line.octets);
  const Duration length = milliseconds(run.between(100, u64{200} << run.below(12)));
  // Once the connection stands: the neighbour is found and the SYN answered.
  const Duration stands = run.world.wire().delay * 6;
  const i64 share = static_cast<i64>(run.between(1, 95));
  const Instant from = transfer.begin() + stands + Duration::nanoseconds((clean - stands).nanoseconds() / 100 * share);
  u64 sent_before = 0;
  u64 sent_within = 0;
  run.world.at(from, [&] {
    run.world.partition(sender_id, receiver_id, true);
    sent_before = transfer.sent().segments_out;
  });
  run.world.at(from + length, [&] {
    run.world.partition(sender_id, receiver_id, false);
    sent_within = transfer.sent().segments_out - sent_before;
  });
  const Duration time = transfer.finish();
  const u64 timeouts = most_timeouts(length);
  run.require(transfer.sent().timeouts <= timeouts, transfer.sent().timeouts, " time-outs for an outage of ",
              length.milliseconds(), " ms; at most ", timeouts);
  // What the window still lets go, probes of the tail, and one segment for each time-out.
  const u64 within = window_segments + most_tail_probes + timeouts;
  run.require(sent_within <= within, sent_within, " segments into an outage of ", length.milliseconds(), " ms; at most ",
              within);
  // Its last time-out began within the outage, and is no longer than that, but for the first.
  const Duration wait = std::min(length + least_timeout + line.round_trip * 3, longest_timeout);
  const Duration budget = clean * 3 + length + wait + Duration::seconds(3) + line.round_trip * 10;
  run.require(time <= budget, time.milliseconds(), " ms, where ", clean.milliseconds(), " are needed, for an outage of ",
              length.milliseconds(), " ms");
}

// ---- peers that are odd -------------------------------------------------------------------------------------------------

// RFC 2018 section 8: the receiver reports octets, throws them away and reports them no more. Nobody can know before time is
// up.
void reneging(Run& run) {
  const Duration clean = without_faults(run);
  const Line line(run);
  Transfer transfer(run, line.octets);
  const u64 segments = line.octets / full_segment;
  const u64 target = run.between(1, segments - 20);  // with more behind it, so that there is something to report
  u64 number = 0;
  std::optional<u32> newest;
  std::optional<std::pair<u32, u32>> thrown_away;
  bool again = false;
  run.world.on_way([&](HostId from, MutableBytes frame) {
    auto segment = SegmentOnWay::in(frame);
    if (!segment || segment->syn()) return true;
    if (from == sender_id) {
      if (segment->data() == 0) return true;
      const u32 end = segment->seq() + segment->data();
      if (thrown_away.has_value() && segment->seq() == thrown_away->first) again = true;
      if (newest.has_value() && static_cast<i32>(end - *newest) <= 0) return true;
      newest = end;
      if (number++ != target) return true;
      thrown_away = {segment->seq(), end};
      return false;
    }
    const auto sack = segment->option(SegmentOnWay::option_sack);
    if (!sack || !thrown_away || again) return true;
    for (size_t at = sack->at; at + 8 <= sack->at + sack->size; at += 8) {
      if (segment->word(at) == thrown_away->second) segment->set_word(at, thrown_away->first);
    }
    return true;
  });
  const Duration time = transfer.finish();
  // What is reported is believed until time is up; then the left edge goes again, whatever was reported of it.
  run.require(transfer.sent().timeouts <= 1, transfer.sent().timeouts, " time-outs for one report that did not hold");
  run.require(transfer.sent().retransmitted <= window_segments + most_tail_probes + 1, transfer.sent().retransmitted,
              " segments again");
  const Duration first_timeout = least_timeout + line.round_trip * 3;
  const Duration budget = clean * 3 + first_timeout + line.round_trip * 10 + ack_delay * 3;
  run.require(time <= budget, time.milliseconds(), " ms, where ", clean.milliseconds(), " are needed, for one report");
}

// Changes one in so many segments. `change` says how many segments may be sent again for that; nothing: it has changed none.
using Change = std::function<std::optional<u64>(HostId, SegmentOnWay&)>;

void odd_peer(Run& run, const Change& change) {
  const Duration clean = without_faults(run);
  const Line line(run);
  Transfer transfer(run, line.octets);
  const u64 one_in = run.between(8, 64);
  u64 oddities = 0;
  u64 again = 0;
  run.world.on_way([&](HostId from, MutableBytes frame) {
    auto segment = SegmentOnWay::in(frame);
    if (!segment || segment->syn() || segment->rst() || !run.one_in(one_in)) return true;
    if (const auto cost = change(from, *segment)) {
      ++oddities;
      again += *cost;
    }
    return true;
  });
  const Duration time = transfer.finish();
  // Each may cost what a loss costs, and where it hits what was sent again, or the last word of a window, a time-out.
  const Duration timeout = least_timeout + line.round_trip * 3;
  const Duration budget = clean * 2 + (line.round_trip * 4 + timeout) * static_cast<i64>(oddities + 1);
  run.require(time <= budget, time.milliseconds(), " ms, where ", clean.milliseconds(), " are needed, for ", oddities,
              " oddities");
  run.require(transfer.sent().timeouts <= oddities, transfer.sent().timeouts, " time-outs for ", oddities, " oddities");
  const u64 most = again + window_segments * transfer.sent().timeouts;
  run.require(transfer.sent().retransmitted <= most + probes_of(run), transfer.sent().retransmitted, " segments again for ",
              oddities, " oddities; at most ", most);
}

// RFC 7323 section 5.3: what is older than the newest is thrown away and acknowledged.
void timestamps_out_of_order(Run& run) {
  odd_peer(run, [&run](HostId, SegmentOnWay& segment) -> std::optional<u64> {
    const auto place = segment.option(SegmentOnWay::option_timestamps);
    if (!place || place->size != 8) return std::nullopt;
    segment.set_word(place->at, segment.word(place->at) - static_cast<u32>(run.between(1, 50)));
    return 2;
  });
}

// RFC 9293 section 3.8.6 (SHLD-14, MUST-34): the right edge of the window moves left, sometimes to the left edge. When it opens
// again, what was under way may have been thrown away, and is sent again.
void windows_move_back(Run& run) {
  odd_peer(run, [&run](HostId from, SegmentOnWay& segment) -> std::optional<u64> {
    if (from != receiver_id || segment.window() == 0) return std::nullopt;
    const u16 window = run.one_in(4) ? u16{0} : static_cast<u16>(segment.window() >> run.between(1, 8));
    segment.set_window(window);
    return window == 0 ? window_segments : 2;
  });
}

constexpr Scenario scenarios[] = {
    {.name = "single-losses", .seeds = 1000, .play = single_losses},
    {.name = "outage", .seeds = 1000, .play = outage},
    {.name = "reneging", .seeds = 1000, .play = reneging},
    {.name = "timestamps-out-of-order", .seeds = 500, .play = timestamps_out_of_order},
    {.name = "windows-move-back", .seeds = 500, .play = windows_move_back},
};

}  // namespace
}  // namespace samara::sim

int main(int argc, char** argv) {
  return samara::sim::run_scenarios(argc, argv, samara::sim::scenarios);
}
