#include <algorithm>

#include "dns-core/rdata/cursor.h"
#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/field_check.h"
#include "dns-core/rdata/gateway.h"
#include "dns-core/rdata/rdata.h"

namespace samara::dns {
namespace {

constexpr size_t max_rdata_size = 65535;

Result<void, RdataError> check_fields(const Descriptor& descriptor, Bytes stored) {
  RdataCursor at(stored);
  u8 last_octet = 0;
  for (const Field field : descriptor.fields) {
    if (field == Field::none || at.failed()) break;
    check_field(field, descriptor.type, at, last_octet);
  }
  if (at.failed()) return fail(*at.error());
  if (!at.at_end()) return fail(RdataError::trailing);
  return {};
}

// Copies the fields up to and including the last name, which may be compressed; what comes after it is copied as it is. The
// stored form still has to be checked.
Result<void, RdataError> copy_decompressed(const Descriptor& descriptor, ByteReader& at, size_t end, ByteWriter& stored) {
  for (const Field field : descriptor.fields) {
    if (field == Field::none) break;
    const size_t left = end - at.position();
    if (field == Field::name) {
      if (left == 0) return fail(RdataError::truncated);
      const auto name = Name::from_message(at);
      if (!name.ok()) return fail(name.error() == NameError::truncated ? RdataError::truncated : RdataError::bad_name);
      if (at.position() > end) return fail(RdataError::truncated);
      stored.bytes(name.value().wire());
      continue;
    }
    size_t size = fixed_size(field);
    if (field == Field::string && left > 0) size = size_t{at.rest()[0]} + 1;
    if (size == 0) break;
    if (left < size) return fail(RdataError::truncated);
    stored.bytes(MUST(at.bytes(size)));
  }
  stored.bytes(MUST(at.bytes(end - at.position())));
  return {};
}

// The place of the next name that a field holds, if any; steps over the field.
struct Place {
  size_t offset = 0;
  Bytes name;
};

class NameWalk {
 public:
  NameWalk(const Descriptor& descriptor, Bytes stored) : descriptor_(descriptor), at_(stored), size_(stored.size()) {}

  std::optional<Place> next() {
    while (field_ < descriptor_.fields.size() && descriptor_.fields[field_] != Field::none && !at_.failed()) {
      const Field field = descriptor_.fields[field_];
      if (field == Field::host_identity) {  // the only field with more than one name
        if (!in_field_) skip_host_identity(at_);
        in_field_ = true;
        if (at_.at_end()) return std::nullopt;
        return take();
      }
      ++field_;
      if (field == Field::name || (field == Field::ipsec_gateway && skip_to_ipsec_gateway_name(at_)) ||
          (field == Field::amt_relay && skip_to_amt_relay_name(at_)) || (field == Field::a6_address && skip_to_a6_name(at_))) {
        return take();
      }
      if (field != Field::ipsec_gateway && field != Field::amt_relay && field != Field::a6_address) {
        check_field(field, descriptor_.type, at_, last_octet_);
      }
    }
    return std::nullopt;
  }

 private:
  std::optional<Place> take() {
    const size_t offset = size_ - at_.remaining();
    const Bytes name = at_.name();
    if (at_.failed()) return std::nullopt;
    return Place{offset, name};
  }
  static void skip_host_identity(RdataCursor& at) {
    const size_t identity = at.u8();
    at.u8();
    const size_t key = at.u16();
    at.bytes(identity + key);
  }

