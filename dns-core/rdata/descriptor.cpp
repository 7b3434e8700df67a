#include "dns-core/rdata/descriptor.h"

#include "dns-core/rdata/numbers.h"

namespace samara::dns {
namespace {

using enum Field;
using enum NameRule;
using T = RrType;

constexpr Descriptor row(RrType type, std::string_view mnemonic, std::array<Field, max_fields> fields, NameRule names = kept) {
  return {type, mnemonic, fields, names};
}

// By number. The RFC of each type is named at the IANA registry "Resource Record (RR) TYPEs"; EID, NIMLOC (Patton), SINK
// (draft-eastlake-kitchen-sink), NINFO, RKEY (Reid), TALINK (Wijngaards), TA (Weiler), AVC, WALLET, CLA, IPN are known from
// their registration templates alone; UINFO, UID, GID and UNSPEC never had a published format.
constexpr auto rows = std::to_array<Descriptor>({
    row(T::A, "A", {ipv4}),
    row(T::NS, "NS", {name}, compressed),
    row(T::MD, "MD", {name}, compressed),
    row(T::MF, "MF", {name}, compressed),
    row(T::CNAME, "CNAME", {name}, compressed),
    row(T::SOA, "SOA", {name, name, number32, period, period, period, period}, compressed),
    row(T::MB, "MB", {name}, compressed),
    row(T::MG, "MG", {name}, compressed),
    row(T::MR, "MR", {name}, compressed),
    row(T::NULL_, "NULL", {opaque}),
    row(T::WKS, "WKS", {ipv4, services}),
    row(T::PTR, "PTR", {name}, compressed),
    row(T::HINFO, "HINFO", {string, string}),
    row(T::MINFO, "MINFO", {name, name}, compressed),
    row(T::MX, "MX", {number16, name}, compressed),
    row(T::TXT, "TXT", {strings}),
    row(T::RP, "RP", {name, name}, decompressed),
    row(T::AFSDB, "AFSDB", {number16, name}, decompressed),
    row(T::X25, "X25", {digits}),
    row(T::ISDN, "ISDN", {string, string_or_none}),
    row(T::RT, "RT", {number16, name}, decompressed),
    row(T::NSAP, "NSAP", {nsap}),
    row(T::NSAP_PTR, "NSAP-PTR", {name}),
    row(T::SIG, "SIG", {type, algorithm, number8, period, time, time, number16, name, base64}, decompressed),
    row(T::KEY, "KEY", {key_flags, key_protocol, algorithm, base64_or_none}),
    row(T::PX, "PX", {number16, name, name}, decompressed),
    row(T::GPOS, "GPOS", {string, string, string}),
    row(T::AAAA, "AAAA", {ipv6}),
    row(T::LOC, "LOC", {location}),
    row(T::NXT, "NXT", {name, nxt_types}, decompressed),
    row(T::EID, "EID", {hex}),
    row(T::NIMLOC, "NIMLOC", {hex}),
    row(T::SRV, "SRV", {number16, number16, number16, name}, decompressed),
    row(T::ATMA, "ATMA", {atm_address}),
    row(T::NAPTR, "NAPTR", {number16, number16, string, string, string, name}, decompressed),
    row(T::KX, "KX", {number16, name}, lowered),
    row(T::CERT, "CERT", {certificate_type, number16, algorithm, base64}),
    row(T::A6, "A6", {a6_address}, lowered),
    row(T::DNAME, "DNAME", {name}, lowered),
    row(T::SINK, "SINK", {number8, number8, number8, base64_or_none}),
    row(T::OPT, "OPT", {opaque}),
    row(T::APL, "APL", {prefixes}),
    row(T::DS, "DS", {number16, algorithm, digest_type, digest}),
    row(T::SSHFP, "SSHFP", {number8, number8, digest}),
    row(T::IPSECKEY, "IPSECKEY", {number8, ipsec_gateway, base64_or_none}),
    row(T::RRSIG, "RRSIG", {type, algorithm, number8, period, time, time, number16, name, base64}, lowered),
    row(T::NSEC, "NSEC", {name, types}),
    row(T::DNSKEY, "DNSKEY", {number16, number8, algorithm, base64}),
    row(T::DHCID, "DHCID", {base64}),
    row(T::NSEC3, "NSEC3", {number8, flags, number16, salt, hash, types_or_none}),
    row(T::NSEC3PARAM, "NSEC3PARAM", {number8, flags, number16, salt}),
    row(T::TLSA, "TLSA", {tlsa_usage, tlsa_selector, tlsa_matching, digest}),
    row(T::SMIMEA, "SMIMEA", {tlsa_usage, tlsa_selector, tlsa_matching, digest}),
    row(T::HIP, "HIP", {host_identity}),
    row(T::NINFO, "NINFO", {strings}),
    row(T::RKEY, "RKEY", {number16, number8, algorithm, base64}),
    row(T::TALINK, "TALINK", {name, name}),
    row(T::CDS, "CDS", {number16, algorithm, digest_type, digest}),
    row(T::CDNSKEY, "CDNSKEY", {number16, number8, algorithm, base64}),
    row(T::OPENPGPKEY, "OPENPGPKEY", {base64}),
    row(T::CSYNC, "CSYNC", {number32, number16, types_or_none}),
    row(T::ZONEMD, "ZONEMD", {number32, number8, number8, digest}),
    row(T::SVCB, "SVCB", {number16, name, service_parameters}),
    row(T::HTTPS, "HTTPS", {number16, name, service_parameters}),
    row(T::DSYNC, "DSYNC", {type, dsync_scheme, number16, name}),
    row(T::HHIT, "HHIT", {base64}),
    row(T::BRID, "BRID", {base64}),
    row(T::SPF, "SPF", {strings}),
    row(T::UINFO, "UINFO", {opaque}),
    row(T::UID, "UID", {opaque}),
    row(T::GID, "GID", {opaque}),
    row(T::UNSPEC, "UNSPEC", {opaque}),
    row(T::NID, "NID", {number16, locator64}),
    row(T::L32, "L32", {number16, ipv4}),
    row(T::L64, "L64", {number16, locator64}),
    row(T::LP, "LP", {number16, name}),
    row(T::EUI48, "EUI48", {eui48}),
    row(T::EUI64, "EUI64", {eui64}),
    row(T::NXNAME, "NXNAME", {opaque}),
    row(T::TKEY, "TKEY", {name, time, time, number16, rcode, sized_base64, sized_base64}),
    row(T::TSIG, "TSIG", {name, number48, number16, sized_base64, number16, rcode, sized_base64}),
    row(T::IXFR, "IXFR", {opaque}),
    row(T::AXFR, "AXFR", {opaque}),
    row(T::MAILB, "MAILB", {opaque}),
    row(T::MAILA, "MAILA", {opaque}),
    row(T::ANY, "ANY", {opaque}),
    row(T::URI, "URI", {number16, number16, text_not_empty}),
    row(T::CAA, "CAA", {number8, tag, text}),
    row(T::AVC, "AVC", {strings}),
    row(T::DOA, "DOA", {number32, number32, number8, string, base64_or_dash}),
    row(T::AMTRELAY, "AMTRELAY", {number8, amt_relay}),
    row(T::RESINFO, "RESINFO", {strings}),
    row(T::WALLET, "WALLET", {strings}),
    row(T::CLA, "CLA", {strings}),
    row(T::IPN, "IPN", {number64}),
    row(T::TA, "TA", {number16, algorithm, digest_type, digest}),
    row(T::DLV, "DLV", {number16, algorithm, digest_type, digest}),
});

constexpr u8 size_on_wire(Field field) {
  switch (field) {
    case number8:
    case flags:
    case algorithm:
    case digest_type:
    case key_protocol:
    case tlsa_usage:
    case tlsa_selector:
    case tlsa_matching:
    case dsync_scheme: return 1;
    case number16:
    case type:
    case certificate_type:
    case key_flags:
    case rcode: return 2;
    case number32:
    case period:
    case time:
    case ipv4: return 4;
    case number48:
    case eui48: return 6;
    case number64:
    case locator64:
    case eui64: return 8;
    case ipv6: return 16;
    case none:
    case name:
    case string:
    case string_or_none:
    case strings:
    case digits:
    case tag:
    case text:
    case text_not_empty:
    case hex:
    case base64:
    case base64_or_none:
    case base64_or_dash:
    case digest:
    case salt:
    case hash:
    case sized_base64:
    case opaque:
    case types:
    case types_or_none:
    case nxt_types:
    case services:
    case location:
    case prefixes:
    case ipsec_gateway:
    case amt_relay:
    case a6_address:
    case host_identity:
    case nsap:
    case atm_address:
    case service_parameters: return 0;
  }
  return 0;
}

constexpr bool holds_names(Field field) {
  return field == name || field == ipsec_gateway || field == amt_relay || field == a6_address || field == host_identity;
}

constexpr Descriptor with_name_places(Descriptor d) {
  bool fixed = true;  // all fields so far have the same size in all data
  u8 offset = 0;
  for (const Field field : d.fields) {
    if (field == name && fixed) {
      if (d.name_count++ == 0) d.name_offset = offset;
    } else if (holds_names(field)) {
      d.names_elsewhere = true;
    } else if (size_on_wire(field) == 0 || d.name_count != 0) {
      fixed = false;
    } else {
      offset = static_cast<u8>(offset + size_on_wire(field));
    }
  }
  return d;
}

// Names are found, decompressed, lowered and compressed, so what leads to the last of them must be there. RFC 1035's types with
// names are nothing but structure. Addresses stand in the additional sections of other names' answers, which one that cannot be
// read would spoil. Names of other places are kept as they are, unless the canonical form has them in lower case (A6).
constexpr Descriptor with_copied_fields(Descriptor d) {
  d.copied_whole = d.names == compressed || d.type == T::A || d.type == T::AAAA;
  for (size_t i = 0; i < d.fields.size(); ++i) {
    if (d.fields[i] == name || d.fields[i] == a6_address) d.copied_fields = static_cast<u8>(i + 1);
  }
  return d;
}

constexpr auto descriptors = [] {
  auto table = rows;
  for (Descriptor& d : table) d = with_copied_fields(with_name_places(d));
  return table;
}();

constexpr size_t dense_codes = 272;  // all types but the two at 32768
constexpr u8 unknown = 0xff;
static_assert(descriptors.size() < unknown);

constexpr std::array<u8, dense_codes> rows_by_code = [] {
  std::array<u8, dense_codes> index{};
  index.fill(unknown);
  for (size_t i = 0; i < descriptors.size(); ++i) {
    if (code(descriptors[i].type) < dense_codes) index[code(descriptors[i].type)] = static_cast<u8>(i);
  }
  return index;
}();

// Mnemonics by hash, open addressing. Letters count in one case only.
constexpr size_t mnemonic_slots = 512;
constexpr size_t slot_of(std::string_view mnemonic) {
  u32 hash = 2166136261U;  // FNV-1a
  for (const char c : mnemonic) hash = static_cast<u32>(u64{hash ^ (static_cast<u8>(c) | 0x20U)} * 16777619U);
  return (hash ^ hash >> 15) % mnemonic_slots;
}

constexpr std::array<u8, mnemonic_slots> rows_by_mnemonic = [] {
  std::array<u8, mnemonic_slots> slots{};
  slots.fill(unknown);
  for (size_t i = 0; i < descriptors.size(); ++i) {
    size_t slot = slot_of(descriptors[i].mnemonic);
    while (slots[slot] != unknown) slot = (slot + 1) % mnemonic_slots;
    slots[slot] = static_cast<u8>(i);
  }
  return slots;
}();

}  // namespace

u8 fixed_size(Field field) {
  return size_on_wire(field);
}

const Descriptor* find_descriptor(RrType rr_type) {
  const u16 c = code(rr_type);
  if (c < dense_codes) return rows_by_code[c] == unknown ? nullptr : &descriptors[rows_by_code[c]];
  if (rr_type == RrType::TA) return &descriptors[descriptors.size() - 2];
  if (rr_type == RrType::DLV) return &descriptors[descriptors.size() - 1];
  return nullptr;
}

const Descriptor* find_descriptor(std::string_view mnemonic) {
  for (size_t slot = slot_of(mnemonic); rows_by_mnemonic[slot] != unknown; slot = (slot + 1) % mnemonic_slots) {
    const Descriptor& d = descriptors[rows_by_mnemonic[slot]];
    if (equal_ignoring_case(d.mnemonic, mnemonic)) return &d;
  }
  return nullptr;
}

std::span<const Descriptor> all_descriptors() {
  return descriptors;
}

}  // namespace samara::dns
