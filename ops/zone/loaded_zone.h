// A zone read from files for one of the `samara zone` verbs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/deployment.h"
#include "ops/diagnostics.h"
#include "ops/zone/reserved_memory.h"
#include "platform/base/time.h"
#include "zone/diagnostics.h"
#include "zone/memory.h"
#include "zone/record_index.h"
#include "zone/size_limits.h"
#include "zone/zone.h"

namespace samara::ops {

class Progress;

// A zone with the memory it lives in.
class LoadedZone {
 public:
  // Reads `path` and what it includes, and reports everything that is wrong. Without `name` the zone is called like its file,
  // less ".zone" or "db.". Nothing when there was an error.
  // A person names the file; `folders` are where what it includes may lie besides its own folder.
  static std::optional<LoadedZone> load(const std::string& path, const std::optional<dns::Name>& name, Diagnostics& found,
                                        const ZoneFolders& folders = any_zone_file());

  // The same, and the strict checks of a zone, of its size, its signatures' times as of `at` if given; errors of theirs are
  // reported but do not take the zone away.
  static std::optional<LoadedZone> load_and_check(const std::string& path, const std::optional<dns::Name>& name,
                                                  std::optional<UnixTime> at, Diagnostics& found,
                                                  const ZoneFolders& folders = any_zone_file(),
                                                  const server::ZoneLimits& limits = {});
  // Warns when signatures have expired at `now`, or will within `ahead`: as the server does, which serves them all the same.
  void warn_of_signatures(UnixTime now, Duration ahead, Diagnostics& found) const;

  const zone::Zone& zone() const { return *zone_; }
  zone::ZoneMemory& memory() const { return *memory_; }

 private:
  static std::optional<LoadedZone> load(const std::string& path, const std::optional<dns::Name>& name, Diagnostics& found,
                                        const ZoneFolders& folders, const zone::SizeLimits& limits, Progress& progress);
  // What check_zone() found, with the paths of our files.
  void report(const zone::Diagnostics& checks, Diagnostics& found) const;
  bool read_records(const zone::SizeLimits& limits, Diagnostics& found, Progress& progress);

  std::string path_;
  std::unique_ptr<Deployment> texts_;  // one zone in it
  std::vector<zone::SourceFile> files_;
  std::unique_ptr<ReservedMemory> region_;
  std::unique_ptr<zone::ZoneMemory> memory_;
  std::unique_ptr<zone::RecordIndex> index_;
  std::optional<zone::Zone> zone_;
};

// A syntax error as a diagnostic.
Diagnostic to_diagnostic(std::string_view path, const dns::SyntaxError& error, Diagnostic::Severity severity);

// The zone name a file name stands for: "zones/example.com.zone" and "db.example.com" are example.com. Nothing when that is no
// domain name.
std::optional<dns::Name> zone_name_of_file(const std::string& path);

}  // namespace samara::ops
