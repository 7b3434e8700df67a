#include "platform/hal/sim/world.h"

#include <algorithm>

#include "platform/base/byte_order.h"
#include "platform/base/panic.h"

namespace samara::hal::sim {
namespace {

constexpr size_t ethernet_header = 14;
constexpr size_t slot_payload = 4032;
constexpr UnixTime epoch{1'700'000'000};
// Turns a handler may ask for without time going by.
constexpr int max_turns = 100'000;

}  // namespace

// The card of one host: frames that came in wait in an inbox; what is sent goes to the world at once.
class World::Card final : public Link {
 public:
  Card(World& world, HostId host, const std::array<u8, 6>& mac, u16 mtu) : world_(world), host_(host) {
    description_.mac = mac;
    description_.mtu = mtu;
    slot_.resize(FrameSlot::headroom + std::max<size_t>(slot_payload, mtu));
  }

  const LinkDescription& description() const override { return description_; }
  size_t receive(std::span<ReceivedFrame> burst) override {
    borrowed_.clear();
    while (borrowed_.size() < burst.size() && !inbox_.empty()) {
      borrowed_.push_back(std::move(inbox_.front()));
      inbox_.pop_front();
    }
    const FrameChecksum checksum = world_.wire_.checksums_trusted ? FrameChecksum::good : FrameChecksum::unchecked;
    for (size_t i = 0; i < borrowed_.size(); ++i) burst[i] = {.octets = borrowed_[i], .checksum = checksum};
    return borrowed_.size();
  }
  void release() override { borrowed_.clear(); }
  std::optional<FrameSlot> take_slot() override {
    if (slot_taken_) return std::nullopt;
    slot_taken_ = true;
    // Stale contents must not matter to anybody.
    std::ranges::fill(slot_, u8{0xa5});
    return FrameSlot(slot_);
  }
  void drop(const FrameSlot&) override { slot_taken_ = false; }
  void transmit(const FrameSlot& slot) override {
    slot_taken_ = false;
    world_.send(host_, slot.octets());
  }
  void flush() override {}
  bool congested() override { return false; }

  void put(std::vector<u8> frame) { inbox_.push_back(std::move(frame)); }
  bool has_input() const { return !inbox_.empty(); }
  void clear() {
    inbox_.clear();
    borrowed_.clear();
    slot_taken_ = false;
  }

