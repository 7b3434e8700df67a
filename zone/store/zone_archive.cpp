#include "zone/store/zone_archive.h"

#include <bit>

#include "platform/base/counted.h"
#include "platform/base/heap_room.h"
#include "platform/base/log.h"
#include "zone/builder.h"
#include "zone/diff.h"

namespace samara::zone::store {

namespace {

Result<void, StoreError> add_records(const Zone& zone, ZoneWriter& writer) {
  Result<void, StoreError> added;
  zone.for_each_record([&](const dns::Name& owner, RecordView record) {
    if (added.ok()) added = writer.add(owner, record.type(), record.ttl(), record.rdata());
  });
  return added;
}

// Versions of a zone from what the store has of it: the snapshot, then each difference.
class Restorer final : public ZoneVisitor {
 public:
  Restorer(ZoneMemory& memory, const dns::Name& apex, VersionedZone& zone, u64 octets)
      : memory_(memory), apex_(apex), zone_(zone), staged_in_heap_(heap_has(staged_per_octet * octets)) {}

  bool on_batch(const RecordBatch& batch) override {
    dns::RecordImages images(batch.records);
    for (auto image = images.next(); image.has_value(); image = images.next()) {
      if (!(batch.of == RecordBatch::Of::snapshot ? add_to_snapshot(*image) : add_to_difference(*image))) return false;
    }
    if (images.bad()) return false;
    if (!batch.last) return true;
    return batch.of == RecordBatch::Of::snapshot ? finish_snapshot() : finish_difference();
  }

 private:
  bool add_to_snapshot(const dns::RecordImage& image) {
    if (!builder_.has_value() && staged_in_heap_) builder_.emplace(memory_, apex_, 0, &rules_);
    if (!builder_.has_value()) builder_.emplace(memory_, apex_, rules_, SizeLimits());
    return builder_->add(image.owner, image.type, image.ttl, image.rdata).ok();
  }
  bool finish_snapshot() {
    if (!builder_.has_value()) return false;
    const auto built = builder_->finish();
    builder_->drop_staged();
    if (built.ok()) zone_.adopt(built.value());
    return built.ok();
  }
  // RFC 1995 section 4: the old SOA, what goes, the new SOA, what comes.
  bool add_to_difference(const dns::RecordImage& image) {
    if (image.type == dns::RrType::SOA) ++soas_;
    if (soas_ < 2) {
      patch_.delete_record(image.owner, image.type, image.rdata);
    } else {
      patch_.add_record(image.owner, image.type, image.ttl, image.rdata);
    }
    return true;
  }
  bool finish_difference() {
    const bool fits = zone_.zone().has_value() && zone_.apply(patch_, &rules_).ok();
    patch_ = {};
    soas_ = 0;
    return fits;
  }

  // Of a snapshot, in the heap, while vectors grow.
  static constexpr u64 staged_per_octet = 5;

  ZoneMemory& memory_;
  dns::Name apex_;
  VersionedZone& zone_;
  bool staged_in_heap_;  // where there is room: zone memory may have none beside the zone
  // What was served once is served again, whatever rules it breaks: whoever took it has said so.
  Diagnostics rules_;
  std::optional<ZoneBuilder> builder_;
  Patch patch_;
  u32 soas_ = 0;
};

// Zones that are in service as they are kept, and one that is kept otherwise than it is in service.
class FromService final : public WholeZones {
 public:
  // `anew`: the one is written whatever is kept of it.
  FromService(const ZonesInService& zones, const std::optional<Zone>& one, bool anew) : zones_(zones), one_(one), anew_(anew) {
    if (one_.has_value()) apex_ = one_->apex();
  }

  bool has(const ZoneSummary& kept) override {
    const bool is_one = one_.has_value() && kept.name == apex_;
    if (!(is_one && anew_) && (kept.differences == 0 || kept.damaged)) return false;
    zone_ = is_one ? one_ : zones_.zone_in_service(kept.name);
    return zone_.has_value() && ((is_one && anew_) || zone_->serial() == kept.serial);
  }
  dns::Serial serial() override { return zone_->serial(); }
  Result<void, StoreError> write(ZoneWriter& writer) override { return add_records(*zone_, writer); }

