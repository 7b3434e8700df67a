// Proofs of what does not exist: NSEC (RFC 4035 section 3.1.3) and NSEC3 (RFC 5155 section 7.2). A record is added once,
// however many statements it proves.
#include <algorithm>

#include "dns-core/dnssec/nsec3.h"
#include "server/answerer.h"

namespace samara::server {
namespace {

using dns::RrType;
using zone::LookupKey;

constexpr std::array<u8, 1> star{'*'};

bool uses_nsec3(const zone::Zone& zone) {
  return zone.nsec3_parameters().has_value();
}

LookupKey first_labels(const LookupKey& key, size_t labels) {
  SAMARA_UNINITIALIZED LookupKey prefix;
  prefix.assign_prefix(key, labels);
  return prefix;
}

LookupKey wildcard_below(const LookupKey& key, size_t labels) {
  LookupKey wildcard = first_labels(key, labels);
  static_cast<void>(wildcard.append_label(star));  // where it would be too long, no name below the encloser exists at all
  return wildcard;
}

// The key, below the apex, of the NSEC3 owner name for `key`; nothing when the zone's hash is unknown or
// takes more iterations than an answer may cost: such a zone proves nothing.
std::optional<LookupKey> nsec3_key(const zone::Zone& zone, const LookupKey& key) {
  const auto parameters = dns::Nsec3ParameterView::parse(zone.nsec3_parameters()->rdata());
  if (!parameters.ok()) return std::nullopt;
  SAMARA_UNINITIALIZED std::array<u8, dns::max_name_size> wire;
  const size_t labels = zone::key_to_wire(key.symbols(), wire);
  wire[labels] = 0;
  ByteReader reader(Bytes(wire).first(labels + 1));
  const auto hash = dns::nsec3_hash(MUST(dns::Name::from_wire(reader)), parameters.value(), dns::max_served_nsec3_iterations);
  if (!hash.ok()) return std::nullopt;
  return LookupKey(MUST(dns::nsec3_owner(hash.value(), dns::Name())));
}

}  // namespace

void Answerer::prove_no_data(const zone::Lookup& found) {
  const size_t labels = key().label_count();
  if (!uses_nsec3(*zone_)) {
    if (found.finding == zone::Finding::wildcard) {
      // The wildcard's record, or where it is an empty non-terminal the one before it.
      add_nsec_covering(wildcard_below(key(), found.encloser_depth));
      add_nsec_covering(key());
    } else if (zone_->node(found.node).find(RrType::NSEC).has_value()) {
      add_denial(found.node, RrType::NSEC);
    } else {
      add_nsec_covering(key());  // an empty non-terminal (RFC 4035 section 3.1.3.1 does not name it; 5.4 validates it so)
    }
    return;
  }
  if (found.finding == zone::Finding::wildcard) {
    // RFC 5155 section 7.2.5.
    add_denial(matching_nsec3(first_labels(key(), found.encloser_depth)), RrType::NSEC3);
    add_nsec3_covering(first_labels(key(), found.encloser_depth + 1));
    add_denial(matching_nsec3(wildcard_below(key(), found.encloser_depth)), RrType::NSEC3);
    return;
  }
  // RFC 5155 sections 7.2.3 and 7.2.4: where opt-out left the name without a record, its closest encloser has one.
  const zone::Ref own = matching_nsec3(key());
  if (own != 0) {
    add_denial(own, RrType::NSEC3);
  } else {
    add_closest_provable_encloser(labels);
  }
}

void Answerer::prove_no_name(const zone::Lookup& found) {
  if (!uses_nsec3(*zone_)) {
    add_nsec_covering(key());
    add_nsec_covering(wildcard_below(key(), found.encloser_depth));
    return;
  }
  const size_t proved = add_closest_provable_encloser(found.encloser_depth + 1);  // RFC 5155 section 7.2.2
  add_nsec3_covering(wildcard_below(key(), proved));
}

void Answerer::prove_wildcard(const zone::Lookup& found) {
  if (!uses_nsec3(*zone_)) {
    add_nsec_covering(key());
  } else {
    add_nsec3_covering(first_labels(key(), found.encloser_depth + 1));  // RFC 5155 section 7.2.6
  }
}

void Answerer::prove_unsigned_delegation(const zone::NodeView& cut, size_t labels) {
  if (!uses_nsec3(*zone_)) {
    add_denial(cut.ref(), RrType::NSEC);
    return;
  }
  const zone::Ref own = matching_nsec3(first_labels(key(), labels));  // RFC 5155 section 7.2.7
  if (own != 0) {
    add_denial(own, RrType::NSEC3);
  } else {
    add_closest_provable_encloser(labels);
  }
}

void Answerer::add_nsec_covering(const LookupKey& key) {
  const size_t base = key.prefix_size(apex_labels_);
  add_denial(zone_->nsec_names().at_or_before(key.symbols().subspan(base)), RrType::NSEC);
}

zone::Ref Answerer::matching_nsec3(const LookupKey& key) const {
  const auto owner = nsec3_key(*zone_, key);
  if (!owner.has_value()) return 0;
  const zone::TrieMatch match = zone_->nsec3_names().find(owner->symbols());
  return match.exact ? match.node : 0;
}

void Answerer::add_nsec3_covering(const LookupKey& key) {
  const auto owner = nsec3_key(*zone_, key);
  if (!owner.has_value()) return;
  const zone::Trie hashes = zone_->nsec3_names();
  const zone::Ref before = hashes.at_or_before(owner->symbols());
  add_denial(before != 0 ? before : hashes.last(), RrType::NSEC3);  // the last record covers what comes before the first
}

// The closest encloser of the name's first `labels` labels that has an NSEC3 record, and the record that covers the name one
// label longer (RFC 5155 section 7.2.1).
size_t Answerer::add_closest_provable_encloser(size_t labels) {
  for (size_t depth = labels; depth > apex_labels_;) {
    --depth;
    const zone::Ref encloser = matching_nsec3(first_labels(key(), depth));
    if (encloser == 0) continue;
    add_denial(encloser, RrType::NSEC3);
    add_nsec3_covering(first_labels(key(), depth + 1));
    return depth;
  }
  return apex_labels_;
}

void Answerer::add_denial(zone::Ref node, RrType type) {
  if (node == 0) return;  // the chain has a hole: the check of the zone said so when it was loaded
  const std::span<const zone::Ref> there = std::span<const zone::Ref>(proofs_).first(proof_count_);
  if (std::ranges::find(there, node) != there.end()) return;
  if (proof_count_ < proofs_.size()) proofs_[proof_count_++] = node;
  if (!put_off_denials_) {
    add_denial_from(*zone_, node, type);
  } else if (put_off_count_ < put_off_.size()) {
    put_off_[put_off_count_++] = {zone_->header(), node, type};
  }
}

void Answerer::add_denial_from(const zone::Zone& zone, zone::Ref node, RrType type) {
  const zone::NodeView holder = zone.node(node);
  const auto set = holder.find(type);
  if (!set.has_value()) return;
  const dns::Name owner = zone.owner(holder);
  if (!add(dns::Section::authority, dns::Owner::name(owner.wire()), *set)) truncate();
}

void Answerer::write_denials_put_off() {
  // They were put off in a zone that is signed; this one, which the chain has led to, need not be.
  const bool signed_here = std::exchange(dnssec_, true);
  for (const Denial& denial : std::span<const Denial>(put_off_).first(put_off_count_)) {
    add_denial_from(zone::Zone(zone_->memory(), denial.zone), denial.node, denial.type);
  }
  put_off_count_ = 0;
  dnssec_ = signed_here;
}

}  // namespace samara::server
