// This part of the zone keeper (zone_keeper.h) decides which zones a secondary follows: those configured, at start and after a
// reload, and the members of catalogs.
#include <algorithm>

#include "platform/base/counted.h"
#include "platform/base/heap_room.h"
#include "platform/base/log.h"
#include "secondary/zone_keeper.h"
#include "zone/signature_times.h"

namespace samara::secondary {

namespace {

// The vector has exactly the size of the message: there may be one for each zone.
std::vector<u8> encoded(const AgentMessage& message) {
  std::array<u8, std::max(max_message_head, max_short_message)> octets;
  ByteWriter out(octets);
  write_message(message, out);
  return {out.written().begin(), out.written().end()};
}

}  // namespace

// ---- configuration --------------------------------------------------------------------------------------------------

void ZoneKeeper::start(const Moment& at) {
  configured_ = config_.zones;
  look_at_signatures_at_ = at.now + zone::signatures_looked_at_every;
  std::vector<dns::Name> names;
  for (const server::ConsumedCatalog& catalog : config_.catalogs) names.push_back(catalog.name);
  for (const server::SecondaryZone& zone : configured_) names.push_back(zone.name);
  keep_room_for_sets_with(names);
  for (const server::ConsumedCatalog& catalog : config_.catalogs) follow(at, catalog.name, catalog.primaries, std::nullopt);
  for (const server::SecondaryZone& zone : configured_) follow(at, zone.name, zone.primaries, std::nullopt);
  follow_known_members(at);
  bool all_good = true;
  for (size_t i = 0; i < config_.catalogs.size(); ++i) all_good = read_catalog(at, static_cast<u16>(i)) && all_good;
  // Members of a broken catalog are not known: earlier builds stored those as well. Those that there is no memory for may come
  // back on a larger machine.
  if (all_good && !members_left_out_) forget_unfollowed();
  changed_ = true;
  if (restored_ != 0) {
    log(Level::info, "storage: ", restored_, " of ", Counted{zones_.size(), "zone"},
        zones_.size() == 1 ? " is served as it was kept" : " are served as they were kept");
  }
}

// RFC 9432 section 5.2: who has a zone keeps it, whichever catalog is read first now.
void ZoneKeeper::follow_known_members(const Moment& at) {
  if (archive_ == nullptr) return;
  std::vector<std::vector<zone::KnownMember>> members(config_.catalogs.size());
  std::vector<dns::Name> names;
  archive_->each_member([&](const dns::Name& name, const zone::store::MemberMark& mark) {
    const auto catalog = catalog_named(mark.catalog());
    if (!catalog.has_value() || is_configured(name)) return;
    members[*catalog].push_back({name, {mark.unique().begin(), mark.unique().end()}});
    names.push_back(name);
  });
  if (names.empty()) return;
  for (size_t i = 0; i < members.size(); ++i) membership_.remember(static_cast<u16>(i), members[i]);
  keep_room_for_sets_with(names);
  for (const dns::Name& name : names) {
    const u16 catalog = membership_.owner(name)->catalog;
    follow(at, name, config_.catalogs[catalog].primaries_of_members(), catalog);
  }
}

// Room is kept before zones are restored or transferred, which take what memory there is.
void ZoneKeeper::keep_room_for_sets_with(std::span<const dns::Name> more) {
  std::vector<zone::ZoneSetEntry> entries = served_;
  for (const dns::Name& name : more) entries.push_back({name, std::nullopt});
  sets_.keep_room(entries);
}

// Deletes from the archive what it has of zones that are followed no more. Without its data nobody knows the members of a
// catalog.
void ZoneKeeper::forget_unfollowed() {
  if (archive_ == nullptr) return;
  for (const server::ConsumedCatalog& catalog : config_.catalogs) {
    const u32 index = index_of(catalog.name);
    if (index == no_index || !zones_[index]->versions.zone().has_value()) return;
  }
  archive_->keep_only([this](const dns::Name& name) { return index_of(name) != no_index; });
}

size_t ZoneKeeper::reload(const Moment& at, std::span<const server::SecondaryZone> zones) {
  const std::vector<server::SecondaryZone> before = std::exchange(configured_, {zones.begin(), zones.end()});
  take_settings(before);
  without_primaries_ = 0;
  NameTable named(rng_);
  for (u32 i = 0; i < configured_.size(); ++i) {
    named.insert(configured_[i].name, i, [this](u32 index) { return configured_[index].name; });
  }
  u32 removed = 0;
  for (const server::SecondaryZone& zone : before) {
    const u32 found = named.find(zone.name, [&](u32 i) { return configured_[i].name == zone.name; });
    if (found != no_index) continue;
    unfollow(zone.name);
    ++removed;
  }
  u32 added = 0;
  for (const server::SecondaryZone& zone : configured_) {
    const u32 index = index_of(zone.name);
    if (index == no_index) {
      follow(at, zone.name, zone.primaries, std::nullopt);
      ++added;
    } else {
      move(at, index, zone.primaries, std::nullopt);
    }
  }
  log(Level::info, "zones: ", added, " added, ", removed, " removed, ", zones_.size(), " followed");
  // A zone that is configured no more may be a member, and the other way round.
  for (size_t i = 0; i < config_.catalogs.size(); ++i) read_catalog(at, static_cast<u16>(i));
  return without_primaries_;
}

bool ZoneKeeper::retransfer(const dns::Name& zone) {
  if (index_of(zone) == no_index) return false;
  outbox_.put(0, encoded({.kind = AgentMessageKind::retransfer, .zone = zone}));
  return true;
}

// The workers receive zones' own settings before the zones.
void ZoneKeeper::take_settings(std::span<const server::SecondaryZone> before) {
  const auto blob_of = [this](std::span<const server::SecondaryZone> zones) {
    return server::blob_of_settings(config_, zones, config_.catalogs, server::write_secondary_config);
  };
  auto blob = blob_of(configured_);
  if (!blob.has_value() || blob == blob_of(before)) return;
  const server::SecondaryConfig* settings = reloaded_.take(*blob);
  if (settings == nullptr) {
    log(Level::error, "what zones have of their own cannot be handed to the workers; it stays as it was");
    return;
  }
  settings_ = server::OverridesByZone(*settings);
  server::put_settings(*blob, outbox_);
}

bool ZoneKeeper::is_configured(const dns::Name& name) const {
  const u32 index = index_of(name);
  return index != no_index && !zones_[index]->catalog.has_value();
}

const server::ZoneOverrides& ZoneKeeper::overrides(const dns::Name& name, std::optional<u16> catalog) const {
  return catalog.has_value() ? config_.catalogs[*catalog].overrides : settings_.of(name);
}

// ---- following ------------------------------------------------------------------------------------------------------

// The agent numbers groups as it hears of them; both sides count alike because equal ones are one, and none is refused.
std::optional<u16> ZoneKeeper::group_of(const server::PeerList& peers) {
  std::vector<PrimaryPeer> members;
  for (const server::Peer& peer : peers) {
    const PrimaryPeer member{peer.endpoint, peer.key};
    if (std::ranges::find(members, member) == members.end()) members.push_back(member);
  }
  const auto same = std::ranges::find(groups_, members);
  if (same != groups_.end()) return static_cast<u16>(same - groups_.begin());
  std::vector<PrimaryPeer> known = primaries_;
  for (const PrimaryPeer& member : members) {
    if (std::ranges::find(known, member) == known.end()) known.push_back(member);
  }
  if (members.empty() || known.size() > max_primaries || groups_.size() > 0xffff) {
    ++without_primaries_;
    return std::nullopt;
  }
  primaries_ = std::move(known);
  outbox_.put(server::Outbox::everybody, encoded({.kind = AgentMessageKind::primaries, .members = members}));
  groups_.push_back(std::move(members));
  return static_cast<u16>(groups_.size() - 1);
}

void ZoneKeeper::tell_follow(const Moment& at, u32 index) {
  Followed& followed = *zones_[index];
  followed.number = ++last_following_;
  std::optional<HeldVersion> held;
  // A zone that has expired is asked for whole.
  if (served_[index].zone.has_value()) {
    held = HeldVersion{dns::SoaNumbers::of(served_[index].zone->soa().first().rdata()), followed.expires - at.now};
  }
  outbox_.put(server::Outbox::everybody, encoded({.kind = AgentMessageKind::follow,
                                                  .zone = served_[index].apex,
                                                  .following = followed.number,
                                                  .group = followed.group,
                                                  .catalog = followed.catalog,
                                                  .is_catalog = catalog_named(served_[index].apex).has_value(),
                                                  .held = held}));
}

void ZoneKeeper::follow(const Moment& at, const dns::Name& name, const server::PeerList& peers, std::optional<u16> catalog) {
  const auto group = group_of(peers);
  if (!group.has_value()) return;
  if (zones_.size() == server::max_zones + server::max_catalogs) {
    log(Level::error, "zone ", name, ": not followed: too many zones");
    return;
  }
  const auto index = static_cast<u32>(zones_.size());
  const server::HistoryConfig history = config_.history_of(overrides(name, catalog));
  zones_.push_back(std::make_unique<Followed>(
      memory_, zone::HistoryLimits{.differences = history.differences, .octets = static_cast<size_t>(history.octets)}));
  zones_[index]->group = *group;
  zones_[index]->catalog = catalog;
  served_.push_back({name, std::nullopt});
  ++without_data_;
  names_.insert(name, index, [this](u32 other) { return served_[other].apex; });
  restore(at, index);
  keep_mark(at, index);
  tell_follow(at, index);
  touch(name);
}

zone::store::MemberMark ZoneKeeper::mark_of(const dns::Name& name, std::optional<u16> catalog) const {
  const auto owner = catalog.has_value() ? membership_.owner(name) : std::nullopt;
  if (!owner.has_value()) return {};
  return {config_.catalogs[owner->catalog].name, owner->member.unique};
}

zone::store::ZoneState ZoneKeeper::state_of(const Moment& at, u32 index) const {
  return {.refreshed = at.wall,
          .expires = {at.wall.seconds + (zones_[index]->expires - at.now).seconds()},
          .member = mark_of(served_[index].apex, zones_[index]->catalog),
          .file = {}};
}

void ZoneKeeper::keep_mark(const Moment& at, u32 index) {
  if (archive_ == nullptr) return;
  const dns::Name& name = served_[index].apex;
  const auto mark = mark_of(name, zones_[index]->catalog);
  if (archive_->mark_of(name) == mark) return;
  archive_->confirm(at.now, name, state_of(at, index));
}

void ZoneKeeper::restore(const Moment& at, u32 index) {
  if (archive_ == nullptr) return;
  Followed& followed = *zones_[index];
  const dns::Name& name = served_[index].apex;
  const auto kept = archive_->find(name);
  if (!kept.has_value()) return;
  const auto known = kept->state.has_value() ? kept->state->member : zone::store::MemberMark();
  const auto mark = mark_of(name, followed.catalog);
  if (known.is_there() && mark.is_there() && !equal_octets(known.unique(), mark.unique())) {
    // RFC 9432 section 5.6. Another catalog with the same label is one that the manifest has in place of that which it was in.
    log(Level::info, "zone ", name, ": what was kept of it is forgotten: it has another label in its catalog now");
    return archive_->remove(name);
  }
  const bool whole = archive_->restore(name, memory_, followed.versions);
  const bool is_there = followed.versions.zone().has_value();
  if (!whole) {
    log(Level::warning, "zone ", name, ": damaged in the storage; ",
        is_there ? "an older version is served until it is transferred again" : "it is transferred again");
  }
  if (!is_there) return;
  // Never longer than it was good when it was kept, whatever the clock says now.
  const auto state = kept->state.value_or(zone::store::ZoneState{});
  const i64 left = state.expires.seconds - std::max(at.wall.seconds, state.refreshed.seconds);
  if (left <= 0) {
    log(Level::warning, "zone ", name, ": expired while the server was down; queries get SERVFAIL until it is transferred");
    return;
  }
  followed.expires = at.now + Duration::seconds(left);
  set_served(index, followed.versions.zone());
  ++restored_;
}

// Other primaries, or another catalog: the same data.
void ZoneKeeper::move(const Moment& at, u32 index, const server::PeerList& peers, std::optional<u16> catalog) {
  const auto group = group_of(peers);
  Followed& followed = *zones_[index];
  if (!group.has_value() || (*group == followed.group && followed.catalog == catalog)) return;
  followed.group = *group;
  followed.catalog = catalog;
  end_transfers_of(served_[index].apex);
  outbox_.put(server::Outbox::everybody, encoded({.kind = AgentMessageKind::unfollow, .zone = served_[index].apex}));
  keep_mark(at, index);
  tell_follow(at, index);
}

void ZoneKeeper::unfollow(const dns::Name& zone) {
  const dns::Name name = zone;
  const u32 index = index_of(name);
  if (index == no_index) return;
  end_transfers_of(name);
  outbox_.put(server::Outbox::everybody, encoded({.kind = AgentMessageKind::unfollow, .zone = name}));
  zones_[index]->versions.abandon();
  retire(index);
  if (archive_ != nullptr) archive_->remove(name);
  without_data_ -= served_[index].zone.has_value() ? 0U : 1U;
  names_.erase(name, index);
  // The last one takes its place.
  const auto last = static_cast<u32>(zones_.size() - 1);
  if (index != last) {
    names_.erase(served_[last].apex, last);
    std::swap(zones_[index], zones_[last]);
    std::swap(served_[index], served_[last]);
    zones_.pop_back();
    served_.pop_back();
    names_.insert(served_[index].apex, index, [this](u32 other) { return served_[other].apex; });
  } else {
    zones_.pop_back();
    served_.pop_back();
  }
  touch(name);
}

// ---- catalogs -------------------------------------------------------------------------------------------------------

std::optional<u16> ZoneKeeper::catalog_named(const dns::Name& name) const {
  const auto found = std::ranges::find(config_.catalogs, name, &server::ConsumedCatalog::name);
  if (found == config_.catalogs.end()) return std::nullopt;
  return static_cast<u16>(found - config_.catalogs.begin());
}

namespace {

// Members that a catalog names and that are not taken from it. A version may name any number of them: the first few are told by
// name, of the others how many there are.
class IgnoredMembers {
 public:
  void add(const zone::CatalogChange& change) {
    if (++count_ <= told_by_name) first_.push_back(change);
  }
  void tell(const dns::Name& catalog) const {
    for (const zone::CatalogChange& change : first_) {
      log(Level::warning, "catalog ", catalog, ": member ", change.zone, " is ignored: ", zone::describe(change.kind));
    }
    if (count_ > first_.size()) {
      log(Level::warning, "catalog ", catalog, ": ", count_ - first_.size(),
          " more members are ignored: they are configured otherwise, or members of another catalog");
    }
  }

