// ZoneLoader: what updates change, and what gives way to them.
#include <algorithm>

#include "platform/base/log.h"
#include "server/zone_loader.h"
#include "zone/content_digest.h"

namespace samara::server {

namespace {

// For what can go, with each batch of updates.
constexpr size_t zones_looked_at = 1'000;
// Beside room for a copy of the largest zone that updates change, these parts of zone memory are kept free. The first is for
// deletions, which need some before they give any back. Zones stop growing before it, by a quarter of their own copy or the
// second part, whatever is less, so that large ones do not keep small ones from being changed. Below the last memory is scarce.
constexpr size_t memory_per_deletions = 32;
constexpr size_t memory_per_large_zone = 16;
constexpr size_t copies_per_distance = 4;
constexpr size_t memory_per_scarcity = 8;
constexpr std::string_view storage_is_full = "the storage is full: only deletions are possible";
constexpr std::string_view storage_failed = "the change could not be stored";
constexpr std::string_view memory_is_full = "zone memory is full: only deletions are possible";
constexpr std::string_view memory_is_held =
    "zone memory is full: earlier versions are still read, or the zone takes more than half of it";
constexpr std::string_view no_data = "the zone has no data";

bool is_out_of_memory(const zone::Patch::Failed& why) {
  return why.build == zone::BuildError::out_of_memory;
}

}  // namespace

u64 ZoneLoader::content_octets(const dns::Name& apex) {
  ServedZone& zone = *find(apex);
  if (!zone.octets.has_value()) zone.octets = zone::content_octets(*zone.versions->zone());
  return *zone.octets;
}

// What only earlier versions use counts: their readers go, and the slowest transfers are made to.
size_t ZoneLoader::free_memory() const {
  const size_t in_use = memory_.in_use() - retired_.octets();
  return memory_.usable() - std::min(memory_.usable(), in_use);
}

bool ZoneLoader::is_memory_scarce() const {
  return free_memory() < largest_copy_ + memory_.usable() / memory_per_scarcity;
}

// Also when updates have changed a zone that is too large to be provided for.
bool ZoneLoader::is_memory_scarce_for(const ServedZone& zone) const {
  if (is_memory_scarce()) return true;
  if (!zone.file.has_value() || zone.copy_octets != 0 || !zone.versions->zone().has_value()) return false;
  return free_memory() < zone.versions->copy_octets();
}

// A zone is provided for from its first change on, if it can be. One of more than about half of zone memory is not: it can only
// be made smaller, and that as long as it leaves the others room.
bool ZoneLoader::is_memory_for(ServedZone& zone, i64 growth) {
  const size_t room = free_memory();
  const size_t octets = zone.versions->copy_octets();
  const size_t kept = memory_.usable() / memory_per_deletions;
  const size_t distance = std::min(octets / copies_per_distance, memory_.usable() / memory_per_large_zone);
  if (growth < 0) {
    if (zone.copy_octets == 0 && room >= octets) provide_for_copy(zone);
    return zone.copy_octets != 0 || room >= largest_copy_ + kept + distance;
  }
  // The copy may be larger than the zone is now, and another one must have room beside it.
  const size_t more = octets - zone.versions->octets();
  if (room < std::max(largest_copy_, octets) + more + kept + distance) return false;
  provide_for_copy(zone);
  return true;
}

// Deletions make no copy larger, so that what they write is not counted here.
void ZoneLoader::provide_for_copy(ServedZone& zone) {
  const size_t before = std::exchange(zone.copy_octets, zone.versions->copy_octets());
  if (before == 0) provided_for_.push_back(static_cast<u32>(&zone - zones_.data()));
  if (before < largest_copy_ || zone.copy_octets >= before) {
    largest_copy_ = std::max(largest_copy_, zone.copy_octets);
    return;
  }
  largest_copy_ = 0;
  for (const u32 at : provided_for_) largest_copy_ = std::max(largest_copy_, zones_[at].copy_octets);
}

// A load may have taken the memory for a copy.
void ZoneLoader::provide_for_copies() {
  provided_for_.clear();
  largest_copy_ = 0;
  for (ServedZone& zone : zones_) {
    zone.copy_octets = 0;
    if (zone.file.has_value() && zone.versions->zone().has_value() && free_memory() >= zone.versions->copy_octets()) {
      provide_for_copy(zone);
    }
  }
}

bool ZoneLoader::is_room_scarce() {
  return is_memory_scarce() || (archive_ != nullptr && archive_->is_scarce(*this));
}

std::optional<zone::RetiredExtents::Hold> ZoneLoader::transfer_to_end() {
  if (!memory_.is_scarce() || retired_.is_any_asked_to_end()) return std::nullopt;
  const auto slowest = retired_.take_slowest();
  if (slowest.has_value()) {
    log(Level::warning, "zone ", slowest->zone, ": the slowest of its transfers is ended: zone memory runs short");
  }
  return slowest;
}

bool ZoneLoader::is_unsettled(const ServedZone& zone) const {
  return std::ranges::find(unsettled_, zone.apex, &Unsettled::apex) != unsettled_.end();
}

bool ZoneLoader::is_settling_due() const {
  return is_memory_scarce() && std::ranges::any_of(unsettled_, [&](const Unsettled& change) {
           return find(change.apex)->versions->compaction_due(true);
         });
}

// Where there was no room it is tried again once there is more, or the zone has grown to double of what it had.
bool ZoneLoader::compact(ServedZone& zone, bool scarce) {
  const size_t growth = zone.versions->growth();
  if (memory_.in_use() >= zone.in_use_when_tried && growth / 2 < zone.growth_when_tried) return false;
  const auto compacted = zone.versions->compact(scarce);
  log(Level::debug, "zone ", zone.apex, ": ", compacted.ok() ? "compacted" : zone::describe(compacted.error()));
  zone.in_use_when_tried = compacted.ok() ? SIZE_MAX : memory_.in_use();
  zone.growth_when_tried = growth;
  if (!compacted.ok()) return false;
  set_due_ = true;
  if (zone.copy_octets != 0) provide_for_copy(zone);
  return true;
}

void ZoneLoader::compact_if_due(ServedZone& zone) {
  const bool scarce = is_memory_scarce_for(zone);
  if (!zone.in_hand && zone.versions->compaction_due(scarce)) compact(zone, scarce);
}

// What is not settled may have to be taken back, and is not compacted before.
bool ZoneLoader::make_memory_free(ServedZone& zone) {
  bool made = false;
  if (!zone.in_hand && !is_unsettled(zone) && zone.versions->is_worth_compacting(true) && compact(zone, true)) {
    retire(zone);
    made = true;
  }
  return let_something_go(true) || made;
}

Result<void, std::string_view> ZoneLoader::change(const dns::Name& apex, zone::Patch& patch, i64 growth) {
  ServedZone* found = find(apex);
  if (found == nullptr || !found->versions->zone().has_value()) return fail(no_data);
  if (archive_ != nullptr && !archive_->is_usable()) return fail(storage_failed);
  // A change that no set could publish is not made at all.
  sets_.refill();
  const std::string_view full = growth < 0 ? memory_is_held : memory_is_full;
  if (!sets_.has_room()) return fail(full);
  // This is remembered of the file once updates change the zone that was read from it.
  const zone::Zone& now = *found->versions->zone();
  const zone::store::FileMark file =
      found->file.has_value()
          ? *found->file
          : zone::store::FileMark{.serial = now.serial(),
                                  .digest = found->digest.has_value() ? *found->digest : zone::content_digest(now)};
  auto before = found->versions->savepoint();
  auto changed = found->versions->apply(patch);
  for (bool first = true; changed.ok() ? !is_memory_for(*found, growth) : is_out_of_memory(changed.error()); first = false) {
    if (changed.ok()) found->versions->back_to(std::move(before));
    if (!first || !make_memory_free(*found)) return fail(full);
    before = found->versions->savepoint();
    changed = found->versions->apply(patch);
  }
  if (!changed.ok()) {
    const zone::Patch::Failed& why = changed.error();
    return fail(why.build.has_value() ? zone::describe(*why.build) : zone::describe(why.error));
  }
  if (archive_ != nullptr) {
    const auto saved = archive_->save(changed.value(), {.refreshed = {}, .expires = {}, .file = file},
                                      {.shrinks = growth < 0, .before = before.zone, .zones = this});
    if (!saved.ok()) {
      found->versions->back_to(std::move(before));
      return fail(saved.error() == zone::store::StoreError::full ? storage_is_full : storage_failed);
    }
  }
  if (archive_ == nullptr) {
    compact_if_due(*found);
    retire(*found);
  } else if (!is_unsettled(*found)) {
    unsettled_.push_back({.apex = apex, .before = std::move(before), .file = found->file, .octets = found->octets});
  }
  sets_.touch(apex);
  found->file = file;
  if (found->octets.has_value()) *found->octets += static_cast<u64>(growth);
  return {};
}

// When memory is scarce the steps of any zone give way, not only those of the zones that change: else a client that may change
// one, within limits that its history does not count against, would leave the others without room. So does what any has left
// behind. One zone at a time.
bool ZoneLoader::let_something_go(bool scarce) {
  if (!scarce) return false;
  for (size_t i = std::min(zones_.size(), zones_looked_at); i > 0; --i) {
    let_go_at_ = let_go_at_ + 1 < zones_.size() ? let_go_at_ + 1 : 0;
    ServedZone& zone = zones_[let_go_at_];
    if (zone.versions == nullptr || zone.in_hand || !zone.versions->is_worth_compacting(true)) continue;
    if (is_unsettled(zone) || !compact(zone, true)) continue;
    retire(zone);
    return true;
  }
  return false;
}

bool ZoneLoader::settle() {
  if (unsettled_.empty()) {
    let_something_go(is_memory_scarce());
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
  if (durable) let_something_go(is_memory_scarce());
  return durable;
}

}  // namespace samara::server
