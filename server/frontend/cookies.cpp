#include "server/frontend/cookies.h"

#include <algorithm>

#include "platform/base/byte_order.h"
#include "platform/base/byte_writer.h"
#include "platform/crypto/secret.h"

namespace samara::server {
namespace {

// RFC 9018 section 4.3.
constexpr i32 max_age = 3600;
constexpr i32 max_ahead = 300;
constexpr u8 version = 1;
constexpr size_t server_part = 16;

// RFC 9018 section 4.4: hash of client cookie, version, reserved, time stamp and client address. `head` is the first 16 octets.
std::array<u8, 8> hash(const ServerCookies::Secret& secret, Bytes head, const IpAddress& client) {
  std::array<u8, 32> input{};
  ByteWriter writer(input);
  writer.bytes(head);
  writer.bytes(client.octets());
  std::array<u8, 8> out{};
  const MutableBytes octets(out);
  store_le64(octets, 0, crypto::siphash24(secret, writer.written()));
  return out;
}

}  // namespace

CookieVerdict ServerCookies::check(const std::optional<dns::CookieOption>& option, const IpAddress& client,
                                   UnixTime now) const {
  if (!option.has_value()) return CookieVerdict::absent;
  if (option->server_size == 0) return CookieVerdict::new_one;
  if (option->server_size != server_part || option->server[0] != version) return CookieVerdict::bad;
  // The time stamp is a serial number (RFC 1982): its difference to now, as a signed number, is its age.
  const i32 age = static_cast<i32>(static_cast<u32>(now.seconds) - load_be32(option->server, 4));
  if (age > max_age || age < -max_ahead) return CookieVerdict::bad;
  std::array<u8, 16> head{};
  std::ranges::copy(option->client, head.begin());
  std::ranges::copy(Bytes(option->server).first(8), MutableBytes(head).subspan(8).begin());
  const Bytes given = Bytes(option->server).subspan(8, 8);
  if (crypto::equal_in_constant_time(hash(current_, head, client), given)) return CookieVerdict::good;
  if (previous_.has_value() && crypto::equal_in_constant_time(hash(*previous_, head, client), given))
    return CookieVerdict::good;
  return CookieVerdict::bad;
}

ServerCookies::Full ServerCookies::make(const dns::CookieOption& option, const IpAddress& client, UnixTime now) const {
  Full full{};
  ByteWriter writer(full);
  writer.bytes(option.client);
  writer.u8(version);
  writer.zeros(3);
  writer.u32(static_cast<u32>(now.seconds));
  writer.bytes(hash(current_, writer.written(), client));
  return full;
}

}  // namespace samara::server
