#include "zone/header.h"

#include <algorithm>

#include "dns-core/rdata/soa.h"

namespace samara::zone {
namespace {

// 0 when it is not prepared; the extent says when it is full.
Ref write_negative_soa(ExtentWriter& out, const dns::Name& apex, RecordView soa, u32 ttl) {
  if (apex.is_root()) return 0;  // a pointer to it would be longer
  SAMARA_UNINITIALIZED std::array<u8, dns::record_fixed_size + dns::max_soa_rdata_size> octets;
  ByteWriter record(octets);
  const auto pointers = dns::prepare_record(apex.wire(), soa.image(), record);
  if (!pointers.has_value()) return 0;
  const auto ref = out.take(12 + record.size());
  if (!ref.has_value()) return 0;
  store_be32(record.written_mutable(), 4, ttl);
  out.set_word(*ref, static_cast<u32>(record.size()));
  for (Ref i = 0; i < 2; ++i) out.set_word(*ref + 1 + i, (*pointers)[i].place | u32{(*pointers)[i].suffix} << 16);
  std::ranges::copy(record.written(), out.octets(*ref, 12, record.size()).begin());
  return *ref;
}

}  // namespace

HeaderWords header_words(const Zone& zone) {
  HeaderWords words;
  for (Ref i = 0; i < Zone::fixed_words; ++i) words[i] = zone.memory().word(zone.header() + i);
  return words;
}

Result<void, BuildError> set_soa(ExtentWriter& out, const dns::Name& apex, const NodeView& apex_node, HeaderWords& words) {
  const auto soa = apex_node.find(dns::RrType::SOA);
  if (!soa.has_value()) return fail(BuildError::no_soa);
  const Bytes rdata = soa->first().rdata();
  if (rdata.size() < 2 + dns::soa_numbers_size) return fail(BuildError::bad_rdata);
  const auto numbers = dns::SoaNumbers::of(rdata);
  const u32 negative_ttl = std::min(soa->ttl().seconds(), numbers.minimum);
  words[Zone::soa_at] = soa->ref();
  words[Zone::serial_at] = numbers.serial.value();
  words[Zone::negative_ttl_at] = negative_ttl;
  words[Zone::negative_soa_at] = write_negative_soa(out, apex, soa->first(), negative_ttl);
  return {};
}

Ref write_header(ExtentWriter& out, const HeaderWords& words, const dns::Name& apex) {
  const auto ref = out.take(Zone::fixed_words * 4 + apex.size());
  if (!ref.has_value() || out.full()) return 0;
  for (Ref i = 0; i < Zone::fixed_words; ++i) out.set_word(*ref + i, words[i]);
  std::ranges::copy(apex.wire(), out.octets(*ref, Zone::fixed_words * 4, apex.size()).begin());
  return *ref;
}

void set_history(ExtentWriter& out, Ref header, const HeaderWords& words) {
  for (const Ref at : {Zone::history_at, Zone::history_count_at, Zone::history_octets_at}) out.set_word(header + at, words[at]);
}

void set_extent(ExtentWriter& out, Ref header, Extent extent) {
  out.set_word(header + Zone::extent_offset_at, static_cast<u32>(extent.offset / 4));
  out.set_word(header + Zone::extent_size_at, static_cast<u32>(extent.size / 4));
}

}  // namespace samara::zone
