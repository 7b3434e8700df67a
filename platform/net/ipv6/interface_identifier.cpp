#include "platform/net/ipv6/interface_identifier.h"

#include <algorithm>

#include "platform/base/byte_order.h"
#include "platform/crypto/hmac.h"

namespace samara::net::ipv6 {

InterfaceIdentifier stable_identifier(Bytes secret, const IpAddress& prefix, const MacAddress& mac, Bytes network,
                                      u8 dad_counter) {
  // Only the last part varies in length, so that no two inputs run together to the same octets.
  crypto::Hmac hmac(crypto::HashAlgorithm::sha256, secret);
  hmac.update(prefix.octets().first(8));
  hmac.update(mac.octets);
  hmac.update(Bytes(&dad_counter, 1));
  hmac.update(network);
  InterfaceIdentifier identifier{};
  std::ranges::copy(hmac.finish().bytes().first(identifier.size()), identifier.begin());
  return identifier;
}

bool is_reserved(const InterfaceIdentifier& identifier) {
  const u64 value = load_be64(identifier);
  return value == 0 ||                                                    // subnet-router anycast (RFC 4291)
         (value >= 0x02005efffe000000 && value <= 0x02005efffeffffff) ||  // IANA's Ethernet block
         (value >= 0xfdffffffffffff80 && value <= 0xfdffffffffffffff);    // subnet anycast (RFC 2526)
}

}  // namespace samara::net::ipv6
