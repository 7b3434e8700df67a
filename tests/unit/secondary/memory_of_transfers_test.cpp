// What transfers and catalogs take of the heap and of zone memory, and that what does not fit is refused: however large they
// are, they do not end a secondary.
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "../log_lines.h"
#include "dns-core/rdata/rdata_text.h"
#include "keeper_life.h"
#include "platform/base/heap_room.h"

// Counts what is taken from the heap by all of this program. Who asks whether there is memory is told so within a limit; who
// does not ask gets it, and is noticed when that goes beyond.
namespace {
struct CountedHeap {
  size_t in_use = 0;
  size_t peak = 0;
  size_t limit = ~size_t{0};

  void take(void* memory) {
    in_use += malloc_usable_size(memory);
    peak = std::max(peak, in_use);
  }
  void give_back(void* memory) { in_use -= malloc_usable_size(memory); }
} counted;

void* allocate(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  counted.take(memory);
  return memory;
}
void release(void* memory) {
  if (memory != nullptr) counted.give_back(memory);
  std::free(memory);
}
}  // namespace
void* operator new(size_t size) {
  return allocate(size);
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  if (counted.in_use + size > counted.limit) return nullptr;
  // Only asked for: it is not written to.
  void* const memory = std::malloc(size);
  if (memory != nullptr) counted.in_use += malloc_usable_size(memory);
  return memory;
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  release(memory);
}

namespace samara::secondary {
namespace {

// What is taken beyond what there is now may be so much, while this is there.
class HeapLimit {
 public:
  explicit HeapLimit(size_t octets) : before_(counted.in_use) {
    counted.peak = counted.in_use;
    counted.limit = octets > ~size_t{0} - before_ ? ~size_t{0} : before_ + octets;
  }
  ~HeapLimit() { counted.limit = ~size_t{0}; }
  HeapLimit(const HeapLimit&) = delete;
  HeapLimit& operator=(const HeapLimit&) = delete;
  size_t peak() const { return counted.peak - before_; }
  size_t now() const { return counted.in_use - std::min(counted.in_use, before_); }

 private:
  size_t before_;
};

constexpr size_t all_there_is = ~size_t{0};

// Batches as they come from an agent.
class Batches {
 public:
  template <class F>
  void put(F&& write) {
    if (all_.empty() || out_->remaining() < 1024) begin();
    write(*out_);
    all_.back().resize(max_batch_size);
    used_.back() = out_->size();
  }
  void record(ItemTag tag, std::string_view owner, std::string_view data, dns::RrType type = dns::RrType::A) {
    std::vector<u8> memory(512);
    ByteWriter rdata(memory);
    dns::Lexer lexer(data);
    EXPECT_TRUE(dns::parse_rdata(type, lexer, name_of("example."), rdata).ok()) << data;
    const dns::Name name = name_of(owner);
    put([&](ByteWriter& out) {
      out.u8(static_cast<u8>(tag));
      out.bytes(name.wire());
      out.u16(dns::code(type));
      out.u16(1);
      out.u32(60);
      out.u16(static_cast<u16>(rdata.size()));
      out.bytes(rdata.written());
    });
  }
  void soa(ItemTag tag, u32 serial) {
    record(tag, "example.", "ns host " + std::to_string(serial) + " 7200 900 604800 300", dns::RrType::SOA);
  }
  void addresses(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      record(ItemTag::added, "host" + std::to_string(i) + ".example.", "192.0.2." + std::to_string(i % 200));
    }
  }
  void end() {
    put([](ByteWriter& out) { write_end(std::nullopt, out); });
  }
  size_t size() const { return all_.size(); }
  Bytes operator[](size_t n) const { return Bytes(all_[n]).first(used_[n]); }
  size_t octets() const {
    size_t sum = 0;
    for (const size_t used : used_) sum += used;
    return sum;
  }

