// OverridesByZone: which zones have settings of their own, found by name. Most have none, and are not kept here. A reload
// brings new ones (reloaded_settings.h).
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "platform/base/sort.h"
#include "platform/base/time.h"
#include "server/config/service_config.h"
#include "zone/search_name.h"

namespace samara::server {

// True when some rule of the list is for a message from `address` signed with `key` (or unsigned).
inline bool admits(const AccessList& list, const IpAddress& address, std::optional<u16> key) {
  return std::ranges::any_of(list, [&](const AccessRule& rule) {
    return (!rule.from.has_value() || rule.from->contains(address)) && (!rule.key.has_value() || rule.key == key);
  });
}

// The same for a message that changes something: a rule that goes by the address alone counts only where that is shown to be
// the sender's own. Anybody can send one datagram with somebody else's.
inline bool admits_change(const AccessList& list, const IpAddress& address, std::optional<u16> key, bool address_shown) {
  return std::ranges::any_of(list, [&](const AccessRule& rule) {
    const bool by_address_alone = rule.from.has_value() && !rule.key.has_value();
    return (!by_address_alone || address_shown) && (!rule.from.has_value() || rule.from->contains(address)) &&
           (!rule.key.has_value() || rule.key == key);
  });
}

// ZoneSettings gives the settings that a zone has of its own, wherever they are written.
class ZoneSettings {
 public:
  virtual const ZoneOverrides& of(const dns::Name& zone) const = 0;
  // Returns how long a zone that comes from elsewhere is still good; nothing for one that is at home here.
  virtual std::optional<Duration> expires_in(const dns::Name& /*zone*/, Instant /*now*/) const { return std::nullopt; }

 protected:
  ~ZoneSettings() = default;
};

class OverridesByZone final : public ZoneSettings {
 public:
  // The configuration outlives this.
  template <class RoleConfig>
  explicit OverridesByZone(const RoleConfig& config) {
    for (const auto& zone : config.zones) add(zone.name, zone.overrides);
    for (const auto& catalog : config.catalogs) add(catalog.name, catalog.overrides);
    compact_sort(entries_, [](const Entry& a, const Entry& b) { return a.hash < b.hash; });
  }
  const ZoneOverrides& of(const dns::Name& zone) const override {
    const u64 hash = hash_of(zone);
    for (auto at = std::ranges::lower_bound(entries_, hash, {}, &Entry::hash); at != entries_.end() && at->hash == hash; ++at) {
      if (*at->zone == zone) return *at->overrides;
    }
    return none_;
  }

 private:
  struct Entry {
    u64 hash;
    const dns::Name* zone;
    const ZoneOverrides* overrides;
  };

  static u64 hash_of(const dns::Name& zone) {
    const zone::SearchName name(zone);
    return name.hash(name.label_count());
  }
  void add(const dns::Name& zone, const ZoneOverrides& overrides) {
    if (overrides != none_) entries_.push_back({hash_of(zone), &zone, &overrides});
  }

  ZoneOverrides none_;
  std::vector<Entry> entries_;
};

}  // namespace samara::server
