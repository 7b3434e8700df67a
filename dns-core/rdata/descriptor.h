// The descriptor table: for each record type its mnemonic, its fields in wire order and what may happen to its names. It drives
// the wire check and decompression (wire.cpp), the canonical form (canonical.cpp), reading and writing of text (read_text.cpp,
// write_text.cpp). To add a type: a row in descriptor.cpp, and only if its format has something new, a Field.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "dns-core/types.h"

namespace samara::dns {

// One field of record data: a wire form and its presentation format.
enum class Field : u8 {
  none,
  // Numbers in decimal; those with a name of their own also take mnemonics.
  number8,
  number16,
  number32,
  number48,
  number64,
  flags,             // 8 bits that no digest or hash depends on
  period,            // 32 bits; in text a number of seconds or 1w2d3h4m5s
  time,              // 32 bits; in text YYYYMMDDHHMMSS or seconds (RFC 4034 section 3.2)
  type,              // 16 bits; a type mnemonic
  algorithm,         // 8 bits; DNSSEC algorithm (RFC 4034 appendix A.1)
  digest_type,       // 8 bits; of a DS record
  certificate_type,  // 16 bits (RFC 4398 section 2.1)
  key_flags,         // 16 bits; number or mnemonics with `|` in between (RFC 2535 section 7.1)
  key_protocol,      // 8 bits (RFC 2535 section 7.1)
  tlsa_usage,
  tlsa_selector,
  tlsa_matching,  // 8 bits (RFC 7218)
  dsync_scheme,   // 8 bits (RFC 9859 section 2)
  rcode,          // 16 bits; response code with the extended ones
  // Addresses and identifiers.
  ipv4,
  ipv6,
  locator64,  // 64 bits as 0014:4fff:ff20:ee64 (RFC 6742 section 2.1.2)
  eui48,
  eui64,  // 00-00-5e-00-53-2a (RFC 7043)
  // Names and strings.
  name,
  string,          // one character-string
  string_or_none,  // one or, at the end of the data, none
  strings,         // one or more, to the end
  digits,          // a character-string of four or more decimal digits (RFC 1183 section 3.1)
  tag,             // a character-string of letters and digits (RFC 8659 section 4.1)
  text,            // octets to the end without length, written as one string
  text_not_empty,
  // Octets in an encoding.
  hex,
  base64,
  base64_or_none,
  base64_or_dash,  // to the end of the data; the first two at least one octet
  digest,          // as hex; its length must fit the number in the octet before it, where that number is known
  salt,            // a length octet; hex or `-` (RFC 5155 section 3.3)
  hash,            // a length octet; base32hex (RFC 5155 section 3.3)
  sized_base64,    // a 16-bit length, written, then base64 if it is not zero (TSIG, TKEY)
  opaque,          // to the end; only `\# LENGTH HEX`
  // Those with a file of their own.
  types,
  types_or_none,       // type bitmap (RFC 4034 section 4.1.2)
  nxt_types,           // the older bitmap of NXT (RFC 2535 section 5.2)
  services,            // WKS: protocol and port bitmap (RFC 1035 section 3.4.2)
  location,            // LOC (RFC 1876)
  prefixes,            // APL (RFC 3123)
  ipsec_gateway,       // gateway type, algorithm, gateway (RFC 4025 section 2)
  amt_relay,           // discovery bit, type, relay (RFC 8777 section 4)
  a6_address,          // prefix length, suffix, prefix name (RFC 2874 section 3)
  host_identity,       // HIP (RFC 8005 section 5)
  nsap,                // 0x47.0005.80… (RFC 1706)
  atm_address,         // ATMA
  service_parameters,  // SVCB (RFC 9460 section 2)
};

// What may happen to the names in a type's data; each step includes the ones before it.
enum class NameRule : u8 {
  kept,          // never compressed, case kept (RFC 3597 sections 4 and 7)
  lowered,       // in canonical form in lower case (RFC 4034 section 6.2, RFC 6840 section 5.1)
  decompressed,  // accepted compressed, never sent so (RFC 3597 section 4)
  compressed,    // types of RFC 1035: may be sent compressed
};

constexpr size_t max_fields = 9;

struct Descriptor {
  RrType type;
  std::string_view mnemonic;
  std::array<Field, max_fields> fields{};
  NameRule names = NameRule::kept;
  // Filled in from the fields: where the first name is when that is the same in all data of this type, and how many names stand
  // there one after the other. Names elsewhere are found by walking the fields.
  u8 name_offset = 0;
  u8 name_count = 0;
  bool names_elsewhere = false;
  // What whoever copies the data must be able to read (check_copied_rdata): so many fields from the first; with `copied_whole`
  // all of them, and nothing after them.
  u8 copied_fields = 0;
  bool copied_whole = false;

  std::span<const Field> used_fields() const {
    size_t count = 0;
    while (count < fields.size() && fields[count] != Field::none) ++count;
    return std::span(fields).first(count);
  }
};

// Octets of the field on the wire when that is the same in all data, else 0.
u8 fixed_size(Field field);

// Nothing for types this table does not know: their data is opaque (RFC 3597).
const Descriptor* find_descriptor(RrType type);
// By mnemonic, in any case.
const Descriptor* find_descriptor(std::string_view mnemonic);
// All known types by number.
std::span<const Descriptor> all_descriptors();

}  // namespace samara::dns
