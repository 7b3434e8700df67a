// ZoneArchive: a secondary's zones in a store (zone/store) that outlives the image: what is written of a zone and when, and
// versions made of it again. What goes wrong costs a line in the log and never a zone in service.
//
// Order of calls: restore() for each zone at start, keep_only() once what is followed is known; then save(), confirm() and
// remove() as things happen, and work() while has_work() says so or next_deadline() has come: durable is what was there
// before it.
#pragma once

#include <memory>
#include <optional>

#include "platform/base/time.h"
#include "zone/revision.h"
#include "zone/store/zone_store.h"

namespace samara::secondary {

struct Moment {
  Instant now;
  UnixTime wall;
};

// When a zone was only confirmed, which a primary can say again, the storage may know so much later.
constexpr Duration confirmed_unsaved = Duration::seconds(30);
// Octets that one call of work() copies within the storage.
constexpr u64 maintenance_share = u64{1} << 20;

class ZoneArchive {
 public:
  // Nothing: it cannot be used, and the log says why.
  static std::unique_ptr<ZoneArchive> open(hal::Storage& storage, Rng& rng);

  struct Kept {
    UnixTime refreshed;
    UnixTime expires;
  };
  // The zone as it was kept, adopted by `zone`; nothing when there is none.
  std::optional<Kept> restore(const dns::Name& name, zone::ZoneMemory& memory, zone::VersionedZone& zone);
  // Calls wanted(name) for each zone, and removes those it denies.
  template <class F>
  void keep_only(F&& wanted) {
    std::vector<dns::Name> gone;
    store_->each([&](const zone::store::ZoneSummary& kept) {
      if (!wanted(kept.name)) gone.push_back(kept.name);
    });
    for (const dns::Name& name : gone) remove(name);
  }

  void save(const Moment& at, const zone::Zone& zone, Duration expires_in);
  void confirm(const Moment& at, const dns::Name& name, dns::Serial serial, Duration expires_in);
  void remove(const dns::Name& name);
  bool has_work() const { return unsynced_ || more_to_maintain_; }
  void work();
  Instant next_deadline() const { return sync_at_; }

 private:
  explicit ZoneArchive(std::unique_ptr<zone::store::ZoneStore> store) : store_(std::move(store)) {}

  Result<void, zone::store::StoreError> write(const zone::Zone& zone);
  Result<void, zone::store::StoreError> write_whole(const zone::Zone& zone);
  Result<void, zone::store::StoreError> write_steps(const dns::Name& name, std::span<const zone::StoredDifference> steps);
  void on_failure(const dns::Name& name, zone::store::StoreError error);

  std::unique_ptr<zone::store::ZoneStore> store_;
  bool unsynced_ = false;
  bool more_to_maintain_ = false;
  bool broken_ = false;  // told
  Instant sync_at_ = Instant::never();
};

}  // namespace samara::secondary
