// That long work on a zone is done in steps: so many pauses as its records want, whichever part of the work it is.
#include "zone/pause.h"

#include <gtest/gtest.h>

#include <string>

#include "master_file_zone.h"
#include "zone/content_digest.h"
#include "zone/diff.h"
#include "zone/revision.h"
#include "zone/signature_times.h"

namespace samara::zone {
namespace {

constexpr u32 names = 50'000;
constexpr u32 steps_of_all = names / steps_between_pauses;  // pauses, when each name is a step

struct Counted {
  u32 pauses = 0;
  Pause pause{.call = [](void* of) { ++static_cast<Counted*>(of)->pauses; }, .context = this};
};

class PauseTest : public testing::Test {
 protected:
  // `mixed`: the owners come in no order.
  void fill(ZoneBuilder& builder, u32 serial, bool mixed) {
    const dns::Name apex = name_of("example.");
    std::vector<u8> soa{1, 'n', 0, 1, 'h', 0};
    for (const u32 field : {serial, 2U, 3U, 4U, 5U}) {
      for (int shift = 24; shift >= 0; shift -= 8) soa.push_back(static_cast<u8>(field >> shift));
    }
    ASSERT_TRUE(builder.add(apex, dns::RrType::SOA, dns::Ttl(60), soa).ok());
    ASSERT_TRUE(builder.add(apex, dns::RrType::NS, dns::Ttl(60), std::array<u8, 3>{1, 'n', 0}).ok());
    for (u32 i = 0; i < names; ++i) {
      const u32 number = 1'000'000 + (mixed ? i * 7'919 % names : i);
      const std::array<u8, 4> address{192, 0, 2, static_cast<u8>(serial)};
      ASSERT_TRUE(builder.add(name_of("n" + std::to_string(number) + ".example."), dns::RrType::A, dns::Ttl(60), address).ok());
    }
  }
  Zone built(u32 serial) {
    ZoneBuilder builder(memory_, name_of("example."));
    fill(builder, serial, false);
    return builder.finish().value();
  }

  TestRegion region_{size_t{256} << 20};
  ZoneMemory memory_{region_.bytes()};
};

TEST_F(PauseTest, are_taken_while_a_zone_is_written_and_more_while_it_is_sorted) {
  Counted in_order;
  {
    ZoneBuilder builder(memory_, name_of("example."));
    fill(builder, 1, false);
    ASSERT_TRUE(builder.finish(in_order.pause).ok());
  }
  EXPECT_GE(in_order.pauses, 3 * steps_of_all) << "looked at, written, and put into the index";
  Counted mixed;
  ZoneBuilder builder(memory_, name_of("example."));
  fill(builder, 1, true);
  ASSERT_TRUE(builder.finish(mixed.pause).ok());
  EXPECT_GE(mixed.pauses, in_order.pauses + 10 * steps_of_all) << "with a step for each comparison";
}

TEST_F(PauseTest, are_taken_while_versions_are_compared) {
  const Zone first = built(1);
  const Zone second = built(2);
  Counted difference;
  ASSERT_TRUE(Difference::between(first, second, difference.pause).has_value());
  EXPECT_GE(difference.pauses, 3 * steps_of_all) << "the nodes of both, and each compared";
  VersionedZone versions(memory_);
  versions.adopt(first);
  Counted comparison;
  const auto compared = versions.compare(second, comparison.pause);
  EXPECT_GE(comparison.pauses, 5 * steps_of_all) << "and what is deleted and added gathered";
  EXPECT_EQ(versions.replace(second, compared).serial(), dns::Serial(2));
}

TEST_F(PauseTest, are_taken_while_a_zone_is_looked_through) {
  const Zone zone = built(1);
  Counted digest;
  EXPECT_EQ(content_digest(zone, digest.pause), content_digest(zone));
  EXPECT_GE(digest.pauses, steps_of_all);
  Counted signatures;
  look_at_signatures(zone, UnixTime{1'000}, Duration::seconds(1), signatures.pause);
  EXPECT_GE(signatures.pauses, steps_of_all);
}

}  // namespace
}  // namespace samara::zone
