#include "ops/storage/zone_export.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "dns-core/rdata/rdata_text.h"
#include "dns-core/record_image.h"
#include "ops/files.h"
#include "ops/text_of.h"
#include "ops/yaml/reading.h"
#include "ops/zone/loaded_zone.h"
#include "zone/format.h"
#include "zone/revision.h"
#include "zone/store/zone_archive.h"

namespace samara::ops {

namespace {

using zone::store::FileMark;
using zone::store::MemberMark;
using zone::store::RecordBatch;
using zone::store::ZoneArchive;
using zone::store::ZoneState;
using zone::store::ZoneSummary;

constexpr std::string_view first_line = "; samara storage export 1\n";
constexpr std::string_view zone_suffix = ".zone";
constexpr size_t longest_file_name = 200;
constexpr size_t longest_record_text = 300'000;

// A zone's name as that of a file: it may have slashes, or be too long.
std::string file_name(const dns::Name& name, size_t number) {
  const std::string text = text_of(name);
  std::string file;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c == '/' || c == '%') {
      file += c == '/' ? "%2F" : "%25";
    } else {
      file += c;
    }
  }
  if (file.empty()) return "%root";
  if (file.size() > longest_file_name || file.starts_with('.')) return "%zone-" + std::to_string(number);
  return file;
}

constexpr std::string_view members_label = "zones";

// LABEL.zones.CATALOG, which the PTR record of the member had (RFC 9432 section 4.1).
dns::Name member_node(const MemberMark& mark) {
  std::array<u8, members_label.size()> zones{};
  std::ranges::copy(members_label, zones.begin());
  auto node = mark.catalog().child(zones);
  if (node) node = node.value().child(mark.unique());
  return node ? node.value() : mark.catalog();
}

// Reads back what member_node() made; no member, if it is none.
MemberMark mark_of(const dns::Name& node) {
  const Bytes wire = node.wire();
  const size_t catalog = size_t{1} + wire[0] + 1 + members_label.size();
  if (wire[0] == 0 || catalog >= wire.size()) return {};
  std::vector<u8> octets(wire.begin() + static_cast<std::ptrdiff_t>(catalog), wire.end());
  octets.insert(octets.end(), wire.begin() + 1, wire.begin() + 1 + wire[0]);
  return MemberMark::read(octets).value_or(MemberMark());
}

std::string summary_comments(const ZoneSummary& zone) {
  std::string text(first_line);
  text += "; zone " + text_of(zone.name) + "\n";
  if (!zone.state) return text;
  if (const auto& file = zone.state->file) {
    text += "; file-serial " + std::to_string(file->serial.value()) + "\n";
    if (file->digest) text += "; file-digest " + std::to_string(*file->digest) + "\n";
  } else {
    text += "; refreshed " + std::to_string(zone.state->refreshed.seconds) + "\n";
    text += "; expires " + std::to_string(zone.state->expires.seconds) + "\n";
    if (zone.state->member.is_there()) text += "; member " + text_of(member_node(zone.state->member)) + "\n";
  }
  return text;
}

