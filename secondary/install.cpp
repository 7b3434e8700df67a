#include "secondary/install.h"

#include "dns-core/rdata/rdata_text.h"
#include "zone/content_digest.h"
#include "zone/owner_data.h"

namespace samara::secondary {

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
  }
  return "unknown error";
}

ZoneInstaller::ZoneInstaller(zone::ZoneMemory& memory, const dns::Name& apex, std::optional<zone::Zone> base,
                             const InstallLimits& limits, std::optional<u64> base_octets)
    : memory_(memory), apex_(apex), base_(base), limits_(limits), zone_octets_(base_octets) {}

Result<bool, InstallError> ZoneInstaller::on_batch(Bytes batch) {
  octets_ += batch.size();
  if (octets_ > limits_.octets) return fail(InstallError::too_large);
  BatchReader reader(batch);
  BatchItem item;
  for (;;) {
    const bool more = TRY(reader.next(item).map_error([](BatchError) { return InstallError::malformed_batch; }));
    if (!more) return complete_;
    TRY(on_item(item));
  }
}

Result<void, InstallError> ZoneInstaller::on_item(const BatchItem& item) {
  if (complete_) return fail(InstallError::out_of_order);
  switch (item.tag) {
    case ItemTag::whole:
      if (kind_ != Kind::none) return fail(InstallError::out_of_order);
      kind_ = Kind::whole;
      to_ = item.to;
      builder_.emplace(memory_, apex_, 0, &warnings_, limits_.zone);
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
      patches_.emplace_back();
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
  if (is_left_out(item)) return {};
  const i64 size = static_cast<i64>(item.owner.size() + zone::record_fixed_size + item.rdata.size());
  growth_ += item.tag == ItemTag::old_soa || item.tag == ItemTag::removed ? -size : size;
  if (item.tag == ItemTag::old_soa || item.tag == ItemTag::removed) {
    patches_.back().delete_record(item.owner, item.type, item.rdata);
    return {};
  }
  if (item.ttl.seconds() > limits_.longest_ttl) return fail(InstallError::ttl_too_long);
  if (const std::string_view rule = dns::broken_rule(item.type, item.rdata); !rule.empty()) warn(item, rule);
  if (kind_ == Kind::steps) {
    patches_.back().add_record(item.owner, item.type, item.ttl, item.rdata);
    return {};
  }
  const auto added = builder_->add(item.owner, item.type, item.ttl, item.rdata);
  if (!added.ok()) {
    build_error_ = added.error();
    return fail(InstallError::bad_record);
  }
  return {};
}

// RFC 8976 appendix A.2 has a zone with data of names outside; named, nsd and knot leave it out too.
bool ZoneInstaller::is_left_out(const BatchItem& item) {
  const bool outside = !item.owner.is_at_or_below(apex_);
  if (!outside && !zone::is_meta(item.type)) return false;
  if (item.tag == ItemTag::added)
    warn(item, outside ? "left out: it lies outside the zone" : "left out: its type is no zone data");
  return true;
}

void ZoneInstaller::warn(const BatchItem& item, std::string_view rule) {
  warnings_.add(zone::Severity::warning, std::nullopt, item.owner, " ", dns::TypeText{item.type}, ": ", rule);
}

Result<zone::Zone, InstallError> ZoneInstaller::finish(zone::VersionedZone& zone) {
  if (!complete_) return fail(InstallError::out_of_order);
  if (kind_ == Kind::steps) return apply_steps(zone);
  const auto built = builder_->finish();
  if (!built.ok()) {
    build_error_ = built.error();
    set_at_fault_ = {builder_->error_owner(), builder_->error_type().value_or(dns::RrType::ANY)};
    return fail(InstallError::bad_zone);
  }
  const auto checked = check(built.value());
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
  if (made.ok()) return *zone.zone();
  zone.back_to(std::move(before));
  return fail(made.error());
}

Result<void, InstallError> ZoneInstaller::apply_all(zone::VersionedZone& zone) {
  for (zone::Patch& patch : patches_) {
    const auto next = zone.apply(patch, &warnings_, limits_.zone);
    if (!next.ok()) {
      patch_error_ = next.error().error;
      build_error_ = next.error().build;
      set_at_fault_ = next.error().set;
      return fail(InstallError::bad_difference);
    }
  }
  TRY(check_growth(*zone.zone()));
  return check(*zone.zone());
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

Result<void, InstallError> ZoneInstaller::check(const zone::Zone& zone) {
  if (zone.serial() != to_) return fail(InstallError::wrong_serial);
  if (zone.record_count() > limits_.records) return fail(InstallError::too_many_records);
  if (zone.extent().size > limits_.octets) return fail(InstallError::too_large);
  // RFC 8976 section 4: without a record, or with none we can compute, there is nothing to hold against the zone.
  zonemd_ = zone::verify_zonemd(zone);
  if (zonemd_ == zone::ZonemdFinding::wrong_digest || zonemd_ == zone::ZonemdFinding::wrong_serial) {
    return fail(InstallError::wrong_digest);
  }
  return {};
}

void ZoneInstaller::write_reason(InstallError error, TextWriter& out) const {
  out.put(describe(error));
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
