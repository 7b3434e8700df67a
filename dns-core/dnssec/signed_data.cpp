#include "dns-core/dnssec/signed_data.h"

#include <algorithm>

#include "dns-core/message/header.h"
#include "dns-core/record_image.h"
#include "platform/base/byte_writer.h"

namespace samara::dns {
namespace {

// A message of 65,535 octets less its header, for records that share a compressed owner name of two octets.
constexpr size_t max_rrset_size = max_message_size - header_size;

// RFC 4035 section 5.3.2: an RRset that a wildcard made was signed under the wildcard's name.
Name signed_owner(const Name& owner, size_t labels) {
  if (labels == owner.label_count()) return owner.lowercased();
  constexpr std::array<u8, 1> asterisk{'*'};
  // A name of 255 octets that loses at least one label has room for `*`.
  return MUST(owner.suffix(labels).child(asterisk)).lowercased();
}

void write_rrsig_fields(const RrsigView& rrsig, ByteWriter& out) {
  out.u16(code(rrsig.covered));
  out.u8(code(rrsig.algorithm));
  out.u8(rrsig.labels);
  out.u32(rrsig.original_ttl);
  out.u32(rrsig.expiration);
  out.u32(rrsig.inception);
  out.u16(rrsig.key_tag.value());
  out.bytes(rrsig.signer.lowercased().wire());
}

// RFC 4034 section 6.3: in order, and equal records once.
std::vector<Bytes> in_canonical_order(const RrsetView& rrset) {
  std::vector<Bytes> records(rrset.rdata.begin(), rrset.rdata.end());
  if (records.size() < 2) return records;
  const RrType type = rrset.type;
  std::ranges::sort(records, [type](Bytes a, Bytes b) { return canonical_compare_rdata(type, a, b) < 0; });
  const auto doubles =
      std::ranges::unique(records, [type](Bytes a, Bytes b) { return canonical_compare_rdata(type, a, b) == 0; });
  records.erase(doubles.begin(), doubles.end());
  return records;
}

}  // namespace

u8 rrsig_labels(const Name& owner) {
  return static_cast<u8>(owner.label_count() - (owner.is_wildcard() ? 1 : 0));
}

Result<Bytes, SignedDataError> write_signed_data(const RrsigView& rrsig, const RrsetView& rrset, std::vector<u8>& memory) {
  if (rrsig.labels > rrset.owner.label_count()) return fail(SignedDataError::bad_labels);
  size_t size_in_message = 0;
  for (const Bytes rdata : rrset.rdata) size_in_message += 2 + record_fixed_size + rdata.size();
  if (size_in_message > max_rrset_size) return fail(SignedDataError::too_large);

  const Name owner = signed_owner(rrset.owner, rrsig.labels);
  const std::vector<Bytes> records = in_canonical_order(rrset);
  size_t size = rrsig_fixed_size + rrsig.signer.size();
  for (const Bytes rdata : records) size += owner.size() + record_fixed_size + rdata.size();
  memory.resize(size);
  ByteWriter out(memory);
  write_rrsig_fields(rrsig, out);
  for (const Bytes rdata : records) {
    out.bytes(owner.wire());
    out.u16(code(rrset.type));
    out.u16(code(rrset.rr_class));
    out.u32(rrsig.original_ttl);
    out.u16(static_cast<u16>(rdata.size()));
    write_canonical_rdata(rrset.type, rdata, out);
  }
  return out.written();
}

}  // namespace samara::dns
