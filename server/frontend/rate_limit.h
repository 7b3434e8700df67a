// RateLimiter: response rate limiting for UDP, so that forged queries cannot turn us against their victim. Answers are counted
// by client block and by what they are (the name for data, the zone cut for referrals, the zone for denials, all errors alike);
// one that is over the limit is dropped or, every `slip`-th time, sent truncated, which sends a real client to TCP.
//
// Capacity: `table_size` accounts, four to a bucket; the account least recently used makes room.
#pragma once

#include <array>
#include <vector>

#include "platform/base/ip_address.h"
#include "platform/base/plain_vector.h"
#include "platform/base/time.h"
#include "platform/crypto/siphash.h"

namespace samara::server {

// Answers of one kind are counted together.
enum class ResponseKind : u8 { data, referral, denial, error };

enum class RateVerdict : u8 { send, slip, drop };

class RateLimiter {
 public:
  struct Rules {
    u32 responses_per_second;
    u32 slip;            // 0: always drop; n: every n-th is truncated instead
    u32 window_seconds;  // how far an account may go into debt
    u8 prefix_ipv4;
    u8 prefix_ipv6;
    u32 table_size;
    std::vector<IpPrefix> exempt;
  };

  RateLimiter(Rules rules, const crypto::SipHashKey& key);
  // Counts an answer to `client`; `subject` is the wire-format name it is counted under (any case).
  RateVerdict count(Instant now, const IpAddress& client, ResponseKind kind, Bytes subject);

 private:
  struct Account {
    u64 identity;
    i64 credit;   // thousandths of a response
    i64 updated;  // milliseconds since boot; -1: never used
    u32 over;     // answers over the limit in a row, for slip
  };
  static constexpr size_t ways = 4;
  // Not set before its bit in `touched_` is: a table that nobody asks for costs no memory and no time.
  struct Bucket {
    std::array<Account, ways> accounts;
  };

  Account& account_of(u64 identity, i64 now_milliseconds);

  Rules rules_;
  crypto::SipHashKey key_;
  PlainVector<Bucket> buckets_;
  std::vector<u64> touched_;  // a bit for each bucket
};

}  // namespace samara::server
