#include "server/notify_targets.h"

#include <algorithm>

namespace samara::server {
namespace {

using dns::RrType;

constexpr Port dns_port{53};

class Targets {
 public:
  Targets(const ServiceConfig& config, std::vector<NotifyTarget>& out) : config_(config), out_(out) {}

  void add_host(const zone::ZoneSet& zones, const dns::Name& host) {
    const auto match = zones.find(zone::SearchName(host), false);
    if (!match.has_value() || !match->zone.has_value()) return;
    const auto node = match->zone->find(host);
    if (!node.has_value()) return;
    for (const RrType type : {RrType::A, RrType::AAAA}) {
      const auto set = node->find(type);
      if (!set.has_value()) continue;
      set->for_each_record([&](zone::RecordView record) { add_address(address_of(type, record.rdata())); });
    }
  }

 private:
  static IpAddress address_of(RrType type, Bytes rdata) {
    std::array<u8, 4> v4{};
    std::array<u8, 16> v6{};
    if (type == RrType::A) {
      std::ranges::copy(rdata.first(v4.size()), v4.begin());
      return IpAddress::v4(v4);
    }
    std::ranges::copy(rdata.first(v6.size()), v6.begin());
    return IpAddress::v6(v6);
  }

  void add_address(const IpAddress& address) {
    const bool ours = std::ranges::find(config_.listen, address, &Endpoint::address) != config_.listen.end();
    const auto same = [&](const NotifyTarget& target) { return target.peer.address == address; };
    if (ours || from_records_ == max_ns_targets || std::ranges::any_of(out_, same)) return;
    out_.push_back({{address, dns_port}, nullptr});
    ++from_records_;
  }

  const ServiceConfig& config_;
  std::vector<NotifyTarget>& out_;
  size_t from_records_ = 0;
};

}  // namespace

void find_notify_targets(const ServiceConfig& config, const dns::TsigKeyring& keys, const NotifyRules& rules,
                         const zone::ZoneSet& zones, const zone::Zone& zone, std::vector<NotifyTarget>& targets) {
  targets.clear();
  for (const Peer& peer : rules.servers) {
    targets.push_back({peer.endpoint, peer.key.has_value() ? keys.find(config.keys[*peer.key].name) : nullptr});
  }
  const auto servers = zone.apex_node().find(RrType::NS);
  if (!rules.ns_records || !servers.has_value()) return;
  ByteReader soa(zone.soa().first().rdata());
  const dns::Name mname = MUST(dns::Name::from_wire(soa));
  Targets from_records(config, targets);
  servers->for_each_record([&](zone::RecordView record) {
    ByteReader rdata(record.rdata());
    const dns::Name host = MUST(dns::Name::from_wire(rdata));
    if (host != mname) from_records.add_host(zones, host);
  });
}

}  // namespace samara::server
