// The additional section: addresses of the hosts that an answer or a referral names (RFC 1034 section 4.3.2 step 6, RFC 2782,
// RFC 9460 section 4.1), and the glue without which a referral leads nowhere (RFC 9471).
#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "server/answerer.h"

namespace samara::server {
namespace {

using dns::RrType;

constexpr std::array address_types{RrType::A, RrType::AAAA};

}  // namespace

// The host that `record` names, when it is in this zone and may be told of; its node is 0 otherwise.
Answerer::Host Answerer::host_of(zone::RecordView record, std::optional<size_t> cut_labels) const {
  const Bytes rdata = record.rdata();
  const auto at = dns::rdata_name(record.type(), rdata, 0);
  if (!at.has_value()) return {};
  const Bytes host = rdata.subspan(at->offset, at->size);
  const Bytes apex = zone_->apex_wire();
  if (dns::common_suffix_size(host, apex) != apex.size()) return {};
  SAMARA_UNINITIALIZED const zone::SearchName name(host);
  const zone::Ref node = zone_->find(name, apex_labels_, name.label_count());
  if (node == 0) return {};
  // What is below a DNAME does not exist (RFC 6672 section 2.4); what is below a cut may be glue.
  const bool hidden = zone_->node(node).has(zone::node_governed) &&
                      zone::lookup(*zone_, name, apex_labels_, false).finding == zone::Finding::dname;
  if (hidden) return {};
  const bool below_cut = cut_labels.has_value() && name.label_count() >= *cut_labels &&
                         equal_octets(name.labels_between(0, *cut_labels), search_.labels_between(0, *cut_labels));
  return {.node = node, .name = host, .below_cut = below_cut};
}

// False when one of the host's sets of these types did not fit.
bool Answerer::add_host(const Host& host, std::span<const RrType> wanted, zone::Ref except) {
  const zone::NodeView node = zone_->node(host.node);
  bool all = true;
  for (const RrType type : wanted) {
    const auto addresses = node.find(type);
    if (!addresses.has_value() || addresses->ref() == except) continue;
    if (!add(dns::Section::additional, dns::Owner::name(host.name), *addresses)) all = false;
  }
  return all;
}

// What a referral needs comes first, for every name server that is below the cut; where it does not fit, the answer is marked
// as cut (RFC 9471 section 2.1). The servers are in the message already, so there are no more of them than one can hold.
void Answerer::add_glue(const zone::RrsetView& servers, size_t cut_labels) {
  servers.for_each_record([&](zone::RecordView record) {
    const Host host = host_of(record, cut_labels);
    if (host.node != 0 && host.below_cut && !add_host(host, address_types, 0)) truncate();
  });
  if (!truncated_) add_additional(servers, cut_labels);
}

// The rest is a courtesy: as much as fits, of so many hosts.
void Answerer::add_additional(const zone::RrsetView& set, std::optional<size_t> except_below) {
  SAMARA_UNINITIALIZED std::array<Host, max_additional_names> hosts;
  size_t count = 0;
  set.for_each_record([&](zone::RecordView record) {
    if (count == hosts.size()) return;
    const Host host = host_of(record, except_below);
    if (host.node == 0 || host.below_cut) return;
    const std::span<const Host> there = std::span<const Host>(hosts).first(count);
    if (std::ranges::find(there, host.node, &Host::node) == there.end()) hosts[count++] = host;
  });
  // RFC 9460 section 4.1: a service's target is given with its own service records.
  const bool service = set.type() == RrType::SVCB || set.type() == RrType::HTTPS;
  const std::array with_services{RrType::A, RrType::AAAA, set.type()};
  const std::span<const RrType> wanted =
      service ? std::span<const RrType>(with_services) : std::span<const RrType>(address_types);
  for (const Host& host : std::span<const Host>(hosts).first(count)) add_host(host, wanted, set.ref());
}

}  // namespace samara::server
