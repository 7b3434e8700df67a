// Message digests of zones (RFC 8976), scheme SIMPLE with SHA-384 and SHA-512: one hash over all records in canonical form and
// order, but for the ZONEMD records at the apex and their signatures.
#pragma once

#include "platform/base/byte_writer.h"
#include "platform/crypto/hash.h"
#include "zone/zone.h"

namespace samara::zone {

enum class ZonemdAlgorithm : u8 { sha384 = 1, sha512 = 2 };

// The digest of the zone as it is (RFC 8976 section 3.3).
crypto::Digest zone_digest(const Zone& zone, ZonemdAlgorithm algorithm);

// The rdata of the ZONEMD record that fits the zone as it is.
void write_zonemd(const Zone& zone, ZonemdAlgorithm algorithm, ByteWriter& out);

enum class ZonemdFinding : u8 {
  verified,
  absent,        // no ZONEMD at the apex
  wrong_serial,  // made for another serial than the SOA's
  unsupported,   // only schemes or algorithms we do not know, or that stand there twice (section 2.2)
  wrong_digest,  // the zone is not what was digested
};
std::string_view describe(ZonemdFinding finding);

// RFC 8976 section 4 from step 4 on; whether the ZONEMD RRset is signed is DNSSEC's matter (check.h). One record that verifies
// is enough.
ZonemdFinding verify_zonemd(const Zone& zone);

}  // namespace samara::zone
