// ZoneArchive: versions of zones in a store (zone_store.h) that outlives the image: what is written of a zone, and versions
// made of it again. What goes wrong costs a line in the log and never a zone in service.
//
// Order of calls: restore() for each zone at start, keep_only() once what is wanted is known; then save(), confirm() and
// remove() as things happen, and sync(), or work() while has_work() says so or next_deadline() has come: durable is what was
// there before it.
#pragma once

#include <memory>
#include <optional>

#include "platform/base/time.h"
#include "zone/revision.h"
#include "zone/store/zone_store.h"

namespace samara::zone::store {

// When a zone was only confirmed, which a primary can say again, the storage may know so much later.
constexpr Duration confirmed_unsaved = Duration::seconds(30);
// Octets that one call of work() copies within the storage.
constexpr u64 maintenance_share = u64{1} << 20;

// Zones as they are in service, so that what is kept of them can be written anew without the steps they went.
class ZonesInService {
 public:
  virtual std::optional<Zone> zone_in_service(const dns::Name& apex) const = 0;

 protected:
  ~ZonesInService() = default;
};

class ZoneArchive {
 public:
  // Nothing: it cannot be used, and the log says why.
  static std::unique_ptr<ZoneArchive> open(hal::Storage& storage, Rng& rng, ZoneStore::Use use = ZoneStore::Use::write);

  std::optional<ZoneSummary> find(const dns::Name& name) const { return store_->find(name); }
  // The zone as it was kept, adopted by `zone`, which had none. False: damaged, an older version than was kept, or none.
  bool restore(const dns::Name& name, ZoneMemory& memory, VersionedZone& zone);
  // Calls f(const ZoneSummary&) for each zone.
  template <class F>
  void each(F&& f) const {
    store_->each(f);
  }
  // Calls f(const dns::Name&, const MemberMark&) for each zone that is kept as a member of a catalog, with content or without.
  template <class F>
  void each_member(F&& f) const {
    store_->each_member([&](const dns::Name& name, const ZoneState& state, bool) { f(name, state.member); });
  }
  // That of a zone, whether there is content of it or not.
  MemberMark mark_of(const dns::Name& name) const { return store_->mark_of(name); }
  // Calls wanted(name) for each zone, and removes those it denies.
  template <class F>
  void keep_only(F&& wanted) {
    std::vector<dns::Name> gone;
    store_->each([&](const ZoneSummary& kept) {
      if (!wanted(kept.name)) gone.push_back(kept.name);
    });
    store_->each_member([&](const dns::Name& name, const ZoneState&, bool has_content) {
      if (!has_content && !wanted(name)) gone.push_back(name);
    });
    for (const dns::Name& name : gone) remove(name);
  }

  // What a change may take, and what there is to make room of.
  struct Means {
    bool shrinks = false;                   // the zone has fewer octets than `before`: there is always room for it
    std::optional<Zone> before;             // the version that is kept
    const ZonesInService* zones = nullptr;  // nothing: no room is made
  };
  // Error: the store keeps the version it had, and the log says why; of one for which no room could be made that is the
  // caller's.
  Result<void, StoreError> save(const Zone& zone, const ZoneState& state, const Means& means);
  bool save(const Zone& zone, const ZoneState& state) { return save(zone, state, {}).ok(); }
  // Whether an eighth or less is left, also when all zones are kept whole: what can be done without gives way then.
  bool is_scarce(const ZonesInService& zones);
  void confirm(Instant now, const dns::Name& name, const ZoneState& state);
  void remove(const dns::Name& name);
  // False: it is not known to be on the medium, and nothing more will be written.
  bool sync();
  bool is_usable() const { return !broken_; }
  // As ZoneStore's.
  u64 used() const { return store_->used(); }
  u64 usable() const { return store_->usable(); }

  bool has_work() const { return unsynced_ || more_to_maintain_; }
  void work();
  Instant next_deadline() const { return sync_at_; }

 private:
  explicit ZoneArchive(std::unique_ptr<ZoneStore> store) : store_(std::move(store)) {}

  Result<void, StoreError> write(const Zone& zone, Room usual, const Means& means);
  Result<void, StoreError> write(const Zone& zone, Room room);
  Result<void, StoreError> write_whole(const Zone& zone, Room room);
  Result<void, StoreError> write_steps(const dns::Name& name, std::span<const StoredDifference> steps, Room room);
  void on_failure(const dns::Name& name, StoreError error);

  std::unique_ptr<ZoneStore> store_;
  bool unsynced_ = false;
  bool more_to_maintain_ = false;
  bool broken_ = false;  // told
  u64 not_stored_ = 0;   // times
  Instant sync_at_ = Instant::never();
};

}  // namespace samara::zone::store
