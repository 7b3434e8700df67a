#include "server/zone_loader.h"

#include <algorithm>
#include <array>

#include "dns-core/dnssec/nsec3.h"
#include "dns-core/rdata/rdata_text.h"
#include "platform/base/byte_order.h"
#include "platform/base/counted.h"
#include "platform/base/panic.h"
#include "server/catalog_zone.h"
#include "server/update_access.h"
#include "zone/content_digest.h"
#include "zone/diff.h"
#include "zone/master_file.h"
#include "zone/signature_times.h"

namespace samara::server {

namespace {

// A zone that has changed so often while its file was held against it is replaced without being compared.
constexpr u32 max_comparisons = 3;

// The type of record that makes the error; nothing when any of the owner's does.
std::optional<dns::RrType> type_at_fault(zone::BuildError error) {
  if (error == zone::BuildError::several_soa || error == zone::BuildError::soa_below_apex) return dns::RrType::SOA;
  if (error == zone::BuildError::several_dname) return dns::RrType::DNAME;
  return std::nullopt;
}

// An error that only the whole zone shows has no place of its own; the last record at the owner that could be meant is named. A
// missing record has no place either.
void report_build_error(std::span<const zone::SourceFile> files, const dns::Name& apex, zone::BuildError error,
                        const zone::ZoneBuilder& builder, const zone::SizeLimits& limits, LoadReport& report,
                        zone::Pace& pace) {
  const dns::Name owner = builder.error_owner();
  const auto wanted = builder.error_type().has_value() ? builder.error_type() : type_at_fault(error);
  std::optional<zone::SourcePosition> place;
  if (error != zone::BuildError::no_soa && error != zone::BuildError::no_apex_ns) {
    zone::MasterFile reader(files, apex);
    zone::Record record;
    for (auto more = reader.next(record); more.ok() && more.value(); more = reader.next(record)) {
      pace.step();
      if (*record.owner == owner && (!wanted.has_value() || record.type == *wanted)) place = record.position;
    }
  }
  TextBuffer<64> what;
  if (builder.error_type().has_value()) {
    what.writer().put(' ');
    dns::write_type(*builder.error_type(), what.writer());
  }
  TextBuffer<32> most;
  if (const u64 limit = zone::limit_exceeded(error, limits); limit != 0) {
    most.writer().put(" (");
    most.writer().put(limit);
    most.writer().put(')');
  }
  if (place.has_value()) {
    report.line(Level::error, files[place->file].path, ':', place->at.line, ':', place->at.column, ": ", owner, what.view(),
                ": ", zone::describe(error), most.view());
  } else {
    report.line(Level::error, files.front().path, ": ", owner, what.view(), ": ", zone::describe(error), most.view());
  }
}

}  // namespace

size_t ZoneLoader::zones_served() const {
  return static_cast<size_t>(std::ranges::count_if(zones_, [](const auto& zone) { return zone.versions->zone().has_value(); }));
}

const ZoneLoader::ServedZone* ZoneLoader::find(const dns::Name& apex) const {
  const auto place = places_.find(apex, [&](u32 at) { return zones_[at].versions != nullptr && zones_[at].apex == apex; });
  return place.has_value() ? &zones_[*place] : nullptr;
}

ZoneLoader::ServedZone* ZoneLoader::find(const dns::Name& apex) {
  const auto place = places_.find(apex, [&](u32 at) { return zones_[at].versions != nullptr && zones_[at].apex == apex; });
  return place.has_value() ? &zones_[*place] : nullptr;
}

std::optional<zone::Zone> ZoneLoader::zone_in_service(const dns::Name& apex) const {
  const ServedZone* found = find(apex);
  return found == nullptr ? std::nullopt : found->versions->zone();
}

bool ZoneLoader::is_generated(const dns::Name& apex) const {
  const ServedZone* found = find(apex);
  return found != nullptr && found->generated;
}

std::optional<ZoneLoader::FromFile> ZoneLoader::load_zone(const ZoneSource& source, const ZoneLimits& limits,
                                                          LoadReport& report, const zone::Pause& pause) {
  std::vector<zone::SourceFile> files;
  size_t octets = 0;
  for (const ZoneFile& file : source.files) {
    files.push_back({file.path, file.text});
    octets += file.text.size();
  }
  zone::MasterFile reader(files, source.name);
  const auto sizes = limits.sizes<zone::SizeLimits>();
  zone::ZoneBuilder builder(memory_, source.name, octets, nullptr, sizes);
  zone::Record record;
  u32 errors = 0;
  u64 records = 0;
  zone::Pace pace(pause);
  for (;;) {
    pace.step();
    const auto more = reader.next(record);
    if (!more.ok()) {
      report.line(Level::error, more.error());
      ++errors;
      continue;
    }
    if (!more.value()) break;
    // Work of seconds and minutes says that it lives.
    if (++records % records_between_lines == 0) {
      const size_t whole = files.front().text.size();
      report.line(Level::info, "zone ", source.name, ": ", records, " records read, ",
                  (whole - reader.octets_left()) * 100 / std::max<size_t>(whole, 1), " % of the file");
    }
    if (errors != 0) continue;  // only to find further errors
    if (const auto added = builder.add(*record.owner, record.type, record.ttl, record.rdata); !added.ok()) {
      report.line(Level::error, files[record.position.file].path, ':', record.position.at.line, ':', record.position.at.column,
                  ": ", zone::describe(added.error()));
      ++errors;
    }
  }
  for (const zone::MasterFileError& warning : reader.warnings()) report.line(Level::warning, warning);
  if (errors != 0) return std::nullopt;
  const auto built = builder.finish(pause);
  if (!built.ok()) {
    report_build_error(files, source.name, built.error(), builder, sizes, report, pace);
    return std::nullopt;
  }
  const zone::Zone& zone = built.value();
  const zone::Diagnostics& large = builder.large_sets();
  for (size_t i = 0; i < std::min(large.size(), zone::max_diagnostics_told); ++i) {
    report.line(Level::warning, "zone ", source.name, ": ", large[i].text);
  }
  if (large.warning_count() > zone::max_diagnostics_told) {
    report.line(Level::warning, "zone ", source.name, ": ", large.warning_count() - zone::max_diagnostics_told,
                " more like these");
  }
  if (zone.has_nsec3() && !zone.has_nsec() && !zone.nsec3_parameters().has_value()) {
    report.line(Level::warning, "zone ", source.name,
                ": denials carry no proof: no NSEC3PARAM record with flags 0, hash algorithm 1 and at most ",
                dns::max_served_nsec3_iterations, " iterations has NSEC3 records; sign it again with 0 (RFC 9276 section 3.1)");
  }
  FromFile file{.zone = zone, .octets = builder.octets()};
  if (digests_) file.digest = zone::content_digest(zone, pause);
  return file;
}

void ZoneLoader::report_signatures(const zone::Zone& zone, UnixTime wall, LoadReport& report, const zone::Pause& pause) const {
  const zone::SignatureTimes times = zone::look_at_signatures(zone, wall, signature_warning_, pause);
  if (times.any()) report.line(Level::warning, "zone ", zone.apex(), ": ", times);
}

void ZoneLoader::look_at_signatures(UnixTime wall) const {
  for (const ServedZone& zone : zones_) {
    if (!zone.versions->zone().has_value()) continue;
    const zone::SignatureTimes times = zone::look_at_signatures(*zone.versions->zone(), wall, signature_warning_);
    if (times.any()) log(Level::warning, "zone ", zone.apex, ": ", times);
  }
}

// The ruling says whether the zone in service stays because its file does not have what updates did to it. Serials say which of
// two files is newer; whether there are two is asked first, since updates may take the zone's serial anywhere (RFC 1982 section
// 7), and then an unchanged file may count as newer than the zone.
ZoneLoader::Ruling ZoneLoader::rule_on(const ServedZone& zone, FromFile& file, const zone::Pause& pause) {
  const auto before = zone.versions->zone();
  if (!before.has_value() || !zone.file.has_value()) return Ruling::file_is_taken;
  const zone::store::FileMark mark = *zone.file;
  const dns::Serial of_file = file.zone.serial();
  const auto digest = [&] {
    if (!file.digest.has_value()) file.digest = zone::content_digest(file.zone, pause);
    return *file.digest;
  };
  if (of_file == mark.serial) {
    const bool same = !mark.digest.has_value() || digest() == *mark.digest;
    return same ? Ruling::file_is_as_it_was : Ruling::serial_is_as_it_was;
  }
  const dns::Serial now = before->serial();
  if (of_file.compare(now) == dns::Serial::Order::greater) return Ruling::file_is_taken;
  // The updates have been put into the file.
  if (of_file == now && digest() == zone::content_digest(*before, pause)) return Ruling::file_is_taken;
  return Ruling::serial_is_not_greater;
}

void ZoneLoader::report_kept(const ServedZone& zone, dns::Serial of_file, Ruling ruling, LoadReport& report) {
  const dns::Serial now = zone.versions->zone()->serial();
  constexpr std::string_view what_to_do = "put the updates into the file (dig AXFR shows them) and raise its serial above ";
  switch (ruling) {
    case Ruling::file_is_taken: return;
    case Ruling::file_is_as_it_was:
      if (zone.restored) {
        report.line(Level::info, "zone ", zone.apex, ": serial ", now.value(), " with the updates that the storage has");
      } else {
        report.line(Level::warning, "zone ", zone.apex, ": the file is as it was (serial ", of_file.value(),
                    "); the zone keeps its updates (serial ", now.value(), ')');
      }
      return;
    case Ruling::serial_is_as_it_was:
      report.line(Level::error, "zone ", zone.apex, ": not loaded: the file has changed but not its serial ", of_file.value(),
                  ", and updates have changed the zone (serial ", now.value(), "); ", what_to_do, now.value());
      return;
    case Ruling::serial_is_not_greater:
      report.line(Level::error, "zone ", zone.apex, ": not loaded: serial ", of_file.value(),
                  " of the file is not above serial ", now.value(), ", which updates have made; ", what_to_do, now.value());
      return;
  }
}

// Others are changed and published in the pauses, and this zone may be: then all is decided anew. A client that changes it at
// each of them does not hold up others, but its secondaries have to transfer it whole.
void ZoneLoader::put_file(ServedZone& zone, FromFile& file, LoadReport& report, const zone::Pause& pause) {
  for (u32 tried = 0;; ++tried) {
    const bool last = tried == max_comparisons;
    const auto before = zone.versions->zone();
    const Ruling ruling = rule_on(zone, file, last ? zone::Pause() : pause);
    std::optional<zone::VersionedZone::Comparison> comparison;
    if (ruling == Ruling::file_is_taken && before.has_value() && !last) {
      comparison.emplace(zone.versions->compare(file.zone, pause));
    }
    if (before.has_value() && zone.versions->zone()->header() != before->header()) continue;
    if (ruling == Ruling::file_is_taken) {
      take_new(zone, file, comparison.has_value() ? &*comparison : nullptr, report);
    } else {
      report_kept(zone, file.zone.serial(), ruling, report);
      memory_.give_back(file.zone.extent());
      zone.texts.reset();
    }
    return;
  }
}

// The memory of earlier versions is free once nobody reads the present set, or one before it, any more.
void ZoneLoader::retire(ServedZone& zone) {
  sets_.touch(zone.apex);
  const auto retired = zone.versions->take_retired();
  for (const zone::Extent& extent : retired) retired_.add(extent, zone.apex, zone.since, generation_);
  if (!retired.empty()) zone.since = generation_;
}

std::optional<zone::ZoneSet> ZoneLoader::next_set() {
  if (!unsettled_.empty()) panic("zones: what was changed is to be published, and was not settled");
  const auto entry = [](const ServedZone& zone) { return zone::ZoneSetEntry{zone.apex, zone.versions->zone()}; };
  return sets_.next(
      generation_,
      [&](const dns::Name& apex) {
        const ServedZone* found = find(apex);
        return found == nullptr ? std::nullopt : std::optional(entry(*found));
      },
      [&] {
        std::vector<zone::ZoneSetEntry> entries;
        entries.reserve(zones_.size());
        for (const ServedZone& zone : zones_) entries.push_back(entry(zone));
        return entries;
      });
}

void ZoneLoader::keep_room_for_sets(const PrimaryConfig& config) {
  std::vector<zone::ZoneSetEntry> entries;
  entries.reserve(config.zones.size() + config.catalogs.size());
  for (const ZoneSource& source : config.zones) entries.push_back({source.name, std::nullopt});
  for (const ProducedCatalog& catalog : config.catalogs) entries.push_back({catalog.name, std::nullopt});
  sets_.keep_room(entries);
}

// The zone as it is in service, or a new one without data.
ZoneLoader::ServedZone& ZoneLoader::find_or_add(const dns::Name& apex, zone::HistoryLimits limits,
                                                std::vector<ServedZone>& added) {
  if (ServedZone* found = find(apex); found != nullptr) return *found;
  return added.emplace_back(ServedZone{.apex = apex,
                                       .texts = {},
                                       .limits = {},
                                       .versions = std::make_unique<zone::VersionedZone>(memory_, limits),
                                       .file = {},
                                       .octets = {},
                                       .digest = {}});
}

// As updates had left it when the image ended.
void ZoneLoader::restore(ServedZone& zone, LoadReport& report) {
  if (archive_ == nullptr || zone.versions->zone().has_value()) return;
  const auto summary = archive_->find(zone.apex);
  if (!summary.has_value()) return;
  // No update is confirmed before the storage has the state that belongs to it. A secondary's zone has no file.
  if (!summary->state.has_value() || !summary->state->file.has_value()) {
    report.line(Level::info, "zone ", zone.apex, ": the storage has no updates of its file; what it has is dropped");
    return archive_->remove(zone.apex);
  }
  const bool whole = archive_->restore(zone.apex, memory_, *zone.versions);
  const auto restored = zone.versions->zone();
  if (!whole && restored.has_value()) {
    report.line(Level::warning, "zone ", zone.apex, ": damaged in the storage: updates after serial ",
                restored->serial().value(), " are lost");
  } else if (!whole) {
    report.line(Level::warning, "zone ", zone.apex, ": damaged in the storage: its updates are lost");
  }
  if (!restored.has_value()) return;
  zone.file = summary->state->file;
  zone.restored = true;
  compact_if_due(zone);
}

// It keeps the serial that secondaries have it with: the next one follows that, whatever the time of the configuration says. A
// clock that was ahead once would keep every secondary from its changes until that time has come.
void ZoneLoader::restore_catalog(const ServedZone& zone, LoadReport& report) {
  if (archive_ == nullptr || zone.versions->zone().has_value()) return;
  const auto kept = archive_->find(zone.apex);
  if (!kept.has_value()) return;
  if (kept->state.has_value() && kept->state->file.has_value()) {
    report.line(Level::warning, "catalog ", zone.apex, ": updates of it that the storage has are dropped");
  }
  archive_->restore(zone.apex, memory_, *zone.versions);
}

void ZoneLoader::report_unconfigured(LoadReport& report) {
  archive_->each([&](const zone::store::ZoneSummary& kept) {
    if (find(kept.name) != nullptr) return;
    report.line(Level::warning, "zone ", kept.name, ": not configured; what the storage has of it, up to serial ",
                kept.serial.value(), ", stays there");
  });
}

// The zone that was read is in service from now on.
void ZoneLoader::take_new(ServedZone& zone, const FromFile& file, const zone::VersionedZone::Comparison* comparison,
                          LoadReport& report) {
  const zone::Zone& built = file.zone;
  const auto before = zone.versions->zone();
  zone.octets = file.octets;
  zone.digest = file.digest;
  if (zone.file.has_value()) {
    if (built.serial() != before->serial()) {
      report.line(Level::warning, "zone ", zone.apex, ": the file with serial ", built.serial().value(),
                  " replaces the zone with serial ", before->serial().value(),
                  "; of the updates made since the file had serial ", zone.file->serial.value(),
                  ", only what the file has is left");
    }
    if (archive_ != nullptr) archive_->remove(zone.apex);
    zone.file.reset();
  }
  const dns::Serial serial = built.serial();
  const u32 records = built.record_count();
  if (!before.has_value()) {
    zone.versions->adopt(built);
  } else if (comparison == nullptr) {
    zone.versions->replace_uncompared(built);
  } else if (zone.versions->replace(built, *comparison).header() == before->header()) {
    return;
  }
  changed_.push_back(zone.apex);
  if (!zone.generated)
    report.line(Level::info, "zone ", zone.apex, ": serial ", serial.value(), ", ", Counted{records, "record"});
  if (!before.has_value()) return;
  switch (serial.compare(before->serial())) {
    case dns::Serial::Order::greater: break;
    case dns::Serial::Order::equal:
      report.line(Level::warning, "zone ", zone.apex, ": changed, but its serial is still ", serial.value(),
                  "; secondaries will not notice");
      break;
    case dns::Serial::Order::less:
    case dns::Serial::Order::undefined:
      report.line(Level::warning, "zone ", zone.apex, ": serial went back from ", before->serial().value(), " to ",
                  serial.value(), "; secondaries will not follow until it is above");
      break;
  }
}

// It gets a new serial when what it says has changed. It is made once with the serial it has, to see that.
void ZoneLoader::load_catalog(const PrimaryConfig& config, const ProducedCatalog& catalog, UnixTime wall, ServedZone& zone,
                              LoadReport& report) {
  zone.generated = true;
  restore_catalog(zone, report);
  const auto before = zone.versions->zone();
  auto built =
      build_catalog(memory_, config, catalog, before.has_value() ? before->serial() : catalog_serial(catalog, {}, wall));
  if (built.ok() && before.has_value()) {
    const auto difference = zone::Difference::between(*before, built.value());
    const bool same = difference.has_value() && difference->empty();
    memory_.give_back(built.value().extent());
    if (same) return;
    built = build_catalog(memory_, config, catalog, catalog_serial(catalog, before->serial(), wall));
  }
  if (!built.ok()) {
    report.line(Level::error, "catalog ", catalog.name, ": ", zone::describe(built.error()),
                before.has_value() ? "; the version before stays in service" : "; queries for it get SERVFAIL");
    return;
  }
  report.line(Level::info, "catalog ", catalog.name, ": serial ", built.value().serial().value(), ", ",
              Counted{catalog.members.has_value() ? catalog.members->size() : config.zones.size(), "zone"});
  std::optional<zone::VersionedZone::Comparison> comparison;
  if (before.has_value()) comparison.emplace(zone.versions->compare(built.value()));
  take_new(zone, {.zone = built.value()}, comparison.has_value() ? &*comparison : nullptr, report);
  if (archive_ != nullptr) archive_->save(*zone.versions->zone(), {});
  retire(zone);
}

u64 ZoneLoader::hash_of(const ZoneSource& source, zone::Pace& pace) const {
  constexpr size_t piece = 4096;
  constexpr u32 records_per_piece = 32;  // that cost as much
  std::array<u8, piece> octets;
  crypto::SipHashKey key = text_key_;
  u64 hash = 0;
  // Each piece's hash changes the key for the next, so that their order counts; the last of a text is shorter than the others,
  // so that its end does.
  for (const ZoneFile& file : source.files) {
    for (std::string_view text : {file.path, file.text}) {
      for (bool last = false; !last;) {
        const size_t size = std::min(text.size(), piece);
        last = size < piece;
        std::ranges::copy(text.substr(0, size), octets.begin());
        text.remove_prefix(size);
        pace.step(records_per_piece);
        hash = crypto::siphash24(key, Bytes(octets).first(size));
        store_le64(key, 0, load_le64(key) ^ hash);
      }
    }
  }
  return hash;
}

void ZoneLoader::load_source(const ZoneSource& source, const ZoneLimits& limits, ServedZone& zone, UnixTime wall,
                             LoadReport& report, const zone::Pause& pause) {
  zone.restored = false;
  zone.generated = false;
  zone::Pace pace(pause);
  const auto texts = source.files.empty() ? std::nullopt : std::optional(hash_of(source, pace));
  // A zone that updates have changed is looked at anew, and so is one that was broken.
  const bool known = texts.has_value() && texts == zone.texts && limits == zone.limits;
  if (known && !zone.file.has_value() && zone.versions->zone().has_value()) return;
  auto read = source.files.empty() ? std::nullopt : load_zone(source, limits, report, pause);
  if (!unsettled_.empty()) panic("zones: one was read, and what was changed meanwhile was not settled");
  zone.texts = read.has_value() ? texts : std::nullopt;
  zone.limits = limits;
  restore(zone, report);
  const auto before = zone.versions->zone();
  zone.in_hand = true;
  if (read.has_value()) {
    put_file(zone, *read, report, pause);
  } else if (before.has_value()) {
    report.line(Level::error, "zone ", source.name, ": not loaded; the version with serial ", before->serial().value(),
                " stays in service");
  } else {
    report.line(Level::error, "zone ", source.name, ": not loaded; queries for it get SERVFAIL");
  }
  if (zone.versions->zone().has_value()) report_signatures(*zone.versions->zone(), wall, report, pause);
  zone.in_hand = false;
  compact_if_due(zone);
  retire(zone);
}

std::optional<zone::ZoneSet> ZoneLoader::load(const PrimaryConfig& config, UnixTime wall, LoadReport& report,
                                              const zone::Pause& pause) {
  if (!unsettled_.empty()) panic("zones: a load, and what was changed was not settled");
  const size_t count = config.zones.size() + config.catalogs.size();
  // Zones stay where they are served from until all have been read.
  std::vector<ServedZone> added;
  added.reserve(count);
  std::vector<ServedZone*> wanted;
  wanted.reserve(count);
  changed_.clear();
  keep_room_for_sets(config);
  signature_warning_ = Duration::seconds(config.limits.signature_warning_seconds);
  digests_ = UpdateAccess::is_needed(config);
  // That for all zones is the start's, as updates are held to it.
  if (!zone_limits_.has_value()) zone_limits_ = config.zone_limits;
  for (const ZoneSource& source : config.zones) {
    const HistoryConfig& history = config.history_of(source.overrides);
    ServedZone& zone = find_or_add(source.name, {.differences = history.differences, .octets = history.octets}, added);
    wanted.push_back(&zone);
    load_source(source, source.overrides.limits.value_or(*zone_limits_), zone, wall, report, pause);
    pause.take();
  }
  const auto zones_changed = static_cast<std::ptrdiff_t>(changed_.size());
  for (const ProducedCatalog& catalog : config.catalogs) {
    const HistoryConfig& history = config.history_of(catalog.overrides);
    ServedZone& zone = find_or_add(catalog.name, {.differences = history.differences, .octets = history.octets}, added);
    wanted.push_back(&zone);
    load_catalog(config, catalog, wall, zone, report);
  }
  std::vector<ServedZone> next;
  next.reserve(count);
  for (ServedZone* zone : wanted) next.push_back(std::move(*zone));
  for (ServedZone& gone : zones_) {
    if (gone.versions == nullptr) continue;
    if (gone.file.has_value() && archive_ == nullptr) {
      report.line(Level::warning, "zone ", gone.apex, ": not configured any more; its updates are dropped");
    }
    gone.versions->abandon();
    retire(gone);
  }
  // Those who learn of zones from catalogs hear of these first.
  std::ranges::rotate(changed_, changed_.begin() + zones_changed);
  const bool first = zones_.empty();
  zones_ = std::move(next);
  places_ = ZonePlaces(zones_, [](const ServedZone& zone) -> const dns::Name& { return zone.apex; });
  provide_for_copies();
  sets_.touch_all();
  if (archive_ != nullptr) archive_->sync();
  if (archive_ != nullptr && first) report_unconfigured(report);
  const auto set = next_set();
  if (!set.has_value()) report.line(Level::error, "zones: no memory for the set of zones; raise limits/zone-memory");
  return set;
}

}  // namespace samara::server
