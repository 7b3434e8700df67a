#include <algorithm>
#include <vector>

#include "dns-core/dnssec/ds.h"
#include "dns-core/dnssec/signed_data.h"
#include "dns-core/dnssec/verify.h"
#include "zone/check_context.h"

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

struct Key {
  dns::KeyTag tag;
  dns::DnssecAlgorithm algorithm;
  Bytes rdata;  // in the zone
};

class DnssecCheck {
 public:
  explicit DnssecCheck(CheckContext& context) : context_(context), zone_(context.zone), apex_(zone_.apex()) {}

  void run() {
    read_keys();
    bool signatures = false;
    zone_.for_each_node([&](const NodeView& node) { signatures = signatures || node.has(node_has_signatures); });
    if (keys_.empty() && signatures) {
      context_.error(apex_, RrType::DNSKEY, "the zone has signatures but no usable DNSKEY at its apex");
    }
    if (!keys_.empty() && !signatures) {
      context_.warn(apex_, RrType::DNSKEY, "the zone has keys but no signatures: who trusts the keys will reject its data");
    }
    if (keys_.empty() || !signatures) return;
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
      const auto key = dns::DnskeyView::parse(record.rdata());
      if (!key.ok()) return;
      const auto [flags, protocol, algorithm, public_key] = key.value();
      if (protocol != 3) context_.error(apex_, RrType::DNSKEY, "protocol is not 3");  // RFC 4034 section 2.1.2
      if ((flags & dns::DnskeyView::zone_key_flag) == 0 || (flags & dns::DnskeyView::revoked_flag) != 0) return;
      if (!dns::is_supported(algorithm)) {  // RFC 8624 section 3.1
        context_.warn(apex_, RrType::DNSKEY, "algorithm ", dns::code(algorithm), " is not one that should be used");
      }
      keys_.push_back({dns::key_tag(record.rdata()), algorithm, record.rdata()});
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
    std::vector<dns::DnssecAlgorithm> signed_with;  // algorithms of the signatures that count
    set.signatures().for_each_record([&](RecordView record) {
      const auto signature = dns::RrsigView::parse(record.rdata());
      if (signature.ok() && check_signature(owner, set, record, signature.value())) {
        signed_with.push_back(signature.value().algorithm);
      }
    });
    if (signed_with.empty()) {
      context_.error(owner, type, "no signature of it can be used");
      return;
    }
    for (const dns::DnssecAlgorithm algorithm : algorithms_) {  // RFC 4035 section 2.2
      if (std::ranges::find(signed_with, algorithm) == signed_with.end()) {
        context_.warn(owner, type, "no signature of algorithm ", dns::code(algorithm), ", which the zone has a key of");
      }
    }
  }

  // Whether a resolver could use it.
  bool check_signature(const Name& owner, const RrsetView& set, RecordView record, const dns::RrsigView& signature) {
    const RrType type = set.type();
    const u16 tag = signature.key_tag.value();
    bool good = true;
    const auto broken = [&](const auto&... text) {
      context_.error(owner, type, "signature of key ", tag, ' ', text...);
      good = false;
    };
    const u8 labels = dns::rrsig_labels(owner);
    if (signature.labels != labels) broken("has ", signature.labels, " labels instead of ", labels);
    if (signature.signer != apex_) broken("is signed by ", signature.signer, " instead of the apex");
    if (dns::Serial(signature.inception).compare(dns::Serial(signature.expiration)) == dns::Serial::Order::greater) {
      broken("expires before it begins");
    } else if (context_.options.now.has_value()) {
      const auto valid = dns::check_validity(signature, *context_.options.now);
      if (!valid.ok()) broken(valid.error() == dns::RrsigError::expired ? "has expired" : "is not valid yet");
    }
    if (set.ttl().seconds() > signature.original_ttl) broken("has an original TTL below that of the set");
    if (set.ttl() != record.ttl()) {  // RFC 4034 section 3
      context_.warn(owner, type, "signature of key ", tag, " has another TTL than the set");
    }
    const auto made_by = [&](const Key& key) { return key.tag == signature.key_tag && key.algorithm == signature.algorithm; };
    if (std::ranges::none_of(keys_, made_by)) {
      context_.warn(owner, type, "signature of key ", tag, ", which is not in the zone");
      return false;
    }
    if (good && context_.options.verify_signatures && !verify(owner, set, record)) broken("does not fit the data");
    return good;
  }

  // The mathematics. Keys may share a tag; one of them has to fit.
  bool verify(const Name& owner, const RrsetView& set, RecordView signature) {
    std::vector<Bytes> rdata;
    set.for_each_record([&rdata](RecordView record) { rdata.push_back(record.rdata()); });
    const dns::RrsetView whole{owner, set.type(), dns::RrClass::IN, rdata};
    return std::ranges::any_of(
        keys_, [&](const Key& key) { return dns::verify_rrsig(whole, signature.rdata(), apex_, key.rdata, scratch_).ok(); });
  }

  CheckContext& context_;
  const Zone& zone_;
  Name apex_;
  std::vector<Key> keys_;
  std::vector<dns::DnssecAlgorithm> algorithms_;
  std::vector<u8> scratch_;
};

}  // namespace

void check_dnssec(CheckContext& context) {
  DnssecCheck(context).run();
}

}  // namespace samara::zone
