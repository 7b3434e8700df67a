#include "tests/sim/machine.h"

#include <algorithm>

#include "platform/base/panic.h"
#include "platform/hal/local_loader.h"
#include "tests/sim/fiber.h"

namespace samara::sim {
namespace {

Machine* booting_machine = nullptr;

// Ends an image where it stands.
struct PowerOff {};

// Each boot begins at the same moment of the machine's own clock.
constexpr Instant first_moment = Instant::since_boot(Duration::seconds(1));
constexpr i64 million = 1'000'000;

hal::Entropy draw(hal::sim::SeededRng& rng) {
  hal::Entropy entropy{};
  rng.fill(entropy);
  return entropy;
}

}  // namespace

// ---- what the image stands on -----------------------------------------------------------------------------------------

class Machine::Loader final : public hal::LocalLoader {
 public:
  Loader(Machine& machine, u64 region_size) : machine_(machine), region_(region_size), entropy_(draw(machine.rng_)) {}

  MutableBytes region() override { return region_; }
  Bytes memory() const { return region_; }
  // Reads as zero again: what still refers to it is noticed.
  void release(size_t offset, size_t length) override {
    std::ranges::fill(MutableBytes(region_).subspan(offset, std::min(length, region_.size() - offset)), u8{0});
  }
  void forget(std::string_view) override {}
  u64 publish(u64 root) override {
    const u64 generation = LocalLoader::publish(root);
    if (machine_.published_) machine_.published_(root);
    return generation;
  }
  bool send(u32 worker, Bytes message) override {
    if (!LocalLoader::send(worker, message)) return false;
    if (machine_.said_) machine_.said_(false, message);
    return true;
  }
  Instant now() const override { return machine_.now(); }
  UnixTime wall() const override { return machine_.wall(); }
  const hal::Entropy& entropy() const override { return entropy_; }
  hal::Storage* storage() override { return machine_.storage_; }

 private:
  Machine& machine_;
  std::vector<u8> region_;
  hal::Entropy entropy_;
};

// The role, and what its worker says to it.
class Machine::EavesdroppedRole final : public hal::Role {
 public:
  EavesdroppedRole(Machine& machine, hal::Role& role) : machine_(machine), role_(role) {}
  Result<hal::Plan, hal::Refusal> configure(Bytes blob, const hal::Entropy& entropy) override {
    return role_.configure(blob, entropy);
  }
  Result<u64, hal::Refusal> load(Bytes blob, hal::Loader& loader) override { return role_.load(blob, loader); }
  void serve(hal::Worker& worker) override { role_.serve(worker); }
  hal::Reply on_request(u32 kind, Bytes payload, hal::Loader& loader) override {
    return role_.on_request(kind, payload, loader);
  }
  void on_released(hal::Loader& loader) override { role_.on_released(loader); }
  void on_message(u32 worker, Bytes message, hal::Loader& loader) override {
    role_.on_message(worker, message, loader);
    if (machine_.said_) machine_.said_(true, message);
  }
  Instant next_deadline() override { return role_.next_deadline(); }
  void on_deadline(hal::Loader& loader) override { role_.on_deadline(loader); }

 private:
  Machine& machine_;
  hal::Role& role_;
};

// The card of the world, with a count of what is sent.
class Machine::CountedLink final : public hal::Link {
 public:
  CountedLink(Machine& machine, hal::Link& card) : machine_(machine), card_(card) {}
  const hal::LinkDescription& description() const override { return card_.description(); }
  size_t receive(std::span<ReceivedFrame> burst) override { return card_.receive(burst); }
  void release() override { card_.release(); }
  std::optional<FrameSlot> take_slot() override { return card_.take_slot(); }
  void drop(const FrameSlot& slot) override { card_.drop(slot); }
  void transmit(const FrameSlot& slot) override {
    machine_.count_frame();
    card_.transmit(slot);
  }
  void flush() override { card_.flush(); }
  bool congested() override { return card_.congested(); }

 private:
  Machine& machine_;
  hal::Link& card_;
};

// Loader and worker as a handler of the world, by the machine's own clock.
class Machine::Front final : public hal::FrameHandler {
 public:
  Front(Machine& machine, hal::FrameHandler& inner) : machine_(machine), inner_(inner) {}
  void prepare(const hal::LinkDescription& link) override { inner_.prepare(link); }
  void start(Instant now, UnixTime, hal::Link& link) override {
    CountedLink counted(machine_, link);
    inner_.start(machine_.local(now), machine_.wall(), counted);
  }
  bool turn(Instant now, UnixTime, hal::Link& link) override {
    CountedLink counted(machine_, link);
    return inner_.turn(machine_.local(now), machine_.wall(), counted);
  }
  Instant next_deadline() const override { return machine_.world_time(inner_.next_deadline()); }
  void on_publication(Instant, u64, u64) override {}
  u64 oldest_generation() const override { return inner_.oldest_generation(); }
  bool poll_ready(TextWriter& out) override { return inner_.poll_ready(out); }
  bool poll_trouble(TextWriter& out) override { return inner_.poll_trouble(out); }

