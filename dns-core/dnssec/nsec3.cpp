#include "dns-core/dnssec/nsec3.h"

#include <algorithm>

#include "platform/base/byte_writer.h"
#include "platform/base/text_writer.h"
#include "platform/codec/base32hex.h"
#include "platform/crypto/hash.h"

namespace samara::dns {
namespace {

constexpr size_t label_size = codec::base32hex_size(Nsec3Hash{}.size());

std::optional<Nsec3Hash> as_hash(Bytes octets) {
  Nsec3Hash hash{};
  if (octets.size() != hash.size()) return std::nullopt;
  std::ranges::copy(octets, hash.begin());
  return hash;
}

}  // namespace

bool same_chain(const Nsec3ParameterView& a, const Nsec3ParameterView& b) {
  return a.algorithm == b.algorithm && a.iterations == b.iterations && std::ranges::equal(a.salt, b.salt);
}

Result<Nsec3Hash, Nsec3Error> nsec3_hash(const Name& name, const Nsec3ParameterView& parameters, u16 max_iterations) {
  if (parameters.algorithm != Nsec3ParameterView::sha1) return fail(Nsec3Error::unknown_algorithm);
  if (parameters.iterations > max_iterations) return fail(Nsec3Error::too_many_iterations);
  crypto::Hash hash(crypto::HashAlgorithm::sha1);
  hash.update(name.lowercased().wire());
  hash.update(parameters.salt);
  crypto::Digest digest = hash.finish();
  for (u16 i = 0; i < parameters.iterations; ++i) {
    hash.update(digest.bytes());
    hash.update(parameters.salt);
    digest = hash.finish();
  }
  return *as_hash(digest.bytes());
}

Result<Name, NameError> nsec3_owner(const Nsec3Hash& hash, const Name& apex) {
  TextBuffer<label_size> text;
  codec::encode_base32hex(hash, text.writer());
  std::array<u8, label_size> label{};
  ByteWriter(label).text(text.view());
  return apex.child(label);
}

std::optional<Nsec3Hash> nsec3_owner_hash(const Name& owner) {
  const Bytes wire = owner.wire();
  if (wire.front() != label_size) return std::nullopt;
  std::array<char, label_size> text{};
  std::ranges::transform(wire.subspan(1, label_size), text.begin(), [](u8 octet) { return static_cast<char>(octet); });
  Nsec3Hash hash{};
  ByteWriter out(hash);
  if (!codec::decode_base32hex({text.data(), text.size()}, out).ok()) return std::nullopt;
  return hash;
}

bool nsec3_covers(const Nsec3Hash& owner, const Nsec3Hash& next, const Nsec3Hash& hash) {
  if (owner < next) return owner < hash && hash < next;
  // The gap goes around; with both ends the same it is everything else.
  return hash > owner || hash < next;
}

std::optional<Nsec3Hash> nsec3_next_hash(const Nsec3View& record) {
  return as_hash(record.next_hash);
}

}  // namespace samara::dns
