#include "zone/store/zone_archive.h"

#include <bit>

#include "../../log_lines.h"
#include "../master_file_zone.h"
#include "crashing_storage.h"

namespace samara::zone::store {
namespace {

using dns::RrType;
using zone::name_of;

const ZoneState state{.refreshed = {1}, .expires = {2}, .file = {}};

// A zone that goes from version to version, and the storage it is kept in.
class ZoneArchiveTest : public testing::Test {
 protected:
  struct Versions {
    TestZones zones{"a.example."};
    VersionedZone versions{zones.memory(), {.differences = 10, .octets = 100'000}};
    Zone adopt(u32 serial) {
      versions.adopt(zones.build(text(serial)));
      return *versions.zone();
    }
    Zone next() {
      const Zone now = *versions.zone();
      std::vector<u8> soa(now.soa().first().rdata().begin(), now.soa().first().rdata().end());
      store_be32(soa, soa.size() - 20, now.serial().value() + 1);
      Patch patch;
      patch.delete_record(now.apex(), RrType::SOA, now.soa().first().rdata());
      patch.add_record(now.apex(), RrType::SOA, dns::Ttl(60), soa);
      EXPECT_TRUE(versions.apply(patch).ok());
      return *versions.zone();
    }
    // So long that a difference is shorter than the zone.
    static std::string text(u32 serial) {
      std::string all = "@ 60 SOA a b. " + std::to_string(serial) + " 2 3 4 5\n@ 60 NS n\n";
      for (int i = 0; i < 50; ++i) all += "n" + std::to_string(i) + " 60 A 192.0.2.1\n";
      return all;
    }
  };
  std::unique_ptr<ZoneArchive> open() { return ZoneArchive::open(storage_, rng_); }
  // Whether it is whole, and its serial.
  std::pair<bool, u32> kept() {
    Versions found;
    const bool whole = open()->restore(name_of("a.example."), found.zones.memory(), found.versions);
    return {whole, found.versions.zone().has_value() ? found.versions.zone()->serial().value() : 0};
  }

  CrashingStorage storage_{u64{4} << 20};
  SeededRng rng_{1};
};

TEST_F(ZoneArchiveTest, KeepsAZoneAndTheStepsItWent) {
  Versions zone;
  const auto archive = open();
  ASSERT_TRUE(archive->save(zone.adopt(1), state));
  const u64 whole = archive->find(name_of("a.example."))->snapshot_octets;
  ASSERT_TRUE(archive->save(zone.next(), state));
  ASSERT_TRUE(archive->save(zone.next(), state));
  EXPECT_EQ(archive->find(name_of("a.example."))->differences, 2U);
  EXPECT_EQ(archive->find(name_of("a.example."))->snapshot_octets, whole);
  ASSERT_TRUE(archive->sync());
  EXPECT_EQ(kept(), std::pair(true, 3U));
}

// A zone of a third of the storage: as one and a new one and the steps between do not fit, the steps go on.
TEST_F(ZoneArchiveTest, GoesOnWithStepsWhereTheWholeZoneFindsNoRoom) {
  TestZones zones("a.example.");
  VersionedZone versions(zones.memory(), {.differences = 10, .octets = 1'000'000});
  std::string text = "@ 60 SOA a b. 1 2 3 4 5\n@ 60 NS n\n";
  const std::string words(200, 'w');
  for (int i = 0; i < 3'000; ++i) text += "n" + std::to_string(i) + " 60 TXT " + words + "\n";
  versions.adopt(zones.build(text));
  const auto archive = open();
  ASSERT_TRUE(archive->save(*versions.zone(), state));
  ASSERT_GT(archive->used() * 3, archive->usable());
  ASSERT_LT(archive->used() * 2, archive->usable());
  std::vector<u8> word(201, 'x');
  word[0] = 200;
  for (u32 serial = 2;; ++serial) {
    const Zone now = *versions.zone();
    std::vector<u8> soa(now.soa().first().rdata().begin(), now.soa().first().rdata().end());
    store_be32(soa, soa.size() - 20, serial);
    Patch patch;
    patch.delete_record(now.apex(), RrType::SOA, now.soa().first().rdata());
    patch.add_record(now.apex(), RrType::SOA, dns::Ttl(60), soa);
    for (int i = 0; i < 20; ++i) {
      patch.add_record(name_of("x" + std::to_string(serial) + "-" + std::to_string(i) + ".a.example."), RrType::TXT,
                       dns::Ttl(60), word);
    }
    ASSERT_TRUE(versions.apply(patch).ok());
    if (!archive->save(*versions.zone(), state)) break;
  }
  EXPECT_GT(archive->used(), archive->usable() / 8 * 7);
  ASSERT_TRUE(archive->sync());
}

// All that is kept is copied then, without the steps; a crash at any moment leaves one version or the other, and other zones.
TEST_F(ZoneArchiveTest, makes_room_at_no_risk) {
  struct InService final : ZonesInService {
    std::optional<Zone> zone_in_service(const dns::Name&) const override { return std::nullopt; }
  };
  const InService none;
  CrashingStorage full(u64{1} << 20);
  size_t others = 0;
  {
    Versions zone;
    const auto archive = ZoneArchive::open(full, rng_);
    ASSERT_TRUE(archive->save(zone.adopt(1), state));
    TestZones zones("a.example.");
    for (const int records : {200, 0}) {
      std::string text = "@ 60 SOA a b. 1 2 3 4 5\n@ 60 NS n\n";
      for (int i = 0; i < records; ++i) text += "n" + std::to_string(i) + " 60 TXT " + std::string(200, 'w') + "\n";
      for (bool fits = true; fits; others += fits ? 1 : 0) {
        VersionedZone other(zones.memory());
        other.adopt(zones.build(text, name_of("f" + std::to_string(others) + ".example.")));
        fits = archive->save(*other.zone(), state);
      }
    }
    const u64 room = archive->used();
    while (archive->save(zone.next(), state, {.shrinks = true, .before = {}, .zones = nullptr}).ok()) {
      ASSERT_LT(archive->used(), archive->usable() + archive->usable() / 10);
    }
    ASSERT_GT(archive->used(), room + 10'000);
    ASSERT_TRUE(archive->sync());
  }
  bool done = false;
  for (u64 writes = 0; !done && writes < 300; ++writes) {
    CrashingStorage storage(full.content(), 512);
    const auto archive = ZoneArchive::open(storage, rng_);
    Versions zone;
    ASSERT_TRUE(archive->restore(name_of("a.example."), zone.zones.memory(), zone.versions));
    const u32 before = zone.versions.zone()->serial().value();
    storage.fail_after = writes;
    done = archive->save(zone.next(), state, {.shrinks = true, .before = {}, .zones = &none}).ok();
    EXPECT_TRUE(!done || archive->used() < archive->usable());
    for (const std::vector<u8>& left : {storage.medium, storage.content()}) {
      CrashingStorage after(left, 512);
      const auto again = ZoneArchive::open(after, rng_);
      ASSERT_NE(again, nullptr) << writes;
      Versions found;
      ASSERT_TRUE(again->restore(name_of("a.example."), found.zones.memory(), found.versions)) << writes;
      const u32 serial = found.versions.zone()->serial().value();
      EXPECT_TRUE(serial == before || serial == before + 1) << writes;
      EXPECT_TRUE(again->find(name_of("f0.example.")).has_value()) << writes;
      EXPECT_TRUE(again->find(name_of("f" + std::to_string(others - 1) + ".example.")).has_value()) << writes;
    }
  }
  EXPECT_TRUE(done);
}

TEST_F(ZoneArchiveTest, TellsOfTheFirstZonesThatFindNoRoomAndOfTheOthersByNumber) {
  CrashingStorage storage{u64{1} << 20};
  const auto archive = ZoneArchive::open(storage, rng_);
  Versions zone;
  const LogLines log;
  size_t stored = 0;
  for (u32 serial = 1; serial < 1'100; ++serial) {
    TestZones zones{"z" + std::to_string(serial) + ".example."};
    const Zone other = zones.build(Versions::text(serial));
    if (archive->save(other, state)) ++stored;
  }
  const size_t failed = 1'099 - stored;
  ASSERT_GT(stored, 20U);
  ASSERT_GT(failed, 64U);
  // Twenty, and with 32, 64 and so on more.
  const size_t doublings = static_cast<size_t>(std::bit_width(failed) - std::bit_width(16U));
  EXPECT_EQ(log.count(": not stored: "), 20 + doublings);
  EXPECT_EQ(log.count("; the storage has no version of it"), 20 + doublings);
  EXPECT_EQ(log.count("storage: that was the 64th time since the start"), 1U);
  zone.adopt(1);
  EXPECT_FALSE(archive->save(zone.next(), state));
}

// Who makes a catalog decides how many zones there are, and what becomes of their names.
TEST_F(ZoneArchiveTest, KeepsRoomForZonesThatNoCatalogHas) {
  for (const bool with_content : {false, true}) {
    CrashingStorage storage{u64{1} << 20};
    const auto archive = ZoneArchive::open(storage, rng_);
    ZoneState of_member = state;
    of_member.member = MemberMark(name_of("catalog."), std::vector<u8>{'m'});
    const LogLines log;
    for (u32 i = 0; i < 20'000; ++i) {
      const std::string name = "z" + std::to_string(i) + ".example.";
      if (!with_content) {
        archive->confirm({}, name_of(name), of_member);
        continue;
      }
      TestZones zones{name};
      if (!archive->save(zones.build(Versions::text(1)), of_member)) break;
    }
    EXPECT_GE(log.count(": not stored: the storage is full"), 1U);
    ASSERT_TRUE(archive->sync());
    EXPECT_LE(archive->used(), archive->usable() / 8 * 7);
    EXPECT_GT(archive->used(), archive->usable() / 4 * 3);
    for (int i = 0; i < 10; ++i) {
      TestZones zones{"configured" + std::to_string(i) + ".example."};
      EXPECT_TRUE(archive->save(zones.build(Versions::text(1)), state)) << with_content << " " << i;
    }
  }
}

TEST_F(ZoneArchiveTest, WritesAZoneThatIsDamagedWholeTheNextTime) {
  {
    Versions zone;
    const auto archive = open();
    ASSERT_TRUE(archive->save(zone.adopt(1), state));
    ASSERT_TRUE(archive->sync());
    const std::vector<u8> before = storage_.content();
    ASSERT_TRUE(archive->save(zone.next(), state));
    ASSERT_TRUE(archive->sync());
    constexpr std::ptrdiff_t log = 1024;  // behind the headers
    const auto at = std::mismatch(before.begin() + log, before.end(), storage_.content().begin() + log).first - before.begin();
    ASSERT_TRUE(archive->save(zone.next(), state));
    ASSERT_TRUE(archive->sync());
    // In the payload of the first difference.
    storage_.content()[static_cast<size_t>(at) + 150] ^= 1;
    storage_.medium = storage_.content();
  }
  ASSERT_EQ(kept(), std::pair(false, 1U));
  {
    Versions zone;
    const auto archive = open();
    ASSERT_FALSE(archive->restore(name_of("a.example."), zone.zones.memory(), zone.versions));
    ASSERT_TRUE(archive->save(zone.next(), state));
    EXPECT_EQ(archive->find(name_of("a.example."))->differences, 0U);
    ASSERT_TRUE(archive->sync());
  }
  EXPECT_EQ(kept(), std::pair(true, 2U));
}

}  // namespace
}  // namespace samara::zone::store
