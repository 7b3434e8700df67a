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
    case Field::hash: at.require(!at.string().empty()); break;
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

}  // namespace samara::dns
