// The DNSSEC algorithms in use (IANA "DNS Security Algorithm Numbers", RFC 8624 section 3): what we sign and verify with.
// Numbers come from the wire as octets; the enumerators are those that are supported.
#pragma once

#include "platform/base/types.h"

namespace samara::dns {

enum class DnssecAlgorithm : u8 {
  RSASHA256 = 8,         // RFC 5702
  RSASHA512 = 10,        // RFC 5702
  ECDSAP256SHA256 = 13,  // RFC 6605
  ECDSAP384SHA384 = 14,  // RFC 6605
  ED25519 = 15,          // RFC 8080
  ED448 = 16,            // RFC 8080
};
constexpr u8 code(DnssecAlgorithm algorithm) {
  return static_cast<u8>(algorithm);
}

constexpr bool is_supported(DnssecAlgorithm algorithm) {
  switch (algorithm) {
    case DnssecAlgorithm::RSASHA256:
    case DnssecAlgorithm::RSASHA512:
    case DnssecAlgorithm::ECDSAP256SHA256:
    case DnssecAlgorithm::ECDSAP384SHA384:
    case DnssecAlgorithm::ED25519:
    case DnssecAlgorithm::ED448: return true;
  }
  return false;
}
constexpr bool is_rsa(DnssecAlgorithm algorithm) {
  return algorithm == DnssecAlgorithm::RSASHA256 || algorithm == DnssecAlgorithm::RSASHA512;
}

// Digest algorithms of DS (RFC 4034 section 5.1.3, RFC 4509, RFC 6605 section 2).
enum class DsDigest : u8 { SHA1 = 1, SHA256 = 2, SHA384 = 4 };

}  // namespace samara::dns
