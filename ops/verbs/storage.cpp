// `samara storage`: what outlives a restart, looked at, written out and read in again (docs/storage.md).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "ops/files.h"
#include "ops/image/storage_file.h"
#include "ops/json.h"
#include "ops/storage/open_store.h"
#include "ops/storage/zone_export.h"
#include "ops/text_of.h"
#include "ops/verbs/verbs.h"
#include "platform/base/counted.h"

namespace samara::ops {

namespace {

using zone::store::ZoneSummary;

struct StorageOptions {
  std::string file;
  std::string folder;
  u64 size = u64{64} << 20;
  bool json = false;
};

ExitCode exit_code_after(const Diagnostics& found) {
  std::fflush(stdout);
  found.print();
  return found.good() ? ExitCode::good : found.exit_code();
}

// That it is a member of; empty: none.
std::string catalog_of(const ZoneSummary& zone) {
  return zone.state && zone.state->member.is_there() ? text_of(zone.state->member.catalog()) : std::string();
}

void print_table(OpenStore& opened) {
  for (const ZoneSummary& zone : opened.zones()) {
    std::string kept = "-";
    if (zone.state && zone.state->file) kept = "file serial " + std::to_string(zone.state->file->serial.value());
    if (zone.state && !zone.state->file) kept = "expires " + std::to_string(zone.state->expires.seconds);
    if (const std::string catalog = catalog_of(zone); !catalog.empty()) kept += ", member of " + catalog;
    std::printf("%s serial %u, %s, %llu octets, %u changes%s\n", text_of(zone.name).c_str(), zone.serial.value(), kept.c_str(),
                static_cast<unsigned long long>(zone.snapshot_octets) + zone.difference_octets, zone.differences,
                zone.damaged ? ", damaged" : "");
  }
  std::printf("%zu zones, %llu of %llu octets used\n", opened.store().zone_count(),
              static_cast<unsigned long long>(opened.store().used()), static_cast<unsigned long long>(opened.store().usable()));
}

void print_json(OpenStore& opened) {
  JsonWriter json;
  json.begin_object();
  json.member("used", opened.store().used());
  json.member("usable", opened.store().usable());
  json.key("zones");
  json.begin_array();
  for (const ZoneSummary& zone : opened.zones()) {
    json.begin_object();
    json.member("zone", text_of(zone.name));
    json.member("serial", zone.serial.value());
    json.member("octets", zone.snapshot_octets + zone.difference_octets);
    json.member("changes", zone.differences);
    json.member("damaged", zone.damaged);
    if (zone.state && zone.state->file) json.member("file-serial", zone.state->file->serial.value());
    if (zone.state && !zone.state->file) json.member("expires", static_cast<u64>(zone.state->expires.seconds));
    if (const std::string catalog = catalog_of(zone); !catalog.empty()) json.member("catalog", catalog);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  std::printf("%s\n", json.take().c_str());
}

ExitCode show_storage(const StorageOptions& options) {
  Diagnostics found;
  std::optional<OpenStore> opened = OpenStore::to_read(options.file, found);
  if (opened) options.json ? print_json(*opened) : print_table(*opened);
  return exit_code_after(found);
}

// Reads all of it: what only a restore would notice is noticed now.
class Reader final : public zone::store::ZoneVisitor {
 public:
  bool on_batch(const zone::store::RecordBatch& batch) override {
    dns::RecordImages images(batch.records);
    while (images.next()) ++records;
    return !images.bad();
  }
  u64 records = 0;
};

ExitCode check_storage(const StorageOptions& options) {
  Diagnostics found;
  std::optional<OpenStore> opened = OpenStore::to_read(options.file, found);
  if (!opened) return exit_code_after(found);
  const auto& report = opened->store().report();
  if (report.damaged_places != 0)
    found.error({options.file}, text_of(Counted{report.damaged_places, "damaged place"}) + ", where " +
                                    std::to_string(report.lost_octets) + " octets that were durable are lost");
  if (report.unreadable_blocks != 0)
    found.error({options.file}, text_of(Counted{report.unreadable_blocks, "block"}) + " that cannot be read");
  if (report.tail_cut) found.warning({options.file}, "the last write was interrupted; what was durable before it is there");
  Reader reader;
  for (const ZoneSummary& zone : opened->zones()) {
    const auto restored = opened->store().restore(zone.name, reader);
    if (!restored) {
      found.error({options.file}, "zone " + text_of(zone.name) + ": " + std::string(zone::store::describe(restored.error())));
    } else if (restored.value().damaged) {
      found.error({options.file}, "zone " + text_of(zone.name) + ": what was written after serial " +
                                      std::to_string(restored.value().serial.value()) + " is damaged");
    }
  }
  if (found.good())
    std::printf("%s: good, %zu zones, %llu records\n", options.file.c_str(), opened->store().zone_count(),
                static_cast<unsigned long long>(reader.records));
  return exit_code_after(found);
}

ExitCode write_out(const StorageOptions& options) {
  Diagnostics found;
  std::optional<OpenStore> opened = OpenStore::to_read(options.file, found);
  if (opened) std::printf("%s: %zu zones written\n", options.folder.c_str(), export_zones(*opened, options.folder, found));
  return exit_code_after(found);
}

// A file has its name once it is whole, and a device from the beginning: it has no other.
ExitCode read_in(const StorageOptions& options) {
  Diagnostics found;
  const std::string path = end_of_links(options.file);
  struct stat status{};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  const bool is_file = !is_there || S_ISREG(status.st_mode);
  if (is_there && is_file && status.st_size != 0) {
    found.error({options.file}, "is there already, and stays as it is", "a new file");
    return exit_code_after(found);
  }
  const std::string place = is_file ? path + ".imported" : path;
  if (is_file) ::unlink(place.c_str());
  const Result<Descriptor, FileError> file = open_storage(place, options.size);
  if (!file) {
    found.error({options.file}, file.error().problem);
    return exit_code_after(found);
  }
  size_t zones = 0;
  if (std::optional<OpenStore> opened = OpenStore::to_write(file.value(), options.file, found)) {
    if (opened->store().zone_count() != 0) {
      found.error({options.file}, "holds zones already, and stays as it is", "an empty one");
    } else {
      zones = import_zones(options.folder, *opened, found);
    }
  }
  if (is_file && found.good()) {
    const bool same_owner = !is_there || (::fchown(file.value().get(), status.st_uid, status.st_gid) == 0 &&
                                          ::fchmod(file.value().get(), status.st_mode & 0777U) == 0);
    if (!same_owner || ::fsync(file.value().get()) != 0 || ::rename(place.c_str(), path.c_str()) != 0)
      found.error({options.file}, std::generic_category().message(errno));
  }
  if (is_file && !found.good()) ::unlink(place.c_str());
  if (found.good()) std::printf("%s: %zu zones read\n", options.file.c_str(), zones);
  return exit_code_after(found);
}

CLI::App* add_verb(CLI::App& storage, Action& chosen, const std::shared_ptr<StorageOptions>& options, const std::string& name,
                   const std::string& what, ExitCode (*run)(const StorageOptions&)) {
  CLI::App* verb = storage.add_subcommand(name, what);
  verb->add_option("FILE", options->file, "The file (or block device) that `storage` in the manifest names")->required();
  verb->callback([options, &chosen, run] { chosen = [options, run] { return run(*options); }; });
  return verb;
}

}  // namespace

void add_storage(CLI::App& samara, Action& chosen) {
  auto options = std::make_shared<StorageOptions>();
  CLI::App* storage = samara.add_subcommand("storage", "Look into what outlives a restart, write it out and read it in");
  storage->require_subcommand(1);
  CLI::App* verb =
      add_verb(*storage, chosen, options, "show", "List the zones, their serials and the room they take", show_storage);
  verb->add_flag("--json", options->json, "As a JSON object on standard output");
  add_verb(*storage, chosen, options, "check", "Read all of it and say what is damaged", check_storage);
  verb =
      add_verb(*storage, chosen, options, "export", "Write the zones, with all updates, and their changes as text", write_out);
  verb->add_option("DIR", options->folder, "Where to: NAME.zone and NAME.changes for each zone")->required();
  verb = add_verb(*storage, chosen, options, "import", "Make a storage from what export wrote", read_in);
  verb->add_option("DIR", options->folder, "What export wrote")->required();
  verb->add_option("--size", options->size, "Its size: octets, or with a unit such as 64MiB")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  storage->footer(
      "The file must not be in use: stop the server, or look at a copy of the file, which may be made while it runs.\n\n"
      "Examples:\n"
      "  samara storage show /var/lib/samara/zones.store\n"
      "  samara storage export zones.store saved/\n"
      "  samara storage import new.store saved/ --size 128MiB");
}

}  // namespace samara::ops
