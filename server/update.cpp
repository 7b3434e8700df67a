#include "server/update.h"

#include <algorithm>
#include <vector>

#include "dns-core/rdata/rdata.h"
#include "dns-core/rdata/rdata_text.h"
#include "dns-core/rdata/soa.h"
#include "platform/base/sort.h"
#include "server/update_quota.h"
#include "zone/overlay.h"

namespace samara::server {
namespace {

using dns::Rcode;
using dns::RrClass;
using dns::RrType;
using zone::Overlay;

// RFC 2181 section 10.1; RFC 4034 section 3 and RFC 4035 section 2.5 for what may stand beside a CNAME.
bool may_stand_beside_cname(RrType type) {
  return type == RrType::CNAME || type == RrType::NSEC || type == RrType::KEY || type == RrType::RRSIG;
}

class Update {
 public:
  Update(const zone::Zone& zone, const UpdateMessage& message, const UpdateRights& rights, const UpdateRoom& room)
      : zone_(zone),
        message_(message),
        rights_(rights),
        room_(room),
        apex_(zone.apex()),
        overlay_(zone, message.prerequisites().size() + message.updates().size()) {}

  UpdateOutcome run();

 private:
  using Check = Result<void, Rcode>;

  Check check_prerequisites();
  Check check_prerequisite(const UpdateRecord& record);
  Check check_values(std::vector<const UpdateRecord*>& values);
  struct Denied {
    RrType type;  // ANY: all of a name
    UpdateOperation operation;
  };
  std::optional<Denied> denied(const UpdateRecord& record, const UpdateRights& rights);
  static ShortText<max_refusal> describe(const Denied& denied, const dns::Name& owner, const UpdateRights& rights);
  bool adds_what_makes_signed() const;
  Check prescan() const;
  void apply(const UpdateRecord& record);
  void add(const UpdateRecord& record, Overlay::Owner owner);
  void remove_name(const UpdateRecord& record, Overlay::Owner owner);
  bool keeps_zone(const UpdateRecord& record) const;
  void make_patch(UpdateOutcome& outcome) const;

