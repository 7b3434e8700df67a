// ZoneLoader: from zone texts to the set of zones in service, and from one set to the next. A zone that is broken never takes
// another down and never replaces a good version of itself: it is reported, and what was served before stays.
//
// Zones are also changed by updates. The zone's file does not have these changes, so a file that is still what was read before
// changes nothing, and another one is taken only when its serial is greater than that of the zone as it is; otherwise the zone
// stays and the report says so. With an archive they outlive the image: a zone begins as it was kept, and then its file is
// looked at in the same way.
//
// Each zone goes from version to version (zone/revision.h): a change costs what it changes, and the differences that led to the
// present version are kept for incremental transfers, whether an update made them or a reload.
//
// Order of calls: load() with each configuration, or change() any number of times, settle() and then next_set(); published()
// with what came of it; then, once nobody reads the set before any more, release_before() with its generation's number.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platform/base/time.h"
#include "platform/crypto/siphash.h"
#include "server/config/primary_config.h"
#include "server/zone_places.h"
#include "zone/retired_extents.h"
#include "zone/revision.h"
#include "zone/set_maker.h"
#include "zone/store/zone_archive.h"
#include "zone/zone_set.h"

namespace samara::server {

// LoadReport collects what a person reads: each line of a load, in order.
class LoadReport {
 public:
  // Called with each finished line, "PATH:LINE:COLUMN: …" or "zone NAME: …".
  using Sink = void (*)(void* context, Level level, std::string_view line);
  LoadReport(Sink sink, void* context) : sink_(sink), context_(context) {}
  template <class... Pieces>
  void line(Level level, const Pieces&... pieces) {
    TextBuffer<max_log_line> text;
    (put_piece(text.writer(), pieces), ...);
    sink_(context_, level, text.view());
    if (level == Level::error) ++errors_;
  }
  u32 errors() const { return errors_; }

 private:
  Sink sink_;
  void* context_;
  u32 errors_ = 0;
};

// About a second of reading.
constexpr u64 records_between_lines = 1'000'000;

class ZoneLoader final : public zone::store::ZonesInService {
 public:
  // `archive` outlives this. Null: updates end with the image.
  // `text_key`, drawn at random, is that of the hash by which a zone's texts are known again.
  explicit ZoneLoader(MutableBytes region, zone::store::ZoneArchive* archive = nullptr, const crypto::SipHashKey& text_key = {})
      : memory_(region), archive_(archive), text_key_(text_key) {}
  ZoneLoader(const ZoneLoader&) = delete;
  ZoneLoader& operator=(const ZoneLoader&) = delete;

  // Reads all zones of `config`, makes its catalogs (`wall` gives their serials) and writes the next set. Returns nothing when
  // there is no memory for the set itself; the old one stays in service until a later load() or next_set() finds room.
  // In between there are pauses, so that a large zone does not keep others from being changed, however it is read, sorted,
  // written or compared. A zone is taken into service when all that is done. It may be changed until then itself: what its file
  // means for it is then decided anew.
  std::optional<zone::ZoneSet> load(const PrimaryConfig& config, UnixTime wall, LoadReport& report,
                                    const zone::Pause& pause = {});
  // Warns of zones whose signatures have expired or will soon; load() does that too for what it loads. Looks at all of them:
  // once a day is enough.
  void look_at_signatures(UnixTime wall) const;
  // The zones whose data load() changed, since this was last asked.
  std::vector<dns::Name> take_changed() { return std::exchange(changed_, {}); }
  // The zone as it is after all updates so far; nothing when it has no data, or there is no such zone.
  std::optional<zone::Zone> zone_in_service(const dns::Name& apex) const override;
  // True when it is a catalog that the server makes of its configuration, which nobody else changes.
  bool is_generated(const dns::Name& apex) const;
  // Octets of the records of a zone that has data (zone/content_digest.h).
  u64 content_octets(const dns::Name& apex);
  // True when storage or zone memory run short: an eighth or less is left, of memory beside what is_memory_for() wants.
  bool is_room_scarce();
  // Changes a zone that has data, whose records have `growth` octets more then. A change that makes it smaller may use what is
  // kept back of storage and memory for that. Error: the reason, for SERVFAIL; the zone stays as it was. Changes that it made
  // can be published: there is memory for the next set.
  Result<void, std::string_view> change(const dns::Name& apex, zone::Patch& patch, i64 growth = 0);
  // Makes durable what change() did since it was last called, as RFC 2136 section 3.5 wants it before anybody hears of it; with
  // an archive load() and next_set() want it done. False: it may be lost, so all of it is taken back, the log says so, and
  // nothing can be changed any more. Without an archive nothing is promised.
  bool settle();
  // What is not settled keeps memory from being given back that runs short.
  bool is_settling_due() const;
  // Zones lie elsewhere than the set in service has them: their old places are free only once another one is published.
  bool is_set_due() const { return set_due_; }
  // The archive's upkeep, a piece at a time.
  bool has_work() const { return archive_ != nullptr && archive_->has_work(); }
  void work() { archive_->work(); }
  // A set with the zones as they are. Returns nothing when there is no memory for it; the changes are served when there is.
  std::optional<zone::ZoneSet> next_set();
  // The set load() or next_set() made last is served as `generation` from now on.
  void published(u64 generation) {
    generation_ = generation;
    set_due_ = false;
  }
  // Gives back the memory of what only generations before `generation` used; calls f(Extent) for each part.
  template <class F>
  void release_before(u64 generation, F&& f) {
    retired_.release_before(generation, memory_, f);
    sets_.refill();
  }
  // A worker's transfer reads a zone as it was at a generation, or no longer.
  void hold(const zone::RetiredExtents::Hold& hold) { retired_.hold(hold); }
  void let_go(u32 worker, u32 tag) { retired_.let_go(worker, tag); }
  // When zone memory runs short: the transfer that keeps memory for longest, which is to end, one at a time.
  std::optional<zone::RetiredExtents::Hold> transfer_to_end();
  // Zones may use the region's first `octets` from now on.
  void end_memory_at(size_t octets) { memory_.end_at(octets); }
  size_t memory_in_use() const { return memory_.in_use(); }
  // Zones with data, and zones configured.
  size_t zones_served() const;
  size_t zones_configured() const { return zones_.size(); }

