// TSIG keys (RFC 8945 sections 4.2, 6 and 8): a name, an algorithm and a shared secret. HMAC-MD5 is left out on purpose
// (section 6: MUST NOT be used).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "platform/crypto/hash.h"
#include "platform/crypto/secret.h"

namespace samara::dns {

enum class TsigAlgorithm : u8 { hmac_sha1, hmac_sha224, hmac_sha256, hmac_sha384, hmac_sha512 };

// "hmac-sha256", with or without the final dot, in any case.
std::optional<TsigAlgorithm> parse_tsig_algorithm(std::string_view text);
std::string_view algorithm_mnemonic(TsigAlgorithm algorithm);
Name algorithm_name(TsigAlgorithm algorithm);
std::optional<TsigAlgorithm> tsig_algorithm(const Name& name);
crypto::HashAlgorithm hash_of(TsigAlgorithm algorithm);
constexpr size_t max_mac_size = crypto::max_digest_size;

struct TsigKey {
  Name name;
  TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256;
  crypto::SecretBytes secret;
  // Octets of the MAC that are sent, and the fewest that are accepted (RFC 8945 section 5.2.2.1); 0 is all.
  u8 mac_size = 0;

  size_t full_mac_size() const { return crypto::digest_size(hash_of(algorithm)); }
  size_t used_mac_size() const;
};

// The fewest octets a MAC may be cut to, whatever the policy (RFC 8945 section 5.2.2.1): half of it and at least 10.
size_t least_mac_size(TsigAlgorithm algorithm);

// All keys a server knows. Few: they are searched in order.
class TsigKeyring {
 public:
  void add(TsigKey key) { keys_.push_back(std::move(key)); }
  // Name and algorithm must both be the key's (RFC 8945 section 5.2.1).
  const TsigKey* find(const Name& name, TsigAlgorithm algorithm) const;
  const TsigKey* find(const Name& name) const;
  size_t size() const { return keys_.size(); }

 private:
  std::vector<TsigKey> keys_;
};

}  // namespace samara::dns
