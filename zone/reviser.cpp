#include "zone/reviser.h"

#include <algorithm>

#include "dns-core/rdata/rdata.h"
#include "dns-core/rdata/rdata_text.h"
#include "platform/base/heap_room.h"
#include "platform/base/sort.h"

namespace samara::zone {
namespace {

using dns::RrType;
using Failed = Patch::Failed;

Failed bad_zone(BuildError error) {
  return {PatchError::bad_zone, error};
}
constexpr Failed not_there{PatchError::not_there, std::nullopt};
constexpr Failed already_there{PatchError::already_there, std::nullopt};

// Takes those from the front of `changes` for which `belongs` holds.
template <class F>
std::span<const Patch::Change> take_while(std::span<const Patch::Change>& changes, F&& belongs) {
  size_t count = 0;
  while (count < changes.size() && belongs(changes[count])) ++count;
  const auto taken = changes.first(count);
  changes = changes.subspan(count);
  return taken;
}

std::strong_ordering compare(RecordView a, RecordView b) {
  return dns::canonical_compare_rdata(a.type(), a.rdata(), b.rdata());
}

}  // namespace

Reviser::Reviser(Growth& growth, const Zone& base, Patch& patch, size_t step_limit, Diagnostics* copied,
                 const SizeLimits& limits)
    : out_(growth.writer()),
      base_(base),
      patch_(patch),
      copied_(copied),
      limits_(limits),
      apex_key_(base.apex_wire()),
      editor_(growth, base),
      writer_(out_, patch.size()),
      step_(step_limit) {}

Result<void, Failed> Reviser::run() {
  if (patch_.is_incomplete()) return fail(bad_zone(BuildError::no_heap));
  patch_.sort();
  Changes deletions = patch_.deletions();
  Changes additions = patch_.additions();
  while (!deletions.empty() || !additions.empty()) {
    Bytes key = patch_.key_of(deletions.empty() ? additions[0] : deletions[0]);
    if (!additions.empty() && std::ranges::lexicographical_compare(patch_.key_of(additions[0]), key)) {
      key = patch_.key_of(additions[0]);
    }
    const auto here = [&](const Patch::Change& change) { return equal_octets(patch_.key_of(change), key); };
    const Changes deleted = take_while(deletions, here);
    TRY(revise_owner(key, deleted, take_while(additions, here)));
  }
  if (!changed()) return {};
  TRY(editor_.finish(soa_changed_, parameters_changed_).map_error(bad_zone));
  step_.soa(editor_.apex(), base_.soa().first(), set_at(words()[Zone::soa_at]).first());
  return {};
}

Result<void, Failed> Reviser::revise_owner(Bytes key, Changes deletions, Changes additions) {
  const Bytes apex = apex_key_.symbols();
  if (key.size() < apex.size() || !equal_octets(key.first(apex.size()), apex)) {
    if (!deletions.empty()) return fail(not_there);
    return fail(bad_zone(BuildError::out_of_zone));
  }
  const OwnerName owner(key.subspan(apex.size()));
  const dns::Name name = owner.absolute(editor_.apex());
  for (const Patch::Change& change : additions) {
    const RecordView record = patch_.record_of(change);
    TRY(check_record(name, record.type(), record.rdata()).map_error(bad_zone));
  }
  gather_sets(owner);
  owner_changed_ = false;
  while (!deletions.empty() || !additions.empty()) {
    RrType type = patch_.set_of(deletions.empty() ? additions[0] : deletions[0]);
    if (!additions.empty()) type = std::min(type, patch_.set_of(additions[0]));
    const auto data = [&](const Patch::Change& change) {
      return patch_.set_of(change) == type && patch_.record_of(change).type() != RrType::RRSIG;
    };
    const auto covering = [&](const Patch::Change& change) { return patch_.set_of(change) == type; };
    SetChanges changed_data{take_while(deletions, data), take_while(additions, data)};
    SetChanges changed_signatures{take_while(deletions, covering), take_while(additions, covering)};
    TRY(revise_set(name, type, changed_data, changed_signatures));
  }
  if (owner_changed_) return put(owner);
  return {};
}

void Reviser::gather_sets(const OwnerName& owner) {
  sets_.clear();
  for (const Ref ref : {editor_.node(owner.key), editor_.nsec3_node(owner.key)}) {
    if (ref == 0) continue;
    const NodeView node(out_.view(), ref);
    node.for_each_rrset([&](const RrsetView& set) {
      if (set.type() == RrType::RRSIG) {
        sets_.push_back({set_type(set.first()), 0, set.ref()});
      } else {
        sets_.push_back({set.type(), set.ref(), set.has_signatures() ? set.signatures().ref() : 0});
      }
    });
  }
  types_before_ = sets_.size();
  compact_sort(sets_, [](const OwnerSet& a, const OwnerSet& b) { return a.type < b.type; });
}

Result<void, Failed> Reviser::revise_set(const dns::Name& name, RrType type, SetChanges data, SetChanges signatures) {
  auto at = std::ranges::lower_bound(sets_, type, {}, &OwnerSet::type);
  if (at == sets_.end() || at->type != type) at = sets_.insert(at, {type, 0, 0});
  const OwnerSet before = *at;
  at->signatures = TRY(revised(name, before.signatures, signatures, 0, false));
  at->data = TRY(revised(name, before.data, data, at->signatures, at->signatures != before.signatures));
  if (at->data != before.data || at->signatures != before.signatures) {
    owner_changed_ = true;
    if (type == RrType::SOA && at->data != before.data) soa_changed_ = true;
    if (type == RrType::NSEC3PARAM) parameters_changed_ = true;
  }
  if (at->data == 0 && at->signatures == 0) sets_.erase(at);
  return {};
}

Result<Ref, Failed> Reviser::revised(const dns::Name& name, Ref before, SetChanges changes, Ref signatures, bool rewrite) {
  if (changes.none() && (!rewrite || before == 0)) return before;
  TRY(merge(before, changes));
  Ref now = 0;
  if (!merged_.empty()) {
    u32 duplicates = 0;
    now = TRY(writer_.write(merged_, signatures, duplicates).map_error(bad_zone));
    const size_t most = std::max<size_t>(limits_.rrset_records, before != 0 ? set_at(before).count() : 0);
    if (set_at(now).count() > most) {
      return fail(Failed{PatchError::bad_zone, BuildError::rrset_over_limit, Failed::Set{name, set_at(now).type()}});
    }
    if (copied_ != nullptr && !fits_a_message(set_at(now))) {
      const RrsetView large = set_at(now);
      copied_->add(Severity::warning, std::nullopt, name, " ", dns::TypeText{large.type()}, ": ", LargeSet{large.count()});
    }
  }
  const bool differs = TRY(note(name, before, now));
  if (!differs && !rewrite) return before;
  u32& records = words()[Zone::records_at];
  if (before != 0) records -= static_cast<u32>(set_at(before).count());
  if (now != 0) records += static_cast<u32>(set_at(now).count());
  return now;
}

std::optional<std::vector<RecordView>> Reviser::records_of(Ref set) const {
  std::vector<RecordView> records;
  if (set == 0) return records;
  if (!make_room(records, set_at(set).count())) return std::nullopt;
  set_at(set).for_each_record([&](RecordView record) { records.push_back(record); });
  return records;
}

// The set's records and the changes are all in canonical order.
Result<void, Failed> Reviser::merge(Ref before, SetChanges changes) {
  merged_.clear();
  const auto present = records_of(before);
  if (!present.has_value() || !make_room(merged_, present->size() + changes.additions.size())) {
    return fail(bad_zone(BuildError::no_heap));
  }
  Changes additions = changes.additions;
  const auto add_all_before = [&](const RecordView* next) {
    for (; !additions.empty(); additions = additions.subspan(1)) {
      const RecordView added = patch_.record_of(additions[0]);
      if (next != nullptr && compare(added, *next) > 0) return true;
      if (next != nullptr && compare(added, *next) == 0) return false;
      if (!merged_.empty() && compare(merged_.back(), added) == 0) return false;
      merged_.push_back(added);
    }
    return true;
  };
  Changes deletions = changes.deletions;
  for (const RecordView& record : *present) {
    if (!deletions.empty()) {
      const auto order = compare(patch_.record_of(deletions[0]), record);
      if (order < 0) return fail(not_there);
      if (order == 0) {
        deletions = deletions.subspan(1);
        continue;
      }
    }
    if (!add_all_before(&record)) return fail(already_there);
    merged_.push_back(record);
  }
  if (!deletions.empty()) return fail(not_there);
  if (!add_all_before(nullptr)) return fail(already_there);
  return {};
}

Result<bool, Failed> Reviser::note(const dns::Name& name, Ref before, Ref now) {
  const auto records_before = records_of(before);
  const auto records_now = records_of(now);
  if (!records_before.has_value() || !records_now.has_value()) return fail(bad_zone(BuildError::no_heap));
  const std::span<const RecordView> old(*records_before);
  const std::span<const RecordView> fresh(*records_now);
  bool differs = false;
  size_t i = 0;
  size_t j = 0;
  while (i < old.size() || j < fresh.size()) {
    std::strong_ordering order = std::strong_ordering::equal;
    if (i == old.size()) {
      order = std::strong_ordering::greater;
    } else if (j == fresh.size()) {
      order = std::strong_ordering::less;
    } else {
      order = compare(old[i], fresh[j]);
    }
    const bool same = order == 0 && std::ranges::equal(old[i].image(), fresh[j].image());
    differs = differs || !same;
    // The zone's SOAs stand in a step by themselves.
    const bool listed = !same && (order <= 0 ? old[i] : fresh[j]).type() != RrType::SOA;
    if (order <= 0) {
      if (listed) step_.deleted(name, old[i]);
      ++i;
    }
    if (order >= 0) {
      if (listed) step_.added(name, fresh[j]);
      ++j;
    }
  }
  return differs;
}

Result<void, Failed> Reviser::put(const OwnerName& owner) {
  std::vector<WrittenSet> written;
  u8 flags = 0;
  Ref nsec3 = 0;
  for (const OwnerSet& set : sets_) {
    if (set.signatures != 0) flags |= node_has_signatures;
    if (set.data == 0) {
      written.push_back({set.signatures, dns::code(RrType::RRSIG)});
      continue;
    }
    flags |= flags_of_set(set.type, owner.depth);
    if (set.type == RrType::NSEC3) {
      nsec3 = set.data;
    } else {
      written.push_back({set.data, dns::code(set.type)});
    }
  }
  const size_t most = std::min<size_t>(std::max<size_t>(limits_.name_types, types_before_), max_rrsets_per_node);
  if (written.size() > most) return fail(bad_zone(BuildError::too_many_rrsets));
  compact_sort(written, [](const WrittenSet& a, const WrittenSet& b) { return a.type < b.type; });
  TRY(check_together(out_.view(), written, owner.depth).map_error(bad_zone));
  if (const auto broken = broken_rule(out_.view(), written, owner.depth); broken.has_value()) {
    if (copied_ == nullptr) return fail(bad_zone(*broken));
    warn_of(*broken, owner.absolute(editor_.apex()), *copied_);
  }
  if (!editor_.put(owner, written, nsec3, flags)) return fail(bad_zone(BuildError::out_of_memory));
  return {};
}

}  // namespace samara::zone
