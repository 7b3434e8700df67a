#include "server/query.h"

#include <algorithm>

#include "server/answerer.h"

namespace samara::server {
namespace {

using dns::Composer;
using dns::ExtendedError;
using dns::Owner;
using dns::Rcode;
using dns::RrClass;
using dns::RrType;
using dns::Section;

constexpr u32 chaos_ttl = 0;

void write_zone_options(Composer& out, const AnswerRules& rules, const dns::Query& query, const std::optional<zone::Zone>& zone,
                        size_t apex_labels) {
  if (!zone.has_value()) return;
  if (query.type == RrType::SOA && out.count(Section::answer) != 0) write_expire(out, rules, query, *zone);
  if (query.edns->zoneversion) {
    // RFC 9660 section 2: label count, type 0 (SOA-SERIAL), serial.
    std::array<u8, 6> version{};
    version[0] = static_cast<u8>(apex_labels);
    store_be32(version, 2, zone->serial().value());
    out.option(dns::EdnsOption::zoneversion, version);
  }
}

bool equals_text(Bytes wire, std::string_view first, std::string_view second) {
  const auto label = [&](size_t at, std::string_view text) {
    if (wire.size() < at + 1 + text.size() || wire[at] != text.size()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      if (dns::to_lower(wire[at + 1 + i]) != static_cast<u8>(text[i])) return false;
    }
    return true;
  };
  const size_t next = 1 + first.size();
  return wire.size() == next + second.size() + 2 && label(0, first) && label(next, second);
}

// CHAOS names that tell who we are (RFC 4892 section 2, and BIND's older ones), where the configuration says so.
[[gnu::cold]] Answer answer_chaos(const Identity& identity, const AnswerRules& rules, Bytes packet, const dns::Query& query,
                                  MutableBytes reply) {
  const Bytes name = query.name(packet);
  std::string_view text;
  if (equals_text(name, "id", "server") || equals_text(name, "hostname", "bind")) text = identity.server_id;
  if (equals_text(name, "version", "server") || equals_text(name, "version", "bind")) text = identity.version;
  if (text.empty() || text.size() > 255 || (query.type != RrType::TXT && query.type != RrType::ANY)) {
    return answer_error(rules, packet, query, Rcode::REFUSED, ExtendedError::prohibited, reason_text(ExtendedError::prohibited),
                        reply);
  }
  Composer out(reply, message_budget(rules, query, reply), opt_size(rules, query), packet, query,
               static_cast<u16>(response_flags(query) | dns::flag_aa));
  std::array<u8, dns::record_fixed_size + 256> image{};
  ByteWriter writer(image);
  writer.u16(dns::code(RrType::TXT));
  writer.u16(dns::code(RrClass::CH));
  writer.u32(chaos_ttl);
  writer.u16(static_cast<u16>(text.size() + 1));
  writer.u8(static_cast<u8>(text.size()));
  writer.text(text);
  if (!out.rrset(Section::answer, Owner::at(dns::header_size, name), writer.written(), 1, false)) out.set_flags(dns::flag_tc);
  if (query.edns.has_value()) {
    write_opt(out, rules, query, Rcode::NOERROR);
    out.end_opt();
  }
  return {.size = out.finish(Rcode::NOERROR), .rcode = Rcode::NOERROR};
}

}  // namespace

Answer answer_query(const zone::ZoneSet& zones, const Identity& identity, const AnswerRules& rules, Bytes packet,
                    const dns::Query& query, MutableBytes reply) {
  const auto error = [&](Rcode rcode, std::optional<ExtendedError> why = std::nullopt) {
    return answer_error(rules, packet, query, rcode, why, why.has_value() ? reason_text(*why) : std::string_view{}, reply);
  };
  switch (query.verdict) {
    case dns::QueryVerdict::ignore: return {};
    case dns::QueryVerdict::cookie:  // no cookies are given here
    case dns::QueryVerdict::formerr: return error(Rcode::FORMERR);
    case dns::QueryVerdict::notimp: return error(Rcode::NOTIMP, ExtendedError::not_supported);
    case dns::QueryVerdict::badvers: return error(Rcode::BADVERS);
    case dns::QueryVerdict::good: break;
  }
  if (query.opcode != dns::Opcode::QUERY) return error(Rcode::NOTIMP, ExtendedError::not_supported);
  if (query.rr_class == RrClass::CH) return answer_chaos(identity, rules, packet, query, reply);
  if (query.rr_class != RrClass::IN && query.rr_class != RrClass::ANY)
    return error(Rcode::REFUSED, ExtendedError::not_supported);
  switch (dns::code(query.type)) {
    case dns::code(RrType::OPT):
    case dns::code(RrType::TKEY):
    case dns::code(RrType::TSIG):
    case dns::code(RrType::NXNAME):
      return error(Rcode::FORMERR, ExtendedError::not_supported);  // RFC 9824 section 3.5 for NXNAME
    case dns::code(RrType::MAILA):
    case dns::code(RrType::MAILB):
      return error(Rcode::NOTIMP, ExtendedError::not_supported);  // RFC 1035 section 3.2.3: obsolete
    case dns::code(RrType::AXFR):                                 // in class IN they do not come here (transfer_request.h)
    case dns::code(RrType::IXFR): return error(Rcode::REFUSED, ExtendedError::not_supported);
    default: break;
  }

  SAMARA_UNINITIALIZED Composer out(reply, message_budget(rules, query, reply), opt_size(rules, query), packet, query,
                                    response_flags(query));
  SAMARA_UNINITIALIZED Answerer answerer(zones, rules, packet, query, out);
  Answer answer;
  answerer.run(answer);
  if (answerer.why().has_value()) return error(answer.rcode, answerer.why());
  // RFC 1035 section 6.2: nobody is an authority on all classes.
  if (query.rr_class == RrClass::ANY) out.clear_flags(dns::flag_aa);
  if (query.edns.has_value()) {
    write_opt(out, rules, query, answer.rcode);
    write_zone_options(out, rules, query, answerer.zone(), answer.apex_labels);
    out.end_opt();
  }
  answer.size = out.finish(answer.rcode);
  return answer;
}

// --- The way through the zones ---------------------------------------------------------------------------------------------

void Answerer::run(Answer& answer) {
  if (!enter_zone()) {
    answer.rcode = why_ == ExtendedError::not_ready ? Rcode::SERVFAIL : Rcode::REFUSED;
    return;
  }
  answer.apex_labels = static_cast<u8>(apex_labels_);
  while (step(answer) == Next::follow) {
    // RFC 1034 section 4.3.2 step 3a: on to the canonical name, while it is in a zone of ours.
    if (truncated_ || chain_ == max_chain || !enter_zone()) break;
  }
  if (put_off_count_ != 0) add_denials_put_off();
  if (truncated_) {
    out_.set_flags(dns::flag_tc);
    answer.truncated = true;
  }
}

bool Answerer::enter_zone() {
  const bool first = chain_ == 0;
  auto taken = zones_.find(search_, query_.type == RrType::DS && first);
  // A DS query for an apex whose parent is elsewhere is the child's to answer after all (RFC 4035 section 3.1.4.1).
  if (!taken.has_value() && query_.type == RrType::DS) taken = zones_.find(search_, false);
  if (!taken.has_value() || !taken->zone.has_value()) {
    if (first) why_ = taken.has_value() ? ExtendedError::not_ready : ExtendedError::not_authoritative;
    return false;
  }
  if (!first && taken->zone->header() != zone_->header() && !holds_answer(*taken->zone, taken->apex_labels)) return false;
  if (!first && !first_zone_.has_value()) first_zone_ = zone_;
  zone_ = taken->zone;
  // Signatures and proofs of a zone that is not signed prove nothing to anybody (RFC 4035 section 3.1).
  dnssec_ = wants_dnssec_ && zone_->soa().has_signatures();
  apex_labels_ = taken->apex_labels;
  return true;
}

// True when another zone of ours has something positive to add to a chain that leads into it. Its denials and referrals would
// only make a resolver, which asks for the target anyway, doubt the answer.
bool Answerer::holds_answer(const zone::Zone& other, size_t apex_labels) const {
  const zone::Lookup found = zone::lookup(other, search_, apex_labels, false);
  if (found.finding != zone::Finding::data && found.finding != zone::Finding::wildcard) return false;
  const zone::NodeView node = other.node(found.node);
  return node.find(query_.type).has_value() || node.find(RrType::CNAME).has_value();
}

Answerer::Next Answerer::step(Answer& answer) {
  const zone::Lookup found = zone::lookup(*zone_, search_, apex_labels_, query_.type == RrType::DS);
  const zone::NodeView node = zone_->node(found.node);
  switch (found.finding) {
    case zone::Finding::data: return answer_from(node, found);
    case zone::Finding::wildcard: answer.made_up = true; return answer_from(node, found);
    case zone::Finding::dname: return follow_dname(node, found.encloser_depth, answer);
    case zone::Finding::delegation: refer(node, found.encloser_depth, answer); return Next::done;
    case zone::Finding::nxdomain: break;
  }
  out_.set_flags(dns::flag_aa);
  answer.rcode = Rcode::NXDOMAIN;  // RFC 6604 section 3: also at the end of a chain
  add_soa();
  if (proves()) prove_no_name(found);
  return Next::done;
}

Answerer::Next Answerer::answer_from(const zone::NodeView& node, const zone::Lookup& found) {
  out_.set_flags(dns::flag_aa);
  const Owner owner = Owner::at(name_at_, name_);
  const bool wildcard = found.finding == zone::Finding::wildcard;
  if (const auto set = node.find(query_.type); set.has_value() && query_.type != RrType::RRSIG) {
    if (!add(Section::answer, owner, *set)) truncate();
    if (put_off_count_ != 0) add_denials_put_off();
    if (wildcard && proves()) prove_wildcard(found);
    if ((set->flags() & zone::rrset_additional) != 0 && !truncated_) add_additional(*set);
    return Next::done;
  }
  if (const auto cname = node.find(RrType::CNAME);
      cname.has_value() && query_.type != RrType::ANY && query_.type != RrType::RRSIG && query_.type != RrType::NSEC) {
    // RFC 1034 section 4.3.2 step 3a goes by names: a loop ends when it comes to a name again.
    if (chased_before(node.ref())) return Next::done;
    if (!add(Section::answer, owner, *cname)) {
      truncate();
      return Next::done;
    }
    // A copied zone may have several CNAMEs at a name; the asker has to say which is meant.
    if (cname->count() != 1) return Next::done;
    const size_t target_at = out_.last_target();
    if (wildcard && proves()) {
      put_off_denials_ = true;
      prove_wildcard(found);
      put_off_denials_ = false;
    }
    go_to(cname->first().rdata(), target_at);
    return Next::follow;
  }
  const u16 before = out_.count(Section::answer);
  if (query_.type == RrType::ANY) answer_any(node);
  if (query_.type == RrType::RRSIG) answer_signatures(node);
  if (out_.count(Section::answer) != before || truncated_) {
    if (put_off_count_ != 0) add_denials_put_off();
    if (wildcard && proves()) prove_wildcard(found);
    return Next::done;
  }
  add_soa();
  if (proves()) prove_no_data(found);
  return Next::done;
}

// RFC 8482 section 4.1: by UDP one RRset stands for all; by TCP, where size and forged sources are no concern, all of them.
void Answerer::answer_any(const zone::NodeView& node) {
  for (size_t i = 0; i < node.rrset_count() && !truncated_; ++i) {
    if (node.rrset_type(i) == RrType::RRSIG) continue;
    if (!add(Section::answer, Owner::at(name_at_, name_), node.rrset(i))) truncate();
    if (rules_.transport == Transport::udp) return;
  }
}

// The RRSIGs themselves are asked for: those of one RRset by UDP (RFC 8482 section 4.1 again), all by TCP.
void Answerer::answer_signatures(const zone::NodeView& node) {
  for (size_t i = 0; i < node.rrset_count() && !truncated_; ++i) {
    const zone::RrsetView set = node.rrset(i);
    if (!set.has_signatures() && node.rrset_type(i) != RrType::RRSIG) continue;
    const zone::RrsetView signatures = set.has_signatures() ? set.signatures() : set;
    if (!out_.rrset(Section::answer, Owner::at(name_at_, name_), signatures.images(), signatures.count(), false)) truncate();
    if (rules_.transport == Transport::udp) return;
  }
}

void Answerer::go_to(Bytes name, size_t at) {
  name_ = name;
  name_at_ = at;
  search_.assign(name);
  key_made_ = false;
}

Answerer::Next Answerer::follow_dname(const zone::NodeView& node, size_t labels, Answer& answer) {
  out_.set_flags(dns::flag_aa);
  const auto dname = node.find(RrType::DNAME);
  if (!dname.has_value() || chain_ == max_chain) return Next::done;
  const auto chased = std::span(chased_).first(chain_);
  const bool given = std::ranges::find(chased, node.ref(), &Chased::node) != chased.end();
  chased_[chain_++] = here(node.ref());
  answer.made_up = true;
  if (!given && !add(Section::answer, suffix(labels), *dname)) {
    truncate();
    return Next::done;
  }
  // RFC 6672 section 2.2: the labels above the DNAME's owner, put in front of its target.
  ByteReader name_reader(name_);
  ByteReader target_reader(dname->first().rdata());
  const auto name = dns::Name::from_wire(name_reader);
  const auto target = dns::Name::from_wire(target_reader);
  if (!name.ok() || !target.ok()) return Next::done;
  const auto made = name.value().replace_suffix(name.value().suffix(labels), target.value());
  if (!made.ok()) {
    answer.rcode = Rcode::YXDOMAIN;  // RFC 6672 section 2.2: the name would be too long
    return Next::done;
  }
  std::array<u8, dns::record_fixed_size + dns::max_name_size> image;
  ByteWriter writer(image);
  dns::write_record_fields(RrType::CNAME, dname->ttl(), made.value().size(), writer);  // RFC 6672 section 3.1 for the TTL
  writer.bytes(made.value().wire());
  if (!out_.rrset(Section::answer, Owner::at(name_at_, name_), writer.written(), 1, true)) {
    truncate();
    return Next::done;
  }
  if (query_.type == RrType::CNAME || query_.type == RrType::ANY) return Next::done;
  // A DNAME that leads below itself makes the name longer with each step and never comes to an end.
  if (target.value().is_at_or_below(name.value().suffix(labels))) return Next::done;
  std::ranges::copy(made.value().wire(), made_.begin());
  go_to(Bytes(made_).first(made.value().size()), out_.last_target());
  return Next::follow;
}

void Answerer::refer(const zone::NodeView& cut, size_t labels, Answer& answer) {
  const auto servers = cut.find(RrType::NS);
  if (!servers.has_value()) return;
  answer.referral = out_.count(Section::answer) == 0;
  answer.cut_labels = static_cast<u8>(labels);
  if (put_off_count_ != 0) add_denials_put_off();
  const Owner owner = suffix(labels);
  if (!out_.rrset(Section::authority, owner, servers->images(), servers->count(), true)) return truncate();
  if (proves()) {
    // RFC 4035 section 3.1.4: a signed zone gives DS, or proof that there is none.
    if (const auto ds = cut.find(RrType::DS); ds.has_value()) {
      if (!add(Section::authority, owner, *ds)) truncate();
    } else {
      prove_unsigned_delegation(cut, labels);
    }
  }
  if (!truncated_) add_glue(*servers, labels);
}

bool Answerer::add(Section section, const Owner& owner, const zone::RrsetView& set, u32 ttl_limit) {
  const bool compressible = (set.flags() & zone::rrset_compressible) != 0;
  const size_t first = rules_.rotate && section == Section::answer ? query_.id.value() % set.count() : 0;
  if (!out_.rrset(section, owner, set.images(), set.count(), compressible, ttl_limit, first)) return false;
  return add_signatures(section, owner, set, ttl_limit);
}

bool Answerer::add_signatures(Section section, const Owner& owner, const zone::RrsetView& set, u32 ttl_limit) {
  if (!dnssec_ || !set.has_signatures()) return true;
  const zone::RrsetView signatures = set.signatures();
  return out_.rrset(section, owner, signatures.images(), signatures.count(), false, ttl_limit);
}

void Answerer::add_soa() {
  if (put_off_count_ != 0) add_denials_put_off();
  // RFC 2308 section 3: with the TTL that says how long the answer may be believed.
  const Owner apex = suffix(apex_labels_);
  const u32 ttl = zone_->negative_ttl().seconds();
  const auto prepared = zone_->negative_soa();
  const bool fits = prepared.has_value() && apex.offset() != 0 ? out_.prepared(Section::authority, apex.offset(), *prepared) &&
                                                                     add_signatures(Section::authority, apex, zone_->soa(), ttl)
                                                               : add(Section::authority, apex, zone_->soa(), ttl);
  if (!fits) truncate();
}

Owner Answerer::suffix(size_t labels) const {
  const size_t at = search_.suffix_at(labels);
  const Bytes wire = name_.subspan(at);
  return name_at_ == dns::header_size ? Owner::at(dns::header_size + at, wire) : Owner::name(wire);
}

bool Answerer::chased_before(zone::Ref node) {
  const Chased now = here(node);
  for (unsigned i = 0; i < chain_; ++i) {
    if (chased_[i].node == now.node && chased_[i].name == now.name) return true;
  }
  if (chain_ == max_chain) return true;
  chased_[chain_++] = now;
  return false;
}

void Answerer::truncate() {
  truncated_ = true;
}

}  // namespace samara::server
