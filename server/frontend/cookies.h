// Server cookies (RFC 7873), made and checked as RFC 9018 section 4 says, so that any server with the same secret accepts
// them: version 1, a time stamp, and SipHash-2-4 over the client's cookie, both and its address. No state is kept.
#pragma once

#include <array>
#include <optional>

#include "dns-core/message/edns.h"
#include "platform/base/ip_address.h"
#include "platform/base/time.h"
#include "platform/crypto/siphash.h"

namespace samara::server {

enum class CookieVerdict : u8 {
  absent,   // no cookie option
  new_one,  // only the client's part: it does not know ours yet
  good,
  bad,  // too old, from the future, for another address, or made up
};

class ServerCookies {
 public:
  using Secret = crypto::SipHashKey;
  // The option's data in a response: the client's 8 octets and our 16.
  using Full = std::array<u8, 24>;

  ServerCookies(const Secret& current, std::optional<Secret> previous) : current_(current), previous_(previous) {}

  // A cookie of the old secret is not accepted any more: whoever has a copy of the secret makes such cookies as well.
  void replace_secret(const Secret& fresh) { current_ = fresh; }
  CookieVerdict check(const std::optional<dns::CookieOption>& option, const IpAddress& client, UnixTime now) const;
  Full make(const dns::CookieOption& option, const IpAddress& client, UnixTime now) const;

 private:
  Secret current_;
  std::optional<Secret> previous_;  // still accepted while all servers change over (RFC 9018 section 5)
};

}  // namespace samara::server
