// UpdateRule: a part of the right to change zones by UPDATE (RFC 3007 section 3): who, in which zones, at which names, which
// types and whether to add or to delete. The list `access.update` gives the whole of that right for unsigned zones; these rules
// give less, or for a signed zone more. server/update_policy.h says what they mean for an update.
#pragma once

#include <optional>
#include <vector>

#include "dns-core/name.h"
#include "dns-core/types.h"
#include "platform/base/ip_address.h"
#include "platform/base/types.h"
#include "server/config/service_config.h"

namespace samara::server {

// Updates may make so much of each zone, besides what it may be at all; existing records may stay and shrink. An RRset of a
// thousand is more than any use we know of: name servers of the root, a directory's services. There are some hundred types; a
// change of a name reads all it has.
constexpr ZoneLimits default_update_limits{
    .max_records = 10'000'000, .max_octets = u64{1} << 30, .max_records_per_rrset = 1'000, .max_types_per_name = 100};

constexpr size_t max_update_rules = 4096;       // one for each of 1,024 keys and some
constexpr size_t max_update_rule_zones = 1024;  // in one rule
constexpr size_t max_update_rule_names = 1024;
constexpr size_t max_update_rule_types = 256;

// UpdateNames says which owner names a rule is about.
enum class UpdateNames : u8 {
  zone,          // all of the zone's
  exact,         // those listed in `names`
  subtree,       // those listed and all below them
  self,          // the one that is the name of the key that signed
  self_subtree,  // and all below it
};

struct UpdateRule {
  std::optional<IpPrefix> from;  // absent: from anywhere
  std::optional<u16> key;        // index into the configuration's keys; absent: any, or none (self and self_subtree need one)
  std::vector<dns::Name> zones;  // empty: every zone
  UpdateNames match = UpdateNames::zone;
  std::vector<dns::Name> names;  // absolute; at least one with `exact` and `subtree`, else none
  // Empty: every type but those that make the zone what it is: SOA, NS, DNSKEY, RRSIG, NSEC, NSEC3, NSEC3PARAM. ANY: every
  // type.
  std::vector<dns::RrType> types;
  bool add = true;
  bool remove = true;
  // True when it also holds in zones that are signed, whose signer then is the sender of the update.
  bool signed_zones = false;
  // So much may be at the names of the rule, of the types it is about, whoever put it there; only rules with names of their own
  // may have this, since it is counted with each update. When storage or zone memory run short, rules with either limit give no
  // right to add, so that those without have room left.
  std::optional<u32> max_records{};
  std::optional<u64> max_octets{};
  std::optional<u32> max_records_per_rrset{};  // instead of PrimaryConfig::update_limits'
  bool is_limited() const { return max_records.has_value() || max_octets.has_value(); }
  friend bool operator==(const UpdateRule&, const UpdateRule&) = default;
};

}  // namespace samara::server
