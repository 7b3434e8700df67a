#include "server/zone_loader.h"

#include <algorithm>

#include "dns-core/dnssec/nsec3.h"
#include "zone/master_file.h"

namespace samara::server {

namespace {

// The type of record that makes the error; nothing when any of the owner's does.
std::optional<dns::RrType> type_at_fault(zone::BuildError error) {
  if (error == zone::BuildError::several_soa || error == zone::BuildError::soa_below_apex) return dns::RrType::SOA;
  if (error == zone::BuildError::several_dname) return dns::RrType::DNAME;
  return std::nullopt;
}

// What only the whole zone shows has no place of its own; the last record at the owner that could be meant is named. What is
// missing is nowhere.
void report_build_error(std::span<const zone::SourceFile> files, const dns::Name& apex, zone::BuildError error,
                        const dns::Name& owner, LoadReport& report) {
  std::optional<zone::SourcePosition> place;
  if (error != zone::BuildError::no_soa && error != zone::BuildError::no_apex_ns) {
    const auto wanted = type_at_fault(error);
    zone::MasterFile reader(files, apex);
    zone::Record record;
    for (auto more = reader.next(record); more.ok() && more.value(); more = reader.next(record)) {
      if (*record.owner == owner && (!wanted.has_value() || record.type == *wanted)) place = record.position;
    }
  }
  if (place.has_value()) {
    report.line(Level::error, files[place->file].path, ':', place->at.line, ':', place->at.column, ": ", owner, ": ",
                zone::describe(error));
  } else {
    report.line(Level::error, files.front().path, ": ", owner, ": ", zone::describe(error));
  }
}

}  // namespace

size_t ZoneLoader::zones_served() const {
  return static_cast<size_t>(
      std::ranges::count_if(current_, [](const zone::ZoneSetEntry& entry) { return entry.zone.has_value(); }));
}

std::optional<zone::Zone> ZoneLoader::zone_in_service(const dns::Name& apex) const {
  const auto found = std::ranges::find(current_, apex, &zone::ZoneSetEntry::apex);
  return found == current_.end() ? std::nullopt : found->zone;
}

std::optional<zone::Zone> ZoneLoader::load_zone(const ZoneSource& source, LoadReport& report) {
  std::vector<zone::SourceFile> files;
  size_t octets = 0;
  for (const ZoneFile& file : source.files) {
    files.push_back({file.path, file.text});
    octets += file.text.size();
  }
  zone::MasterFile reader(files, source.name);
  zone::ZoneBuilder builder(memory_, source.name, octets);
  zone::Record record;
  u32 errors = 0;
  for (;;) {
    const auto more = reader.next(record);
    if (!more.ok()) {
      report.line(Level::error, more.error());
      ++errors;
      continue;
    }
    if (!more.value()) break;
    if (errors != 0) continue;  // only to find further errors
    if (const auto added = builder.add(*record.owner, record.type, record.ttl, record.rdata); !added.ok()) {
      report.line(Level::error, files[record.position.file].path, ':', record.position.at.line, ':', record.position.at.column,
                  ": ", zone::describe(added.error()));
      ++errors;
    }
  }
  for (const zone::MasterFileError& warning : reader.warnings()) report.line(Level::warning, warning);
  if (errors != 0) return std::nullopt;
  const auto built = builder.finish();
  if (!built.ok()) {
    report_build_error(files, source.name, built.error(), builder.error_owner(), report);
    return std::nullopt;
  }
  const zone::Zone& zone = built.value();
  if (zone.has_nsec3() && !zone.has_nsec() && !zone.nsec3_parameters().has_value()) {
    report.line(Level::warning, "zone ", source.name,
                ": denials carry no proof: no NSEC3PARAM record with flags 0, hash algorithm 1 and at most ",
                dns::max_served_nsec3_iterations, " iterations has NSEC3 records; sign it again with 0 (RFC 9276 section 3.1)");
  }
  report.line(Level::info, "zone ", source.name, ": serial ", zone.serial().value(), ", ", zone.record_count(), " records");
  return zone;
}

// Whether the zone in service stays because its file does not have what updates did to it.
bool ZoneLoader::keeps_updates(const zone::Zone& from_file, const zone::Zone& now, LoadReport& report) {
  const dns::Name apex = now.apex();
  const auto updated = std::ranges::find(updated_, apex, &Updated::apex);
  if (updated == updated_.end() || from_file.serial().compare(now.serial()) == dns::Serial::Order::greater) return false;
  if (from_file.serial() == updated->file_serial) {
    report.line(Level::warning, "zone ", apex, ": the file still has serial ", from_file.serial().value(),
                "; the zone keeps its updates (serial ", now.serial().value(), ')');
  } else {
    report.line(
        Level::error, "zone ", apex, ": not loaded: serial ", from_file.serial().value(), " of the file is not above serial ",
        now.serial().value(),
        ", which updates have made; put the updates into the file (dig AXFR shows them) and raise its serial above that");
  }
  return true;
}

// Its memory is free when nobody reads it any more; at once when nobody ever did.
void ZoneLoader::retire(const zone::Zone& zone) {
  const auto unpublished = std::ranges::find(unpublished_, zone.header());
  if (unpublished == unpublished_.end()) {
    retired_.add(zone.extent(), generation_);
  } else {
    unpublished_.erase(unpublished);
    memory_.give_back(zone.extent());
  }
}

Result<void, dns::Rcode> ZoneLoader::change(const dns::Name& apex, zone::Patch& patch) {
  const auto entry = std::ranges::find(current_, apex, &zone::ZoneSetEntry::apex);
  if (entry == current_.end() || !entry->zone.has_value()) return fail(dns::Rcode::SERVFAIL);
  const auto changed = patch.apply(*entry->zone, memory_);
  if (!changed.ok()) {
    const auto& [error, build] = changed.error();
    log(Level::error, "zone ", apex, ": update not made: ", build.has_value() ? zone::describe(*build) : zone::describe(error));
    return fail(dns::Rcode::SERVFAIL);
  }
  if (std::ranges::find(updated_, apex, &Updated::apex) == updated_.end()) updated_.push_back({apex, entry->zone->serial()});
  retire(*entry->zone);
  entry->zone = changed.value();
  unpublished_.push_back(entry->zone->header());
  return {};
}

std::optional<zone::ZoneSet> ZoneLoader::next_set() {
  const auto set = zone::build_zone_set(memory_, current_);
  if (!set.ok()) return std::nullopt;
  if (set_extent_.has_value()) retired_.add(*set_extent_, generation_);
  set_extent_ = set.value().extent();
  unpublished_.clear();
  return set.value();
}

std::optional<zone::ZoneSet> ZoneLoader::load(const PrimaryConfig& config, LoadReport& report) {
  std::vector<zone::ZoneSetEntry> next;
  next.reserve(config.zones.size());
  std::vector<zone::Extent> fresh;
  std::vector<dns::Name> changed;
  for (const ZoneSource& source : config.zones) {
    auto zone = source.files.empty() ? std::nullopt : load_zone(source, report);
    const auto before = zone_in_service(source.name);
    if (zone.has_value() && before.has_value() && keeps_updates(*zone, *before, report)) {
      memory_.give_back(zone->extent());
      zone = before;
    } else if (zone.has_value()) {
      fresh.push_back(zone->extent());
      changed.push_back(source.name);
      if (before.has_value() && zone->serial().compare(before->serial()) == dns::Serial::Order::less) {
        report.line(Level::warning, "zone ", source.name, ": serial went back from ", before->serial().value(), " to ",
                    zone->serial().value(), "; secondaries will not follow until it is above");
      }
    } else if (before.has_value()) {
      report.line(Level::error, "zone ", source.name, ": not loaded; the version with serial ", before->serial().value(),
                  " stays in service");
      zone = before;
    } else {
      report.line(Level::error, "zone ", source.name, ": not loaded; queries for it get SERVFAIL");
    }
    next.push_back({source.name, zone});
  }
  const auto set = zone::build_zone_set(memory_, next);
  if (!set.ok()) {
    report.line(Level::error, "zones: ", zone::describe(set.error()), "; raise limits/zone-memory");
    for (const zone::Extent& extent : fresh) memory_.give_back(extent);
    return std::nullopt;
  }
  // What the next set does not refer to is readable until the last worker has left the present one.
  for (const zone::ZoneSetEntry& old : current_) {
    if (!old.zone.has_value()) continue;
    const bool kept = std::ranges::any_of(next, [&](const zone::ZoneSetEntry& entry) {
      return entry.zone.has_value() && entry.zone->header() == old.zone->header();
    });
    if (!kept) retire(*old.zone);
  }
  unpublished_.clear();
  if (set_extent_.has_value()) retired_.add(*set_extent_, generation_);
  set_extent_ = set.value().extent();
  current_ = std::move(next);
  changed_ = std::move(changed);
  // What came from its file, or is served no more, has no updates to lose.
  std::erase_if(updated_, [&](const Updated& updated) {
    const auto zone = zone_in_service(updated.apex);
    return !zone.has_value() || std::ranges::find(fresh, zone->extent()) != fresh.end();
  });
  return set.value();
}

}  // namespace samara::server
