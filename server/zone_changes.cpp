// ZoneLoader: what updates change, and what gives way to them.
#include <algorithm>

#include "platform/base/log.h"
#include "server/zone_loader.h"
#include "zone/content_digest.h"

namespace samara::server {

namespace {

// For histories that can go, with each batch of updates.
constexpr size_t zones_looked_at = 1'000;
constexpr std::string_view storage_is_full = "the storage is full: only deletions are possible";
constexpr std::string_view storage_failed = "the change could not be stored";
constexpr std::string_view memory_is_full = "zone memory is full: only deletions are possible";
constexpr std::string_view no_data = "the zone has no data";

}  // namespace

u64 ZoneLoader::content_octets(const dns::Name& apex) {
  ServedZone& zone = *find(apex);
  if (!zone.octets.has_value()) zone.octets = zone::content_octets(*zone.versions->zone());
  return *zone.octets;
}

bool ZoneLoader::is_room_scarce() {
  return memory_.is_scarce() || (archive_ != nullptr && archive_->is_scarce(*this));
}

std::optional<zone::RetiredExtents::Hold> ZoneLoader::transfer_to_end() {
  if (!memory_.is_scarce() || retired_.is_any_asked_to_end()) return std::nullopt;
  const auto slowest = retired_.take_slowest();
  if (slowest.has_value()) {
    log(Level::warning, "zone ", slowest->zone, ": the slowest of its transfers is ended: zone memory runs short");
  }
  return slowest;
}

// A change that no set could publish is not made at all.
bool ZoneLoader::is_memory_full(i64 growth) {
  sets_.refill();
  return !sets_.has_room() || (growth >= 0 && memory_.is_nearly_full());
}

Result<void, std::string_view> ZoneLoader::change(const dns::Name& apex, zone::Patch& patch, i64 growth) {
  ServedZone* found = find(apex);
  if (found == nullptr || !found->versions->zone().has_value()) return fail(no_data);
  if (archive_ != nullptr && !archive_->is_usable()) return fail(storage_failed);
  if (is_memory_full(growth)) return fail(memory_is_full);
  // This is remembered of the file once updates change the zone that was read from it.
  const zone::Zone& now = *found->versions->zone();
  const zone::store::FileMark file =
      found->file.has_value()
          ? *found->file
          : zone::store::FileMark{.serial = now.serial(),
                                  .digest = found->digest.has_value() ? *found->digest : zone::content_digest(now)};
  std::optional<zone::VersionedZone::Savepoint> before;
  if (archive_ != nullptr) before = found->versions->savepoint();
  const auto changed = found->versions->apply(patch);
  if (!changed.ok()) {
    const zone::Patch::Failed& why = changed.error();
    if (why.build == zone::BuildError::out_of_memory) return fail(memory_is_full);
    return fail(why.build.has_value() ? zone::describe(*why.build) : zone::describe(why.error));
  }
  if (archive_ != nullptr) {
    const auto saved = archive_->save(changed.value(), {.refreshed = {}, .expires = {}, .file = file},
                                      {.shrinks = growth < 0, .before = before->zone, .zones = this});
    if (!saved.ok()) {
      found->versions->back_to(std::move(*before));
      return fail(saved.error() == zone::store::StoreError::full ? storage_is_full : storage_failed);
    }
  }
  if (archive_ == nullptr) {
    compact_if_due(*found);
    retire(*found);
  } else if (std::ranges::find(unsettled_, apex, &Unsettled::apex) == unsettled_.end()) {
    unsettled_.push_back({.apex = apex, .before = std::move(*before), .file = found->file, .octets = found->octets});
  }
  sets_.touch(apex);
  found->file = file;
  if (found->octets.has_value()) *found->octets += static_cast<u64>(growth);
  return {};
}

// When memory is scarce the steps of any zone give way, not only those of the zones that change: else a client that may change
// one, within limits that its history does not count against, would leave the others without room. One zone at a time.
void ZoneLoader::let_history_go() {
  if (!memory_.is_scarce()) return;
  for (size_t i = std::min(zones_.size(), zones_looked_at); i > 0; --i) {
    history_at_ = history_at_ + 1 < zones_.size() ? history_at_ + 1 : 0;
    ServedZone& zone = zones_[history_at_];
    if (zone.versions == nullptr || zone.in_hand || !zone.versions->is_history_due()) continue;
    if (memory_.in_use() >= zone.in_use_when_tried) continue;
    const auto compacted = zone.versions->compact();
    zone.in_use_when_tried = compacted.ok() ? SIZE_MAX : memory_.in_use();
    if (!compacted.ok()) continue;
    log(Level::debug, "zone ", zone.apex, ": its history goes: zone memory runs short");
    return retire(zone);
  }
}

bool ZoneLoader::settle() {
  if (unsettled_.empty()) {
    let_history_go();
    return true;
  }
  const bool durable = archive_->sync();
  for (Unsettled& change : unsettled_) {
    ServedZone& zone = *find(change.apex);
    if (durable) {
      compact_if_due(zone);
      retire(zone);
      continue;
    }
    const dns::Serial lost = zone.versions->zone()->serial();
    zone.versions->back_to(std::move(change.before));
    sets_.touch(zone.apex);
    zone.file = change.file;
    zone.octets = change.octets;
    log(Level::error, "zone ", zone.apex, ": updates up to serial ", lost.value(),
        " are not made: the storage fails; the zone stays at serial ", zone.versions->zone()->serial().value());
  }
  unsettled_.clear();
  if (durable) let_history_go();
  return durable;
}

}  // namespace samara::server
