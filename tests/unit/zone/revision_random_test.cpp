// Random zones, random changes: every version is held against a zone built from its records alone.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dns-core/dnssec/nsec3.h"
#include "zone/revision.h"
#include "zone_model.h"

namespace samara::zone {
namespace {

using dns::RrType;
using Records = std::vector<ModelRecord>;

// Few names, so that cuts, DNAMEs, wildcards, empty non-terminals and collisions of all of them come up all the time.
class RandomRecords {
 public:
  RandomRecords(u32 seed, bool signed_zone) : engine_(seed), signed_(signed_zone) {}
  u32 below(u32 bound) { return static_cast<u32>(engine_() % bound); }

  dns::Name name(u32 most_labels = 4) {
    static constexpr std::array<std::string_view, 5> labels{"a", "b", "*", "c", "D"};
    dns::Name made = apex_;
    for (u32 count = below(most_labels + 1); count > 0; --count) made = MUST(made.child(as_octets(labels[below(5)])));
    return made;
  }

  ModelRecord record() {
    static constexpr std::array plain{RrType::A,     RrType::A,     RrType::TXT, RrType::NS, RrType::NS,
                                      RrType::DNAME, RrType::CNAME, RrType::MX,  RrType::DS, RrType::AAAA};
    const u32 choice = below(signed_ ? 20 : 10);
    if (choice < 10) return of_type(name(), plain[choice]);
    if (choice < 13) return of_type(name(), RrType::NSEC);
    if (choice < 16) return of_type(hashed(), below(12) == 0 ? RrType::TXT : RrType::NSEC3);
    if (choice < 17) return of_type(below(5) == 0 ? name() : apex_, RrType::NSEC3PARAM);
    return of_type(below(4) == 0 ? hashed() : name(), RrType::RRSIG);
  }

  ModelRecord soa(u32 serial) {
    std::vector<u8> rdata{1, 'a', 0, 1, 'b', 0};
    for (const u32 field : {serial, 1U, 2U, 3U, 4 + below(3)}) put32(rdata, field);
    return {apex_, RrType::SOA, 60 + below(2), rdata};
  }
  ModelRecord apex_ns() { return {apex_, RrType::NS, 60, {1, 'n', 0}}; }

 private:
  static Bytes as_octets(std::string_view text) { return {reinterpret_cast<const u8*>(text.data()), text.size()}; }
  static void put32(std::vector<u8>& to, u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<u8>(value >> shift));
  }
  // One of a few owners of NSEC3 records; the apex's of both chains among them.
  dns::Name hashed() {
    const u32 which = below(8);
    dns::Nsec3Hash hash{};
    if (which < 2) {
      const dns::Nsec3ParameterView parameters =
          MUST(dns::Nsec3ParameterView::parse(which == 0 ? Bytes(one_chain) : Bytes(other_chain)));
      hash = MUST(dns::nsec3_hash(apex_, parameters, 100));
    } else {
      hash.fill(static_cast<u8>(37 * which));
    }
    return MUST(dns::nsec3_owner(hash, apex_));
  }

  ModelRecord of_type(const dns::Name& owner, RrType type) {
    ModelRecord r{owner, type, 60 + 10 * below(2), {}};
    const u8 few = static_cast<u8>(below(3));
    const std::vector<u8> target{1, static_cast<u8>(below(2) == 0 ? 'x' : 'X'), 0};
    switch (dns::code(type)) {
      case dns::code(RrType::A): r.rdata = {192, 0, 2, few}; break;
      case dns::code(RrType::AAAA): r.rdata = std::vector<u8>(16, few); break;
      case dns::code(RrType::TXT): r.rdata = {1, few}; break;
      case dns::code(RrType::MX): r.rdata = {0, few, target[0], target[1], 0}; break;
      case dns::code(RrType::DS): r.rdata = {0, few, 13, 2, 1, 2, 3, 4}; break;
      case dns::code(RrType::NS):
      case dns::code(RrType::DNAME):
      case dns::code(RrType::CNAME): r.rdata = target; break;
      case dns::code(RrType::NSEC): r.rdata = {target[0], target[1], 0, 0, 1, 0x40}; break;
      case dns::code(RrType::NSEC3PARAM): r.rdata = below(2) == 0 ? one_chain : other_chain; break;
      case dns::code(RrType::NSEC3):
        r.rdata = below(2) == 0 ? one_chain : other_chain;
        r.rdata.push_back(20);
        r.rdata.insert(r.rdata.end(), 20, few);
        r.rdata.insert(r.rdata.end(), {0, 1, 0x40});
        break;
      default: {
        static constexpr std::array covered{RrType::A,     RrType::NS,  RrType::NSEC, RrType::SOA,
                                            RrType::NSEC3, RrType::TXT, RrType::RRSIG};
        const u16 number = dns::code(covered[below(covered.size())]);
        r.rdata = {static_cast<u8>(number >> 8), static_cast<u8>(number), 13, 2};
        for (int i = 0; i < 3; ++i) put32(r.rdata, 60);
        r.rdata.insert(r.rdata.end(), {0, few, 0, 1, 2, 3});
      }
    }
    return r;
  }

