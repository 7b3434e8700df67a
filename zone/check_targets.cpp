#include "zone/check_targets.h"

#include <algorithm>

namespace samara::zone {
namespace {

using dns::Name;
using dns::RrType;

Target look_at(const NodeView& node, bool exact) {
  if (node.has(node_governed) || (exact && node.has(node_delegation))) return Target::host;  // another zone's name
  if (node.find(RrType::CNAME).has_value()) return Target::alias;
  return node.find(RrType::A).has_value() || node.find(RrType::AAAA).has_value() ? Target::host : Target::data;
}

bool is_number(Bytes label) {
  return label.size() <= 3 && std::ranges::all_of(label, [](u8 c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Target look_at_target(const Zone& zone, const Name& name) {
  const auto node = zone.find(name);
  if (node.has_value()) return look_at(*node, true);
  // The closest encloser decides: it may hide the name or have a wildcard (RFC 4592 section 3.3.1).
  for (Name above = name.parent();; above = above.parent()) {
    const auto encloser = zone.find(above);
    if (!encloser.has_value()) continue;
    if (encloser->has(node_dname)) return Target::alias;
    if (encloser->has(node_delegation) || encloser->has(node_governed)) return Target::host;
    const u8 asterisk = '*';
    const auto wildcard = above.child(Bytes(&asterisk, 1));
    const auto match = wildcard.ok() ? zone.find(wildcard.value()) : std::nullopt;
    return match.has_value() ? look_at(*match, false) : Target::missing;
  }
}

TargetHint::TargetHint(const Name& target, const Name& apex) {
  if (apex.is_root() || !target.is_at_or_below(apex) || target.label_count() < apex.label_count() + 2) return;
  const auto front = target.replace_suffix(apex, Name());
  if (!front.ok()) return;
  front_ = front.value();
  kind_ = Kind::dot;
  size_t numbers = 0;
  Bytes wire = front_.wire();
  for (; wire[0] != 0; wire = wire.subspan(size_t{1} + wire[0]))
    numbers += is_number(wire.subspan(1, wire[0])) ? size_t{1} : size_t{0};
  if (numbers != front_.label_count()) return;
  // Four numbers are an IPv4 address; others are names of a reverse zone, or no names that people write.
  kind_ = numbers == 4 ? Kind::address : Kind::none;
}

void TargetHint::write_text(TextWriter& out) const {
  if (kind_ == Kind::none) return;
  TextBuffer<dns::max_name_text> text;
  front_.write_text(text.writer());
  const std::string_view front = text.view().substr(0, text.view().size() - 1);
  out.put(kind_ == Kind::dot ? "; is the final dot missing after \"" : "; a name belongs here, not the address \"");
  out.put(front);
  out.put(kind_ == Kind::dot ? "\"?" : "\"");
}

}  // namespace samara::zone
