#include "dns-core/rdata/field_check.h"

#include <algorithm>

#include "dns-core/rdata/address_prefixes.h"
#include "dns-core/rdata/atm_address.h"
#include "dns-core/rdata/gateway.h"
#include "dns-core/rdata/host_identity.h"
#include "dns-core/rdata/location.h"
#include "dns-core/rdata/services.h"
#include "dns-core/rdata/svcb.h"
#include "dns-core/rdata/type_bitmap.h"

namespace samara::dns {
namespace {

// A digest whose algorithm is known has that algorithm's size.
bool digest_fits(RrType type, u8 algorithm, size_t size) {
  struct Known {
    u8 algorithm;
    u8 size;
  };
  // IANA "DS RR Type Digest Algorithms": SHA-1, SHA-256, GOST R 34.11-94, SHA-384, GOST R 34.11-2012, SM3.
  static constexpr auto ds = std::to_array<Known>({{1, 20}, {2, 32}, {3, 32}, {4, 48}, {5, 32}, {6, 32}});
  static constexpr auto sshfp = std::to_array<Known>({{1, 20}, {2, 32}});  // RFC 4255 section 3.1.2, RFC 6594
  static constexpr auto tlsa = std::to_array<Known>({{1, 32}, {2, 64}});   // RFC 6698 section 2.1.3
  std::span<const Known> known = ds;
  if (type == RrType::SSHFP) known = sshfp;
  if (type == RrType::TLSA || type == RrType::SMIMEA) known = tlsa;
  // RFC 8976 section 2.2.4; beyond that, the scheme has a say too (appendix A.3 has a private one with a shorter SHA-384).
  if (type == RrType::ZONEMD) return size >= 12;
  for (const Known& k : known) {
    if (k.algorithm == algorithm) return size == k.size;
  }
  return size > 0;
}

// RFC 5155 section 11: the one hash there is.
constexpr u8 nsec3_sha1 = 1;
constexpr size_t nsec3_sha1_size = 20;

bool is_alphanumeric(u8 c) {
  return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}
bool is_digit(u8 c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void check_field(Field field, RrType type, RdataCursor& at, u8& last_octet) {
  switch (field) {
    case Field::none: break;
    case Field::number8:
    case Field::algorithm:
    case Field::digest_type:
    case Field::key_protocol:
    case Field::tlsa_usage:
    case Field::tlsa_selector:
    case Field::tlsa_matching:
    case Field::dsync_scheme: last_octet = at.u8(); break;
    case Field::flags: at.u8(); break;
    case Field::number16:
    case Field::type:
    case Field::certificate_type:
    case Field::key_flags:
    case Field::rcode: at.bytes(2); break;
    case Field::number32:
    case Field::period:
    case Field::time:
    case Field::ipv4: at.bytes(4); break;
    case Field::number48:
    case Field::eui48: at.bytes(6); break;
    case Field::number64:
    case Field::locator64:
    case Field::eui64: at.bytes(8); break;
    case Field::ipv6: at.bytes(16); break;
    case Field::name: at.name(); break;
    case Field::string: at.string(); break;
    case Field::string_or_none:
      if (!at.at_end()) at.string();
      break;
    case Field::strings:
      do at.string();
      while (!at.at_end());
      break;
    case Field::digits: {
      const Bytes s = at.string();
      at.require(s.size() >= 4 && std::ranges::all_of(s, is_digit));
      break;
    }
    case Field::tag: {
      const Bytes s = at.string();
      at.require(!s.empty() && std::ranges::all_of(s, is_alphanumeric));
      break;
    }
    case Field::text:
    case Field::base64_or_none:
    case Field::base64_or_dash:
    case Field::opaque: at.all(); break;
    case Field::text_not_empty:
    case Field::hex:
    case Field::base64:
      if (at.at_end()) at.fail(RdataError::truncated);
      at.all();
      break;
    case Field::digest:
      if (at.at_end()) at.fail(RdataError::truncated);
      at.require(digest_fits(type, last_octet, at.all().size()));
      break;
    case Field::salt: at.string(); break;
    case Field::hash: {
      const size_t size = at.string().size();
      at.require(size != 0 && (last_octet != nsec3_sha1 || size == nsec3_sha1_size));
      break;
    }
    case Field::sized_base64: at.bytes(at.u16()); break;
    case Field::types:
      if (at.at_end()) at.fail(RdataError::truncated);
      check_type_bitmap(at);
      break;
    case Field::types_or_none: check_type_bitmap(at); break;
    case Field::nxt_types: check_nxt_bitmap(at); break;
    case Field::services: check_services(at); break;
    case Field::location: check_location(at); break;
    case Field::prefixes: check_address_prefixes(at); break;
    case Field::ipsec_gateway: check_ipsec_gateway(at); break;
    case Field::amt_relay: check_amt_relay(at); break;
    case Field::a6_address: check_a6_address(at); break;
    case Field::host_identity: check_host_identity(at); break;
    case Field::nsap:
      if (at.at_end()) at.fail(RdataError::truncated);
      at.all();
      break;
    case Field::atm_address: check_atm_address(at); break;
    case Field::service_parameters: check_service_parameters(at); break;
  }
}

std::string_view rule_of(Field field, RrType type) {
  switch (field) {
    case Field::strings: return "it is not one or more whole character strings (RFC 1035 section 3.3.14)";
    case Field::digits: return "the address is not four or more decimal digits (RFC 1183 section 3.1)";
    case Field::tag: return "the tag is not made of letters and digits (RFC 8659 section 4.1)";
    case Field::text_not_empty: return "the target is empty (RFC 7553 section 4.4)";
    case Field::hex:
    case Field::base64: return "its last field is empty";
    case Field::digest:
      if (type == RrType::SSHFP) return "the fingerprint has not the length of its type (RFC 4255 section 3.1.2)";
      if (type == RrType::TLSA || type == RrType::SMIMEA)
        return "the data has not the length of its matching type (RFC 6698 section 2.1.3)";
      if (type == RrType::ZONEMD) return "the digest is shorter than twelve octets (RFC 8976 section 2.2.4)";
      return "the digest has not the length of its type (RFC 4034 section 5.1.4)";
    case Field::salt: return "the salt ends early (RFC 5155 section 3.2)";
    case Field::hash: return "the next hashed owner has not the length of its algorithm (RFC 5155 section 3.2)";
    case Field::types:
    case Field::types_or_none: return "the type bitmap is malformed (RFC 4034 section 4.1.2)";
    case Field::nxt_types: return "the type bitmap is malformed (RFC 2535 section 5.2)";
    case Field::services: return "the bitmap of ports is longer than need be (RFC 1035 section 3.4.2)";
    case Field::location: return "a size, a precision or an angle is out of range (RFC 1876 section 2)";
    case Field::prefixes: return "an address prefix does not fit its family (RFC 3123 section 4)";
    case Field::ipsec_gateway: return "the gateway is not what its type says (RFC 4025 section 2.5)";
    case Field::amt_relay: return "the relay is not what its type says (RFC 8777 section 4.2.4)";
    case Field::a6_address: return "the prefix length, suffix or prefix name is malformed (RFC 2874 section 3.1)";
    case Field::host_identity: return "the identity, the key or a server's name is missing or malformed (RFC 8005 section 5)";
    case Field::nsap:
    case Field::atm_address: return "the address is empty or malformed";
    case Field::service_parameters: return "the parameters are out of order or malformed (RFC 9460 section 2.2)";
    case Field::none:
    case Field::number8:
    case Field::number16:
    case Field::number32:
    case Field::number48:
    case Field::number64:
    case Field::flags:
    case Field::period:
    case Field::time:
    case Field::type:
    case Field::algorithm:
    case Field::digest_type:
    case Field::certificate_type:
    case Field::key_flags:
    case Field::key_protocol:
    case Field::tlsa_usage:
    case Field::tlsa_selector:
    case Field::tlsa_matching:
    case Field::dsync_scheme:
    case Field::rcode:
    case Field::ipv4:
    case Field::ipv6:
    case Field::locator64:
    case Field::eui48:
    case Field::eui64:
    case Field::name:
    case Field::string:
    case Field::string_or_none:
    case Field::text:
    case Field::base64_or_none:
    case Field::base64_or_dash:
    case Field::sized_base64:
    case Field::opaque: return {};
  }
  return {};
}

}  // namespace samara::dns
