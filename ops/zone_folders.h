// ZoneFolders: which files zones may be made of. Whoever writes a zone's file names files to include, and may put a link or a
// pipe in the place of his own, while the one who reads them may be root. So a zone's files
//   - lie below the folders that are allowed here, wherever links lead: a link from one allowed place to another is fine;
//   - are regular files, which is found out before they are opened: a pipe or a device is never waited for;
//   - are not those that are withheld, under whatever name: the manifest and the files of its secrets.
//
// The allowed folders are those of the manifest's `zone-folders`. Where it names none, they are the manifest's own folder and,
// for each zone, the folder in which the manifest says that its file lies.
//
// A hard link cannot be told from the file itself: keep the system's fs.protected_hardlinks on, as Linux distributions do.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "ops/files.h"

namespace samara::ops {

class ZoneFolders {
 public:
  // Files may lie below `folder`. It is followed through links of root and of our own user only, so that nobody else decides
  // where it is. Error: there is no such folder, or the way to it is somebody else's link.
  Result<void, FileError> allow(const std::string& folder);
  // Only what was allowed counts: a zone's own folder does not.
  void allow_no_others() { own_folder_counts_ = false; }
  // A person names the zone's file here and now: it may be any, also a pipe. What it includes is confined as ever.
  void take_any_zone_file() { any_zone_file_ = true; }
  // The file is never read.
  void withhold(const std::string& path);

  // What counts for the zone whose file is `path`.
  ZoneFolders of_zone(const std::string& path) const;
  // The zone's own file, and one that it includes, of at most `most` octets.
  Result<std::string, FileError> read_zone_file(const std::string& path, u64 most) const;
  Result<std::string, FileError> read(const std::string& path, u64 most) const;
  // "a regular file below "/etc/samara"", for messages.
  std::string expectation() const;

 private:
  std::vector<std::string> folders_;  // as the system calls them, each with its final slash
  std::vector<std::pair<dev_t, ino_t>> withheld_;
  bool own_folder_counts_ = true;
  bool any_zone_file_ = false;
};

// For a verb that is given a zone's file.
inline ZoneFolders any_zone_file() {
  ZoneFolders folders;
  folders.take_any_zone_file();
  return folders;
}

}  // namespace samara::ops
