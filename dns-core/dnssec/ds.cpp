#include "dns-core/dnssec/ds.h"

#include <algorithm>

#include "dns-core/dnssec/records.h"

namespace samara::dns {
namespace {

std::optional<crypto::HashAlgorithm> hash_of(DsDigest type) {
  switch (type) {
    case DsDigest::SHA1: return crypto::HashAlgorithm::sha1;
    case DsDigest::SHA256: return crypto::HashAlgorithm::sha256;
    case DsDigest::SHA384: return crypto::HashAlgorithm::sha384;
  }
  return std::nullopt;
}

constexpr u8 rsa_md5 = 1;

}  // namespace

KeyTag key_tag(Bytes dnskey) {
  // RFC 4034 appendix B.1: of the oldest algorithm, the last 24 bits of the modulus without the lowest eight.
  if (dnskey.size() >= 7 && dnskey[3] == rsa_md5) return KeyTag(load_be16(dnskey, dnskey.size() - 3));
  u32 sum = 0;
  for (size_t i = 0; i < dnskey.size(); ++i) sum += i % 2 == 0 ? u32{dnskey[i]} << 8 : dnskey[i];
  sum += sum >> 16;
  return KeyTag(static_cast<u16>(sum));
}

std::optional<crypto::Digest> ds_digest(const Name& owner, Bytes dnskey, DsDigest type) {
  const auto algorithm = hash_of(type);
  if (!algorithm) return std::nullopt;
  crypto::Hash hash(*algorithm);
  hash.update(owner.lowercased().wire());
  hash.update(dnskey);
  return hash.finish();
}

bool ds_matches(Bytes ds, const Name& owner, Bytes dnskey) {
  const auto view = DsView::parse(ds);
  const auto key = DnskeyView::parse(dnskey);
  if (!view.ok() || !key.ok()) return false;
  if (view.value().algorithm != key.value().algorithm || view.value().key_tag != key_tag(dnskey)) return false;
  const auto digest = ds_digest(owner, dnskey, view.value().digest_type);
  return digest && std::ranges::equal(digest->bytes(), view.value().digest);
}

}  // namespace samara::dns
