#include "server/frontend/rate_limit.h"

#include <algorithm>
#include <bit>

#include "dns-core/name.h"
#include "platform/base/byte_writer.h"

namespace samara::server {
namespace {

constexpr i64 one_response = 1000;

}  // namespace

RateLimiter::RateLimiter(Rules rules, const crypto::SipHashKey& key)
    : rules_(std::move(rules)),
      key_(key),
      buckets_(std::bit_ceil(std::max<size_t>(rules_.table_size, ways)) / ways),
      touched_((buckets_.size() + 63) / 64) {}

RateLimiter::Account& RateLimiter::account_of(u64 identity, i64 now_milliseconds) {
  const size_t bucket = identity % buckets_.size();
  std::array<Account, ways>& candidates = buckets_[bucket].accounts;
  const u64 bit = u64{1} << bucket % 64;
  if ((touched_[bucket / 64] & bit) == 0) {
    touched_[bucket / 64] |= bit;
    candidates.fill({.identity = 0, .credit = 0, .updated = -1, .over = 0});
  }
  for (Account& account : candidates) {
    if (account.updated >= 0 && account.identity == identity) return account;
  }
  Account& oldest = *std::ranges::min_element(candidates, {}, &Account::updated);
  oldest = {identity, i64{rules_.responses_per_second} * one_response, now_milliseconds, 0};
  return oldest;
}

RateVerdict RateLimiter::count(Instant now, const IpAddress& client, ResponseKind kind, Bytes subject) {
  for (const IpPrefix& prefix : rules_.exempt) {
    if (prefix.contains(client)) return RateVerdict::send;
  }
  std::array<u8, 1 + 16 + dns::max_name_size> identity{};
  ByteWriter writer(identity);
  writer.u8(static_cast<u8>(kind));
  writer.bytes(masked(client, client.is_v4() ? rules_.prefix_ipv4 : rules_.prefix_ipv6).octets());
  for (const u8 octet : subject) writer.u8(dns::to_lower(octet));
  const i64 milliseconds = now.since_boot().milliseconds();
  Account& account = account_of(crypto::siphash24(key_, writer.written()), milliseconds);

  const i64 rate = i64{rules_.responses_per_second} * one_response;
  // A second more than the window pays back the deepest debt and fills the account.
  const i64 counted = std::min<i64>(milliseconds - account.updated, (i64{rules_.window_seconds} + 1) * 1000);
  const i64 earned = counted * rules_.responses_per_second;
  account.updated = milliseconds;
  account.credit = std::min(account.credit + earned, rate);
  account.credit = std::max(account.credit - one_response, -rate * rules_.window_seconds);
  if (account.credit >= 0) {
    account.over = 0;
    return RateVerdict::send;
  }
  ++account.over;
  if (rules_.slip != 0 && account.over % rules_.slip == 0) return RateVerdict::slip;
  return RateVerdict::drop;
}

}  // namespace samara::server