 private:
  World& world_;
  HostId host_;
  LinkDescription description_;
  std::deque<std::vector<u8>> inbox_;
  std::vector<std::vector<u8>> borrowed_;
  std::vector<u8> slot_;
  bool slot_taken_ = false;
};

struct World::Host {
  Host(World& world, HostId number, const std::array<u8, 6>& mac, u16 mtu) : id(number), card(world, number, mac, mtu) {}
  HostId id;
  Card card;
  FrameHandler* handler = nullptr;  // none: without power
  Duration clock_error;
  std::deque<Instant> departures;  // of the frames that its transmitter still has
  bool poked = false;
};

struct World::Event {
  Instant at;
  u64 order = 0;
  HostId host = 0;
  std::vector<u8> frame;
  std::function<void()> action;  // instead of a frame
  // For a heap with the earliest on top.
  friend bool operator<(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
};

World::World(u64 seed, size_t captured) : seed_(seed), rng_(seed), capture_(captured) {}
World::~World() = default;

UnixTime World::wall(HostId host) const {
  return {epoch.seconds + (now_.since_boot() + hosts_[host]->clock_error).seconds()};
}

size_t World::frames_under_way() const {
  return static_cast<size_t>(std::ranges::count_if(events_, [](const Event& event) { return !event.action; }));
}

HostId World::add(const std::array<u8, 6>& mac, FrameHandler& handler, u16 mtu) {
  const auto id = static_cast<HostId>(hosts_.size());
  hosts_.push_back(std::make_unique<Host>(*this, id, mac, mtu));
  start(id, handler);
  return id;
}

void World::stop(HostId host) {
  hosts_[host]->handler = nullptr;
  hosts_[host]->card.clear();
}

void World::start(HostId host, FrameHandler& handler) {
  Host& started = *hosts_[host];
  started.handler = &handler;
  started.poked = true;
  handler.prepare(started.card.description());
  handler.start(now_, wall(host), started.card);
}

void World::set_clock_error(HostId host, Duration error) {
  hosts_[host]->clock_error = error;
}

void World::partition(HostId a, HostId b, bool cut) {
  const std::pair<HostId, HostId> pair = std::minmax(a, b);
  if (cut) {
    cut_.insert(pair);
  } else {
    cut_.erase(pair);
  }
}

void World::inject(HostId host, Bytes frame) {
  ++counters_.injected;
  capture_.add(now_, frame);
  deliver(host, Duration{}, frame);
}

void World::at(Instant when, std::function<void()> action) {
  Event event;
  event.at = std::max(when, now_);
  event.action = std::move(action);
  schedule(std::move(event));
}

void World::poke(HostId host) {
  hosts_[host]->poked = true;
}

void World::run_for(Duration time) {
  const Instant limit = now_ + time;
  while (step(limit)) {
  }
}

bool World::run_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = now_ + limit;
  while (!done()) {
    if (!step(end)) return done();
  }
  return true;
}

// A switch that knows who is where: to the one with the address, or to everybody else.
void World::send(HostId from, Bytes frame) {
  ++counters_.sent;
  if (frame.size() < ethernet_header) panic("a host sent a frame without a header");
  capture_.add(now_, frame);
  note(from, frame);
  if (frame.size() > ethernet_header + wire_.mtu) {
    ++counters_.too_long;
    if (on_too_long_) on_too_long_(from, frame);
    return;
  }
  Duration waiting;
  if (wire_.bits_per_second != 0) {
    const i64 each = static_cast<i64>(frame.size()) * 8 * 1'000'000'000 / static_cast<i64>(wire_.bits_per_second);
    std::deque<Instant>& queue = hosts_[from]->departures;
    while (!queue.empty() && queue.front() <= now_) queue.pop_front();
    if (queue.size() >= wire_.queue_frames) {
      ++counters_.overflowed;
      return;
    }
    const Instant idle = (queue.empty() ? now_ : queue.back()) + Duration::nanoseconds(each);
    queue.push_back(idle);
    waiting = idle - now_;
  }
  const bool group = (frame[0] & 1) != 0;
  std::vector<u8> changed;
  if (on_way_ && !group) {
    changed.assign(frame.begin(), frame.end());
    if (!on_way_(from, changed)) {
      ++counters_.lost;
      return;
    }
    frame = changed;
  }
  bool anybody = false;
  for (const auto& host : hosts_) {
    const bool addressed = group || std::ranges::equal(host->card.description().mac, frame.first(6));
    if (host->id == from || !addressed) continue;
    anybody = true;
    if (cut_.contains(std::minmax(from, host->id))) {
      ++counters_.partitioned;
      continue;
    }
    if (rng_.chance(wire_.loss)) {
      ++counters_.lost;
      continue;
    }
    Duration delay = waiting + wire_.delay;
    if (rng_.chance(wire_.reordering)) {
      ++counters_.held;
      delay = delay + rng_.up_to(wire_.hold);
    }
    delay = delay + rng_.up_to(wire_.jitter);
    deliver(host->id, delay, frame);
    if (rng_.chance(wire_.duplication)) {
      ++counters_.duplicated;
      deliver(host->id, delay + rng_.up_to(wire_.hold), frame);
    }
  }
  if (!anybody) ++counters_.unaddressed;
}

void World::deliver(HostId to, Duration delay, Bytes frame) {
  Event event;
  event.at = now_ + delay;
  event.host = to;
  event.frame.assign(frame.begin(), frame.end());
  if (rng_.chance(wire_.corruption)) {
    ++counters_.corrupted;
    const u64 bit = rng_.next() % (frame.size() * 8);
    event.frame[bit / 8] ^= static_cast<u8>(1u << (bit % 8));
  }
  schedule(std::move(event));
}

void World::schedule(Event event) {
  event.order = order_++;
  events_.push_back(std::move(event));
  std::push_heap(events_.begin(), events_.end());
}

// SplitMix64's multiplier; what matters is that nothing is forgotten.
void World::note(HostId host, Bytes frame) {
  const auto mix = [this](u64 word) {
    digest_ = (digest_ ^ word) * 0x9e3779b97f4a7c15;
    digest_ ^= digest_ >> 29;
  };
  mix(static_cast<u64>(now_.since_boot().nanoseconds()));
  mix(u64{host} << 32 | frame.size());
  size_t at = 0;
  for (; at + 8 <= frame.size(); at += 8) mix(load_le64(frame, at));
  for (; at < frame.size(); ++at) mix(frame[at]);
}

Instant World::next_event() const {
  Instant next = events_.empty() ? Instant::never() : events_.front().at;
  for (const auto& host : hosts_) {
    if (host->handler == nullptr) continue;
    next = std::min(next, host->poked ? now_ : std::max(now_, host->handler->next_deadline()));
  }
  return next;
}

// One moment: everything that happens in it. False: nothing does until `limit`, which it is now.
bool World::step(Instant limit) {
  const Instant next = next_event();
  if (next > limit) {
    now_ = limit;
    return false;
  }
  now_ = next;
  while (!events_.empty() && events_.front().at <= now_) {
    std::pop_heap(events_.begin(), events_.end());
    Event event = std::move(events_.back());
    events_.pop_back();
    if (event.action) {
      event.action();
    } else if (hosts_[event.host]->handler == nullptr) {
      ++counters_.powerless;
    } else {
      ++counters_.delivered;
      note(event.host, event.frame);
      hosts_[event.host]->card.put(std::move(event.frame));
    }
  }
  for (const auto& host : hosts_) take_turns(*host);
  return true;
}

void World::take_turns(Host& host) {
  if (host.handler == nullptr) return;
  bool more = host.poked || host.card.has_input() || host.handler->next_deadline() <= now_;
  host.poked = false;
  for (int turns = 0; more; ++turns) {
    if (turns == max_turns) panic("a simulated host asks for turns without end");
    more = host.handler->turn(now_, wall(host.id), host.card) || host.card.has_input();
    if (host.handler == nullptr) return;  // its own doing stopped it
  }
}

}  // namespace samara::hal::sim
