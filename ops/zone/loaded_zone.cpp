#include "ops/zone/loaded_zone.h"

#include <filesystem>

#include "dns-core/rdata/rdata_text.h"
#include "ops/terminal.h"
#include "ops/text_of.h"
#include "ops/yaml/reading.h"
#include "zone/builder.h"
#include "zone/check.h"
#include "zone/master_file.h"
#include "zone/signature_times.h"

namespace samara::ops {

namespace {

constexpr std::string_view zone_suffix = ".zone";
constexpr std::string_view zone_prefix = "db.";  // as files of zones are called where named comes from

}  // namespace

Diagnostic to_diagnostic(std::string_view path, const dns::SyntaxError& error, Diagnostic::Severity severity) {
  std::string problem(error.problem);
  if (!error.found.empty()) problem += ' ' + in_quotes(error.found);
  return {severity,
          {std::string(path), error.at.line, error.at.column},
          std::move(problem),
          std::string(error.expected),
          std::string(error.suggestion)};
}

std::optional<dns::Name> zone_name_of_file(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  if (name.ends_with(zone_suffix)) name.resize(name.size() - zone_suffix.size());
  if (name.starts_with(zone_prefix) && name.size() > zone_prefix.size()) name.erase(0, zone_prefix.size());
  if (name.empty()) return {};
  const auto parsed = yaml::parse_name(name);
  return parsed ? std::optional(parsed.value()) : std::nullopt;
}

std::optional<LoadedZone> LoadedZone::load(const std::string& path, const std::optional<dns::Name>& name, Diagnostics& found,
                                           const ZoneFolders& folders) {
  Progress progress(path);
  return load(path, name, found, folders, {}, progress);
}

std::optional<LoadedZone> LoadedZone::load(const std::string& path, const std::optional<dns::Name>& name, Diagnostics& found,
                                           const ZoneFolders& folders, const zone::SizeLimits& limits, Progress& progress) {
  const std::optional<dns::Name> apex = name ? name : zone_name_of_file(path);
  if (!apex) {
    found.error({path}, "the file's name is no zone's name", "--zone NAME");
    return {};
  }
  LoadedZone loaded;
  loaded.path_ = path;
  loaded.texts_ = std::make_unique<Deployment>();
  loaded.texts_->folders = folders;
  if (!add_zone(*loaded.texts_, *apex, path, {path}, found)) return {};
  for (const server::ZoneFile& file : loaded.texts_->primary()->zones.front().files)
    loaded.files_.push_back({file.path, file.text});
  loaded.region_ = std::make_unique<ReservedMemory>(zone::max_zone_memory);
  loaded.memory_ = std::make_unique<zone::ZoneMemory>(loaded.region_->bytes());
  loaded.index_ = std::make_unique<zone::RecordIndex>();
  if (!loaded.read_records(limits, found, progress)) {
    if (!name) found.note("the zone is taken to be " + text_of(*apex) + " from the file's name; --zone NAME says otherwise");
    return {};
  }
  return loaded;
}

std::optional<LoadedZone> LoadedZone::load_and_check(const std::string& path, const std::optional<dns::Name>& name,
                                                     std::optional<UnixTime> at, Diagnostics& found, const ZoneFolders& folders,
                                                     const server::ZoneLimits& limits) {
  Progress progress(path);
  std::optional<LoadedZone> loaded = load(path, name, found, folders, limits.sizes<zone::SizeLimits>(), progress);
  if (!loaded) return {};
  zone::Diagnostics checks;
  zone::CheckOptions how;
  how.now = at;
  how.index = loaded->index_.get();
  progress.phase("checking");
  zone::check_zone(loaded->zone(), how, checks);
  loaded->report(checks, found);
  return loaded;
}

void LoadedZone::warn_of_signatures(UnixTime now, Duration ahead, Diagnostics& found) const {
  const zone::SignatureTimes times = zone::look_at_signatures(*zone_, now, ahead);
  if (times.any()) found.warning({path_}, text_of(times));
}

bool LoadedZone::read_records(const zone::SizeLimits& limits, Diagnostics& found, Progress& progress) {
  const size_t errors_before = found.error_count();
  const dns::Name& apex = texts_->primary()->zones.front().name;
  size_t outside = 0;
  Place second_outside;
  size_t octets = 0;
  for (const zone::SourceFile& file : files_) octets += file.text.size();
  zone::MasterFile reader(files_, apex);
  zone::ZoneBuilder builder(*memory_, apex, octets, nullptr, limits);
  zone::Record record;
  u64 records = 0;
  for (;;) {
    const auto more = reader.next(record);
    progress.at(++records, files_.front().text.size() - reader.octets_left(), files_.front().text.size());
    if (!more) {
      // Of a file that is read for another zone all owners are wrong in the same way.
      if (more.error().error.problem == zone::owner_outside && outside++ != 0) {
        if (outside == 2)
          second_outside = {std::string(more.error().path), more.error().error.at.line, more.error().error.at.column};
        continue;
      }
      found.add(to_diagnostic(more.error().path, more.error().error, Diagnostic::Severity::error));
      continue;
    }
    if (!more.value()) break;
    index_->add(record);
    if (const auto added = builder.add(*record.owner, record.type, record.ttl, record.rdata); !added) {
      const Place at{std::string(files_.at(record.position.file).path), record.position.at.line, record.position.at.column};
      found.error(at, std::string(zone::describe(added.error())));
    }
  }
  if (outside > 1)
    found.error(second_outside, "this owner" +
                                    (outside == 2 ? std::string(" is") : " and " + std::to_string(outside - 2) + " more are") +
                                    " outside the zone too");
  index_->finish();
  for (const zone::MasterFileError& warning : reader.warnings()) {
    found.add(to_diagnostic(warning.path, warning.error, Diagnostic::Severity::warning));
  }
  if (found.error_count() != errors_before) return false;
  progress.phase("building the zone");
  const auto built = builder.finish();
  if (!built) {
    const dns::Name owner = builder.error_owner();
    Place at{path_};
    if (const auto position = index_->find(owner, builder.error_type().value_or(dns::RrType::SOA))) {
      at = {std::string(files_.at(position->file).path), position->at.line, position->at.column};
    }
    std::string what = text_of(owner);
    if (const auto type = builder.error_type()) what += " " + text_of(dns::TypeText{*type});
    what += ": " + std::string(zone::describe(built.error()));
    if (const u64 limit = zone::limit_exceeded(built.error(), limits); limit != 0) what += " (" + std::to_string(limit) + ")";
    found.error(std::move(at), what);
    return false;
  }
  zone_ = built.value();
  return true;
}

void LoadedZone::report(const zone::Diagnostics& checks, Diagnostics& found) const {
  for (size_t i = 0; i < checks.size(); ++i) {
    const zone::Diagnostics::Item item = checks[i];
    Place at{path_};
    if (item.position) {
      at = {std::string(files_.at(item.position->file).path), item.position->at.line, item.position->at.column};
    }
    const bool error = item.severity == zone::Severity::error;
    found.add(
        {error ? Diagnostic::Severity::error : Diagnostic::Severity::warning, std::move(at), std::string(item.text), {}, {}});
  }
  const size_t more = checks.error_count() + checks.warning_count() - checks.size();
  if (more != 0) {
    const std::string text = "and " + std::to_string(more) + " more";
    checks.error_count() != 0 ? found.error({path_}, text) : found.warning({path_}, text);
  }
}

}  // namespace samara::ops
