// A store of zones on a storage of arbitrary content: it opens or refuses, what it restores is made of whole records or
// refused, it goes on from there within the storage, and what it then writes is there when it is opened again.
//
// Input: a list of pieces that are laid on a storage of 512 KiB with a good half header, or none, at its front:
//   octet 0: bit 0: no good header; bit 1: the entries' checksums are made good
//   then, again and again: where (16 bits, in blocks), kind (octet), size of the rest (16 bits), octets
#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "zone/store/zone_store.h"

using namespace samara;
using namespace samara::zone::store;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

class CountingRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>((state_ = state_ * 6364136223846793005U + 1442695040888963407U) >> 56);
  }

 private:
  u64 state_ = 1;
};

class Memory final : public hal::Storage {
 public:
  explicit Memory(size_t size) : octets(size) {}
  std::vector<u8> octets;
  u64 read_octets = 0;

  u64 size() const override { return octets.size(); }
  u32 block_size() const override { return 512; }
  Result<void, hal::StorageError> read(u64 offset, MutableBytes into) override {
    require(hal::fits(*this, offset, into.size()));
    read_octets += into.size();
    std::ranges::copy(MutableBytes(octets).subspan(offset, into.size()), into.begin());
    return {};
  }
  Result<void, hal::StorageError> write(u64 offset, Bytes from) override {
    require(hal::fits(*this, offset, from.size()));
    std::ranges::copy(from, MutableBytes(octets).subspan(offset, from.size()).begin());
    return {};
  }
  Result<void, hal::StorageError> flush() override { return {}; }
};

// Counts the records of whole groups.
class Counter final : public ZoneVisitor {
 public:
  bool on_batch(const RecordBatch& batch) override {
    for (dns::RecordImages images(batch.records); images.next().has_value();) ++begun_;
    octets_ += batch.records.size();
    require(octets_ <= min_store_size);
    if (batch.last) records += std::exchange(begun_, 0);
    return true;
  }
  u64 records = 0;

 private:
  u64 begun_ = 0;
  u64 octets_ = 0;
};

struct Content {
  dns::Name zone;
  u32 serial;
  u64 records;
  bool operator==(const Content&) const = default;
};

// Restores every zone, which also finds the damage that only a payload's checksum shows; what is left, by name.
std::vector<Content> read_all(ZoneStore& store) {
  std::vector<dns::Name> names;
  store.each([&](const ZoneSummary& zone) { names.push_back(zone.name); });
  require(names.size() == store.zone_count());
  std::vector<Content> found;
  for (const dns::Name& name : names) {
    Counter counter;
    const auto restored = store.restore(name, counter);
    require(restored.ok() || restored.error() == StoreError::damaged);
    const auto summary = store.find(name);
    require(summary.has_value() == restored.ok());
    if (!summary.has_value()) continue;
    require(summary->serial == restored.value().serial);
    found.push_back({name, restored.value().serial.value(), counter.records});
  }
  require(found.size() == store.zone_count());
  std::ranges::sort(found, [](const Content& a, const Content& b) {
    return std::ranges::lexicographical_compare(a.zone.wire(), b.zone.wire());
  });
  return found;
}

constexpr u64 instance = 0x1234;

void lay_out(Memory& storage, Bytes input) {
  const Layout layout(min_store_size, 512);
  const u8 options = input.front();
  input = input.subspan(1);
  HalfHeader half{.generation = 1,
                  .instance = instance,
                  .size = min_store_size,
                  .block = 512,
                  .reach = layout.end(0),
                  .solid = layout.log_begin(0),
                  .solid_hash = 0,
                  .solid_sequence = 0,
                  .key = {}};
  if ((options & 1) == 0) half.write(MutableBytes(storage.octets).first(512));
  u64 previous = instance;
  u64 sequence = 0;
  u64 next = layout.log_begin(0);
  while (input.size() >= 5) {
    u64 at = u64{load_be16(input)} * 512 % min_store_size;
    const u8 kind = input[2];
    const Bytes rest = input.subspan(5, std::min<size_t>(load_be16(input, 3), input.size() - 5));
    input = input.subspan(5 + rest.size());
    if ((options & 2) == 0) {
      const size_t room = static_cast<size_t>(min_store_size - at);
      std::ranges::copy(rest.first(std::min(rest.size(), room)), MutableBytes(storage.octets).subspan(at).begin());
      continue;
    }
    // Numbers of a good entry, but those that are taken from the input: name, part, group, follows, serials, payload.
    if (at >= 512) at = next;
    if (rest.size() < 12 || at % 512 != 0 || min_store_size - at < max_entry_size) continue;
    EntryHeader header;
    header.kind = static_cast<Kind>(kind & 7);
    header.last = (kind & 8) != 0;
    header.part = rest[0] & 3;
    header.group = rest[1] & 15;
    header.follows = rest[2] & 15;
    header.from = rest[3] & 3;
    header.to = rest[4] & 3;
    header.sequence = sequence += 1 + (kind >> 6);
    header.durable = std::min<u64>(rest[5], header.sequence - 1);
    header.previous = (kind & 32) != 0 ? 0 : previous;
    const std::array<u8, 3> name{1, static_cast<u8>('a' + (rest[6] & 3)), 0};
    ByteReader reader(name);
    header.zone = MUST(dns::Name::from_wire(reader));
    const Bytes payload = rest.subspan(7);
    header.payload_size = static_cast<u32>(payload.size());
    header.payload_hash = crypto::siphash24(half.key, payload) + ((kind & 16) != 0 ? 1 : 0);
    const MutableBytes there = MutableBytes(storage.octets).subspan(at);
    previous = write_entry_header(header, {half.key, instance, at}, there);
    std::ranges::copy(payload, there.subspan(header.size()).begin());
    next = at + header.total_size(512);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  if (size < 1) return 0;
  Memory storage(min_store_size);
  lay_out(storage, Bytes(data, size));
  CountingRng rng;
  auto opened = ZoneStore::open(storage, rng);
  if (!opened.ok()) return 0;
  ZoneStore& store = *opened.value();
  require(storage.read_octets < 64 * min_store_size);
  read_all(store);

  const std::array<u8, 3> name{1, 'a', 0};
  ByteReader reader(name);
  const dns::Name zone = MUST(dns::Name::from_wire(reader));
  std::vector<u8> rdata(3000, 7);
  bool kept = false;
  for (u32 i = 0; i < 3; ++i) {
    auto writer = store.begin_snapshot(zone, dns::Serial(i));
    require(writer.ok());
    Result<void, StoreError> done;
    for (int records = 0; records < 3 && done.ok(); ++records) {
      done = writer.value().add(zone, dns::RrType::TXT, dns::Ttl(300), rdata);
    }
    if (done.ok()) done = writer.value().commit();
    require(done.ok() || done.error() == StoreError::full);
    kept = kept || done.ok();
    if (kept) require(store.put_state(zone, {}).ok());
    require(store.sync().ok());
    require(store.maintain(100'000).ok());
  }
  const std::vector<Content> before = read_all(store);
  opened = ZoneStore::open(storage, rng);
  require(opened.ok());
  const std::vector<Content> after = read_all(*opened.value());
  require(after == before);
  if (kept) {
    require(std::ranges::any_of(after, [&](const Content& content) { return content.zone == zone && content.records == 3; }));
  }
  return 0;
}
