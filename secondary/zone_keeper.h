// ZoneKeeper: a secondary's loader. It owns the zones: which are followed (those configured and the members of catalogs, RFC
// 9432), what is made of a transfer, what is served, and what the archive keeps over a restart. The agent (agent.h) in a worker
// knows primaries and time; agent_messages.h is what the two say to each other.
//
//   batch … end ─ ZoneInstaller ─┬─ a new version ─ installed ─ published ─ the agent's NOTIFYs ─ archived
//                                └─ rejected: the version in service stays
//   expired ─ served without data (SERVFAIL) until a transfer brings some
//
// Order of calls: start() once; then on_message(), reload(), and after each, while is_changed(): next_set(), which is
// published, and published() says so; send_all() while has_output(), again when there is room; work() when has_work().
// Capacities: zones as server::max_zones says, members of catalogs as memory does (members_that_fit()); one installer for each
// transfer the agent makes. When seven eighths of zone memory are in use, the transfer that holds most of it is given up.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "secondary/agent_messages.h"
#include "secondary/install.h"
#include "secondary/name_table.h"
#include "server/config/secondary_config.h"
#include "server/outbox.h"
#include "server/overrides_by_zone.h"
#include "server/reloaded_settings.h"
#include "zone/catalog.h"
#include "zone/retired_extents.h"
#include "zone/set_maker.h"
#include "zone/store/zone_archive.h"
#include "zone/zone_set.h"

namespace samara::secondary {

using zone::store::ZoneArchive;

struct Moment {
  Instant now;
  UnixTime wall;
};

class ZoneKeeper {
 public:
  // `config` and `archive` (null: nothing outlives the image) outlive this.
  ZoneKeeper(const server::SecondaryConfig& config, MutableBytes region, ZoneArchive* archive, Rng& rng);
  ZoneKeeper(const ZoneKeeper&) = delete;
  ZoneKeeper& operator=(const ZoneKeeper&) = delete;

  // Follows what is configured, with what the archive has of it.
  void start(const Moment& at);
  // Follows these zones from now on, and the same catalogs as before.
  // Returns how many zones are not followed at the primaries that they have now: more than max_primaries different ones, or
  // 65,536 lists of them, have been named since the start.
  size_t reload(const Moment& at, std::span<const server::SecondaryZone> zones);
  void on_message(const Moment& at, u32 worker, Bytes message);
  // Has the agent take the zone whole, whatever its serial. False: it is not followed.
  bool retransfer(const dns::Name& zone);

  // Something is to be published.
  bool is_changed() const { return changed_; }
  // A set with the zones as they are. Returns nothing when there is no memory for it; there may be some when old sets are given
  // back.
  std::optional<zone::ZoneSet> next_set();
  void published(u64 generation);
  bool has_output() const { return !outbox_.empty(); }
  // send(u32 worker, Bytes message) -> bool. False: a worker had no room.
  template <class F>
  bool send_all(u32 workers, F&& send) {
    return outbox_.send_all(workers, send);
  }
  // Archiving and compaction, a zone at a time.
  bool has_work() const {
    return !unsaved_.empty() || !to_compact_.empty() || signatures_to_see_ != 0 ||
           (archive_ != nullptr && archive_->has_work());
  }
  void work(const Moment& at);
  Instant next_deadline() const {
    return archive_ == nullptr ? look_at_signatures_at_ : std::min(look_at_signatures_at_, archive_->next_deadline());
  }

  template <class F>
  void release_before(u64 generation, F&& f) {
    retired_.release_before(generation, memory_, f);
    sets_.refill();
  }
  size_t zone_count() const { return zones_.size(); }
  // Those that are SERVFAIL: nothing of them has come yet, or it has expired.
  size_t zones_without_data() const { return without_data_; }

 private:
  struct Followed {
    Followed(zone::ZoneMemory& memory, const zone::HistoryLimits& limits) : versions(memory, limits) {}
    u16 group = 0;
    u32 number = 0;              // AgentMessage::following
    std::optional<u16> catalog;  // it is a member of
    zone::VersionedZone versions;
    u64 since = 0;  // the generation before the first with the extents that it has
    Instant expires;
    std::optional<u64> octets{};  // of its records, where a limit asks for them
    bool unsaved = false;         // in unsaved_
    bool to_compact = false;      // in to_compact_
  };
  // Names in the order in which they came, as long as there are zones at most.
  class NameQueue {
   public:
    bool empty() const { return first_ == names_.size(); }
    void push(const dns::Name& name) { names_.push_back(name); }
    dns::Name pop() {
      const dns::Name name = names_[first_++];
      if (first_ < names_.size() / 2 && !empty()) return name;
      names_.erase(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
      return name;
    }

   private:
    std::vector<dns::Name> names_;
    size_t first_ = 0;
  };
  struct Incoming {
    u32 transfer;
    dns::Name zone;
    std::unique_ptr<ZoneInstaller> installer;
  };

