#include "server/update_policy.h"

#include <algorithm>

namespace samara::server {
namespace {

using dns::RrType;

// Types that a rule must name: they make the zone what it is.
bool must_be_named(RrType type) {
  switch (dns::code(type)) {
    case dns::code(RrType::SOA):
    case dns::code(RrType::NS):
    case dns::code(RrType::DNSKEY):
    case dns::code(RrType::RRSIG):
    case dns::code(RrType::NSEC):
    case dns::code(RrType::NSEC3):
    case dns::code(RrType::NSEC3PARAM): return true;
    default: return false;
  }
}

bool covers_type(const UpdateRule& rule, RrType type) {
  if (rule.types.empty()) return !must_be_named(type);
  return std::ranges::any_of(rule.types, [type](RrType listed) { return listed == type || listed == RrType::ANY; });
}

}  // namespace

bool is_signed(const zone::Zone& zone) {
  return zone.has_nsec() || zone.has_nsec3() || zone.soa().has_signatures() ||
         zone.apex_node().find(RrType::DNSKEY).has_value();
}

bool makes_signed(RrType type, Bytes rdata, bool at_apex) {
  switch (dns::code(type)) {
    case dns::code(RrType::NSEC):
    case dns::code(RrType::NSEC3):
    case dns::code(RrType::NSEC3PARAM):
    case dns::code(RrType::DNSKEY): return true;
    // Its data begin with the type covered (RFC 4034 section 3.1).
    case dns::code(RrType::RRSIG): return at_apex && rdata.size() >= 2 && load_be16(rdata) == dns::code(RrType::SOA);
    default: return false;
  }
}

UpdateRights::UpdateRights(std::span<const UpdateRule> rules, bool everything, const Requester& requester,
                           const dns::Name& zone, bool zone_is_signed)
    : rules_(rules),
      requester_(requester),
      zone_(zone),
      zone_is_signed_(zone_is_signed),
      everything_(everything && !zone_is_signed),
      refused_as_signed_(everything && zone_is_signed) {
  for (const UpdateRule& rule : rules) {
    if (!is_for_requester(rule)) continue;
    if (zone_is_signed && !rule.signed_zones) {
      refused_as_signed_ = true;
    } else {
      some_rule_ = true;
    }
  }
}

bool UpdateRights::is_for_requester(const UpdateRule& rule) const {
  if (rule.from.has_value() && !rule.from->contains(requester_.address)) return false;
  if (rule.from.has_value() && !rule.key.has_value() && !requester_.address_shown) return false;
  if (rule.key.has_value() && rule.key != requester_.key) return false;
  const bool by_key_name = rule.match == UpdateNames::self || rule.match == UpdateNames::self_subtree;
  if (by_key_name && !requester_.key.has_value()) return false;
  return rule.zones.empty() || std::ranges::find(rule.zones, zone_) != rule.zones.end();
}

bool UpdateRights::covers(const UpdateRule& rule, const dns::Name& owner, UpdateOperation operation) const {
  if (operation == UpdateOperation::add ? !rule.add : !rule.remove) return false;
  return counts_here(rule) && is_at(rule, owner);
}

bool UpdateRights::is_at(const UpdateRule& rule, const dns::Name& owner) const {
  switch (rule.match) {
    case UpdateNames::zone: return true;
    case UpdateNames::exact: return std::ranges::find(rule.names, owner) != rule.names.end();
    case UpdateNames::subtree:
      return std::ranges::any_of(rule.names, [&](const dns::Name& top) { return owner.is_at_or_below(top); });
    case UpdateNames::self: return owner == requester_.key_name;
    case UpdateNames::self_subtree: return owner.is_at_or_below(requester_.key_name);
  }
  return false;
}

bool UpdateRights::allows(const dns::Name& owner, RrType type, UpdateOperation operation, std::span<const u8> exhausted) const {
  if (everything_) return true;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (i < exhausted.size() && exhausted[i] != 0) continue;
    if (covers_type(rules_[i], type) && covers(rules_[i], owner, operation)) return true;
  }
  return false;
}

u32 UpdateRights::most_records_per_rrset(const dns::Name& owner, RrType type, u32 usual) const {
  u32 most = everything_ ? usual : 0;
  for (const UpdateRule& rule : rules_) {
    if (!covers_type(rule, type) || !covers(rule, owner, UpdateOperation::add)) continue;
    most = std::max(most, rule.max_records_per_rrset.value_or(usual));
  }
  return most;
}

bool UpdateRights::is_about(size_t rule, const dns::Name& owner, RrType type) const {
  return covers_type(rules_[rule], type) && is_at(rules_[rule], owner);
}

std::span<const dns::Name> UpdateRights::names_of(size_t rule) const {
  const UpdateNames match = rules_[rule].match;
  if (match == UpdateNames::self || match == UpdateNames::self_subtree) return std::span(&requester_.key_name, 1);
  return match == UpdateNames::zone ? std::span(&zone_, 1) : std::span(rules_[rule].names);
}

bool UpdateRights::allows_some_type(const dns::Name& owner, UpdateOperation operation) const {
  return everything_ || std::ranges::any_of(rules_, [&](const UpdateRule& rule) { return covers(rule, owner, operation); });
}

std::optional<UpdateRights::Lack> UpdateRights::lack(const dns::Name& owner, UpdateOperation operation) const {
  std::optional<Lack> nearest;
  size_t least = 3;
  for (const UpdateRule& rule : rules_) {
    if (!counts_here(rule)) continue;
    const bool name = is_at(rule, owner);
    const bool gives_operation = operation == UpdateOperation::add ? rule.add : rule.remove;
    const size_t distance = !name ? 2 : !gives_operation ? 1 : 0;
    if (distance >= least) continue;
    least = distance;
    nearest = Lack{static_cast<size_t>(&rule - rules_.data()) + 1, !name ? "name" : !gives_operation ? "operation" : "type"};
  }
  return nearest;
}

}  // namespace samara::server
