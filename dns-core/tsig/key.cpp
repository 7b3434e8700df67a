#include "dns-core/tsig/key.h"

#include <algorithm>
#include <array>

namespace samara::dns {
namespace {

struct AlgorithmEntry {
  TsigAlgorithm algorithm;
  std::string_view mnemonic;
  crypto::HashAlgorithm hash;
};
// RFC 8945 section 6, in the order of the enumeration.
constexpr std::array<AlgorithmEntry, 5> algorithms{{
    {TsigAlgorithm::hmac_sha1, "hmac-sha1", crypto::HashAlgorithm::sha1},
    {TsigAlgorithm::hmac_sha224, "hmac-sha224", crypto::HashAlgorithm::sha224},
    {TsigAlgorithm::hmac_sha256, "hmac-sha256", crypto::HashAlgorithm::sha256},
    {TsigAlgorithm::hmac_sha384, "hmac-sha384", crypto::HashAlgorithm::sha384},
    {TsigAlgorithm::hmac_sha512, "hmac-sha512", crypto::HashAlgorithm::sha512},
}};

constexpr const AlgorithmEntry& entry(TsigAlgorithm algorithm) {
  return algorithms[static_cast<size_t>(algorithm)];
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(static_cast<u8>(x)) == to_lower(static_cast<u8>(y)); });
}

}  // namespace

std::optional<TsigAlgorithm> parse_tsig_algorithm(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  for (const AlgorithmEntry& e : algorithms) {
    if (equals_ignoring_case(text, e.mnemonic)) return e.algorithm;
  }
  return std::nullopt;
}

std::string_view algorithm_mnemonic(TsigAlgorithm algorithm) {
  return entry(algorithm).mnemonic;
}

Name algorithm_name(TsigAlgorithm algorithm) {
  return MUST(Name::parse(entry(algorithm).mnemonic, Name()));
}

std::optional<TsigAlgorithm> tsig_algorithm(const Name& name) {
  for (const AlgorithmEntry& e : algorithms) {
    if (name == algorithm_name(e.algorithm)) return e.algorithm;
  }
  return std::nullopt;
}

crypto::HashAlgorithm hash_of(TsigAlgorithm algorithm) {
  return entry(algorithm).hash;
}

size_t least_mac_size(TsigAlgorithm algorithm) {
  return std::max<size_t>(10, crypto::digest_size(hash_of(algorithm)) / 2);
}

size_t TsigKey::used_mac_size() const {
  if (mac_size == 0) return full_mac_size();
  return std::clamp<size_t>(mac_size, least_mac_size(algorithm), full_mac_size());
}

const TsigKey* TsigKeyring::find(const Name& name, TsigAlgorithm algorithm) const {
  const auto found = std::ranges::find_if(keys_, [&](const TsigKey& k) { return k.algorithm == algorithm && k.name == name; });
  return found == keys_.end() ? nullptr : &*found;
}

const TsigKey* TsigKeyring::find(const Name& name) const {
  const auto found = std::ranges::find_if(keys_, [&](const TsigKey& k) { return k.name == name; });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace samara::dns