  const Descriptor& descriptor_;
  RdataCursor at_;
  size_t size_;
  size_t field_ = 0;
  bool in_field_ = false;
  u8 last_octet_ = 0;
};

}  // namespace

std::string_view describe(RdataError error) {
  switch (error) {
    case RdataError::truncated: return "record data ends inside a field";
    case RdataError::trailing: return "record data goes on after its last field";
    case RdataError::bad_name: return "record data holds a bad domain name";
    case RdataError::bad_value: return "record data breaks a rule of its type";
    case RdataError::too_long: return "record data is too long";
  }
  return "unknown record data error";
}

Result<void, RdataError> check_rdata(RrType type, Bytes stored) {
  if (stored.size() > max_rdata_size) return fail(RdataError::too_long);
  const Descriptor* descriptor = find_descriptor(type);
  if (descriptor == nullptr) return {};
  return check_fields(*descriptor, stored);
}

Result<void, RdataError> check_copied_rdata(RrType type, Bytes stored) {
  if (stored.size() > max_rdata_size) return fail(RdataError::too_long);
  const Descriptor* descriptor = find_descriptor(type);
  if (descriptor == nullptr) return {};
  if (descriptor->copied_whole) return check_fields(*descriptor, stored);
  // RFC 2874 section 3.1: such a prefix length leads to no name, whatever follows.
  if (descriptor->fields[0] == Field::a6_address && !stored.empty() && stored[0] > max_a6_prefix) return {};
  RdataCursor at(stored);
  u8 last_octet = 0;
  for (size_t i = 0; i < descriptor->copied_fields; ++i) check_field(descriptor->fields[i], type, at, last_octet);
  if (at.failed()) return fail(*at.error());
  return {};
}

std::string_view broken_rule(RrType type, Bytes stored) {
  const Descriptor* descriptor = find_descriptor(type);
  if (stored.size() > max_rdata_size) return describe(RdataError::too_long);
  if (descriptor == nullptr) return {};
  RdataCursor at(stored);
  u8 last_octet = 0;
  for (const Field field : descriptor->used_fields()) {
    check_field(field, type, at, last_octet);
    if (!at.failed()) continue;
    const std::string_view rule = rule_of(field, type);
    return rule.empty() ? describe(*at.error()) : rule;
  }
  return at.at_end() ? std::string_view{} : describe(RdataError::trailing);
}

Result<void, RdataError> rdata_from_message(RrType type, ByteReader& at, u16 length, ByteWriter& stored, RdataRules rules) {
  const auto check = [&](Bytes rdata) {
    return rules == RdataRules::published ? check_rdata(type, rdata) : check_copied_rdata(type, rdata);
  };
  if (at.remaining() < length) return fail(RdataError::truncated);
  const Descriptor* descriptor = find_descriptor(type);
  const bool decompress = descriptor != nullptr && descriptor->names >= NameRule::decompressed;
  if (!decompress) {
    const Bytes rdata = MUST(at.bytes(length));
    TRY(check(rdata));
    if (stored.remaining() < length) return fail(RdataError::too_long);
    stored.bytes(rdata);
    return {};
  }
  const ByteWriter::Mark start = stored.mark();
  const auto give_up = [&](RdataError error) {
    stored.rollback(start);
    return fail(error);
  };
  const auto copied = copy_decompressed(*descriptor, at, at.position() + length, stored);
  if (!copied.ok()) return give_up(copied.error());
  if (stored.overflowed() || stored.size() - start.size > max_rdata_size) return give_up(RdataError::too_long);
  const auto checked = check(stored.written().subspan(start.size));
  if (!checked.ok()) return give_up(checked.error());
  return {};
}

std::optional<RdataName> rdata_name(RrType type, Bytes stored, size_t index) {
  const Descriptor* descriptor = find_descriptor(type);
  if (descriptor == nullptr) return std::nullopt;
  const bool compressible = descriptor->names == NameRule::compressed;
  if (index < descriptor->name_count) {
    size_t offset = descriptor->name_offset;
    size_t size = wire_name_size(stored.subspan(offset));
    for (size_t i = 0; i < index; ++i) {
      offset += size;
      size = wire_name_size(stored.subspan(offset));
    }
    return RdataName{static_cast<u16>(offset), static_cast<u16>(size), compressible};
  }
  if (!descriptor->names_elsewhere) return std::nullopt;
  NameWalk walk(*descriptor, stored);
  std::optional<Place> place = walk.next();
  for (size_t i = 0; i < index && place.has_value(); ++i) place = walk.next();
  if (!place.has_value()) return std::nullopt;
  return RdataName{static_cast<u16>(place->offset), static_cast<u16>(place->name.size()), compressible};
}

CompressibleNames compressible_names(RrType type) {
  const Descriptor* descriptor = find_descriptor(type);
  if (descriptor == nullptr || descriptor->names != NameRule::compressed) return {0, 0};
  return {static_cast<u8>(descriptor->name_offset), static_cast<u8>(descriptor->name_count)};
}

bool has_compressible_names(RrType type) {
  return compressible_names(type).count != 0;
}

}  // namespace samara::dns
