// How large a zone may be made, and what is told of one that is too large or has sets that nobody can have.
#include "zone/size_limits.h"

#include <gtest/gtest.h>

#include <array>

#include "master_file_zone.h"
#include "platform/base/ip_address.h"
#include "zone/builder.h"
#include "zone/content_digest.h"

namespace samara::zone {
namespace {

using dns::RrType;

class ZoneSizeTest : public testing::Test {
 protected:
  void begin(const SizeLimits& limits) { builder_.emplace(memory_, name_of("example."), 0, nullptr, limits); }
  Result<void, BuildError> add(std::string_view owner, RrType type, Bytes rdata) {
    return builder_->add(name_of(owner), type, dns::Ttl(300), rdata);
  }
  void add_apex() {
    std::vector<u8> soa{1, 'n', 0, 1, 'h', 0};
    soa.resize(soa.size() + 20, 1);
    ASSERT_TRUE(add("example.", RrType::SOA, soa).ok());
    ASSERT_TRUE(add("example.", RrType::NS, std::array<u8, 3>{1, 'n', 0}).ok());
  }
  Zone finish() {
    const auto zone = builder_->finish();
    EXPECT_TRUE(zone.ok()) << (zone.ok() ? "" : describe(zone.error()));
    return zone.value();
  }
  void expect_error(BuildError error, std::string_view owner) {
    const auto zone = builder_->finish();
    ASSERT_FALSE(zone.ok());
    EXPECT_EQ(zone.error(), error) << describe(zone.error());
    EXPECT_EQ(builder_->error_owner(), name_of(owner));
    builder_.reset();
    EXPECT_EQ(memory_.in_use(), 0U);
  }

  TestRegion region_{size_t{64} << 20};
  ZoneMemory memory_{region_.bytes()};
  std::optional<ZoneBuilder> builder_;
};

TEST_F(ZoneSizeTest, keeps_to_the_limits_of_a_zones_size_and_names_the_set) {
  const auto built_with = [&](const SizeLimits& limits) {
    begin(limits);
    add_apex();
    for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"}) {
      EXPECT_TRUE(add("a.example.", RrType::A, IpAddress::parse(address)->octets()).ok());
    }
    EXPECT_TRUE(add("a.example.", RrType::TXT, std::array<u8, 2>{1, 'x'}).ok());
  };
  built_with({.records = 6, .rrset_records = 3});
  const Zone zone = finish();
  EXPECT_EQ(zone.record_count(), 6U) << "equal records count once";
  const u64 octets = content_octets(zone);
  EXPECT_EQ(builder_->octets(), octets);
  memory_.give_back(zone.extent());
  built_with({.octets = octets});
  memory_.give_back(finish().extent());

  built_with({.rrset_records = 2});
  EXPECT_FALSE(builder_->finish().ok());
  EXPECT_EQ(builder_->error_type(), RrType::A);
  expect_error(BuildError::rrset_over_limit, "a.example.");
  built_with({.records = 5});
  expect_error(BuildError::zone_over_records, "a.example.");
  built_with({.octets = octets - 1});
  expect_error(BuildError::zone_over_octets, "a.example.");
}

TEST_F(ZoneSizeTest, tells_of_sets_that_no_message_can_hold) {
  const auto fill = [&](u32 count) {
    begin({});
    add_apex();
    std::array<u8, 4> address{};
    for (u32 i = 0; i < count; ++i) {
      store_be32(address, 0, i);
      ASSERT_TRUE(builder_->add(name_of("a.example."), RrType::A, dns::Ttl(1), address).ok());
    }
  };
  fill(4'000);
  memory_.give_back(finish().extent());
  EXPECT_EQ(builder_->large_sets().warning_count(), 0U);
  fill(4'100);
  finish();
  ASSERT_EQ(builder_->large_sets().size(), 1U);
  EXPECT_EQ(builder_->large_sets()[0].text,
            "a.example. A: no message can hold this set of 4100 records: who asks for it gets none of them");
}

}  // namespace
}  // namespace samara::zone
