// The texts of a zone: its file and what that includes. The image opens no files, so all of them travel in the boot blob.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "ops/deployment.h"
#include "ops/files.h"
#include "zone/include_scan.h"

namespace samara::ops {

namespace {

// What a file takes in a blob besides its octets: names, lengths, padding.
constexpr u64 blob_octets_of_a_file = 128;

u64 octets_of(const server::ZoneFile& file) {
  return file.path.size() + file.text.size() + blob_octets_of_a_file;
}

u64 octets_of(const server::ZoneSource& zone) {
  u64 octets = 0;
  for (const server::ZoneFile& file : zone.files) octets += octets_of(file);
  return octets;
}

class Reader {
 public:
  Reader(Deployment& deployment, const std::string& path, const Place& asked_at, Diagnostics& found)
      : deployment_(deployment),
        folders_(deployment.folders.of_zone(path)),
        found_(found),
        wanted_{{path, asked_at}},
        known_{path} {}

  // Breadth first; a file that is included twice, or includes itself, is read once (the parser limits the nesting). False:
  // found_ has said why.
  bool read(server::ZoneSource& zone) {
    for (size_t i = 0; i < wanted_.size(); ++i) {
      const Wanted current = wanted_[i];
      if (i == server::max_zone_files) {
        const std::string limit = "at most " + std::to_string(server::max_zone_files) + " files a zone";
        found_.unreadable_file(current.asked_at, "too many included files", false, limit);
        return false;
      }
      auto text = i == 0 ? folders_.read_zone_file(current.path, left_) : folders_.read(current.path, left_);
      if (!text) {
        report(current, text.error());
        whole_ = false;
        continue;
      }
      zone.files.push_back({deployment_.keep(current.path), deployment_.keep(std::move(text).value())});
      left_ -= std::min(left_, octets_of(zone.files.back()));
      scan(zone.files.back());
    }
    return whole_;
  }

 private:
  struct Wanted {
    std::string path;
    Place asked_at;
  };

  void scan(const server::ZoneFile& file) {
    zone::IncludeScan scan({file.path, file.text});
    std::array<char, zone::max_path_size> memory{};
    for (TextWriter included(memory); scan.next(included); included.clear()) {
      if (wanted_.size() > server::max_zone_files) return;  // one too many is enough to say so
      if (!known_.emplace(included.view()).second) continue;
      const dns::TextPosition at = scan.position();
      wanted_.push_back({std::string(included.view()), {std::string(file.path), at.line, at.column}});
    }
  }

  void report(const Wanted& file, const FileError& error) {
    const bool names_itself = file.asked_at.file == file.path;
    const std::string which = names_itself ? "" : "zone file " + in_quotes(file.path, longest_path) + " ";
    const bool refused = error.code == EXDEV || error.code == EINVAL;
    found_.unreadable_file(file.asked_at, which + error.problem, error.is_permission(),
                           refused ? folders_.expectation() : "a readable file");
  }

  Deployment& deployment_;
  ZoneFolders folders_;
  Diagnostics& found_;
  std::vector<Wanted> wanted_;
  std::unordered_set<std::string> known_;
  u64 left_ = max_zone_octets;
  bool whole_ = true;
};

void drop_texts(Deployment& deployment, server::ZoneSource& zone) {
  for (const server::ZoneFile& file : zone.files) deployment.drop(file.text);
  zone.files.clear();
}

// Whoever has most makes room.
bool make_room(Deployment& deployment, const Place& asked_at, Diagnostics& found) {
  std::vector<server::ZoneSource>& zones = deployment.primary()->zones;
  bool good = true;
  while (deployment.zone_octets > max_zone_octets) {
    const auto largest = std::ranges::max_element(zones, {}, [](const auto& zone) { return octets_of(zone); });
    const u64 octets = octets_of(*largest);
    TextBuffer<dns::max_name_text + 8> name;
    largest->name.write_text(name.writer());
    good &= found.unreadable_file(
        {asked_at.file}, "zone " + std::string(name.view()) + " has " + std::to_string(octets) + " octets in its files", false,
        "at most " + std::to_string(max_zone_octets) + " octets in the files of all zones");
    deployment.zone_octets -= octets;
    drop_texts(deployment, *largest);
  }
  return good;
}

}  // namespace

bool add_zone(Deployment& deployment, const dns::Name& name, const std::string& path, const Place& asked_at,
              Diagnostics& found) {
  const size_t errors_before = found.error_count();
  server::ZoneSource zone;
  zone.name = name;
  const bool whole = Reader(deployment, path, asked_at, found).read(zone);
  if (!whole) drop_texts(deployment, zone);
  deployment.zone_octets += octets_of(zone);
  deployment.primary()->zones.push_back(std::move(zone));
  return make_room(deployment, asked_at, found) && found.error_count() == errors_before;
}

}  // namespace samara::ops
