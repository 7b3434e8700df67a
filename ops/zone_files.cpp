// The texts of a zone: its file and what that includes. The image opens no files, so all of them travel in the boot blob.
#include <algorithm>
#include <array>

#include "ops/deployment.h"
#include "ops/files.h"
#include "zone/include_scan.h"

namespace samara::ops {

bool add_zone(Deployment& deployment, const dns::Name& name, const std::string& path, const Place& asked_at,
              Diagnostics& found) {
  struct Wanted {
    std::string path;
    Place asked_at;
  };
  const size_t errors_before = found.error_count();
  server::ZoneSource zone;
  zone.name = name;
  // Breadth first; a file that is included twice, or includes itself, is read once (the parser limits the nesting).
  std::vector<Wanted> wanted{{path, asked_at}};
  bool readable = true;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Wanted current = wanted[i];
    if (i == server::max_zone_files) {
      found.error(current.asked_at, "too many included files",
                  "at most " + std::to_string(server::max_zone_files) + " files a zone");
      break;
    }
    Result<std::string, FileError> text = read_file(current.path);
    if (!text) {
      const bool names_itself = current.asked_at.file == current.path;
      const std::string which = names_itself ? "" : "zone file " + in_quotes(current.path, longest_path) + " ";
      if (found.unreadable_file(current.asked_at, which + text.error().problem, text.error().is_permission())) readable = false;
      continue;
    }
    const server::ZoneFile file{deployment.keep(current.path), deployment.keep(std::move(text).value())};
    zone.files.push_back(file);
    zone::IncludeScan scan({file.path, file.text});
    std::array<char, zone::max_path_size> memory{};
    for (TextWriter included(memory); scan.next(included); included.clear()) {
      const bool known = std::ranges::find(wanted, included.view(), &Wanted::path) != wanted.end();
      const dns::TextPosition at = scan.position();
      if (!known) wanted.push_back({std::string(included.view()), {current.path, at.line, at.column}});
    }
  }
  if (found.error_count() != errors_before) return false;
  if (!readable) zone.files.clear();  // the image keeps the version it serves
  deployment.primary()->zones.push_back(std::move(zone));
  return true;
}

}  // namespace samara::ops
