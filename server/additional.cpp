// The additional section: addresses of the hosts that an answer or a referral names (RFC 1034 section 4.3.2 step 6, RFC 2782,
// RFC 9460 section 4.1), and the glue without which a referral leads nowhere (RFC 9471).
#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "server/answerer.h"

namespace samara::server {
namespace {

using dns::RrType;

}  // namespace

void Answerer::add_additional(const zone::RrsetView& set, std::optional<size_t> cut_labels) {
  SAMARA_UNINITIALIZED std::array<zone::Ref, max_additional_names> hosts;
  SAMARA_UNINITIALIZED std::array<Bytes, max_additional_names> names;
  SAMARA_UNINITIALIZED std::array<bool, max_additional_names> below_cut;
  size_t count = 0;
  const Bytes apex = zone_->apex_wire();
  // Whether the host is at or below the last `labels` labels of the name in question.
  const auto is_below = [&](const zone::SearchName& host, size_t labels) {
    return host.label_count() >= labels && equal_octets(host.labels_between(0, labels), search_.labels_between(0, labels));
  };
  set.for_each_record([&](zone::RecordView record) {
    if (count == hosts.size()) return;
    const Bytes rdata = record.rdata();
    const auto at = dns::rdata_name(record.type(), rdata, 0);
    if (!at.has_value()) return;
    const Bytes host = rdata.subspan(at->offset, at->size);
    if (dns::common_suffix_size(host, apex) != apex.size()) return;
    SAMARA_UNINITIALIZED const zone::SearchName name(host);
    const zone::Ref found = zone_->find(name, apex_labels_, name.label_count());
    if (found == 0) return;
    // What is below a DNAME does not exist (RFC 6672 section 2.4); what is below a cut may be glue.
    if (zone_->node(found).has(zone::node_governed) &&
        zone::lookup(*zone_, name, apex_labels_, false).finding == zone::Finding::dname) {
      return;
    }
    const std::span<const zone::Ref> there = std::span<const zone::Ref>(hosts).first(count);
    if (std::ranges::find(there, found) != there.end()) return;
    below_cut[count] = cut_labels.has_value() && is_below(name, *cut_labels);
    names[count] = host;
    hosts[count++] = found;
  });
  // RFC 9460 section 4.1: a service's target is given with its own service records.
  const bool service = set.type() == RrType::SVCB || set.type() == RrType::HTTPS;
  const std::array wanted{RrType::A, RrType::AAAA, set.type()};
  // What a referral needs comes first; without it the answer is marked as cut (RFC 9471 section 2.1). The rest is a courtesy.
  for (const bool required : {true, false}) {
    for (size_t i = 0; i < count; ++i) {
      if (below_cut[i] != required) continue;
      const zone::NodeView node = zone_->node(hosts[i]);
      for (const RrType type : std::span(wanted).first(service ? 3 : 2)) {
        const auto addresses = node.find(type);
        if (!addresses.has_value() || addresses->ref() == set.ref()) continue;
        if (!add(dns::Section::additional, dns::Owner::name(names[i]), *addresses) && required) truncate();
      }
    }
  }
}

}  // namespace samara::server
