#include "platform/hal/boot/entropy.h"

#include <array>

#include "platform/hal/boot/clock.h"
#include "platform/hal/boot/cpu.h"

namespace samara::hal {
namespace {

constexpr u32 retries = 100;

// What two copies of a machine have in common is what they ask in so long.
constexpr Duration stir_interval = Duration::seconds(2);
// Devices are not waited for but looked at again after so long.
constexpr Duration answer_time = Duration::milliseconds(10);

// Intel's Software Developer's Manual, volume 1, section 7.3.17: carry says that there is a number.
bool seed_word(u64& into) {
  u8 good;
  asm volatile("rdseed %0; setc %1" : "=r"(into), "=qm"(good) : : "cc");
  return good != 0;
}
bool random_word(u64& into) {
  u8 good;
  asm volatile("rdrand %0; setc %1" : "=r"(into), "=qm"(good) : : "cc");
  return good != 0;
}

using Words = std::array<u64, 8>;

// Fills `words`; false when the processor cannot, or gives what is no random number (some give ones for ever).
bool processor_words(Words& words) {
  constexpr u32 leaf_1_rdrand = 30;
  constexpr u32 leaf_7_rdseed = 18;
  const bool has_seed = cpuid(0).eax >= 7 && bit(cpuid(7).ebx, leaf_7_rdseed);
  const bool has_random = bit(cpuid(1).ecx, leaf_1_rdrand);
  u64 last = UINT64_MAX;
  for (u64& word : words) {
    bool good = false;
    for (u32 i = 0; has_seed && i < retries && !good; ++i) good = seed_word(word);
    for (u32 i = 0; has_random && i < retries && !good; ++i) good = random_word(word);
    if (!good || word == last || word == 0) return false;
    last = word;
  }
  return true;
}

Bytes octets_of(const Words& words) {
  return {reinterpret_cast<const u8*>(words.data()), sizeof(Words)};
}

}  // namespace

Result<std::unique_ptr<EntropyPool>, Refusal> EntropyPool::gather(virtio::Transport* device, Bytes seed, UnixTime wall) {
  std::unique_ptr<EntropyPool> pool(new EntropyPool(std::array<u8, crypto::Drbg::seed_size>{}));
  if (device != nullptr) pool->device_ = virtio::EntropyDevice::open(*device);
  virtio::EntropyDevice* const source = pool->device_.get();
  Words words{};
  pool->sources_.processor = processor_words(words);
  pool->drbg_.reseed(octets_of(words));
  if (source != nullptr) {
    const Instant limit = clock::now() + Duration::seconds(1);
    Bytes given = source->poll();
    while (!pool->sources_.processor && given.empty() && clock::now() < limit) given = source->poll();
    // The seed of a DRBG is 32 octets: fewer do not make one.
    pool->sources_.device = given.size() >= crypto::Drbg::seed_size;
    pool->drbg_.reseed(given);
  }
  pool->sources_.seed = seed.size() >= crypto::Drbg::seed_size;
  pool->drbg_.reseed(seed);
  words = {read_tsc(), static_cast<u64>(wall.seconds)};  // worth little; makes two runs from one seed differ
  pool->drbg_.reseed(octets_of(words));
  const EntropySources& from = pool->sources_;
  if (!from.processor && !from.device && !from.seed) {
    return fail(
        Refusal(ExitCode::unavailable,
                "no entropy: the processor has no RDRAND, there is no virtio-rng device, and the boot configuration has "
                "no entropy-seed; give the machine one of them (QEMU: -device virtio-rng-device or virtio-rng-pci)"));
  }
  return pool;
}

// False: the processor has no random source, and what was mixed in is worth little.
bool EntropyPool::stir(Instant now) {
  Words words{};
  const bool good = processor_words(words);
  crypto::Drbg::stir_all(octets_of(words));
  words = {read_tsc()};
  crypto::Drbg::stir_all(octets_of(words));
  stir_at_ = next_look_ = now + stir_interval;
  if (device_ != nullptr) {
    device_->ask();
    next_look_ = now + answer_time;
  }
  return good;
}

bool EntropyPool::stir_from_device() {
  if (device_ == nullptr) return false;
  const Bytes given = device_->poll();
  crypto::Drbg::stir_all(given);
  return given.size() >= crypto::Drbg::seed_size;
}

bool EntropyPool::look(Instant now) {
  const bool came = stir_from_device() && device_awaited_;
  if (came) device_awaited_ = false;
  if (now >= stir_at_) {
    stir(now);
  } else {
    next_look_ = stir_at_;
  }
  return came;
}

void EntropyPool::on_copy(Instant now, Bytes sign) {
  crypto::Drbg::stir_all(sign);
  stir_from_device();  // what was given before is in each copy; what is asked for from here on is not
  device_awaited_ = !stir(now) && device_ != nullptr;
}

Entropy EntropyPool::take() {
  Entropy octets;
  drbg_.fill(octets);
  return octets;
}

}  // namespace samara::hal
