// NotifyAgent: sends an authoritative server's NOTIFYs, in the one worker that has ports of its own. It tells the servers
// concerned of every zone when the server starts, and then of each zone the loader says has changed. Catalogs (RFC 9432) go
// first, and what changes with them a little later: who learns of zones from them knows the zones by then.
#pragma once

#include <algorithm>
#include <optional>

#include "dns-core/tsig/key.h"
#include "platform/crypto/drbg.h"
#include "server/config/service_config.h"
#include "server/notify_out.h"
#include "server/notify_targets.h"
#include "server/overrides_by_zone.h"

namespace samara::server {

// A change that comes with a catalog waits so long: some round trips across the world, for the catalog's NOTIFY, SOA and
// transfer.
constexpr Duration catalog_lead = Duration::milliseconds(500);

class NotifyAgent {
 public:
  // All but the seed and the catalogs' names outlive this; the keys are the configuration's.
  NotifyAgent(const ServiceConfig& config, const ZoneSettings& settings, const dns::TsigKeyring& keys,
              std::span<const u8, crypto::Drbg::seed_size> seed, std::vector<dns::Name> catalogs);

  // Octets that it takes.
  static size_t memory() {
    return Notifier::memory({}) + max_notify_targets * sizeof(NotifyTarget) + max_catalogs * sizeof(dns::Name);
  }

  // All zones are new to those concerned; once, when the first set of zones is there.
  void on_start(Instant now, const zone::ZoneSet& zones);
  void on_zone_changed(Instant now, const zone::ZoneSet& zones, const dns::Name& zone);
  void on_datagram(UnixTime wall, const zone::ZoneSet& zones, const Endpoint& peer, Bytes message) {
    notifier_.on_datagram(wall, zones, peer, message);
  }
  size_t poll_datagram(Instant now, UnixTime wall, const zone::ZoneSet& zones, Endpoint& peer, MutableBytes message);
  Instant next_deadline() const { return notifier_.next_deadline(); }
  const Notifier& notifier() const { return notifier_; }

 private:
  bool is_catalog(const dns::Name& zone) const { return std::ranges::find(catalogs_, zone) != catalogs_.end(); }
  void tell(Instant now, const zone::ZoneSet& zones, const zone::Zone& zone, Notifier::Urgency urgency);
  void tell_catalogs(Instant now, const zone::ZoneSet& zones);
  void go_on_telling_all(Instant now, const zone::ZoneSet& zones);
  void log_events();

  const ServiceConfig& config_;
  const ZoneSettings& settings_;
  const dns::TsigKeyring& keys_;
  crypto::Drbg rng_;
  std::vector<dns::Name> catalogs_;
  Instant others_not_before_;  // other zones than catalogs
  Notifier notifier_;
  std::vector<NotifyTarget> targets_;  // of the zone at hand
  // Zones, in the order of the set, that have been told of at start; nothing when all have.
  std::optional<size_t> told_;
};

// Catalogs may be either role's.
template <class Catalog>
std::vector<dns::Name> names_of(const std::vector<Catalog>& catalogs) {
  std::vector<dns::Name> names;
  names.reserve(catalogs.size());
  for (const Catalog& catalog : catalogs) names.push_back(catalog.name);
  return names;
}

}  // namespace samara::server