  const zone::Zone& zone_;
  const UpdateMessage& message_;
  const UpdateRights& rights_;
  const UpdateRoom& room_;
  dns::Name apex_;
  Overlay overlay_;
  std::optional<dns::Serial> new_serial_;  // brought by the update
};

// ---- prerequisites (RFC 2136 section 3.2) ---------------------------------------------------------------------------

Update::Check Update::check_prerequisite(const UpdateRecord& record) {
  if (record.ttl != 0 || record.malformed) return fail(Rcode::FORMERR);
  if (!record.owner.is_at_or_below(apex_)) return fail(Rcode::NOTZONE);
  if (record.rr_class == RrClass::IN) return dns::is_meta_type(record.type) ? Check(fail(Rcode::FORMERR)) : Check();
  if ((record.rr_class != RrClass::ANY && record.rr_class != RrClass::NONE) || record.size != 0) return fail(Rcode::FORMERR);
  const Overlay::Owner owner = overlay_.owner(record.owner);
  const bool wanted = record.rr_class == RrClass::ANY;
  if (record.type == RrType::ANY) {
    if (overlay_.in_use(owner) != wanted) return fail(wanted ? Rcode::NXDOMAIN : Rcode::YXDOMAIN);
  } else if (overlay_.has(owner, record.type) != wanted) {
    return fail(wanted ? Rcode::NXRRSET : Rcode::YXRRSET);
  }
  return {};
}

// Section 3.2.3: each RRset the prerequisites give by value is the zone's, no record more and none less, whatever the TTLs.
Update::Check Update::check_values(std::vector<const UpdateRecord*>& values) {
  const auto order = [this](const UpdateRecord* a, const UpdateRecord* b) {
    const auto owners = dns::canonical_compare(a->owner, b->owner);
    if (owners != 0) return owners;
    if (a->type != b->type) return a->type <=> b->type;
    return dns::canonical_compare_rdata(a->type, message_.rdata(*a), message_.rdata(*b));
  };
  compact_sort(values, [&](const UpdateRecord* a, const UpdateRecord* b) { return order(a, b) < 0; });
  const auto [first, last] =
      std::ranges::unique(values, [&](const UpdateRecord* a, const UpdateRecord* b) { return order(a, b) == 0; });
  values.erase(first, last);
  for (size_t start = 0; start < values.size();) {
    const UpdateRecord& set = *values[start];
    const Overlay::Owner owner = overlay_.owner(set.owner);
    size_t end = start;
    for (; end < values.size() && values[end]->type == set.type && values[end]->owner == set.owner; ++end) {
      if (!overlay_.has_record(owner, set.type, message_.rdata(*values[end]))) return fail(Rcode::NXRRSET);
    }
    if (overlay_.count(owner, set.type) != end - start) return fail(Rcode::NXRRSET);
    start = end;
  }
  return {};
}

Update::Check Update::check_prerequisites() {
  std::vector<const UpdateRecord*> values;
  for (const UpdateRecord& record : message_.prerequisites()) {
    TRY(check_prerequisite(record));
    if (record.rr_class == RrClass::IN) values.push_back(&record);
  }
  return check_values(values);
}

// ---- permission and prescan (sections 3.3 and 3.4.1) ----------------------------------------------------------------

// Returns what the record would touch in the zone as it is before the update, and may not.
std::optional<Update::Denied> Update::denied(const UpdateRecord& record, const UpdateRights& rights) {
  using enum UpdateOperation;
  const dns::Name& name = record.owner;
  // The prescan has a better answer to these.
  if (!name.is_at_or_below(apex_)) return {};
  const Overlay::Owner owner = overlay_.owner(name);
  if (record.rr_class == RrClass::IN) {
    if (!rights.allows(name, record.type, add)) return Denied{record.type, add};
    // An owner has one record of these types, and a new one takes the place of the old.
    const bool replaces = record.type == RrType::SOA || record.type == RrType::CNAME || record.type == RrType::DNAME ||
                          record.type == RrType::WKS;
    if (!replaces || !overlay_.has(owner, record.type) || rights.allows(name, record.type, remove)) return {};
    return Denied{record.type, remove};
  }
  if (record.rr_class != RrClass::ANY || record.type != RrType::ANY) {
    return rights.allows(name, record.type, remove) ? std::nullopt : std::optional(Denied{record.type, remove});
  }
  if (!rights.allows_some_type(name, remove)) return Denied{RrType::ANY, remove};
  std::optional<Denied> first;
  overlay_.for_each_type(owner, [&](RrType type) {
    const bool kept = name == apex_ && (type == RrType::SOA || type == RrType::NS);
    if (!first.has_value() && !kept && !rights.allows(name, type, remove)) first = Denied{type, remove};
  });
  return first;
}

// The name comes last: where there is no room for all of it, the rest is still whole.
ShortText<max_refusal> Update::describe(const Denied& denied, const dns::Name& owner, const UpdateRights& rights) {
  TextBuffer<max_refusal + dns::max_name_text> text;
  TextWriter& out = text.writer();
  out.put(denied.operation == UpdateOperation::add ? "no right to add " : "no right to delete ");
  if (denied.type == RrType::ANY) {
    out.put("records");
  } else {
    dns::write_type(denied.type, out);
  }
  if (const auto lack = rights.lack(owner, denied.operation); lack.has_value()) {
    out.put(" (rule ");
    out.put(lack->rule);
    out.put(" of update-policy gives no such ");
    out.put(lack->what);
    out.put(')');
  }
  out.put(" at ");
  owner.write_text(out);
  return out.view();
}

// Keys and parameters are the apex's (RFC 4035 section 2.1, RFC 5155 section 4), and a name one label below it is what a hash
// owns (RFC 5155 section 3).
bool is_out_of_place(const UpdateRecord& record, const dns::Name& apex) {
  if (record.rr_class != RrClass::IN) return false;
  if (record.type == RrType::DNSKEY || record.type == RrType::NSEC3PARAM) return record.owner != apex;
  return record.type == RrType::NSEC3 && record.owner.label_count() != apex.label_count() + 1;
}

ShortText<max_refusal> describe_place(const UpdateRecord& record) {
  TextBuffer<max_refusal + dns::max_name_text> text;
  dns::write_type(record.type, text.writer());
  text.writer().put(" cannot be at ");
  record.owner.write_text(text.writer());
  return text.view();
}

bool Update::adds_what_makes_signed() const {
  return std::ranges::any_of(message_.updates(), [&](const UpdateRecord& record) {
    return record.rr_class == RrClass::IN && makes_signed(record.type, message_.rdata(record), record.owner == apex_);
  });
}

Update::Check Update::prescan() const {
  for (const UpdateRecord& record : message_.updates()) {
    if (!record.owner.is_at_or_below(apex_)) return fail(Rcode::NOTZONE);
    switch (dns::code(record.rr_class)) {
      case dns::code(RrClass::IN):
        if (dns::is_meta_type(record.type)) return fail(Rcode::FORMERR);
        break;
      case dns::code(RrClass::ANY):
        if (record.ttl != 0 || record.size != 0) return fail(Rcode::FORMERR);
        if (record.type != RrType::ANY && dns::is_meta_type(record.type)) return fail(Rcode::FORMERR);
        break;
      case dns::code(RrClass::NONE):
        if (record.ttl != 0 || dns::is_meta_type(record.type)) return fail(Rcode::FORMERR);
        break;
      default: return fail(Rcode::FORMERR);
    }
  }
  return {};
}

// ---- changes (section 3.4.2) ----------------------------------------------------------------------------------------

// Section 3.4.2.2.
void Update::add(const UpdateRecord& record, Overlay::Owner owner) {
  const Bytes rdata = message_.rdata(record);
  if (record.type == RrType::CNAME) {
    bool other_data = false;
    overlay_.for_each_type(owner, [&](RrType type) { other_data = other_data || !may_stand_beside_cname(type); });
    if (other_data) return;
  } else if (!may_stand_beside_cname(record.type) && overlay_.has(owner, RrType::CNAME)) {
    return;
  }
  if (record.type == RrType::SOA) {
    if (record.owner != apex_) return;
    const dns::Serial serial = dns::SoaNumbers::of(rdata).serial;
    // Of the zone as well, since secondaries see one step: two steps up can be one down (RFC 1982 section 3.2).
    if (serial.compare(zone_.serial()) != dns::Serial::Order::greater) return;
    if (new_serial_.has_value() && serial.compare(*new_serial_) != dns::Serial::Order::greater) return;
    new_serial_ = serial;
  }
  // A client that may only add leaves existing records as they are, their TTL included.
  dns::Ttl ttl(record.ttl);
  if (const auto present = overlay_.ttl(owner, record.type, rdata);
      present.has_value() && !rights_.allows(record.owner, record.type, UpdateOperation::remove)) {
    ttl = *present;
  }
  overlay_.add(owner, record.type, ttl, rdata);
}

// Section 3.4.2.3: all RRsets of a name, but what makes the zone.
void Update::remove_name(const UpdateRecord& record, Overlay::Owner owner) {
  std::vector<RrType> types;
  overlay_.for_each_type(owner, [&types](RrType type) { types.push_back(type); });
  for (const RrType type : types) {
    if (record.owner == apex_ && (type == RrType::SOA || type == RrType::NS)) continue;
    overlay_.remove_set(owner, type);
  }
}

bool Update::keeps_zone(const UpdateRecord& record) const {
  return record.owner == apex_ && (record.type == RrType::SOA || record.type == RrType::NS);
}

void Update::apply(const UpdateRecord& record) {
  const Overlay::Owner owner = overlay_.owner(record.owner);
  if (record.rr_class == RrClass::IN) return add(record, owner);
  if (record.rr_class == RrClass::ANY) {
    if (record.type == RrType::ANY) return remove_name(record, owner);
    // Section 3.4.2.3: SOA and NS of the apex stay.
    if (!keeps_zone(record)) overlay_.remove_set(owner, record.type);
    return;
  }
  // Section 3.4.2.4: the SOA stays, and the last NS of the apex.
  if (keeps_zone(record) && (record.type == RrType::SOA || overlay_.count(owner, RrType::NS) == 1)) return;
  overlay_.remove(owner, record.type, message_.rdata(record));
}

void Update::make_patch(UpdateOutcome& outcome) const {
  zone::Patch patch;
  overlay_.write_to(patch);
  if (patch.size() == 0) return;
  outcome.serial = new_serial_.value_or(serial_after(zone_.serial()));
  if (!new_serial_.has_value()) {
    const zone::RecordView soa = zone_.soa().first();
    std::vector<u8> raised(soa.rdata().begin(), soa.rdata().end());
    store_be32(raised, raised.size() - dns::soa_numbers_size, outcome.serial.value());
    patch.delete_record(apex_, RrType::SOA, soa.rdata());
    patch.add_record(apex_, RrType::SOA, soa.ttl(), raised);
  }
  outcome.patch = std::move(patch);
}

UpdateOutcome Update::run() {
  UpdateOutcome outcome;
  const auto refuse = [&outcome](const ShortText<max_refusal>& reason) {
    outcome.rcode = Rcode::REFUSED;
    outcome.why = dns::ExtendedError::prohibited;
    outcome.reason = reason;
    return outcome;
  };
  if (message_.zone_class() != RrClass::IN) {  // section 3.1.2; the records of such a message are not ours to read
    outcome.rcode = Rcode::NOTAUTH;
    return outcome;
  }
  // RFC 2136 section 3.3 asks for permission after the prerequisites; who has none at all learns nothing from these.
  if (rights_.refused_as_signed()) return refuse("the zone is signed elsewhere");
  if (!rights_.any()) return refuse("this client may not update this zone");
  if (const Check met = check_prerequisites(); !met.ok()) {
    outcome.rcode = met.error();
    return outcome;
  }
  for (const UpdateRecord& record : message_.updates()) {
    if (const auto what = denied(record, rights_); what.has_value()) return refuse(describe(*what, record.owner, rights_));
    if (is_out_of_place(record, apex_)) return refuse(describe_place(record));
  }
  // The zone is judged as it would be, too.
  if (!is_signed(zone_) && adds_what_makes_signed()) {
    const UpdateRights signer = rights_.in_signed_zone();
    for (const UpdateRecord& record : message_.updates()) {
      if (denied(record, signer).has_value()) return refuse("this change makes the zone a signed one, for signers to change");
    }
  }
  if (const Check good = prescan(); !good.ok()) {
    outcome.rcode = good.error();
    return outcome;
  }
  // A record that no transfer could send on would be lost to every secondary.
  const auto too_long = [this](const UpdateRecord& record) {
    return record.rr_class == RrClass::IN && !zone::fits_a_transfer(record.owner, message_.rdata(record));
  };
  if (std::ranges::any_of(message_.updates(), too_long)) return refuse(zone::describe(zone::BuildError::record_too_long));
  for (const UpdateRecord& record : message_.updates()) apply(record);
  UpdateQuota quota(overlay_, rights_, room_);
  if (const auto reached = quota.limit_reached(); !reached.view().empty()) return refuse(reached);
  outcome.growth = quota.growth();
  make_patch(outcome);
  return outcome;
}

}  // namespace

UpdateOutcome apply_update(const zone::Zone& zone, const UpdateMessage& message, const UpdateRights& rights,
                           const UpdateRoom& room) {
  return Update(zone, message, rights, room).run();
}

}  // namespace samara::server
