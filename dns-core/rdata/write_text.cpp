// Writing of presentation format: one small writer for each field kind (descriptor.h).
#include <array>

#include "dns-core/rdata/address_prefixes.h"
#include "dns-core/rdata/atm_address.h"
#include "dns-core/rdata/character_string.h"
#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/gateway.h"
#include "dns-core/rdata/host_identity.h"
#include "dns-core/rdata/ip_fields.h"
#include "dns-core/rdata/location.h"
#include "dns-core/rdata/numbers.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/rdata/services.h"
#include "dns-core/rdata/svcb.h"
#include "dns-core/rdata/type_bitmap.h"
#include "platform/codec/base32hex.h"
#include "platform/codec/base64.h"
#include "platform/codec/hex.h"

namespace samara::dns {
namespace {

void write_named_number(Field field, u32 value, TextWriter& out) {
  const NumberForm form = number_form(field);
  const std::string_view name = form.write_names ? name_of(form.names, value) : std::string_view();
  if (name.empty()) {
    out.put(value);
  } else {
    out.put(name);
  }
}

void write_hex_groups(Bytes octets, size_t octets_each, char separator, TextWriter& out) {
  for (size_t i = 0; i < octets.size(); i += octets_each) {
    if (i != 0) out.put(separator);
    codec::encode_hex(octets.subspan(i, octets_each), out);
  }
}

void write_strings(RdataCursor& at, TextWriter& out) {
  for (bool first = true; !at.at_end(); first = false) {
    if (!first) out.put(' ');
    write_quoted(at.string(), out);
  }
}

void write_name(RdataCursor& at, TextWriter& out) {
  ByteReader name(at.name());
  MUST(Name::from_wire(name)).write_text(out);
}

void write_sized_base64(RdataCursor& at, TextWriter& out) {
  const u16 length = at.u16();
  out.put(length);
  if (length == 0) return;
  out.put(' ');
  codec::encode_base64(at.bytes(length), out);
}

// Whether the blank before the field is written with it, because there may be nothing to put one in front of.
bool brings_its_blank(Field field, const RdataCursor& at) {
  if (field == Field::string_or_none || field == Field::base64_or_none) return at.at_end();
  return field == Field::types || field == Field::types_or_none || field == Field::nxt_types ||
         field == Field::service_parameters;
}

// False when the presentation format has no way to say what the field holds.
bool write_field(Field field, RdataCursor& at, TextWriter& out) {
  switch (field) {
    case Field::none: return true;
    case Field::number8:
    case Field::flags:
    case Field::number16:
    case Field::number32:
    case Field::number48:
    case Field::number64:
    case Field::period: out.put(at.number(fixed_size(field))); return true;
    case Field::time: write_time(at.u32(), out); return true;
    case Field::type: write_type(RrType{at.u16()}, out); return true;
    case Field::algorithm:
    case Field::digest_type:
    case Field::certificate_type:
    case Field::key_flags:
    case Field::key_protocol:
    case Field::tlsa_usage:
    case Field::tlsa_selector:
    case Field::tlsa_matching:
    case Field::dsync_scheme:
    case Field::rcode: write_named_number(field, static_cast<u32>(at.number(fixed_size(field))), out); return true;
    case Field::ipv4:
    case Field::ipv6: ip_from_octets(at.bytes(fixed_size(field))).write_text(out); return true;
    case Field::locator64: write_hex_groups(at.bytes(8), 2, ':', out); return true;
    case Field::eui48:
    case Field::eui64: write_hex_groups(at.bytes(fixed_size(field)), 1, '-', out); return true;
    case Field::name: write_name(at, out); return true;
    case Field::string: write_quoted(at.string(), out); return true;
    case Field::string_or_none:
    case Field::strings: write_strings(at, out); return true;
    case Field::digits:
    case Field::tag: write_escaped(at.string(), out); return true;
    case Field::text:
    case Field::text_not_empty: write_quoted(at.all(), out); return true;
    case Field::hex:
    case Field::digest: codec::encode_hex(at.all(), out, codec::HexCase::upper); return true;
    case Field::base64:
    case Field::base64_or_none: codec::encode_base64(at.all(), out); return true;
    case Field::base64_or_dash:
      if (at.at_end()) out.put('-');
      codec::encode_base64(at.all(), out);
      return true;
    case Field::salt: {
      const Bytes salt = at.string();
      if (salt.empty()) out.put('-');
      codec::encode_hex(salt, out, codec::HexCase::upper);
      return true;
    }
    case Field::hash: codec::encode_base32hex(at.string(), out); return true;
    case Field::sized_base64: write_sized_base64(at, out); return true;
    case Field::opaque: return false;
    case Field::types:
    case Field::types_or_none: write_type_bitmap(at, out); return true;
    case Field::nxt_types: return write_nxt_bitmap(at, out);
    case Field::services: write_services(at, out); return true;
    case Field::location: return write_location(at, out);
    case Field::prefixes: return write_address_prefixes(at, out);
    case Field::ipsec_gateway: return write_ipsec_gateway(at, out);
    case Field::amt_relay: return write_amt_relay(at, out);
    case Field::a6_address: return write_a6_address(at, out);
    case Field::host_identity: write_host_identity(at, out); return true;
    case Field::nsap: write_nsap(at, out); return true;
    case Field::atm_address: return write_atm_address(at, out);
    case Field::service_parameters: return write_service_parameters(at, out);
  }
  return false;
}

bool write_fields(const Descriptor& descriptor, Bytes stored, TextWriter& out) {
  RdataCursor at(stored);
  for (size_t i = 0; i < descriptor.fields.size() && descriptor.fields[i] != Field::none; ++i) {
    if (i != 0 && !brings_its_blank(descriptor.fields[i], at)) out.put(' ');
    if (!write_field(descriptor.fields[i], at, out)) return false;
  }
  return true;
}

void write_generic(Bytes stored, TextWriter& out) {
  out.put("\\# ");
  out.put(stored.size());
  if (stored.empty()) return;
  out.put(' ');
  codec::encode_hex(stored, out, codec::HexCase::upper);
}

}  // namespace

void write_rdata_text(RrType type, Bytes stored, TextWriter& out) {
  const Descriptor* descriptor = find_descriptor(type);
  // Data that breaks its type's rules was never accepted; should it come here all the same, it is shown as it is.
  if (descriptor != nullptr && !is_written_by_number(type) && check_rdata(type, stored).ok()) {
    const size_t start = out.size();
    if (write_fields(*descriptor, stored, out)) return;
    out.truncate(start);
  }
  write_generic(stored, out);
}

}  // namespace samara::dns
