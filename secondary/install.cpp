#include "secondary/install.h"

#include "dns-core/rdata/rdata_text.h"
#include "platform/base/heap_room.h"
#include "zone/content_digest.h"
#include "zone/owner_data.h"

namespace samara::secondary {

namespace {

constexpr size_t batch_head = 8;
constexpr size_t octets_of_key_size = 2;  // in front of each owner in a patch

}  // namespace

std::string_view describe(InstallError error) {
  switch (error) {
    case InstallError::malformed_batch: return "a batch cannot be read";
    case InstallError::out_of_order: return "a batch holds something out of order";
    case InstallError::too_many_records: return "the zone has more records than the limit";
    case InstallError::too_large: return "the zone is larger than the limit";
    case InstallError::ttl_too_long: return "a record has a longer TTL than the limit";
    case InstallError::no_base: return "there are differences, but no zone they belong to";
    case InstallError::wrong_base: return "the differences start at another serial than the zone's";
    case InstallError::bad_record: return "a record cannot be in the zone";
    case InstallError::bad_difference: return "a difference does not fit the zone";
    case InstallError::bad_zone: return "the records make no zone";
    case InstallError::wrong_serial: return "the SOA record has another serial than the transfer";
    case InstallError::wrong_digest: return "the zone's digest is wrong";
    case InstallError::no_memory: return "there is no memory for it";
  }
  return "unknown error";
}

ZoneInstaller::ZoneInstaller(zone::ZoneMemory& memory, const dns::Name& apex, std::optional<zone::Zone> base,
                             const InstallLimits& limits, std::optional<u64> base_octets)
    : memory_(memory), apex_(apex), base_(base), limits_(limits), differences_(memory), zone_octets_(base_octets) {}

Result<bool, InstallError> ZoneInstaller::on_batch(Bytes batch) {
  octets_ += batch.size();
  if (octets_ > limits_.octets) return fail(InstallError::too_large);
  BatchReader reader(batch);
  BatchItem item;
  for (;;) {
    const bool more = TRY(reader.next(item).map_error([](BatchError) { return InstallError::malformed_batch; }));
    if (!more) break;
    TRY(on_item(item));
  }
  if (kind_ == Kind::steps) TRY(keep_differences(batch));
  return complete_;
}

Result<void, InstallError> ZoneInstaller::keep_differences(Bytes batch) {
  const auto place = differences_.take(batch_head + batch.size());
  if (!place.has_value()) return failed_build(zone::BuildError::out_of_memory, InstallError::no_memory);
  const MutableBytes piece = differences_.at(*place);
  store_le32(piece, 0, 0);
  store_le32(piece, 4, static_cast<u32>(batch.size()));
  std::ranges::copy(batch, piece.subspan(batch_head).begin());
  if (last_batch_ == 0) {
    first_batch_ = *place;
  } else {
    store_le32(differences_.at(last_batch_), 0, *place);
  }
  last_batch_ = *place;
  return {};
}

Result<void, InstallError> ZoneInstaller::on_item(const BatchItem& item) {
  if (complete_) return fail(InstallError::out_of_order);
  switch (item.tag) {
    case ItemTag::whole:
      if (kind_ != Kind::none) return fail(InstallError::out_of_order);
      kind_ = Kind::whole;
      to_ = item.to;
      builder_.emplace(memory_, apex_, warnings_, limits_.zone);
      return {};
    case ItemTag::steps:
      if (kind_ != Kind::none) return fail(InstallError::out_of_order);
      if (!base_.has_value()) return fail(InstallError::no_base);
      if (base_->serial() != item.from) return fail(InstallError::wrong_base);
      kind_ = Kind::steps;
      from_ = item.from;
      to_ = item.to;
      return {};
    case ItemTag::end:
      // A difference that only takes away is whole when its new SOA has come.
      if (kind_ == Kind::none || (kind_ == Kind::steps && step_ != Step::adding)) return fail(InstallError::out_of_order);
      expire_ = item.expire;
      complete_ = true;
      return {};
    case ItemTag::old_soa:
      if (kind_ != Kind::steps || step_ == Step::removing) return fail(InstallError::out_of_order);
      step_ = Step::removing;
      step_size_ = {};
      return on_record(item);
    case ItemTag::removed:
      if (step_ != Step::removing) return fail(InstallError::out_of_order);
      return on_record(item);
    case ItemTag::new_soa:
      if (step_ != Step::removing) return fail(InstallError::out_of_order);
      step_ = Step::adding;
      return on_record(item);
    case ItemTag::added:
      if (kind_ != Kind::whole && step_ != Step::adding) return fail(InstallError::out_of_order);
      return on_record(item);
  }
  return fail(InstallError::malformed_batch);
}

Result<void, InstallError> ZoneInstaller::on_record(const BatchItem& item) {
  if (++records_ > limits_.records) return fail(InstallError::too_many_records);
  if (!belongs(item)) {
    const bool outside = !item.owner.is_at_or_below(apex_);
    if (item.tag == ItemTag::added)
      warn(item, outside ? "left out: it lies outside the zone" : "left out: its type is no zone data");
    return {};
  }
  const i64 size = static_cast<i64>(item.owner.size() + dns::record_fixed_size + item.rdata.size());
  const bool removed = item.tag == ItemTag::old_soa || item.tag == ItemTag::removed;
  growth_ += removed ? -size : size;
  ++(removed ? step_size_.removed : step_size_.added);
  step_size_.octets += static_cast<size_t>(size) + octets_of_key_size;
  if (step_size_.octets > largest_step_.octets) largest_step_ = step_size_;
  if (removed) return {};
  if (item.ttl.seconds() > limits_.longest_ttl) return fail(InstallError::ttl_too_long);
  if (const std::string_view rule = dns::broken_rule(item.type, item.rdata); !rule.empty()) warn(item, rule);
  if (kind_ == Kind::steps) return {};
  const auto added = builder_->add(item.owner, item.type, item.ttl, item.rdata);
  if (!added.ok()) return failed_build(added.error(), InstallError::bad_record);
  return {};
}

Failure<InstallError> ZoneInstaller::failed_build(zone::BuildError error, InstallError otherwise) {
  build_error_ = error;
  const bool memory = error == zone::BuildError::out_of_memory || error == zone::BuildError::no_heap;
  return fail(memory ? InstallError::no_memory : otherwise);
}

// RFC 8976 appendix A.2 has a zone with data of names outside; named, nsd and knot leave it out too.
bool ZoneInstaller::belongs(const BatchItem& item) const {
  return item.owner.is_at_or_below(apex_) && !dns::is_meta_type(item.type);
}

void ZoneInstaller::warn(const BatchItem& item, std::string_view rule) {
  warnings_.add(zone::Severity::warning, std::nullopt, item.owner, " ", dns::TypeText{item.type}, ": ", rule);
}

Result<zone::Zone, InstallError> ZoneInstaller::finish(zone::VersionedZone& zone) {
  if (!complete_) return fail(InstallError::out_of_order);
  if (kind_ == Kind::steps) return apply_steps(zone);
  const auto built = builder_->finish();
  builder_->drop_staged();
  if (!built.ok()) {
    const auto failed = failed_build(built.error(), InstallError::bad_zone);
    if (failed.error() != InstallError::no_memory) {
      set_at_fault_ = {builder_->error_owner(), builder_->error_type().value_or(dns::RrType::ANY)};
    }
    return failed;
  }
  const auto checked = check(built.value(), built.value().extent().size);
  if (!checked.ok()) {
    memory_.give_back(built.value().extent());
    return fail(checked.error());
  }
  zone_octets_ = builder_->octets();
  if (zone.zone().has_value()) return zone.replace(built.value());
  zone.adopt(built.value());
  return built.value();
}

Result<zone::Zone, InstallError> ZoneInstaller::apply_steps(zone::VersionedZone& zone) {
  if (!zone.zone().has_value() || zone.zone()->serial() != from_) return fail(InstallError::wrong_base);
  auto before = zone.savepoint();
  const auto made = apply_all(zone);
  differences_.clear();
  if (made.ok()) return *zone.zone();
  zone.back_to(std::move(before));
  return fail(made.error());
}

// A step at a time: all of them as patches would take many times the octets they came in.
Result<void, InstallError> ZoneInstaller::apply_all(zone::VersionedZone& zone) {
  zone::Patch patch;
  patch.expect(largest_step_.removed, largest_step_.added, largest_step_.octets);
  BatchItem item;
  for (u32 at = first_batch_; at != 0;) {
    const Bytes piece = differences_.at(at);
    BatchReader reader(piece.subspan(batch_head, load_le32(piece, 4)));
    while (TRY(reader.next(item).map_error([](BatchError) { return InstallError::malformed_batch; }))) {
      if (item.tag == ItemTag::old_soa && patch.size() != 0) TRY(apply(zone, patch));
      if (item.tag == ItemTag::steps || item.tag == ItemTag::end || !belongs(item)) continue;
      if (item.tag == ItemTag::old_soa || item.tag == ItemTag::removed) {
        patch.delete_record(item.owner, item.type, item.rdata);
      } else {
        patch.add_record(item.owner, item.type, item.ttl, item.rdata);
      }
      if (patch.is_incomplete()) return failed_build(zone::BuildError::no_heap, InstallError::no_memory);
    }
    at = load_le32(piece, 0);
  }
  TRY(apply(zone, patch));
  TRY(check_growth(*zone.zone()));
  return check(*zone.zone(), zone.base());
}

Result<void, InstallError> ZoneInstaller::apply(zone::VersionedZone& zone, zone::Patch& patch) {
  const auto next = zone.apply(patch, &warnings_, limits_.zone);
  patch.clear();
  if (next.ok()) return {};
  patch_error_ = next.error().error;
  set_at_fault_ = next.error().set;
  if (next.error().build.has_value()) return failed_build(*next.error().build, InstallError::bad_difference);
  return fail(InstallError::bad_difference);
}

// Differences may leave a zone larger than it may be, but not make it so.
Result<void, InstallError> ZoneInstaller::check_growth(const zone::Zone& made) {
  const zone::SizeLimits& most = limits_.zone;
  if (made.record_count() > most.records && made.record_count() > base_->record_count()) {
    build_error_ = zone::BuildError::zone_over_records;
    return fail(InstallError::bad_zone);
  }
  // No zone in memory comes near the limit that there is without one.
  if (most.octets >= zone::max_zone_memory) {
    zone_octets_.reset();
    return {};
  }
  if (!zone_octets_.has_value()) zone_octets_ = zone::content_octets(*base_);
  zone_octets_ = *zone_octets_ + static_cast<u64>(growth_);
  if (growth_ <= 0 || *zone_octets_ <= most.octets) return {};
  build_error_ = zone::BuildError::zone_over_octets;
  return fail(InstallError::bad_zone);
}

Result<void, InstallError> ZoneInstaller::check(const zone::Zone& zone, size_t octets) {
  if (zone.serial() != to_) return fail(InstallError::wrong_serial);
  if (zone.record_count() > limits_.records) return fail(InstallError::too_many_records);
  if (octets > limits_.octets) return fail(InstallError::too_large);
  // To be hashed, the records of an owner are gathered and sorted.
  constexpr size_t octets_per_record = 3 * sizeof(zone::RecordView);
  if (zone.apex_node().find(dns::RrType::ZONEMD).has_value() &&
      !heap_has(octets_per_record * std::min<size_t>(zone.record_count(), zone::max_records_per_rrset))) {
    return failed_build(zone::BuildError::no_heap, InstallError::no_memory);
  }
  // RFC 8976 section 4: without a record, or with none we can compute, there is nothing to hold against the zone.
  zonemd_ = zone::verify_zonemd(zone);
  if (zonemd_ == zone::ZonemdFinding::wrong_digest || zonemd_ == zone::ZonemdFinding::wrong_serial) {
    return fail(InstallError::wrong_digest);
  }
  return {};
}

void ZoneInstaller::write_reason(InstallError error, TextWriter& out) const {
  out.put(describe(error));
  if (error == InstallError::no_memory) {
    out.put(": ");
    out.put(describe(build_error_.value_or(zone::BuildError::out_of_memory)));
    out.put("; ");
    out.put(octets_ >> 10);
    out.put(" KiB came, and of ");
    out.put(memory_.usable() >> 10);
    out.put(" KiB of zone memory ");
    out.put((memory_.usable() - std::min(memory_.usable(), memory_.in_use())) >> 10);
    out.put(" are free; give the machine more memory, or raise limits/zone-memory");
    return;
  }
  if (error == InstallError::bad_difference && patch_error_.has_value()) {
    out.put(": ");
    out.put(describe(*patch_error_));
  }
  if (build_error_.has_value()) {
    out.put(": ");
    out.put(describe(*build_error_));
    if (const u64 limit = zone::limit_exceeded(*build_error_, limits_.zone); limit != 0) {
      out.put(" (");
      out.put(limit);
      out.put(')');
    }
    if (set_at_fault_.has_value()) {
      out.put(" at ");
      set_at_fault_->owner.write_text(out);
      if (set_at_fault_->type != dns::RrType::ANY) {
        out.put(' ');
        dns::write_type(set_at_fault_->type, out);
      }
    }
  }
  if (error == InstallError::wrong_digest && zonemd_.has_value()) {
    out.put(": ");
    out.put(describe(*zonemd_));
  }
}

}  // namespace samara::secondary
