#include "server/frontend/cookies.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "platform/base/byte_writer.h"
#include "platform/codec/hex.h"

namespace samara::server {
namespace {

std::vector<u8> octets(std::string_view hex) {
  std::vector<u8> memory(hex.size() / 2);
  ByteWriter out(memory);
  EXPECT_TRUE(codec::decode_hex(hex, out).ok());
  return memory;
}

ServerCookies::Secret secret(std::string_view hex) {
  ServerCookies::Secret key{};
  std::ranges::copy(octets(hex), key.begin());
  return key;
}

dns::CookieOption option(std::string_view hex) {
  const std::vector<u8> data = octets(hex);
  dns::CookieOption made{};
  std::copy_n(data.begin(), 8, made.client.begin());
  std::copy(data.begin() + 8, data.end(), made.server.begin());
  made.server_size = static_cast<u8>(data.size() - 8);
  return made;
}

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

std::vector<u8> made(const ServerCookies& cookies, std::string_view client_cookie, std::string_view client, i64 now) {
  const auto full = cookies.make(option(client_cookie), address(client), UnixTime{now});
  return {full.begin(), full.end()};
}

const ServerCookies::Secret first_secret = secret("e5e973e5a6b2a43f48e7dc849e37bfcf");

TEST(ServerCookies, are_made_as_in_rfc9018_appendix_a1) {
  const ServerCookies cookies(first_secret, std::nullopt);
  EXPECT_EQ(made(cookies, "2464c4abcf10c957", "198.51.100.100", 1559731985),
            octets("2464c4abcf10c957010000005cf79f111f8130c3eee29480"));
}

TEST(ServerCookies, are_renewed_as_in_rfc9018_appendix_a2) {
  const ServerCookies cookies(first_secret, std::nullopt);
  const auto old = option("2464c4abcf10c957010000005cf79f111f8130c3eee29480");
  EXPECT_EQ(cookies.check(old, address("198.51.100.100"), UnixTime{1559734385}), CookieVerdict::good);
  EXPECT_EQ(made(cookies, "2464c4abcf10c957", "198.51.100.100", 1559734385),
            octets("2464c4abcf10c957010000005cf7a871d4a564a1442aca77"));
}

TEST(ServerCookies, of_another_server_are_accepted_as_in_rfc9018_appendix_a3) {
  // Its reserved octets are not zero; they are hashed as they came.
  const ServerCookies cookies(first_secret, std::nullopt);
  const auto theirs = option("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
  EXPECT_EQ(cookies.check(theirs, address("203.0.113.203"), UnixTime{1559727985}), CookieVerdict::good);
  EXPECT_EQ(made(cookies, "fc93fc62807ddb86", "203.0.113.203", 1559734700),
            octets("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"));
}

TEST(ServerCookies, change_over_to_a_new_secret_as_in_rfc9018_appendix_a4) {
  const ServerCookies::Secret before = secret("dd3bdf9344b678b185a6f5cb60fca715");
  const ServerCookies::Secret after = secret("445536bcd2513298075a5d379663c962");
  const auto old = option("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
  const IpAddress client = address("2001:db8:220:1:59de:d0f4:8769:82b8");
  const UnixTime now{1559741961};
  const ServerCookies both(after, before);
  EXPECT_EQ(both.check(old, client, now), CookieVerdict::good);
  const auto fresh = both.make(old, client, now);
  EXPECT_EQ(std::vector<u8>(fresh.begin(), fresh.end()), octets("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
  EXPECT_EQ(ServerCookies(after, std::nullopt).check(old, client, now), CookieVerdict::bad);
}

TEST(ServerCookies, know_absent_and_new_ones) {
  const ServerCookies cookies(first_secret, std::nullopt);
  EXPECT_EQ(cookies.check(std::nullopt, address("192.0.2.1"), UnixTime{0}), CookieVerdict::absent);
  EXPECT_EQ(cookies.check(option("2464c4abcf10c957"), address("192.0.2.1"), UnixTime{0}), CookieVerdict::new_one);
}

TEST(ServerCookies, hold_for_an_hour_and_five_minutes_ahead) {
  const ServerCookies cookies(first_secret, std::nullopt);
  // Also where the 32 bits of time turn over (RFC 1982).
  for (const i64 then : {i64{1559731985}, i64{0xffffffff}, i64{0x100000000}, i64{0x7fffffff}}) {
    const std::vector<u8> full = made(cookies, "2464c4abcf10c957", "192.0.2.1", then);
    dns::CookieOption cookie = option("2464c4abcf10c957");
    std::copy(full.begin() + 8, full.end(), cookie.server.begin());
    cookie.server_size = 16;
    const auto at = [&](i64 seconds) { return cookies.check(cookie, address("192.0.2.1"), UnixTime{then + seconds}); };
    EXPECT_EQ(at(0), CookieVerdict::good);
    EXPECT_EQ(at(3600), CookieVerdict::good);
    EXPECT_EQ(at(3601), CookieVerdict::bad);
    EXPECT_EQ(at(-300), CookieVerdict::good);
    EXPECT_EQ(at(-301), CookieVerdict::bad);
  }
}

TEST(ServerCookies, are_bad_when_anything_is_changed) {
  const ServerCookies cookies(first_secret, std::nullopt);
  const std::string_view hex = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
  const UnixTime now{1559731985};
  ASSERT_EQ(cookies.check(option(hex), address("198.51.100.100"), now), CookieVerdict::good);
  EXPECT_EQ(cookies.check(option(hex), address("198.51.100.101"), now), CookieVerdict::bad);
  EXPECT_EQ(cookies.check(option(hex), address("::c633:6464"), now), CookieVerdict::bad);
  for (size_t bit = 0; bit < 24 * 8; ++bit) {
    dns::CookieOption changed = option(hex);
    const u8 mask = static_cast<u8>(1U << bit % 8);
    if (bit < 64) {
      changed.client[bit / 8] ^= mask;
    } else {
      changed.server[bit / 8 - 8] ^= mask;
    }
    ASSERT_EQ(cookies.check(changed, address("198.51.100.100"), now), CookieVerdict::bad) << bit;
  }
  for (const u8 size : {8, 15, 17, 32}) {
    dns::CookieOption other = option(hex);
    other.server_size = size;
    EXPECT_EQ(cookies.check(other, address("198.51.100.100"), now), CookieVerdict::bad);
  }
}

}  // namespace
}  // namespace samara::server