 private:
  void begin() {
    all_.emplace_back(max_batch_size);
    used_.push_back(0);
    out_.emplace(all_.back());
  }
  std::vector<std::vector<u8>> all_;
  std::vector<size_t> used_;
  std::optional<ByteWriter> out_;
};

Batches whole_zone(size_t records) {
  Batches batches;
  batches.put([](ByteWriter& out) { write_whole(dns::Serial(2), out); });
  batches.soa(ItemTag::added, 2);
  batches.record(ItemTag::added, "example.", "ns", dns::RrType::NS);
  batches.addresses(records);
  batches.end();
  return batches;
}

Batches one_step(size_t additions) {
  Batches batches;
  batches.put([](ByteWriter& out) { write_steps(dns::Serial(1), dns::Serial(2), out); });
  batches.soa(ItemTag::old_soa, 1);
  batches.soa(ItemTag::new_soa, 2);
  batches.addresses(additions);
  batches.end();
  return batches;
}

Batches steps_of_soa_alone(u32 count) {
  Batches batches;
  batches.put([&](ByteWriter& out) { write_steps(dns::Serial(1), dns::Serial(1 + count), out); });
  for (u32 serial = 1; serial <= count; ++serial) {
    batches.soa(ItemTag::old_soa, serial);
    batches.soa(ItemTag::new_soa, serial + 1);
  }
  batches.end();
  return batches;
}

struct LargeTransfer {
  const char* name;
  Batches batches;
};
std::vector<LargeTransfer> large_transfers() {
  std::vector<LargeTransfer> cases;
  cases.push_back({"a whole zone", whole_zone(40'000)});
  cases.push_back({"one step that adds much", one_step(40'000)});
  cases.push_back({"many steps that change the SOA alone", steps_of_soa_alone(20'000)});
  return cases;
}

// A zone of serial 1 and a transfer to it.
struct WithTransfer {
  zone::TestZones zones;
  zone::Zone base = zones.build("@ 60 SOA ns host 1 7200 900 604800 300\n@ 60 NS ns\nold 60 A 192.0.2.1\n");
  zone::VersionedZone versions{zones.memory()};
  std::optional<ZoneInstaller> installer;

  WithTransfer() {
    versions.adopt(base);
    installer.emplace(zones.memory(), name_of("example."), base, InstallLimits{});
  }
  std::optional<InstallError> take(const Batches& batches) {
    for (size_t i = 0; i < batches.size(); ++i) {
      const auto taken = installer->on_batch(batches[i]);
      if (!taken.ok()) return taken.error();
    }
    return std::nullopt;
  }
};

TEST(MemoryOfTransfers, ThatGrowsWhereMemoryIsShortIsNotCopiedForEachRecord) {
  const HeapLimit heap(size_t{4} << 20);
  std::vector<u64> elements;
  size_t copied = 0;
  for (;;) {
    const size_t before = elements.capacity();
    if (!make_room(elements, 1)) break;
    if (elements.capacity() != before) copied += elements.size();
    elements.push_back(0);
  }
  EXPECT_GT(elements.size() * sizeof(u64), size_t{1} << 20);
  EXPECT_LE(copied, 20 * elements.size());
}

TEST(MemoryOfTransfers, IsZoneMemoryWhileTheyComeAndAboutWhatTheyBring) {
  for (const LargeTransfer& large : large_transfers()) {
    WithTransfer secondary;
    const size_t before = secondary.zones.memory().in_use();
    const HeapLimit heap(all_there_is);
    ASSERT_EQ(secondary.take(large.batches), std::nullopt);
    EXPECT_LE(heap.peak(), size_t{64} << 10) << large.name;
    const size_t taken = secondary.zones.memory().in_use() - before;
    EXPECT_GE(taken, secondary.installer->held()) << large.name;
    EXPECT_LE(taken, secondary.installer->held() + secondary.installer->held() / 4 + (size_t{64} << 10)) << large.name;
    EXPECT_LE(secondary.installer->held(), 2 * large.batches.octets()) << large.name;
  }
}

TEST(MemoryOfTransfers, IsTheInstallersNoMoreWhenItHasFinished) {
  for (const LargeTransfer& large : large_transfers()) {
    WithTransfer secondary;
    ASSERT_EQ(secondary.take(large.batches), std::nullopt);
    ASSERT_TRUE(secondary.installer->finish(secondary.versions).ok()) << large.name;
    EXPECT_EQ(secondary.installer->held(), 0U) << large.name;
  }
}

// docs/configuration.md: outside of zone memory there is as much at most as inside.
TEST(MemoryOfTransfers, OfTheHeapIsNoMoreThanThatOfZones) {
  for (const LargeTransfer& large : large_transfers()) {
    WithTransfer secondary;
    const size_t before = secondary.zones.memory().in_use();
    const HeapLimit heap(all_there_is);
    ASSERT_EQ(secondary.take(large.batches), std::nullopt);
    const size_t held = secondary.zones.memory().in_use() - before;
    ASSERT_TRUE(secondary.installer->finish(secondary.versions).ok());
    const size_t zone = secondary.zones.memory().in_use() - before;
    EXPECT_LE(heap.peak(), held + zone + (size_t{256} << 10)) << large.name;
  }
}

TEST(MemoryOfTransfers, IsAskedForAndARefusalLeavesTheOldZone) {
  for (const LargeTransfer& large : large_transfers()) {
    size_t refused = 0;
    bool fits = false;
    for (size_t limit = size_t{192} << 10; limit <= size_t{16} << 20 && !fits; limit += limit / 4) {
      WithTransfer secondary;
      const HeapLimit heap(limit);
      ASSERT_EQ(secondary.take(large.batches), std::nullopt);
      const auto made = secondary.installer->finish(secondary.versions);
      EXPECT_LE(heap.peak(), limit) << large.name << " took what it had not asked for";
      fits = made.ok();
      if (fits) continue;
      ++refused;
      EXPECT_EQ(made.error(), InstallError::no_memory) << large.name;
      EXPECT_EQ(secondary.versions.zone()->header(), secondary.base.header()) << large.name;
    }
    EXPECT_TRUE(fits) << large.name;
    // Steps that change the SOA alone take what one of them takes.
    EXPECT_EQ(refused == 0, std::string_view(large.name) == "many steps that change the SOA alone") << large.name;
  }
}

TEST(MemoryOfTransfers, ThatZoneMemoryHasNotIsRefusedWithWhatToDo) {
  zone::TestRegion region(size_t{1} << 20);
  zone::ZoneMemory memory(region.bytes());
  ZoneInstaller installer(memory, name_of("example."), std::nullopt, {});
  const Batches batches = whole_zone(40'000);
  std::optional<InstallError> error;
  for (size_t i = 0; i < batches.size() && !error.has_value(); ++i) {
    const auto taken = installer.on_batch(batches[i]);
    if (!taken.ok()) error = taken.error();
  }
  ASSERT_EQ(error, InstallError::no_memory);
  TextBuffer<300> reason;
  installer.write_reason(*error, reason.writer());
  EXPECT_TRUE(reason.view().starts_with("there is no memory for it: zone memory is full; ")) << reason.view();
  EXPECT_TRUE(reason.view().ends_with("; give the machine more memory, or raise limits/zone-memory")) << reason.view();
}

// ---- a keeper -------------------------------------------------------------------------------------------------------

struct TwoZonesInLittle : Keeper {
  TwoZonesInLittle() {
    zone_memory = size_t{4} << 20;
    for (const char* name : {"example.", "other."}) config.zones.push_back({name_of(name), one_primary, {}});
    start();
    transfer(Zone("example.", zone_text(1)), 1);
    transfer(Zone("other.", zone_text(1)), 1);
  }
  void take(u32 number, const Batches& batches) {
    for (size_t i = 0; i < batches.size(); ++i) send_batch(name_of("example."), number, batches[i]);
  }
};

TEST(MemoryOfTransfers, ThatRunsOutEndsTheLargestAndNoOther) {
  TwoZonesInLittle keeper;
  const LogLines log;
  // The other zone's transfer has begun, and ends after the large one came to the limit.
  std::vector<u8> octets(max_batch_size);
  ByteWriter begin(octets);
  write_whole(dns::Serial(2), begin);
  Zone("other.", zone_text(2)).for_each([&](const zone::Record& record) { write_record(ItemTag::added, record, begin); });
  keeper.send_batch(name_of("other."), 100, begin.written());
  keeper.take(101, whole_zone(120'000));
  ASSERT_EQ(keeper.count(Kind::rejected), 1U);
  EXPECT_EQ(keeper.last(Kind::rejected)->transfer, 101U);
  EXPECT_EQ(keeper.served("example."), 1U);
  EXPECT_EQ(log.count("zone example.: what was transferred cannot be served (there is no memory for it"), 1U);
  EXPECT_EQ(log.count("serial 1 stays in service, another primary is asked, or this one later"), 1U);

  std::vector<u8> more(64);
  ByteWriter end(more);
  write_end(std::nullopt, end);
  keeper.send_batch(name_of("other."), 100, end.written());
  EXPECT_EQ(keeper.served("other."), 2U);
  // And what fits comes as before.
  keeper.transfers = 200;
  keeper.transfer(Zone("example.", zone_text(3)), 3);
  EXPECT_EQ(keeper.served("example."), 3U);
}

struct SmallWithCatalog : OneCatalog {
  explicit SmallWithCatalog(size_t octets) {
    zone_memory = octets;
    start();
  }
  void take_catalog(u32 serial, size_t first, size_t end) {
    std::string members;
    for (size_t i = first; i < end; ++i) {
      members += "m" + std::to_string(i) + ".zones 0 PTR z" + std::to_string(i) + ".\n";
    }
    transfer(Zone("catalog.", catalog_text(serial, members)), serial);
  }
  size_t followed(size_t end) const {
    size_t count = 0;
    for (size_t i = 0; i < end; ++i) count += is_followed("z" + std::to_string(i) + ".") ? 1 : 0;
    return count;
  }
};

TEST(MemoryOfCatalogs, FollowsAsManyMembersAsZoneMemoryHasPagesForAndSaysHowManyItDoesNot) {
  SmallWithCatalog keeper(size_t{1} << 20);
  const LogLines log;
  keeper.take_catalog(1, 0, 150);
  ASSERT_EQ(keeper.followed(1000), 150U);
  EXPECT_EQ(log.count("are not followed"), 0U);
  keeper.take_catalog(2, 0, 900);
  const size_t followed = keeper.followed(1000);
  EXPECT_GT(followed, 150U);
  EXPECT_LT(followed, 256U) << "there are no more pages";
  EXPECT_EQ(keeper.followed(150), 150U) << "those that are there stay";
  EXPECT_EQ(log.count("catalog catalog.: " + std::to_string(900 - followed) +
                      " of its members are not followed: there is no memory for more than"),
            1U);
  // Each that is followed has room for a zone.
  for (size_t i = 0; i < followed; i += 10) {
    const std::string name = "z" + std::to_string(i) + ".";
    keeper.transfer(Zone(name, zone_text(1)), 1);
    EXPECT_EQ(keeper.served(name), 1U) << name;
  }
}

TEST(MemoryOfCatalogs, FollowsMembersLaterThatThereWasNoMemoryForBefore) {
  SmallWithCatalog keeper(size_t{1} << 20);
  keeper.take_catalog(1, 0, 900);
  ASSERT_LT(keeper.followed(900), 256U);
  ASSERT_FALSE(keeper.is_followed("z899."));
  keeper.take_catalog(2, 850, 900);
  EXPECT_EQ(keeper.followed(850), 0U);
  EXPECT_EQ(keeper.followed(900), 50U) << "the catalog names no more than there is memory for";
}

TEST(MemoryOfCatalogs, FollowsAsManyMembersAsTheHeapHasRoomForAndTakesNoMore) {
  for (const size_t limit : {size_t{1} << 20, size_t{2} << 20, size_t{16} << 20}) {
    SmallWithCatalog keeper(size_t{64} << 20);
    const size_t before = keeper.keeper->zone_count();
    std::string members;
    for (size_t i = 0; i < 1'400; ++i) members += "m" + std::to_string(i) + ".zones 0 PTR z" + std::to_string(i) + ".\n";
    std::vector<u8> message(runtime::max_message);
    ByteWriter out(message);
    const dns::Name catalog = name_of("catalog.");
    write_message({.kind = Kind::batch, .transfer = 1, .zone = catalog, .following = keeper.following(catalog)}, out);
    write_whole(dns::Serial(1), out);
    Zone("catalog.", catalog_text(1, members)).for_each([&](const zone::Record& record) {
      write_record(ItemTag::added, record, out);
    });
    write_end(std::nullopt, out);
    ASSERT_FALSE(out.overflowed());
    const LogLines log;
    {
      const HeapLimit heap(limit);
      keeper.keeper->on_message(keeper.at, 0, out.written());
      EXPECT_LE(heap.peak(), limit);
    }
    const size_t followed = keeper.keeper->zone_count() - before;
    EXPECT_GT(followed, 0U);
    EXPECT_EQ(followed == 1'400, limit == size_t{16} << 20) << followed;
    EXPECT_EQ(log.count("are not followed"), followed == 1'400 ? 0U : 1U);
    keeper.settle();
    EXPECT_TRUE(keeper.is_followed("z0."));
  }
}

}  // namespace
}  // namespace samara::secondary