  // zone_keeper_follow.cpp decides which zones are followed.
  std::optional<u16> group_of(const server::PeerList& peers);
  void take_settings(std::span<const server::SecondaryZone> before);
  void follow(const Moment& at, const dns::Name& name, const server::PeerList& peers, std::optional<u16> catalog);
  void move(const Moment& at, u32 index, const server::PeerList& peers, std::optional<u16> catalog);
  void unfollow(const dns::Name& name);
  void tell_follow(const Moment& at, u32 index);
  const server::ZoneOverrides& overrides(const dns::Name& name, std::optional<u16> catalog) const;
  void restore(const Moment& at, u32 index);
  // Follows the members that catalogs had at the end of the run before.
  void follow_known_members(const Moment& at);
  // Returns whose member the zone is.
  zone::store::MemberMark mark_of(const dns::Name& name, std::optional<u16> catalog) const;
  zone::store::ZoneState state_of(const Moment& at, u32 index) const;
  // The archive is to know whose member the zone is.
  void keep_mark(const Moment& at, u32 index);
  // False: it is broken, and changes nothing.
  bool read_catalog(const Moment& at, u16 catalog);
  void apply(const Moment& at, const zone::CatalogChange& change);
  // Returns for how many of `wanted` more members there is memory.
  size_t members_that_fit(size_t wanted) const;
  void follow_members(const Moment& at, u16 catalog);
  std::optional<u16> catalog_named(const dns::Name& name) const;
  bool is_configured(const dns::Name& name) const;
  void forget_unfollowed();

  // zone_keeper.cpp works on the outcomes of transfers.
  void hand_on_update(u32 worker, Bytes octets);
  void on_transfer_note(u32 worker, const server::TransferNote& note);
  void on_batch(const Moment& at, const AgentMessage& message);
  void install(const Moment& at, u32 index, const Incoming& incoming);
  void reject(const Incoming& incoming, InstallError error);
  void save_next(const Moment& at);
  void compact_next();
  void see_next_signatures(const Moment& at);
  // Warns when signatures of the zone have expired, or will soon.
  void tell_signatures(const zone::Zone& zone, UnixTime wall) const;
  static void tell_warnings(const dns::Name& zone, const zone::Diagnostics& warnings);
  void on_confirmed(const Moment& at, const AgentMessage& message);
  void tell_expiry(const dns::Name& name, Duration expires_in);
  void on_expired(const AgentMessage& message);
  void end_transfers_of(const dns::Name& name);
  void give_up_largest_transfers();
  u32 index_of(const dns::Name& name) const;
  u32 index_of(const AgentMessage& message) const;
  void serve(u32 index, std::optional<zone::Zone> zone);
  void set_served(u32 index, std::optional<zone::Zone> zone);
  // The next set has something else at this apex.
  void touch(const dns::Name& apex);
  void retire(u32 index);
  void make_room();
  void keep_room_for_sets_with(std::span<const dns::Name> more);
  InstallLimits install_limits(const server::ZoneOverrides& overrides) const;

  const server::SecondaryConfig& config_;
  server::OverridesByZone settings_;
  server::ReloadedSettings<server::SecondaryConfig> reloaded_{server::read_secondary_config};
  zone::ZoneMemory memory_;
  ZoneArchive* archive_;
  Rng& rng_;
  NameTable names_;
  // By index, the same in both. `served_` is what the next set is made of.
  std::vector<std::unique_ptr<Followed>> zones_;
  std::vector<zone::ZoneSetEntry> served_;
  size_t without_data_ = 0;  // of these
  Instant look_at_signatures_at_ = Instant::never();
  std::vector<server::SecondaryZone> configured_;
  zone::CatalogMembership membership_;
  bool members_left_out_ = false;
  std::vector<std::vector<PrimaryPeer>> groups_;
  std::vector<PrimaryPeer> primaries_;  // different ones
  std::vector<Incoming> incoming_;
  std::vector<u32> rejected_;  // transfers of which batches may still be on their way
  bool changed_ = false;
  std::vector<std::vector<u8>> when_published_;  // for the agent
  server::Outbox outbox_;
  NameQueue unsaved_;
  NameQueue to_compact_;
  size_t turn_ = 0;               // of the kinds of work()
  size_t signatures_to_see_ = 0;  // so many of the first zones are still to be looked at
  zone::RetiredExtents retired_;
  zone::ZoneSetMaker sets_{memory_, retired_};
  u64 generation_ = 0;
  size_t without_primaries_ = 0;  // zones, since the last reload began
  u32 last_following_ = 0;
  size_t restored_ = 0;
};

}  // namespace samara::secondary
