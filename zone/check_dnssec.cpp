#include <algorithm>
#include <vector>

#include "zone/check_context.h"

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

// RFC 4034 section 2.1.1 and RFC 5011 section 7.
constexpr u16 zone_key_flag = 0x0100;
constexpr u16 revoked_flag = 0x0080;

struct Key {
  u16 tag;
  u8 algorithm;
};

// RFC 4034 appendix B; the retired algorithm 1 of B.1 is not used by any zone that validates.
u16 key_tag(Bytes dnskey) {
  u32 sum = 0;
  for (size_t i = 0; i < dnskey.size(); ++i) sum += i % 2 == 0 ? u32{dnskey[i]} << 8 : u32{dnskey[i]};
  return static_cast<u16>(sum + (sum >> 16));
}

// The fields of an RRSIG (RFC 4034 section 3.1).
struct Signature {
  explicit Signature(Bytes rdata)
      : algorithm(rdata[2]),
        labels(rdata[3]),
        original_ttl(load_be32(rdata, 4)),
        expiration(load_be32(rdata, 8)),
        inception(load_be32(rdata, 12)),
        tag(load_be16(rdata, 16)),
        signer(name_at(rdata.subspan(18))) {}
  u8 algorithm;
  u8 labels;
  dns::Ttl original_ttl;
  dns::Serial expiration;  // circular (RFC 4034 section 3.1.5)
  dns::Serial inception;
  u16 tag;
  Name signer;
};

bool later(dns::Serial a, dns::Serial b) {
  return a.compare(b) == dns::Serial::Order::greater;
}

class DnssecCheck {
 public:
  explicit DnssecCheck(CheckContext& context) : context_(context), zone_(context.zone), apex_(zone_.apex()) {}

  void run() {
    read_keys();
    bool signatures = false;
    zone_.for_each_node([&](const NodeView& node) { signatures = signatures || node.has(node_has_signatures); });
    if (keys_.empty()) {
      if (signatures) context_.error(apex_, RrType::DNSKEY, "the zone has signatures but no usable DNSKEY at its apex");
      return;
    }
    zone_.for_each_node([this](const NodeView& node) {
      const Name owner = zone_.owner(node);
      node.for_each_rrset([&](const RrsetView& set) { check_set(node, owner, set); });
    });
  }

 private:
  void read_keys() {
    const auto set = zone_.apex_node().find(RrType::DNSKEY);
    if (!set.has_value()) return;
    set->for_each_record([this](RecordView record) {
      const Bytes rdata = record.rdata();
      const u16 flags = load_be16(rdata);
      const u8 algorithm = rdata[3];
      if (rdata[2] != 3) context_.error(apex_, RrType::DNSKEY, "protocol is not 3");  // RFC 4034 section 2.1.2
      if (algorithm == 1 || algorithm == 3 || algorithm == 6 || algorithm == 12) {    // RFC 8624 section 3.1
        context_.warn(apex_, RrType::DNSKEY, "algorithm ", algorithm, " must not be used any more");
      }
      if ((flags & zone_key_flag) == 0 || (flags & revoked_flag) != 0) return;
      keys_.push_back({key_tag(rdata), algorithm});
      if (std::ranges::find(algorithms_, algorithm) == algorithms_.end()) algorithms_.push_back(algorithm);
    });
  }

  void check_set(const NodeView& node, const Name& owner, const RrsetView& set) {
    const RrType type = set.type();
    if (type == RrType::RRSIG) {
      context_.warn(owner, type, "signature over a set that is not there");
      return;
    }
    const bool parent_side = type == RrType::DS || type == RrType::NSEC;
    const bool authoritative =
        type == RrType::NSEC3 || (!node.has(node_governed) && (!node.has(node_delegation) || parent_side));
    if (!authoritative) {  // RFC 4035 section 2.2
      if (set.has_signatures()) context_.warn(owner, type, "signed, but not authoritative here");
      return;
    }
    if (!set.has_signatures()) {
      context_.error(owner, type, "not signed");
      return;
    }
    std::vector<u8> signed_with;  // algorithms of the signatures that count
    set.signatures().for_each_record([&](RecordView record) {
      const Signature signature(record.rdata());
      if (check_signature(owner, set, record.ttl(), signature)) signed_with.push_back(signature.algorithm);
    });
    if (signed_with.empty()) {
      context_.error(owner, type, "no signature of it can be used");
      return;
    }
    for (const u8 algorithm : algorithms_) {  // RFC 4035 section 2.2
      if (std::ranges::find(signed_with, algorithm) == signed_with.end()) {
        context_.warn(owner, type, "no signature of algorithm ", algorithm, ", which the zone has a key of");
      }
    }
  }

  // Whether a resolver could use it, its mathematics left aside.
  bool check_signature(const Name& owner, const RrsetView& set, dns::Ttl ttl, const Signature& signature) {
    const RrType type = set.type();
    bool good = true;
    const auto broken = [&](const auto&... text) {
      context_.error(owner, type, "signature of key ", signature.tag, ' ', text...);
      good = false;
    };
    const size_t labels = owner.label_count() - (owner.is_wildcard() ? 1 : 0);  // RFC 4034 section 3.1.3
    if (signature.labels != labels) broken("has ", signature.labels, " labels instead of ", labels);
    if (signature.signer != apex_) broken("is signed by ", signature.signer, " instead of the apex");
    if (later(signature.inception, signature.expiration)) broken("expires before it begins");
    if (context_.options.now.has_value()) {
      const dns::Serial now(static_cast<u32>(context_.options.now->seconds));
      if (later(now, signature.expiration)) broken("has expired");
      if (later(signature.inception, now)) broken("is not valid yet");
    }
    if (set.ttl() > signature.original_ttl) broken("has an original TTL below that of the set");
    if (set.ttl() != ttl) {  // RFC 4034 section 3
      context_.warn(owner, type, "signature of key ", signature.tag, " has another TTL than the set");
    }
    const bool known = std::ranges::any_of(
        keys_, [&](const Key& key) { return key.tag == signature.tag && key.algorithm == signature.algorithm; });
    if (!known) {
      context_.warn(owner, type, "signature of key ", signature.tag, ", which is not in the zone");
      good = false;
    }
    return good;
  }

  CheckContext& context_;
  const Zone& zone_;
  Name apex_;
  std::vector<Key> keys_;
  std::vector<u8> algorithms_;
};

}  // namespace

void check_dnssec(CheckContext& context) {
  DnssecCheck(context).run();
}

}  // namespace samara::zone