// Reads back from summary_comments(): the value of `key` in the lines in front of the records.
std::optional<std::string> exported_value(std::string_view text, std::string_view key) {
  const std::string wanted = "; " + std::string(key) + " ";
  while (text.starts_with(';')) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (text.starts_with(wanted)) return std::string(text.substr(wanted.size(), end - wanted.size()));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

std::optional<u64> number_of(std::string_view text, std::string_view key, u64 most) {
  const std::optional<std::string> digits = exported_value(text, key);
  if (!digits || digits->empty()) return {};
  u64 number = 0;
  for (const char c : *digits) {
    const auto digit = static_cast<u64>(c - '0');
    if (c < '0' || c > '9' || number > (most - digit) / 10) return {};
    number = number * 10 + digit;
  }
  return number;
}

// The differences of a zone as lines for a person.
class Changes final : public zone::store::ZoneVisitor {
 public:
  bool on_batch(const RecordBatch& batch) override {
    if (batch.of == RecordBatch::Of::snapshot) return true;
    if (soas_ == 0) {
      text_ += "; from serial " + std::to_string(batch.from.value()) + " to " + std::to_string(batch.to.value()) + "\n";
    }
    dns::RecordImages images(batch.records);
    for (auto image = images.next(); image; image = images.next()) {
      // RFC 1995 section 4: the old SOA, what goes, the new SOA, what comes.
      if (image->type == dns::RrType::SOA) ++soas_;
      std::vector<char> memory(longest_record_text);
      TextWriter line(memory);
      image->owner.write_text(line);
      line.put(' ');
      line.put(image->ttl.seconds());
      line.put(" IN ");
      dns::write_type(image->type, line);
      line.put(' ');
      dns::write_rdata_text(image->type, image->rdata, line);
      text_ += (soas_ < 2 ? "- " : "+ ") + std::string(line.view()) + "\n";
    }
    if (batch.last) soas_ = 0;
    return !images.bad();
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  size_t soas_ = 0;
};

bool write_export(const std::string& path, std::string_view text, Diagnostics& found) {
  const auto written = write_file(path, text, owner_only);
  if (!written) found.error({path}, written.error().problem);
  return written.ok();
}

}  // namespace

size_t export_zones(OpenStore& from, const std::string& folder, Diagnostics& found) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    found.error({folder}, "cannot be made: " + problem.message());
    return 0;
  }
  // Master files have the names that zones are written under.
  if (!std::filesystem::is_empty(folder, problem)) {
    found.error({folder}, problem ? "cannot be read: " + problem.message() : "has files in it, which stay as they are",
                "a new folder, or an empty one");
    return 0;
  }
  const auto archive = ZoneArchive::open(from.storage(), from.rng(), zone::store::ZoneStore::Use::read);
  if (archive == nullptr) return 0;
  size_t number = 0;
  size_t done = 0;
  for (const ZoneSummary& summary : from.zones()) {
    const std::string path = folder + "/" + file_name(summary.name, ++number);
    ReservedMemory region(zone::max_zone_memory);
    zone::ZoneMemory memory(region.bytes());
    zone::VersionedZone versions(memory, zone::HistoryLimits{});
    const bool whole = archive->restore(summary.name, memory, versions);
    const auto zone = versions.zone();
    if (!whole) {
      found.error({folder}, "zone " + text_of(summary.name) + ": damaged in the storage" +
                                (zone ? "; what was written after serial " + std::to_string(zone->serial().value()) + " is lost"
                                      : "; nothing of it is left"));
    }
    if (!zone) continue;
    std::string text = summary_comments(summary);
    zone::write_zone(*zone, [&](std::string_view line) { text += line; });
    if (!write_export(path + std::string(zone_suffix), text, found)) continue;
    ++done;
    Changes changes;
    const auto restored = from.store().restore(summary.name, changes);
    if (restored && !changes.text().empty()) write_export(path + ".changes", changes.text(), found);
  }
  return done;
}

size_t import_zones(const std::string& folder, OpenStore& to, Diagnostics& found) {
  std::vector<std::string> paths;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    if (entry.path().string().ends_with(zone_suffix)) paths.push_back(entry.path().string());
  }
  if (problem) {
    found.error({folder}, "cannot be read: " + problem.message(), "a folder that `samara storage export` made");
    return 0;
  }
  std::ranges::sort(paths);
  const auto archive = ZoneArchive::open(to.storage(), to.rng());
  if (archive == nullptr) return 0;
  size_t done = 0;
  for (const std::string& path : paths) {
    const auto text = read_file(path);
    const auto name_text = text ? exported_value(text.value(), "zone") : std::nullopt;
    const auto name = name_text ? yaml::parse_name(*name_text) : dns::Name::parse("", dns::Name());
    if (!text || !text.value().starts_with(first_line) || !name_text || !name) {
      found.error({path}, text ? "not written by `samara storage export`" : text.error().problem, "its first lines");
      continue;
    }
    ZoneState state;
    if (const auto serial = number_of(text.value(), "file-serial", UINT32_MAX)) {
      state.file = FileMark{.serial = dns::Serial(static_cast<u32>(*serial)),
                            .digest = number_of(text.value(), "file-digest", UINT64_MAX)};
    }
    state.refreshed = {static_cast<i64>(number_of(text.value(), "refreshed", INT64_MAX).value_or(0))};
    state.expires = {static_cast<i64>(number_of(text.value(), "expires", INT64_MAX).value_or(0))};
    if (const auto member = exported_value(text.value(), "member")) {
      const auto node = yaml::parse_name(*member);
      if (node) state.member = mark_of(node.value());
    }
    const auto loaded = LoadedZone::load(path, name.value(), found);
    if (!loaded) continue;
    if (!archive->save(loaded->zone(), state)) {
      found.error({path}, "does not fit into the storage", "a larger --size");
      continue;
    }
    ++done;
  }
  if (!archive->sync()) found.error({folder}, "the storage fails");
  return done;
}

}  // namespace samara::ops