 private:
  Machine& machine_;
  hal::FrameHandler& inner_;
};

// From power_on() to power_off().
struct Machine::Life {
  Life(Machine& machine, std::vector<u8> boot_blob)
      : blob(std::move(boot_blob)), fiber([&machine] {
          char name[] = "image";
          char* arguments[] = {name, nullptr};
          try {
            machine.image_(1, arguments);
          } catch (const PowerOff&) {
          }
        }) {}

  std::vector<u8> blob;
  bool off = false;
  std::unique_ptr<Loader> loader;
  hal::FrameHandler* loop = nullptr;
  std::unique_ptr<EavesdroppedRole> role;
  std::unique_ptr<hal::LoaderAndWorker> both;
  std::unique_ptr<Front> front;
  Fiber fiber;
};

class Machine::Worker final : public hal::Worker {
 public:
  Worker(Life& life, const hal::Plan& plan, const hal::Entropy& entropy) : life_(life), plan_(plan), entropy_(entropy) {}
  u32 index() const override { return 0; }
  u32 max_streams() const override { return plan_.max_streams; }
  u32 client_streams() const override { return plan_.client_streams; }
  bool client_datagrams() const override { return plan_.client_datagrams; }
  const hal::Entropy& entropy() const override { return entropy_; }
  Bytes region() const override { return life_.loader->memory(); }
  bool has_link() const override { return true; }
  [[noreturn]] void run_frames(hal::FrameHandler& handler) override {
    life_.loop = &handler;
    while (!life_.off) life_.fiber.leave();
    throw PowerOff();
  }

 protected:
  [[noreturn]] void run_application(hal::WorkerApplicationRef) override { panic("a simulated machine has no sockets"); }

 private:
  Life& life_;
  const hal::Plan& plan_;
  hal::Entropy entropy_;
};

// ---- the machine --------------------------------------------------------------------------------------------------------

Machine::Machine(hal::sim::World& world, const std::array<u8, 6>& mac, Main image, u64 seed)
    : world_(world), mac_(mac), image_(image), rng_(seed) {}

Machine::~Machine() {
  power_off();
}

Machine& Machine::booting() {
  if (booting_machine == nullptr) panic("an image runs without a machine");
  return *booting_machine;
}

int Machine::run(hal::Role& role) {
  Life& life = *life_;
  const auto plan = role.configure(life.blob, draw(rng_));
  if (!plan.ok()) panic(plan.error().text());
  life.loader = std::make_unique<Loader>(*this, plan.value().region_size);
  const auto root = role.load(life.blob, *life.loader);
  if (!root.ok()) panic(root.error().text());
  life.loader->publish(root.value());
  life.role = std::make_unique<EavesdroppedRole>(*this, role);
  Worker worker(life, plan.value(), draw(rng_));
  role.serve(worker);
  return 0;
}

void Machine::power_on(std::vector<u8> blob) {
  if (life_ != nullptr) return;
  booted_ = world_.now();
  life_ = std::make_unique<Life>(*this, std::move(blob));
  booting_machine = this;
  life_->fiber.resume();
  booting_machine = nullptr;
  if (life_->loop == nullptr) panic("an image ended instead of serving");
  life_->both = std::make_unique<hal::LoaderAndWorker>(*life_->role, *life_->loader, *life_->loop);
  life_->front = std::make_unique<Front>(*this, *life_->both);
  if (id_.has_value()) {
    world_.start(*id_, *life_->front);
  } else {
    id_ = world_.add(mac_, *life_->front);
  }
}

void Machine::power_off() {
  if (life_ == nullptr) return;
  if (id_.has_value()) world_.stop(*id_);
  life_->off = true;
  if (!life_->fiber.done()) life_->fiber.resume();
  life_.reset();
}

zone::ZoneSet Machine::zones() const {
  return {zone::MemoryView(life_->loader->memory()), static_cast<zone::Ref>(life_->loader->publication().root)};
}

const net::Stack& Machine::stack() const {
  const auto* loop = dynamic_cast<const runtime::FrameLoop*>(life_->loop);
  if (loop == nullptr) panic("the loop is not the one over our stack");
  return loop->stack();
}

size_t Machine::memory_in_use() const {
  const Bytes region = life_->loader->memory();
  return region.size() - static_cast<size_t>(std::ranges::count(region, u8{0}));
}

void Machine::count_frame() {
  if (minute_ != minute_now()) frames_ = 0;
  minute_ = minute_now();
  ++all_frames_;
  most_frames_ = std::max(most_frames_, ++frames_);
}

Instant Machine::local(Instant world) const {
  const i64 passed = (world - booted_).nanoseconds();
  return first_moment +
         Duration::nanoseconds(passed + passed / million * clock_.drift + passed % million * clock_.drift / million);
}

// The first moment at which it is `wanted` by the machine's clock.
Instant Machine::world_time(Instant wanted) const {
  if (wanted == Instant::never()) return wanted;
  if (wanted <= first_moment) return booted_;
  const i64 passed = (wanted - first_moment).nanoseconds();
  const i64 parts = million + clock_.drift;
  Instant world = booted_ + Duration::nanoseconds(passed / parts * million + passed % parts * million / parts);
  while (local(world) < wanted) world = world + Duration::nanoseconds(1);
  return world;
}

}  // namespace samara::sim

namespace samara::hal {

int run(int, char**, std::string_view, Role& role) {
  return samara::sim::Machine::booting().run(role);
}

}  // namespace samara::hal
