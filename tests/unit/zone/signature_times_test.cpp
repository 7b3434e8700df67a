#include "zone/signature_times.h"

#include "master_file_zone.h"

namespace samara::zone {
namespace {

constexpr UnixTime now{1767225600};  // 2026-01-01 00:00:00
constexpr Duration three_days = Duration::seconds(3 * 86'400);

std::string text_at(const std::string& signatures) {
  TestZones zones;
  const Zone zone = zones.build("$TTL 60\n@ SOA ns host 2 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n" + signatures);
  const SignatureTimes times = look_at_signatures(zone, now, three_days);
  return times.any() ? text_of(times) : "";
}

std::string signature(const std::string& owner, const std::string& type, const std::string& expiration) {
  return owner + " RRSIG " + type + " 13 1 60 " + expiration + " 20250101000000 1 example. AAAA\n";
}

TEST(SignatureTimes, says_nothing_of_zones_without_signatures_or_with_good_ones) {
  EXPECT_EQ(text_at(""), "");
  EXPECT_EQ(text_at(signature("@", "SOA", "20260104000000")), "") << "three days from now";
}

TEST(SignatureTimes, warns_before_the_first_one_ends) {
  EXPECT_EQ(text_at(signature("@", "SOA", "20260103235959") + signature("ns", "A", "20260201000000")),
            "1 of 2 signed sets expire soon, the first (example. SOA) in 2 days; sign the zone again");
}

TEST(SignatureTimes, counts_what_has_expired_and_names_what_was_first) {
  EXPECT_EQ(text_at(signature("@", "SOA", "20251231000000") + signature("@", "NS", "20260102000000") +
                    signature("ns", "A", "20251229000000")),
            "2 of 3 signed sets have expired, the first (ns.example. A) 3 days ago: resolvers that validate refuse them; "
            "sign the zone again");
}

TEST(SignatureTimes, a_set_is_good_until_its_last_signature_ends) {
  EXPECT_EQ(text_at(signature("@", "SOA", "20251201000000") + signature("@", "SOA", "20260301000000")), "");
}

TEST(SignatureTimes, counts_modulo_two_to_the_32) {
  EXPECT_EQ(text_at(signature("@", "SOA", "20380101000000")), "");
  EXPECT_EQ(text_at(signature("@", "SOA", "0")).substr(0, 35), "1 of 1 signed sets have expired, th");
}

}  // namespace
}  // namespace samara::zone