 private:
  const ZonesInService& zones_;
  std::optional<Zone> one_;
  bool anew_;
  dns::Name apex_;
  std::optional<Zone> zone_;
};

}  // namespace

std::unique_ptr<ZoneArchive> ZoneArchive::open(hal::Storage& storage, Rng& rng, ZoneStore::Use use) {
  auto store = ZoneStore::open(storage, rng, use);
  if (!store.ok()) {
    log(Level::error, "storage: ", describe(store.error()));
    return nullptr;
  }
  const OpenReport& report = store.value()->report();
  if (report.damaged_places != 0 || report.unreadable_blocks != 0) {
    log(Level::warning, "storage: ", Counted{report.damaged_places, "damaged place"}, ", where ", report.lost_octets,
        " octets that were durable are lost, ", Counted{report.unreadable_blocks, "block"}, " that cannot be read");
  }
  if (report.made) log(Level::info, "storage: it was empty; a new store of zones is made in it");
  if (report.tail_cut) {
    log(Level::info, "storage: the last write was interrupted; what was durable before it is there");
  }
  return std::unique_ptr<ZoneArchive>(new ZoneArchive(std::move(store).value()));
}

bool ZoneArchive::restore(const dns::Name& name, ZoneMemory& memory, VersionedZone& zone) {
  const auto kept = store_->find(name);
  Restorer restorer(memory, name, zone, kept.has_value() ? kept->snapshot_octets : 0);
  const auto restored = store_->restore(name, restorer);
  return restored.ok() && !restored.value().damaged && zone.zone().has_value();
}

void ZoneArchive::on_failure(const dns::Name& name, StoreError error) {
  if (error == StoreError::device || error == StoreError::taken) {
    if (!broken_) {
      log(Level::error,
          "storage: ", error == StoreError::device ? "it failed" : "another machine or process opened it after this one",
          "; nothing is written to it until the next start, the zones are served on");
    }
    broken_ = true;
    return;
  }
  // A full storage may have no room for any number of zones, time and again.
  constexpr u64 told_one_by_one = 20;
  ++not_stored_;
  if (not_stored_ > told_one_by_one && !std::has_single_bit(not_stored_)) return;
  log(Level::warning, "zone ", name, ": not stored: ", describe(error), "; the storage ",
      store_->find(name).has_value() ? "keeps the version it has" : "has no version of it");
  if (not_stored_ >= told_one_by_one) {
    log(Level::warning, "storage: that was the ", not_stored_, "th time since the start; not each is told of from now on");
  }
}

Result<void, StoreError> ZoneArchive::save(const Zone& zone, const ZoneState& state, const Means& means) {
  const dns::Name name = zone.apex();
  auto written = write(zone, state.member.is_there() ? Room::members : Room::usual, means);
  if (written.ok()) {
    unsynced_ = true;
    written = store_->put_state(name, state);
  }
  if (!written.ok() && (written.error() != StoreError::full || means.zones == nullptr)) on_failure(name, written.error());
  return written;
}

// Where the room for it is taken by steps, zones are written whole in their place. One that shrinks is the new one then, which
// fits where the old one did; of one that grows the new step follows, if there is room for it.
Result<void, StoreError> ZoneArchive::write(const Zone& zone, Room usual, const Means& means) {
  const auto written = write(zone, means.shrinks ? Room::reserve : usual);
  if (written.ok() || written.error() != StoreError::full || means.zones == nullptr) return written;
  if (!means.shrinks && !store_->is_fold_due()) return written;
  FromService whole(*means.zones, means.shrinks ? zone : means.before, means.shrinks);
  TRY(store_->fold(whole));
  const auto kept = store_->find(zone.apex());
  return means.shrinks && kept.has_value() ? Result<void, StoreError>() : write(zone, usual);
}

bool ZoneArchive::is_scarce(const ZonesInService& zones) {
  const auto scarce = [this] { return store_->used() > store_->usable() / 8 * 7; };
  if (!scarce()) return false;
  if (!broken_ && store_->is_fold_due()) {
    FromService whole(zones, std::nullopt, false);
    if (const auto folded = store_->fold(whole); !folded.ok()) on_failure(dns::Name(), folded.error());
  }
  return scarce();
}

// The steps from the version that is there, where they are known and do not outgrow the zone; or outgrow it, and the storage
// has no room for both the zone that is there and a new one.
Result<void, StoreError> ZoneArchive::write(const Zone& zone, Room room) {
  const dns::Name name = zone.apex();
  const auto kept = store_->find(name);
  if (!kept.has_value() || kept->damaged || kept->serial == zone.serial()) return write_whole(zone, room);
  std::vector<StoredDifference> steps;
  if (!History(zone).path(kept->serial, steps)) return write_whole(zone, room);
  u64 octets = kept->difference_octets;
  for (const StoredDifference& step : steps) octets += step.size();
  if (octets > kept->snapshot_octets && store_->used() + kept->snapshot_octets <= store_->usable()) {
    const auto whole = write_whole(zone, room);
    if (whole.ok() || whole.error() != StoreError::full) return whole;
  }
  return write_steps(name, steps, room);
}

Result<void, StoreError> ZoneArchive::write_whole(const Zone& zone, Room room) {
  auto writer = TRY(store_->begin_snapshot(zone.apex(), zone.serial(), room));
  TRY(add_records(zone, writer));
  return writer.commit();
}

Result<void, StoreError> ZoneArchive::write_steps(const dns::Name& name, std::span<const StoredDifference> steps, Room room) {
  for (const StoredDifference& step : steps) {
    auto writer = TRY(store_->begin_difference(name, step.from(), step.to(), room));
    dns::RecordImages images(step.records());
    for (auto image = images.next(); image.has_value(); image = images.next()) TRY(writer.add(image->whole));
    TRY(writer.commit());
  }
  return {};
}

void ZoneArchive::confirm(Instant now, const dns::Name& name, const ZoneState& state) {
  const auto put = store_->put_state(name, state);
  if (put.ok()) {
    sync_at_ = std::min(sync_at_, now + confirmed_unsaved);
  } else if (put.error() != StoreError::not_there) {
    on_failure(name, put.error());
  }
}

void ZoneArchive::remove(const dns::Name& name) {
  const auto removed = store_->remove(name);
  if (removed.ok()) {
    unsynced_ = true;
  } else if (removed.error() != StoreError::not_there) {
    on_failure(name, removed.error());
  }
}

bool ZoneArchive::sync() {
  sync_at_ = Instant::never();
  unsynced_ = false;
  const auto synced = store_->sync();
  if (!synced.ok()) on_failure(dns::Name(), synced.error());
  return synced.ok();
}

void ZoneArchive::work() {
  sync();
  const auto more = store_->maintain(maintenance_share);
  if (!more.ok()) on_failure(dns::Name(), more.error());
  more_to_maintain_ = more.ok() && more.value();
}

}  // namespace samara::zone::store
