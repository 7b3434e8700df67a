// The additional section: addresses of the hosts that an answer or a referral names (RFC 1034 section 4.3.2 step 6, RFC 2782,
// RFC 9460 section 4.1), and the glue without which a referral leads nowhere (RFC 9471).
#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "server/answerer.h"

namespace samara::server {
namespace {

using dns::RrType;

constexpr std::array address_types{RrType::A, RrType::AAAA};

bool ends_in(Bytes name, Bytes suffix) {
  if (name.size() < suffix.size()) return false;
  const Bytes end = name.last(suffix.size());
  return std::ranges::equal(end, suffix, {}, dns::to_lower, dns::to_lower);
}

}  // namespace

// The node of the host that `record` names, when it is in this zone and may be told of; 0 otherwise. `key` becomes the host's.
zone::Ref Answerer::host_of(zone::RecordView record, zone::LookupKey& key) const {
  const Bytes rdata = record.rdata();
  const auto at = dns::rdata_name(record.type(), rdata, 0);
  if (!at.has_value()) return 0;
  const Bytes host = rdata.subspan(at->offset, at->size);
  if (!ends_in(host, zone_->apex_wire())) return 0;
  key.assign(host);
  // ends_in() compared octets; labels must line up as well.
  if (!is_below(key, apex_labels_)) return 0;
  const zone::TrieMatch match = zone_->names().find(key.symbols().subspan(key_.prefix_size(apex_labels_)));
  if (!match.exact) return 0;
  // What is below a DNAME does not exist (RFC 6672 section 2.4); what is below a cut may be glue.
  const bool hidden = zone_->node(match.node).has(zone::node_governed) &&
                      zone::lookup(*zone_, key, apex_labels_, false).finding == zone::Finding::dname;
  return hidden ? 0 : match.node;
}

bool Answerer::is_below(const zone::LookupKey& key, size_t labels) const {
  const size_t size = key_.prefix_size(labels);
  return key.size() >= size && std::ranges::equal(key.symbols().first(size), key_.symbols().first(size));
}

// False when one of the host's sets of these types did not fit.
bool Answerer::add_host(zone::Ref host, std::span<const RrType> wanted, zone::Ref except) {
  const zone::NodeView node = zone_->node(host);
  const dns::Name owner = zone_->owner(node);
  bool all = true;
  for (const RrType type : wanted) {
    const auto addresses = node.find(type);
    if (!addresses.has_value() || addresses->ref() == except) continue;
    if (!add(dns::Section::additional, dns::Owner::name(owner.wire()), *addresses)) all = false;
  }
  return all;
}

// What a referral needs comes first, for every name server that is below the cut; where it does not fit, the answer is marked
// as cut (RFC 9471 section 2.1). The servers are in the message already, so there are no more of them than one can hold.
void Answerer::add_glue(const zone::RrsetView& servers, size_t cut_labels) {
  SAMARA_UNINITIALIZED zone::LookupKey key;
  servers.for_each_record([&](zone::RecordView record) {
    const zone::Ref host = host_of(record, key);
    if (host != 0 && is_below(key, cut_labels) && !add_host(host, address_types, 0)) truncate();
  });
  if (!truncated_) add_additional(servers, cut_labels);
}

// The rest is a courtesy: as much as fits, of so many hosts.
void Answerer::add_additional(const zone::RrsetView& set, std::optional<size_t> except_below) {
  std::array<zone::Ref, max_additional_names> hosts;
  size_t count = 0;
  SAMARA_UNINITIALIZED zone::LookupKey key;
  set.for_each_record([&](zone::RecordView record) {
    if (count == hosts.size()) return;
    const zone::Ref host = host_of(record, key);
    if (host == 0 || (except_below.has_value() && is_below(key, *except_below))) return;
    const std::span<const zone::Ref> there = std::span<const zone::Ref>(hosts).first(count);
    if (std::ranges::find(there, host) == there.end()) hosts[count++] = host;
  });
  // RFC 9460 section 4.1: a service's target is given with its own service records.
  const bool service = set.type() == RrType::SVCB || set.type() == RrType::HTTPS;
  const std::array with_services{RrType::A, RrType::AAAA, set.type()};
  const std::span<const RrType> wanted =
      service ? std::span<const RrType>(with_services) : std::span<const RrType>(address_types);
  for (const zone::Ref host : std::span<const zone::Ref>(hosts).first(count)) add_host(host, wanted, set.ref());
}

}  // namespace samara::server
