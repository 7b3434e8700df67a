#include "zone/zonemd.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "dns-core/rdata/rdata.h"

namespace samara::zone {
namespace {

constexpr u8 scheme_simple = 1;
// Serial, scheme, algorithm, then the digest (RFC 8976 section 2.2).
constexpr size_t fixed_size = 6;

crypto::HashAlgorithm hash_of(ZonemdAlgorithm algorithm) {
  return algorithm == ZonemdAlgorithm::sha384 ? crypto::HashAlgorithm::sha384 : crypto::HashAlgorithm::sha512;
}

// Feeds a hash with records as RFC 8976 section 3.3.1 wants them.
class Feed {
 public:
  explicit Feed(crypto::HashAlgorithm algorithm) : hash_(algorithm), canonical_(dns::max_rdata_size) {}

  void add(const dns::Name& lower_owner, RecordView record) {
    ByteWriter rdata(canonical_);
    dns::write_canonical_rdata(record.type(), record.rdata(), rdata);
    std::array<u8, dns::record_fixed_size> head;
    std::ranges::copy(record.image().first(dns::record_fixed_size), head.begin());
    store_be16(head, 8, static_cast<u16>(rdata.size()));
    hash_.update(lower_owner.wire());
    hash_.update(head);
    hash_.update(rdata.written());
  }
  crypto::Digest finish() { return hash_.finish(); }

 private:
  crypto::Hash hash_;
  std::vector<u8> canonical_;
};

// The records of one owner, which may come from two nodes (NSEC3 data is kept apart from other data).
class Owner {
 public:
  // Adds the sets of a node. Signatures of all sets are one RRset here, in the place of type RRSIG.
  void add(const NodeView& node, bool apex) {
    node.for_each_rrset([&](const RrsetView& set) {
      const bool digest = apex && set.type() == dns::RrType::ZONEMD;
      if (!digest) set.for_each_record([this](RecordView record) { records_.push_back(record); });
      if (!digest && set.has_signatures()) {
        set.signatures().for_each_record([this](RecordView record) { records_.push_back(record); });
      }
    });
  }
  void feed(const dns::Name& lower_owner, Feed& to) {
    std::ranges::sort(records_, [](RecordView a, RecordView b) {
      if (a.type() != b.type()) return a.type() < b.type();
      return dns::canonical_compare_rdata(a.type(), a.rdata(), b.rdata()) < 0;
    });
    for (const RecordView record : records_) to.add(lower_owner, record);
    records_.clear();
  }

 private:
  std::vector<RecordView> records_;
};

struct ZonemdRecord {
  dns::Serial serial;
  u8 scheme;
  u8 algorithm;
};

// Nothing: a copied zone may hold one that ends early.
std::optional<ZonemdRecord> parse(Bytes rdata) {
  if (rdata.size() < fixed_size) return std::nullopt;
  return ZonemdRecord{dns::Serial(load_be32(rdata)), rdata[4], rdata[5]};
}

std::optional<ZonemdAlgorithm> supported(const ZonemdRecord& record, size_t digest_octets) {
  if (record.scheme != scheme_simple || (record.algorithm != 1 && record.algorithm != 2)) return std::nullopt;
  const auto algorithm = static_cast<ZonemdAlgorithm>(record.algorithm);
  if (digest_octets != crypto::digest_size(hash_of(algorithm))) return std::nullopt;
  return algorithm;
}

}  // namespace

crypto::Digest zone_digest(const Zone& zone, ZonemdAlgorithm algorithm) {
  Feed feed(hash_of(algorithm));
  Owner records;
  dns::Name owner;
  const Ref apex = zone.apex_node().ref();
  zone.for_each_node([&](const NodeView& node) {
    const dns::Name name = zone.owner(node).lowercased();
    if (name != owner) records.feed(owner, feed);
    owner = name;
    records.add(node, node.ref() == apex);
  });
  records.feed(owner, feed);
  return feed.finish();
}

void write_zonemd(const Zone& zone, ZonemdAlgorithm algorithm, ByteWriter& out) {
  out.u32(zone.serial().value());
  out.u8(scheme_simple);
  out.u8(static_cast<u8>(algorithm));
  out.bytes(zone_digest(zone, algorithm).bytes());
}

std::string_view describe(ZonemdFinding finding) {
  switch (finding) {
    case ZonemdFinding::verified: return "the zone's digest is right";
    case ZonemdFinding::absent: return "the zone has no ZONEMD record";
    case ZonemdFinding::wrong_serial: return "the ZONEMD record was made for another serial";
    case ZonemdFinding::unsupported: return "no ZONEMD record has a scheme and algorithm known here";
    case ZonemdFinding::wrong_digest: return "the zone's contents do not match its ZONEMD record";
  }
  return "bad ZONEMD";
}

ZonemdFinding verify_zonemd(const Zone& zone) {
  const auto set = zone.apex_node().find(dns::RrType::ZONEMD);
  if (!set.has_value()) return ZonemdFinding::absent;
  ZonemdFinding finding = ZonemdFinding::unsupported;
  set->for_each_record([&](RecordView view) {
    if (finding == ZonemdFinding::verified) return;
    const Bytes rdata = view.rdata();
    const auto record = parse(rdata);
    if (!record.has_value()) return;
    size_t same = 0;
    set->for_each_record([&](RecordView other) {
      const auto o = parse(other.rdata());
      if (o.has_value() && o->scheme == record->scheme && o->algorithm == record->algorithm) ++same;
    });
    const Bytes digest = rdata.subspan(fixed_size);
    const auto algorithm = supported(*record, digest.size());
    if (!algorithm.has_value() || same > 1) return;
    if (record->serial != zone.serial()) {
      if (finding == ZonemdFinding::unsupported) finding = ZonemdFinding::wrong_serial;
      return;
    }
    const crypto::Digest ours = zone_digest(zone, *algorithm);
    finding = std::ranges::equal(ours.bytes(), digest) ? ZonemdFinding::verified : ZonemdFinding::wrong_digest;
  });
  return finding;
}

}  // namespace samara::zone
