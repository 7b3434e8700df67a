// These are the rights that the configuration gives a requester in a zone: for the worker, which turns away a client without
// any, and for the loader, which asks for each change.
#pragma once

#include "server/config/primary_config.h"
#include "server/overrides_by_zone.h"
#include "server/update_policy.h"

namespace samara::server {

class UpdateAccess {
 public:
  // Both outlive this.
  UpdateAccess(const PrimaryConfig& config, const ZoneSettings& settings) : config_(config), settings_(settings) {}

  // True when anybody may update anything.
  static bool is_needed(const PrimaryConfig& config) {
    return !config.access.update.empty() || !config.update_rules.empty() ||
           std::ranges::any_of(config.zones, [](const ZoneSource& zone) { return zone.overrides.update.has_value(); });
  }

  Requester requester(const IpAddress& address, std::optional<u16> key, bool address_shown) const {
    return {address, key, key.has_value() ? config_.keys[*key].name : dns::Name(), address_shown};
  }
  UpdateRights rights(const Requester& requester, const zone::Zone& zone) const {
    const dns::Name apex = zone.apex();
    const bool everything =
        admits_change(config_.update_access(settings_.of(apex)), requester.address, requester.key, requester.address_shown);
    return UpdateRights(config_.update_rules, everything, requester, apex, is_signed(zone));
  }

 private:
  const PrimaryConfig& config_;
  const ZoneSettings& settings_;
};

}  // namespace samara::server
