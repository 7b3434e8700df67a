#include "zone/nsec3_chain.h"

#include <algorithm>

#include "dns-core/dnssec/nsec3.h"

namespace samara::zone {
namespace {

using dns::Nsec3ParameterView;
using dns::RrType;

}  // namespace

bool in_nsec3_chain(const NodeView& node, const Nsec3ParameterView& parameters) {
  const auto set = node.find(RrType::NSEC3);
  bool found = false;
  if (!set.has_value()) return found;
  set->for_each_record([&](RecordView record) {
    const auto nsec3 = dns::Nsec3View::parse(record.rdata());
    found = found || (nsec3.ok() && dns::same_chain(nsec3.value().parameters, parameters));
  });
  return found;
}

namespace {

bool denies_apex(MemoryView memory, const dns::Name& apex, Twig all, const Nsec3ParameterView& parameters) {
  const auto hash = dns::nsec3_hash(apex, parameters, dns::max_served_nsec3_iterations);
  if (!hash.ok()) return false;
  const LookupKey key(MUST(dns::nsec3_owner(hash.value(), dns::Name())));
  const TrieMatch match = Trie(memory, all).find(key.symbols());
  return match.exact && in_nsec3_chain(NodeView(memory, match.node), parameters);
}

// A trie of those owners in `all` that have a record of the chain: `all` itself when that is every one.
Twig owners_in(ExtentWriter& out, Twig all, const Nsec3ParameterView& parameters, Pace& pace) {
  bool mixed = false;
  TrieCursor cursor(out.view(), all);
  for (Ref ref = cursor.next(); ref != 0 && !mixed; ref = cursor.next()) {
    mixed = !in_nsec3_chain(NodeView(out.view(), ref), parameters);
    pace.step();
  }
  if (!mixed) return all;
  TrieBuilder builder(out);
  TrieCursor again(out.view(), all);
  for (Ref ref = again.next(); ref != 0; ref = again.next()) {
    const NodeView node(out.view(), ref);
    pace.step();
    if (in_nsec3_chain(node, parameters)) builder.add(node.key(), ref);
  }
  return builder.finish();
}

}  // namespace

std::optional<Nsec3Choice> choose_nsec3_parameters(MemoryView memory, const dns::Name& apex, const NodeView& apex_node,
                                                   Twig all) {
  const auto set = apex_node.find(RrType::NSEC3PARAM);
  if (all == 0 || !set.has_value()) return std::nullopt;
  std::optional<Nsec3Choice> choice;
  bool whole = false;
  u32 place = 0;
  set->for_each_record([&](RecordView record) {
    const u32 here = place++;
    if (here >= max_nsec3_chains || whole) return;
    const auto parameters = Nsec3ParameterView::parse(record.rdata());
    if (!parameters.ok() || !dns::is_servable(parameters.value())) return;
    whole = denies_apex(memory, apex, all, parameters.value());
    if (whole || !choice.has_value()) choice = Nsec3Choice{here, parameters.value()};
  });
  return choice;
}

std::optional<Nsec3Chain> choose_nsec3_chain(ExtentWriter& out, const dns::Name& apex, const NodeView& apex_node, Twig all,
                                             Pace& pace) {
  const auto choice = choose_nsec3_parameters(out.view(), apex, apex_node, all);
  if (!choice.has_value()) return std::nullopt;
  const Twig root = owners_in(out, all, choice->parameters, pace);
  if (root == 0) return std::nullopt;
  return Nsec3Chain{choice->place, root};
}

}  // namespace samara::zone
