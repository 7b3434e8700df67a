#include "server/transfer_out.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "platform/base/panic.h"
#include "zone/history.h"

namespace samara::server {
namespace {

using dns::Section;

constexpr size_t any_number = SIZE_MAX;

Bytes record_at(Bytes images) {
  return images.first(dns::ownerless_image_size(images));
}

}  // namespace

void TransferOut::start(const TransferPlan& plan, Bytes packet, const dns::Query& query) {
  query_ = query;
  std::ranges::copy(packet.first(dns::header_size + query.question_size()), head_.begin());
  zone_ = plan.zone;
  tsig_.reset();
  content_ = plan.content;
  part_ = Part::first_soa;
  rest_ = {};
  at_ = plan.from;
  among_hashes_ = false;
  node_.reset();
  signed_.reset();
  if (content_ == Content::whole) cursor_.emplace(zone_->name_cursor());
}

size_t TransferOut::first(const AnswerRules& rules, MutableBytes reply) {
  const size_t budget = message_budget(rules, query_, reply);
  const size_t size = compose(&rules, reply, std::min(budget, message_size - rules.tail_room), any_number);
  return size != 0 ? size : compose(&rules, reply, budget, 1);
}

size_t TransferOut::next(MutableBytes room, UnixTime now) {
  const size_t tail = tsig_.has_value() ? tsig_->response_size() : 0;
  const size_t budget = room.size() - tail;
  size_t size = compose(nullptr, room, std::min(budget, message_size - tail), any_number);
  if (size == 0) size = compose(nullptr, room, budget, 1);
  if (!tsig_.has_value()) return size;
  ByteWriter message(room, size);
  tsig_->sign_response(message, now);
  return message.size();
}

// A message of at most `most_records` records; 0: not even one fits.
size_t TransferOut::compose(const AnswerRules* rules, MutableBytes room, size_t budget, size_t most_records) {
  const u16 flags = static_cast<u16>(response_flags(query_) | dns::flag_aa);
  // RFC 5936 section 2.2.5: the OPT record is in the first message, and may be in the others; clients want it there as well.
  // The first message carries the options.
  const bool with_opt = query_.edns.has_value();
  size_t reserved = 0;
  if (with_opt) reserved = rules != nullptr ? opt_size(*rules, query_) : dns::opt_fixed_size;
  SAMARA_UNINITIALIZED dns::Composer out(room, budget, reserved, head_, query_, flags);
  write_records(out, most_records);
  if (out.empty()) return 0;
  if (with_opt) {
    if (rules != nullptr) {
      write_opt(out, *rules, query_, dns::Rcode::NOERROR);
      write_expire(out, *rules, query_, *zone_);
      udp_payload_size_ = static_cast<u16>(rules->udp_payload_size);
    } else {
      out.begin_opt(udp_payload_size_, dns::Rcode::NOERROR, query_.edns->dnssec_ok);
    }
    out.end_opt();
  }
  return out.finish(dns::Rcode::NOERROR);
}

void TransferOut::write_records(dns::Composer& out, size_t most) {
  SAMARA_UNINITIALIZED dns::OwnerTrail trail(dns::header_size);
  if (part_ == Part::first_soa) {
    if (!write_soa(out, trail)) return;
    part_ = content_ == Content::serial ? Part::done : Part::records;
    if (--most == 0) return;
  }
  if (part_ == Part::records) {
    const bool all = content_ == Content::whole ? write_zone(out, trail, most) : write_differences(out, trail, most);
    if (!all) return;
    part_ = Part::last_soa;
  }
  if (part_ == Part::last_soa && write_soa(out, trail)) part_ = Part::done;
}

bool TransferOut::write_zone(dns::Composer& out, dns::OwnerTrail& trail, size_t most) {
  if (node_.has_value()) trail.go_to(node_->labels());
  for (;;) {
    while (rest_.empty()) {
      if (!find_set()) return true;
      trail.go_to(node_->labels());
    }
    const Bytes image = record_at(rest_);
    if (!out.record(Section::answer, trail, image, compressible_)) return false;
    rest_ = rest_.subspan(image.size());
    if (--most == 0) return false;
  }
}

bool TransferOut::write_differences(dns::Composer& out, dns::OwnerTrail& trail, size_t most) {
  const size_t apex_size = zone_->apex_wire().size();
  for (;;) {
    if (rest_.empty()) {
      if (at_ == zone_->serial()) return true;
      find_difference();
    }
    const size_t owner_size = dns::wire_name_size(rest_);
    const Bytes image = record_at(rest_.subspan(owner_size));
    trail.go_to(rest_.first(owner_size - apex_size));
    const auto type = static_cast<dns::RrType>(load_be16(image));
    if (!out.record(Section::answer, trail, image, dns::has_compressible_names(type))) return false;
    rest_ = rest_.subspan(owner_size + image.size());
    if (--most == 0) return false;
  }
}

// The history is linked from the newest back, so that versions share it. A client is seldom many steps behind.
void TransferOut::find_difference() {
  dns::Serial to;
  const bool kept = zone::History(*zone_).for_each_back_to(at_, [&](const zone::StoredDifference& step) {
    rest_ = step.records();
    to = step.to();
  });
  if (!kept) panic("transfer: a difference that was there is missing");
  at_ = to;
}

bool TransferOut::write_soa(dns::Composer& out, dns::OwnerTrail& trail) const {
  trail.go_to({});
  return out.record(Section::answer, trail, zone_->soa().first().image(), true);
}

bool TransferOut::find_set() {
  if (signed_.has_value()) {
    rest_ = signed_->signatures().images();
    compressible_ = false;
    signed_.reset();
    return true;
  }
  while (!node_.has_value() || next_set_ == node_->rrset_count()) {
    if (!find_node()) return false;
  }
  const zone::RrsetView set = node_->rrset(next_set_++);
  if (set.has_signatures()) signed_ = set;
  // The SOA is what the transfer begins and ends with, its signatures are records like others.
  if (set.ref() == zone_->soa().ref()) return true;
  rest_ = set.images();
  compressible_ = (set.flags() & zone::rrset_compressible) != 0;
  return true;
}

bool TransferOut::find_node() {
  zone::Ref ref = cursor_->next();
  if (ref == 0 && !among_hashes_) {
    among_hashes_ = true;
    cursor_.emplace(zone_->nsec3_cursor());
    ref = cursor_->next();
  }
  if (ref == 0) return false;
  node_ = zone_->node(ref);
  next_set_ = 0;
  return true;
}

}  // namespace samara::server