 private:
  // Unsettled remembers where a zone was before the changes that are not settled.
  struct Unsettled {
    dns::Name apex;
    zone::VersionedZone::Savepoint before;
    std::optional<zone::store::FileMark> file;
    std::optional<u64> octets;
  };
  struct ServedZone {
    dns::Name apex;
    std::optional<u64> texts;  // hash of those it was made of; nothing when they made none
    ZoneLimits limits;         // that held for these
    std::unique_ptr<zone::VersionedZone> versions;
    std::optional<zone::store::FileMark> file;  // its file, where updates have changed the zone since
    u64 since = 0;                              // the generation before the first with the extents that it has
    bool restored = false;                      // by the load that is going on
    bool generated = false;                     // a catalog
    std::optional<u64> octets;                  // of its records, once somebody asked
    std::optional<u64> digest;                  // of what was read from its file, if that was wanted
    bool in_hand = false;                       // what it is made of is being looked at, with pauses: it is not compacted
    // Octets of zone memory, and of the zone's growth, when there was no room to copy it.
    size_t in_use_when_tried = SIZE_MAX;
    size_t growth_when_tried = 0;
    // Octets that a copy takes at most, where updates have changed the zone and memory for one is kept free.
    size_t copy_octets = 0;
  };

  // A ruling says what a file means for the zone in service.
  enum class Ruling : u8 {
    file_is_taken,
    file_is_as_it_was,      // the zone keeps its updates
    serial_is_as_it_was,    // and the file is not: an error
    serial_is_not_greater,  // than that of the zone with its updates: an error
  };
  // A file that was read, and what updates will ask of it.
  struct FromFile {
    zone::Zone zone;
    std::optional<u64> octets{};  // of its records
    std::optional<u64> digest{};  // of its content, once somebody asked
  };

  ServedZone* find(const dns::Name& apex);
  const ServedZone* find(const dns::Name& apex) const;
  u64 hash_of(const ZoneSource& source, zone::Pace& pace) const;
  void load_source(const ZoneSource& source, const ZoneLimits& limits, ServedZone& zone, UnixTime wall, LoadReport& report,
                   const zone::Pause& pause);
  std::optional<FromFile> load_zone(const ZoneSource& source, const ZoneLimits& limits, LoadReport& report,
                                    const zone::Pause& pause);
  void report_signatures(const zone::Zone& zone, UnixTime wall, LoadReport& report, const zone::Pause& pause) const;
  void load_catalog(const PrimaryConfig& config, const ProducedCatalog& catalog, UnixTime wall, ServedZone& zone,
                    LoadReport& report);
  void put_file(ServedZone& zone, FromFile& file, LoadReport& report, const zone::Pause& pause);
  static Ruling rule_on(const ServedZone& zone, FromFile& file, const zone::Pause& pause);
  static void report_kept(const ServedZone& zone, dns::Serial of_file, Ruling ruling, LoadReport& report);
  void take_new(ServedZone& zone, const FromFile& file, const zone::VersionedZone::Comparison* comparison, LoadReport& report);
  ServedZone& find_or_add(const dns::Name& apex, zone::HistoryLimits limits, std::vector<ServedZone>& added);
  void restore(ServedZone& zone, LoadReport& report);
  void restore_catalog(const ServedZone& zone, LoadReport& report);
  void report_unconfigured(LoadReport& report);
  bool compact(ServedZone& zone, bool scarce);
  void compact_if_due(ServedZone& zone);
  void keep_room_for_sets(const PrimaryConfig& config);
  size_t free_memory() const;
  bool is_memory_scarce() const;
  bool is_memory_scarce_for(const ServedZone& zone) const;
  bool is_memory_for(ServedZone& zone, i64 growth);
  void provide_for_copy(ServedZone& zone);
  void provide_for_copies();
  bool is_unsettled(const ServedZone& zone) const;
  bool make_memory_free(ServedZone& zone);
  bool let_something_go(bool scarce);
  // The next set has another version of it, and what earlier ones had alone is given back in time.
  void retire(ServedZone& zone);

  zone::ZoneMemory memory_;
  zone::store::ZoneArchive* archive_;
  crypto::SipHashKey text_key_;
  Duration signature_warning_;
  bool digests_ = false;  // somebody may update: what was read is to be known again, and that is made while there are pauses
  std::optional<ZoneLimits> zone_limits_;  // of zones without some of their own, since the first load()
  std::vector<ServedZone> zones_;
  ZonePlaces places_;                 // of zones_
  std::vector<Unsettled> unsettled_;  // one for each zone
  std::vector<dns::Name> changed_;
  size_t let_go_at_ = 0;           // of zones_, where let_something_go() goes on
  std::vector<u32> provided_for_;  // of zones_, those with copy_octets
  size_t largest_copy_ = 0;        // of these
  bool set_due_ = false;
  zone::RetiredExtents retired_;
  zone::ZoneSetMaker sets_{memory_, retired_};
  u64 generation_ = 0;
};

}  // namespace samara::server
