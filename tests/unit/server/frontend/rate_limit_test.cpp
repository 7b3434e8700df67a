#include "server/frontend/rate_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace samara::server {
namespace {

class RateLimiterTest : public testing::Test {
 protected:
  static RateLimiter::Rules rules() {
    return {.responses_per_second = 5,
            .slip = 2,
            .window_seconds = 3,
            .prefix_ipv4 = 24,
            .prefix_ipv6 = 56,
            .table_size = 1024,
            .exempt = {}};
  }
  void use(RateLimiter::Rules changed) { limiter_.emplace(std::move(changed), crypto::SipHashKey{1, 2, 3}); }
  RateVerdict count(i64 milliseconds, std::string_view client = "192.0.2.1", ResponseKind kind = ResponseKind::data,
                    std::string_view name = "www") {
    std::vector<u8> wire{static_cast<u8>(name.size())};
    wire.insert(wire.end(), name.begin(), name.end());
    wire.push_back(0);
    return limiter_->count(Instant::since_boot(Duration::milliseconds(milliseconds)), *IpAddress::parse(client), kind, wire);
  }
  int sent(i64 milliseconds, int tries, std::string_view client = "192.0.2.1") {
    int good = 0;
    for (int i = 0; i < tries; ++i) good += count(milliseconds, client) == RateVerdict::send ? 1 : 0;
    return good;
  }
  std::optional<RateLimiter> limiter_ = std::optional<RateLimiter>(std::in_place, rules(), crypto::SipHashKey{});
};

TEST_F(RateLimiterTest, sends_one_second_s_worth_at_once_and_no_more) {
  EXPECT_EQ(sent(1'000, 5), 5);
  EXPECT_NE(count(1'000), RateVerdict::send);
}

TEST_F(RateLimiterTest, never_limits_a_client_below_the_rate) {
  for (i64 now = 0; now < 60'000; now += 200) ASSERT_EQ(count(now), RateVerdict::send) << now;
}

TEST_F(RateLimiterTest, sends_at_the_rate_what_comes_regularly_from_the_moment_it_slows_down) {
  EXPECT_EQ(sent(0, 6), 5);  // one too many: one response of debt
  EXPECT_NE(count(199), RateVerdict::send);
  EXPECT_EQ(count(199 + 401), RateVerdict::send);
}

TEST_F(RateLimiterTest, slips_every_nth_answer_over_the_limit) {
  EXPECT_EQ(sent(0, 5), 5);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(count(0), RateVerdict::drop);
    EXPECT_EQ(count(0), RateVerdict::slip);
  }
}

TEST_F(RateLimiterTest, drops_all_or_slips_all_as_told) {
  auto changed = rules();
  changed.slip = 0;
  use(changed);
  EXPECT_EQ(sent(0, 5), 5);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(count(0), RateVerdict::drop);
  changed.slip = 1;
  use(changed);
  EXPECT_EQ(sent(0, 5), 5);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(count(0), RateVerdict::slip);
}

TEST_F(RateLimiterTest, lets_an_account_go_into_debt_for_the_window) {
  EXPECT_EQ(sent(0, 1'000), 5);
  // Three seconds of debt: nothing goes out before they are over.
  EXPECT_EQ(sent(3'000, 1), 0);
  EXPECT_EQ(count(3'000 + 401), RateVerdict::send);
}

TEST_F(RateLimiterTest, forgives_all_debt_after_the_window_and_a_second) {
  EXPECT_EQ(sent(0, 1'000), 5);
  EXPECT_EQ(sent(4'200, 6), 5);
  use(rules());
  EXPECT_EQ(sent(0, 1'000), 5);
  EXPECT_EQ(sent(1'000'000, 6), 5);
}

TEST_F(RateLimiterTest, counts_clients_of_one_block_together) {
  EXPECT_EQ(sent(0, 5, "192.0.2.1"), 5);
  EXPECT_EQ(sent(0, 1, "192.0.2.254"), 0);
  EXPECT_EQ(sent(0, 5, "192.0.3.1"), 5);
  EXPECT_EQ(sent(0, 5, "2001:db8:0:ff::1"), 5);
  EXPECT_EQ(sent(0, 1, "2001:db8::2"), 0);
  EXPECT_EQ(sent(0, 5, "2001:db8:0:100::1"), 5);
}

TEST_F(RateLimiterTest, counts_kinds_and_names_apart_but_not_their_case) {
  EXPECT_EQ(sent(0, 5), 5);
  EXPECT_EQ(count(0, "192.0.2.1", ResponseKind::denial), RateVerdict::send);
  EXPECT_EQ(count(0, "192.0.2.1", ResponseKind::referral), RateVerdict::send);
  EXPECT_EQ(count(0, "192.0.2.1", ResponseKind::error), RateVerdict::send);
  EXPECT_EQ(count(0, "192.0.2.1", ResponseKind::data, "ww"), RateVerdict::send);
  EXPECT_NE(count(0, "192.0.2.1", ResponseKind::data, "WwW"), RateVerdict::send);
}

TEST_F(RateLimiterTest, takes_a_name_of_any_length) {
  std::vector<u8> longest(255, 1);
  longest.back() = 0;
  const auto at = Instant::since_boot(Duration::seconds(1));
  EXPECT_EQ(limiter_->count(at, *IpAddress::parse("2001:db8::1"), ResponseKind::data, longest), RateVerdict::send);
  EXPECT_EQ(limiter_->count(at, *IpAddress::parse("2001:db8::1"), ResponseKind::error, {}), RateVerdict::send);
}

TEST_F(RateLimiterTest, exempts_blocks) {
  auto changed = rules();
  changed.exempt = {*IpPrefix::parse("192.0.2.0/28"), *IpPrefix::parse("2001:db8::/32")};
  use(changed);
  EXPECT_EQ(sent(0, 1'000, "192.0.2.15"), 1'000);
  EXPECT_EQ(sent(0, 1'000, "2001:db8:ffff::1"), 1'000);
  EXPECT_EQ(sent(0, 1'000, "192.0.2.16"), 5);
}

TEST_F(RateLimiterTest, makes_room_for_new_accounts_by_the_oldest) {
  auto changed = rules();
  changed.table_size = 4;  // one bucket
  use(changed);
  const std::array clients{"192.0.2.1", "192.0.3.1", "192.0.4.1", "192.0.5.1"};
  i64 now = 0;
  for (const char* client : clients) EXPECT_EQ(sent(now++, 6, client), 5);
  EXPECT_EQ(sent(now++, 1, clients[0]), 0);  // used again: the second is the oldest now
  EXPECT_EQ(sent(now++, 1, "192.0.6.1"), 1);
  EXPECT_EQ(sent(now, 1, clients[0]), 0);
  EXPECT_EQ(sent(now, 1, clients[2]), 0);
  EXPECT_EQ(sent(now, 1, clients[3]), 0);
  EXPECT_EQ(sent(now, 1, clients[1]), 1);  // a new account
}

TEST_F(RateLimiterTest, stays_within_the_highest_settings) {
  auto changed = rules();
  changed.responses_per_second = 1'000'000;
  changed.window_seconds = 3'600;
  use(changed);
  EXPECT_EQ(sent(0, 1'000), 1'000);
  EXPECT_EQ(sent(i64{1} << 40, 1'000), 1'000);
}

}  // namespace
}  // namespace samara::server
