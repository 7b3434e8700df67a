#include "server/update_quota.h"

#include <algorithm>
#include <optional>

#include "dns-core/rdata/rdata_text.h"

namespace samara::server {
namespace {

using dns::RrType;

// Records and their octets, as far as they matter.
struct Usage {
  i64 records = 0;
  i64 octets = 0;
};

bool is_beyond(const UpdateRule& rule, const Usage& usage) {
  return (rule.max_records.has_value() && usage.records > i64{*rule.max_records}) ||
         (rule.max_octets.has_value() && usage.octets > static_cast<i64>(*rule.max_octets));
}

// Adds what is at a node, of the types that the rule is about.
void add_node(const zone::NodeView& node, const dns::Name& owner, const UpdateRights& rights, size_t rule, Usage& usage) {
  const auto add = [&](const zone::RrsetView& set) {
    usage.records += static_cast<i64>(set.count());
    usage.octets += static_cast<i64>(set.images().size() + set.count() * owner.size());
  };
  node.for_each_rrset([&](const zone::RrsetView& set) {
    if (rights.is_about(rule, owner, set.type())) add(set);
    if (set.has_signatures() && rights.is_about(rule, owner, RrType::RRSIG)) add(set.signatures());
  });
}

// The nodes of `top`, which is at or below the apex, and of all names below it; NSEC3 owners are not among them.
zone::TrieCursor cursor_below(const zone::Zone& zone, const dns::Name& top) {
  const zone::SearchName name(top);
  const Bytes labels = name.labels_between(zone.apex().label_count(), name.label_count());
  const zone::Trie names(zone.memory(), zone.memory().word(zone.header() + zone::Zone::root_at));
  return {zone.memory(), names.below(zone::LookupKey::of_labels(labels).symbols())};
}

}  // namespace

i64 UpdateQuota::growth() const {
  i64 growth = 0;
  overlay_.for_each_growth([&](const dns::Name&, RrType, i64, i64 octets, size_t) { growth += octets; });
  return growth;
}

// True when more would be at the names of the rule than it may, and more than there was.
bool UpdateQuota::is_exhausted(size_t rule) const {
  Usage grown;
  overlay_.for_each_growth([&](const dns::Name& owner, RrType type, i64 records, i64 octets, size_t) {
    if (!rights_.is_about(rule, owner, type)) return;
    grown.records += records;
    grown.octets += octets;
  });
  if (grown.records <= 0 && grown.octets <= 0) return false;
  if (room_.scarce) return true;
  const zone::Zone& zone = overlay_.base();
  const UpdateRule& limits = rights_.rule(rule);
  const bool below = limits.match == UpdateNames::subtree || limits.match == UpdateNames::self_subtree;
  const std::span<const dns::Name> names = rights_.names_of(rule);
  Usage usage = grown;
  for (const dns::Name& top : names) {
    if (!top.is_at_or_below(zone.apex())) continue;
    // Records below another of the names are counted there.
    if (below &&
        std::ranges::any_of(names, [&](const dns::Name& other) { return other != top && top.is_at_or_below(other); })) {
      continue;
    }
    if (!below) {
      if (const auto node = zone.find(top); node.has_value()) add_node(*node, top, rights_, rule, usage);
    } else {
      zone::TrieCursor nodes = cursor_below(zone, top);
      for (zone::Ref ref = nodes.next(); ref != 0 && !is_beyond(limits, usage); ref = nodes.next()) {
        const zone::NodeView node = zone.node(ref);
        if (!node.empty()) add_node(node, zone.owner(node), rights_, rule, usage);
      }
    }
    if (is_beyond(limits, usage)) return true;
  }
  return is_beyond(limits, usage);
}

ShortText<max_refusal> UpdateQuota::limit_reached() const {
  Usage grown;
  struct Set {
    dns::Name owner;
    RrType type;
    u32 limit;
  };
  std::optional<Set> large;
  overlay_.for_each_growth([&](const dns::Name& owner, RrType type, i64 records, i64 octets, size_t count) {
    grown.records += records;
    grown.octets += octets;
    if (records <= 0 || large.has_value()) return;
    // The zone's own limit goes before what the rules give.
    const u32 limit =
        std::min(room_.most_records_per_rrset, rights_.most_records_per_rrset(owner, type, room_.limits.max_records_per_rrset));
    if (count > limit) large = Set{owner, type, limit};
  });
  if (large.has_value()) {
    TextBuffer<max_refusal> reason;
    TextWriter& out = reason.writer();
    out.put("the RRset ");
    large->owner.write_text(out);
    out.put(' ');
    dns::write_type(large->type, out);
    out.put(" would have more records than max-records-per-rrset (");
    out.put(u64{large->limit});
    out.put(')');
    return reason.view();
  }
  std::optional<dns::Name> rich;
  overlay_.for_each_with_more_types([&](const dns::Name& owner, size_t types) {
    if (types > room_.limits.max_types_per_name) rich = owner;
  });
  if (rich.has_value()) {
    TextBuffer<max_refusal> reason;
    reason.writer().put("there would be more types than max-types-per-name (");
    reason.writer().put(u64{room_.limits.max_types_per_name});
    reason.writer().put(") at ");
    rich->write_text(reason.writer());
    return reason.view();
  }
  const i64 records = static_cast<i64>(overlay_.base().record_count()) + grown.records;
  if (grown.records > 0 && records > i64{room_.limits.max_records}) return "the zone would have more records than max-records";
  const i64 octets = static_cast<i64>(room_.zone_octets) + grown.octets;
  if (grown.octets > 0 && octets > static_cast<i64>(room_.limits.max_octets)) {
    return "the zone would have more octets than max-octets";
  }
  std::vector<u8> exhausted(rights_.rule_count());
  bool any = false;
  for (size_t rule = 0; rule < exhausted.size(); ++rule) {
    if (!rights_.is_limited_here(rule) || !is_exhausted(rule)) continue;
    exhausted[rule] = 1;
    any = true;
  }
  if (!any) return {};
  bool permitted = true;
  overlay_.for_each_growth([&](const dns::Name& owner, RrType type, i64 more, i64 more_octets, size_t) {
    if (more <= 0 && more_octets <= 0) return;
    permitted = permitted && (more <= 0 || rights_.allows(owner, type, UpdateOperation::add, exhausted));
  });
  if (permitted) return {};
  return room_.scarce ? "storage or memory run short: what is left is for rules without limits" : "the rule's limit is reached";
}

}  // namespace samara::server