  std::mt19937 engine_;
  bool signed_;
  dns::Name apex_ = name_of("example.");
  const std::vector<u8> one_chain{1, 0, 0, 0, 0};
  const std::vector<u8> other_chain{1, 0, 0, 1, 1, 7};
};

Patch patch_of(const Records& deletions, const Records& additions) {
  Patch patch;
  for (const ModelRecord& r : deletions) patch.delete_record(r.owner, r.type, r.rdata);
  for (const ModelRecord& r : additions) patch.add_record(r.owner, r.type, dns::Ttl(r.ttl), r.rdata);
  return patch;
}

class RandomRevisions : public testing::TestWithParam<u32> {
 protected:
  void SetUp() override {
    const std::vector<ModelRecord> start{random_.soa(serial_), random_.apex_ns()};
    TestZones zones;
    Model model(zones.build("@ 60 SOA a b 1 2 3 4 5\n@ 60 NS n\n"));
    const Zone first = MUST(model.build(memory_));
    versions_.adopt(first);
    model_.emplace(first);
    lists_.emplace(first.serial().value(), list_of(first));
  }

  // A few deletions and additions, and mostly a new SOA.
  void random_change(Records& deletions, Records& additions) {
    for (u32 count = random_.below(5); count > 0; --count) {
      auto at = model_->records().begin();
      std::advance(at, random_.below(static_cast<u32>(model_->records().size())));
      const bool needed =
          at->second.type == RrType::SOA || (at->second.type == RrType::NS && at->second.owner.label_count() == 1);
      if (needed && random_.below(20) != 0) continue;
      deletions.push_back(at->second);
      if (random_.below(8) == 0) additions.push_back(at->second);
    }
    if (model_->records().size() < 60) {
      for (u32 count = random_.below(5); count > 0; --count) additions.push_back(random_.record());
    }
    if (random_.below(10) == 0) deletions.push_back(random_.record());
    if (random_.below(25) == 0) return;
    for (const auto& [key, r] : model_->records()) {
      if (r.type == RrType::SOA) deletions.push_back(r);
    }
    additions.push_back(random_.soa(++serial_));
  }

  void check(const Zone& now) {
    TestRegion region(size_t{1} << 22);
    ZoneMemory memory(region.bytes());
    const Zone fresh = MUST(Model(*model_).build(memory));
    expect_same_zone(now, fresh);
    for (int i = 0; i < 6; ++i) expect_same_answers(now, fresh, random_.name(5));
  }

  // Every kept step, and all ways through them, lead to this version.
  void check_history(const Zone& now) {
    const History history(now);
    std::vector<StoredDifference> steps;
    u32 reached = 0;
    for (const auto& [serial, list] : lists_) {
      if (!history.path(dns::Serial(serial), steps)) continue;
      RecordList replayed = list;
      for (const StoredDifference& step : steps) replay(step, replayed);
      EXPECT_EQ(replayed, list_of(now)) << "from " << serial;
      ++reached;
    }
    EXPECT_EQ(reached, history.count() + 1);
  }

  void give_back_retired() {
    for (const Extent& extent : versions_.take_retired()) memory_.give_back(extent);
  }

  RandomRecords random_{GetParam(), GetParam() % 3 != 0};
  TestRegion region_{size_t{1} << 26};
  ZoneMemory memory_{region_.bytes()};
  VersionedZone versions_{memory_, {.differences = 12}};
  std::optional<Model> model_;
  std::map<u32, RecordList> lists_;
  u32 serial_ = 1;
};

TEST_P(RandomRevisions, AreWhatBuildingFromScratchGives) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  unsigned applied = 0;
  unsigned refused = 0;
  for (int step = 0; step < 300 && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    Records deletions;
    Records additions;
    random_change(deletions, additions);
    Model next = *model_;
    TestRegion region(size_t{1} << 22);
    ZoneMemory scratch(region.bytes());
    const bool good = next.apply(deletions, additions) && next.build(scratch).ok();
    const Zone before = *versions_.zone();
    const size_t in_use = memory_.in_use();
    const u32 replacing = random_.below(30);
    if (good && replacing == 0) {
      const Zone built = MUST(next.build(memory_));
      versions_.replace(built);
    } else {
      Patch patch = patch_of(deletions, additions);
      const auto made = versions_.apply(patch);
      ASSERT_EQ(made.ok(), good);
      if (!good) {
        ++refused;
        EXPECT_EQ(memory_.in_use(), in_use);
        ASSERT_EQ(versions_.zone()->header(), before.header());
        check(before);
        continue;
      }
    }
    ++applied;
    if (random_.below(25) == 0) ASSERT_TRUE(versions_.compact().ok());
    const Zone now = *versions_.zone();
    // Where the serial stays and the records do not, no secondary can follow.
    const RecordList list = list_of(now);
    if (now.serial() == before.serial() && list != lists_[before.serial().value()]) lists_.clear();
    lists_[now.serial().value()] = list;
    while (lists_.size() > 13) lists_.erase(lists_.begin());
    model_ = next;
    ASSERT_NO_FATAL_FAILURE(check(now));
    if (step % 5 == 0) check_history(now);
    if (random_.below(4) == 0) give_back_retired();
  }
  EXPECT_GT(applied, 50U);
  EXPECT_GT(refused, 20U);
  versions_.abandon();
  give_back_retired();
  EXPECT_EQ(memory_.in_use(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRevisions, testing::Range(1U, 13U));

}  // namespace
}  // namespace samara::zone