 private:
  static constexpr size_t told_by_name = 5;

  std::vector<zone::CatalogChange> first_;
  size_t count_ = 0;
};

}  // namespace

bool ZoneKeeper::read_catalog(const Moment& at, u16 catalog) {
  const dns::Name& name = config_.catalogs[catalog].name;
  const u32 index = index_of(name);
  if (index == no_index || !zones_[index]->versions.zone().has_value()) return true;
  const zone::Zone zone = *zones_[index]->versions.zone();
  auto read = zone::Catalog::read(zone);
  // RFC 9432 section 5.1: a broken catalog changes nothing.
  if (!read.ok()) {
    log(Level::warning, "catalog ", name, ": serial ", zone.serial().value(), " is broken: ", zone::describe(read.error()),
        "; its members stay as they were");
    return false;
  }
  if (!heap_has(membership_.octets_to_update(catalog, read.value()))) {
    log(Level::error, "catalog ", name, ": serial ", zone.serial().value(), ": ", zone::describe(zone::CatalogError::no_memory),
        "; its members stay as they were");
    return false;
  }
  const size_t members = read.value().size();
  u32 added = 0;
  u32 removed = 0;
  u32 others = 0;
  IgnoredMembers ignored;
  const auto changes =
      membership_.update(catalog, std::move(read).value(), [this](const dns::Name& member) { return is_configured(member); });
  for (const zone::CatalogChange change : changes) {
    using Kind = zone::CatalogChange::Kind;
    added += change.kind == Kind::added ? 1 : 0;
    removed += change.kind == Kind::removed ? 1 : 0;
    others += change.kind == Kind::reset || change.kind == Kind::moved ? 1 : 0;
    if (change.kind == Kind::ignored_configured || change.kind == Kind::ignored_claimed) {
      ignored.add(change);
    } else if (change.kind != Kind::added || change.catalog != catalog) {
      apply(at, change);
    }
  }
  ignored.tell(name);
  follow_members(at, catalog);
  if (added + removed + others != 0) {
    TextBuffer<64> more;
    if (others != 0) {
      more.writer().put(", ");
      more.writer().put(others);
      more.writer().put(" handed over or begun anew");
    }
    log(Level::info, "catalog ", name, ": serial ", zone.serial().value(), " has ", Counted{members, "zone"}, ": ", added,
        " added, ", removed, " removed", more.view());
  }
  return true;
}

// A member takes so much of the heap, here and in a worker, which may be on the same machine; the figure holds while tables
// grow.
constexpr size_t heap_per_member = size_t{4} << 10;

size_t ZoneKeeper::members_that_fit(size_t wanted) const {
  // A zone takes a page of zone memory at least, also one that has not come yet.
  const size_t to_be_used = memory_.usable() / 8 * 7;
  const size_t left = to_be_used - std::min(to_be_used, memory_.in_use());
  const size_t pages = left / (zone::extent_alignment + 2 * zone::octets_per_zone_in_set);
  size_t fit = 0;
  size_t most = std::min(wanted, pages - std::min(pages, without_data_));
  if (heap_has(heap_per_member * most + outbox_.octets())) return most;
  while (fit < most) {
    const size_t middle = (fit + most + 1) / 2;
    if (heap_has(heap_per_member * middle + outbox_.octets())) {
      fit = middle;
    } else {
      most = middle - 1;
    }
  }
  return fit;
}

// Those that the catalog has and nobody follows yet: what it has just named, and what there was no memory for before.
void ZoneKeeper::follow_members(const Moment& at, u16 catalog) {
  const server::ConsumedCatalog& from = config_.catalogs[catalog];
  size_t wanted = 0;
  membership_.for_each_member(catalog, [&](const dns::Name& member) { wanted += index_of(member) == no_index ? 1U : 0U; });
  if (wanted == 0) return;
  const size_t fit = members_that_fit(wanted);
  if (fit != 0) sets_.keep_room(zones_.size() + fit);
  size_t left = fit;
  membership_.for_each_member(catalog, [&](const dns::Name& member) {
    if (left == 0 || index_of(member) != no_index) return;
    follow(at, member, from.primaries_of_members(), catalog);
    --left;
  });
  if (fit == wanted) return;
  members_left_out_ = true;
  log(Level::error, "catalog ", from.name, ": ", wanted - fit,
      " of its members are not followed: there is no memory for more than ", zones_.size(),
      " zones; give the machine more memory, or raise limits/zone-memory");
}

void ZoneKeeper::apply(const Moment& at, const zone::CatalogChange& change) {
  using Kind = zone::CatalogChange::Kind;
  const server::ConsumedCatalog& catalog = config_.catalogs[change.catalog];
  const u32 index = index_of(change.zone);
  const bool ours = index != no_index && zones_[index]->catalog == change.catalog;
  switch (change.kind) {
    case Kind::added:
      // A member is followed at the primaries that the catalog has for its members.
      if (index == no_index && members_that_fit(1) != 0) {
        follow(at, change.zone, catalog.primaries_of_members(), change.catalog);
      }
      return;
    case Kind::removed:
      if (ours) unfollow(change.zone);
      return;
    case Kind::reset:
      if (index != no_index) unfollow(change.zone);
      if (members_that_fit(1) == 0) return;
      follow(at, change.zone, catalog.primaries_of_members(), change.catalog);
      return;
    case Kind::moved:
      if (index != no_index) move(at, index, catalog.primaries_of_members(), change.catalog);
      return;
    case Kind::changed: return;  // groups mean nothing to us
    case Kind::ignored_configured:
    case Kind::ignored_claimed: return;
  }
}

}  // namespace samara::secondary
