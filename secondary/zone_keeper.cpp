#include "secondary/zone_keeper.h"

#include <algorithm>

#include "platform/base/log.h"
#include "server/loader_messages.h"
#include "zone/signature_times.h"

namespace samara::secondary {

namespace {

constexpr u32 agent = 0;  // the worker that has it
// More transfers than the agent can have begun and given up while their batches were on their way here.
constexpr size_t max_rejected_kept = 1024;
// Updates on their way to the agent are turned away when this much is: it takes them at once, if it can.
constexpr size_t max_octets_for_updates = size_t{4} << 20;

// The vector has exactly the size of the message: there may be one for each zone.
std::vector<u8> encoded(const AgentMessage& message) {
  std::array<u8, max_message_head> octets;
  ByteWriter out(octets);
  write_message(message, out);
  return {out.written().begin(), out.written().end()};
}

std::vector<u8> encoded_change(const dns::Name& zone) {
  std::vector<u8> octets(1 + dns::max_name_size);
  ByteWriter out(octets);
  server::begin_zones_changed(out);
  server::add_changed_zone(zone, out);
  octets.resize(out.size());
  return octets;
}

}  // namespace

ZoneKeeper::ZoneKeeper(const server::SecondaryConfig& config, MutableBytes region, ZoneArchive* archive, Rng& rng)
    : config_(config), settings_(config), memory_(region), archive_(archive), rng_(rng), names_(rng), membership_([&] {
        std::vector<dns::Name> names;
        for (const server::ConsumedCatalog& catalog : config.catalogs) names.push_back(catalog.name);
        return zone::CatalogMembership(names);
      }()) {}

// ---- messages -------------------------------------------------------------------------------------------------------

void ZoneKeeper::on_message(const Moment& at, u32 worker, Bytes octets) {
  if (server::kind_of(octets).has_value()) return hand_on_update(worker, octets);
  const auto read = read_message(octets);
  if (!read.ok()) return;
  const AgentMessage& message = read.value();
  switch (message.kind) {
    case AgentMessageKind::batch: return on_batch(at, message);
    case AgentMessageKind::dropped:
      std::erase_if(incoming_, [&](const Incoming& incoming) { return incoming.transfer == message.transfer; });
      return;
    case AgentMessageKind::expired: return on_expired(message);
    case AgentMessageKind::confirmed: return on_confirmed(at, message);
    case AgentMessageKind::notified:
      if (worker != agent) outbox_.put(agent, encoded(message));
      return;
    case AgentMessageKind::primaries:
    case AgentMessageKind::follow:
    case AgentMessageKind::unfollow:
    case AgentMessageKind::installed:
    case AgentMessageKind::rejected:
    case AgentMessageKind::refresh:
    case AgentMessageKind::retransfer: return;
  }
}

// A transfer to somebody keeps the zone that it reads, not the generation.
void ZoneKeeper::on_transfer_note(u32 worker, const server::TransferNote& note) {
  if (note.kind == server::LoaderMessage::hold) {
    retired_.hold({.worker = worker, .tag = note.tag, .zone = note.zone, .generation = note.generation});
    outbox_.put(worker, server::encoded(note, server::LoaderMessage::held));
  } else if (note.kind == server::LoaderMessage::let_go) {
    retired_.let_go(worker, note.tag);
  }
}

// When zone memory is scarce, the transfer that keeps memory for longest is ended, one at a time.
void ZoneKeeper::make_room() {
  if (!memory_.is_scarce() || retired_.is_any_asked_to_end()) return;
  const auto slowest = retired_.take_slowest();
  if (!slowest.has_value()) return;
  log(Level::warning, "zone ", slowest->zone, ": the slowest of its transfers is ended: zone memory runs short");
  const server::TransferNote note{.tag = slowest->tag, .generation = slowest->generation, .zone = slowest->zone};
  outbox_.put(slowest->worker, server::encoded(note, server::LoaderMessage::end_transfer));
}

// An update goes from the worker that has the requester to the agent, the outcome back.
void ZoneKeeper::hand_on_update(u32 worker, Bytes octets) {
  if (const auto note = server::read_transfer_note(octets); note.has_value()) return on_transfer_note(worker, *note);
  if (server::kind_of(octets) == server::LoaderMessage::update_done) {
    const auto done = server::read_update_done(octets);
    if (done.has_value() && worker == agent) outbox_.put(done->worker, {octets.begin(), octets.end()});
    return;
  }
  if (server::kind_of(octets) != server::LoaderMessage::update) return;
  auto update = server::read_update(octets);
  if (!update.has_value()) return;
  update->worker = static_cast<u16>(worker);
  if (outbox_.octets() + octets.size() > max_octets_for_updates) {
    std::vector<u8> refusal(server::max_update_done);
    ByteWriter out(refusal);
    server::write_update_done({.worker = update->worker,
                               .tag = update->tag,
                               .rcode = dns::Rcode::SERVFAIL,
                               .why = dns::ExtendedError::not_ready,
                               .reason = "too many updates are waiting"},
                              out);
    refusal.resize(out.size());
    return outbox_.put(worker, std::move(refusal));
  }
  std::vector<u8> copy(octets.size());
  ByteWriter out(copy);
  server::write_update(*update, out);
  outbox_.put(agent, std::move(copy));
}

u32 ZoneKeeper::index_of(const dns::Name& name) const {
  return names_.find(name, [&](u32 index) { return served_[index].apex == name; });
}

// Returns no_index also when the agent tells of a zone as it was followed before.
u32 ZoneKeeper::index_of(const AgentMessage& message) const {
  const u32 index = index_of(message.zone);
  return index != no_index && zones_[index]->number == message.following ? index : no_index;
}

void ZoneKeeper::on_expired(const AgentMessage& message) {
  const u32 index = index_of(message);
  if (index != no_index) serve(index, std::nullopt);
}

void ZoneKeeper::on_confirmed(const Moment& at, const AgentMessage& message) {
  const u32 index = index_of(message);
  if (index == no_index || !zones_[index]->versions.zone().has_value()) return;
  const zone::Zone& zone = *zones_[index]->versions.zone();
  zones_[index]->expires = at.now + message.expires_in;
  tell_expiry(message.zone, message.expires_in);
  // A zone that expired on its way here is good again.
  if (!served_[index].zone.has_value()) serve(index, zone);
  if (archive_ != nullptr) archive_->confirm(at.now, message.zone, state_of(at, index));
}

// Any worker may be asked (RFC 7314 section 3.2).
void ZoneKeeper::tell_expiry(const dns::Name& name, Duration expires_in) {
  outbox_.put(server::Outbox::everybody,
              encoded({.kind = AgentMessageKind::confirmed, .zone = name, .expires_in = expires_in}));
}

// ---- transfers ------------------------------------------------------------------------------------------------------

InstallLimits ZoneKeeper::install_limits(const server::ZoneOverrides& overrides) const {
  const server::TransferInLimits& in = config_.transfers_in;
  return {.records = static_cast<u32>(in.zone_records),
          .octets = in.zone_octets,
          .zone = config_.limits_of(overrides).sizes<zone::SizeLimits>()};
}

// A transfer keeps what a zone of moderate size takes on its way; the largest go first.
void ZoneKeeper::give_up_largest_transfers() {
  constexpr size_t moderate = size_t{256} << 10;
  const auto held = [](const Incoming& incoming) { return incoming.installer->held(); };
  while (memory_.is_scarce() && !incoming_.empty()) {
    const auto largest = std::ranges::max_element(incoming_, {}, held);
    if (held(*largest) <= moderate) return;
    const Incoming given_up = std::move(*largest);
    incoming_.erase(largest);
    reject(given_up, InstallError::no_memory);
  }
}

void ZoneKeeper::on_batch(const Moment& at, const AgentMessage& message) {
  give_up_largest_transfers();
  const u32 index = index_of(message);
  // The message is about a zone that is followed no more or from elsewhere, or about a transfer that has been given up.
  if (index == no_index || std::ranges::find(rejected_, message.transfer) != rejected_.end()) return;
  auto found = std::ranges::find(incoming_, message.transfer, &Incoming::transfer);
  if (found == incoming_.end()) {
    auto installer =
        std::make_unique<ZoneInstaller>(memory_, message.zone, zones_[index]->versions.zone(),
                                        install_limits(overrides(message.zone, zones_[index]->catalog)), zones_[index]->octets);
    incoming_.push_back({message.transfer, message.zone, std::move(installer)});
    found = incoming_.end() - 1;
  }
  const auto complete = found->installer->on_batch(message.items);
  if (complete.ok() && !complete.value()) return;
  const Incoming incoming = std::move(*found);
  incoming_.erase(found);
  complete.ok() ? install(at, index, incoming) : reject(incoming, complete.error());
}

void ZoneKeeper::install(const Moment& at, u32 index, const Incoming& incoming) {
  Followed& followed = *zones_[index];
  const auto before = followed.versions.zone();
  const bool had_expired = before.has_value() && !served_[index].zone.has_value();
  const auto made = incoming.installer->finish(followed.versions);
  retire(index);
  if (!made.ok()) return reject(incoming, made.error());
  tell_warnings(incoming.zone, incoming.installer->warnings());
  tell_warnings(incoming.zone, incoming.installer->large_sets());
  followed.octets = incoming.installer->zone_octets();
  const zone::Zone& zone = made.value();
  // A difference costs what it changes; what ends meanwhile is seen within a day.
  if (!incoming.installer->is_steps()) tell_signatures(zone, at.wall);
  const dns::SoaNumbers soa = dns::SoaNumbers::of(zone.soa().first().rdata());
  const Duration expires_in = Duration::seconds(i64{std::min(incoming.installer->expire().value_or(soa.expire), soa.expire)});
  followed.expires = at.now + expires_in;
  serve(index, zone);
  tell_expiry(incoming.zone, expires_in);
  // The place it had is another transfer's: what is installed waits for its publication together.
  outbox_.put(agent,
              encoded({.kind = AgentMessageKind::installed, .transfer = incoming.transfer, .zone = incoming.zone, .soa = soa}));
  const bool same = before.has_value() && before->header() == zone.header();
  // Our followers got SERVFAIL, and ask seldom by now.
  if (!same || had_expired) when_published_.push_back(encoded_change(incoming.zone));
  if (same) return;
  const auto note = [&](NameQueue& names, bool& is_noted) {
    if (!std::exchange(is_noted, true)) names.push(incoming.zone);
  };
  if (followed.versions.compaction_due()) note(to_compact_, followed.to_compact);
  const auto catalog = catalog_named(incoming.zone);
  const bool broken = catalog.has_value() && !read_catalog(at, *catalog);
  // The storage keeps the last version of a catalog that was good: by that the next start knows the members.
  if (archive_ != nullptr && !broken) note(unsaved_, followed.unsaved);
}

// A primary may break the same rule a million times, at every transfer.
void ZoneKeeper::tell_warnings(const dns::Name& zone, const zone::Diagnostics& warnings) {
  const size_t told = std::min(warnings.size(), zone::max_diagnostics_told);
  for (size_t i = 0; i < told; ++i) log(Level::warning, "zone ", zone, ": ", warnings[i].text);
  if (warnings.warning_count() > told)
    log(Level::warning, "zone ", zone, ": ", warnings.warning_count() - told, " more like these");
}

void ZoneKeeper::reject(const Incoming& incoming, InstallError error) {
  TextBuffer<200 + dns::max_name_text> reason;
  incoming.installer->write_reason(error, reason.writer());
  const u32 index = index_of(incoming.zone);
  const auto now = index == no_index ? std::nullopt : served_[index].zone;
  if (now.has_value()) {
    log(Level::error, "zone ", incoming.zone, ": what was transferred cannot be served (", reason.view(), "); serial ",
        now->serial().value(), " stays in service, another primary is asked, or this one later");
  } else {
    log(Level::error, "zone ", incoming.zone, ": what was transferred cannot be served (", reason.view(),
        "); queries for it get SERVFAIL, another primary is asked, or this one later");
  }
  if (rejected_.size() == max_rejected_kept) rejected_.erase(rejected_.begin());
  rejected_.push_back(incoming.transfer);
  outbox_.put(agent, encoded({.kind = AgentMessageKind::rejected, .transfer = incoming.transfer}));
}

void ZoneKeeper::end_transfers_of(const dns::Name& name) {
  std::erase_if(incoming_, [&](const Incoming& incoming) { return incoming.zone == name; });
}

// ---- what is served -------------------------------------------------------------------------------------------------

void ZoneKeeper::serve(u32 index, std::optional<zone::Zone> zone) {
  set_served(index, zone);
  touch(served_[index].apex);
}

void ZoneKeeper::set_served(u32 index, std::optional<zone::Zone> zone) {
  without_data_ -= served_[index].zone.has_value() ? 0U : 1U;
  without_data_ += zone.has_value() ? 0U : 1U;
  served_[index].zone = zone;
}

void ZoneKeeper::touch(const dns::Name& apex) {
  sets_.touch(apex);
  changed_ = true;
}

void ZoneKeeper::retire(u32 index) {
  Followed& zone = *zones_[index];
  const auto retired = zone.versions.take_retired();
  if (retired.empty()) return;
  for (const zone::Extent& extent : retired) retired_.add(extent, served_[index].apex, zone.since, generation_);
  zone.since = generation_;
  touch(served_[index].apex);  // no later set may have what is given back
}

std::optional<zone::ZoneSet> ZoneKeeper::next_set() {
  return sets_.next(
      generation_,
      [this](const dns::Name& apex) {
        const u32 index = index_of(apex);
        return index == no_index ? std::nullopt : std::optional(served_[index]);
      },
      [this]() -> const std::vector<zone::ZoneSetEntry>& { return served_; });
}

void ZoneKeeper::published(u64 generation) {
  generation_ = generation;
  changed_ = false;
  for (std::vector<u8>& message : when_published_) outbox_.put(agent, std::move(message));
  when_published_.clear();
  make_room();
}

void ZoneKeeper::tell_signatures(const zone::Zone& zone, UnixTime wall) const {
  const auto ahead = Duration::seconds(config_.limits.signature_warning_seconds);
  const zone::SignatureTimes times = zone::look_at_signatures(zone, wall, ahead);
  if (times.any()) log(Level::warning, "zone ", zone.apex(), ": ", times);
}

// Whoever causes one kind of work all the time holds up none of the others.
void ZoneKeeper::work(const Moment& at) {
  if (at.now >= look_at_signatures_at_) {
    look_at_signatures_at_ = at.now + zone::signatures_looked_at_every;
    signatures_to_see_ = served_.size();
  }
  constexpr size_t kinds = 4;
  for (size_t i = 0; i < kinds; ++i) {
    turn_ = (turn_ + 1) % kinds;
    if (turn_ == 0 && !unsaved_.empty()) return save_next(at);
    if (turn_ == 1 && !to_compact_.empty()) return compact_next();
    if (turn_ == 2 && signatures_to_see_ != 0) return see_next_signatures(at);
    const bool archive_due = archive_ != nullptr && (archive_->has_work() || at.now >= archive_->next_deadline());
    if (turn_ == 3 && archive_due) return archive_->work();
  }
}

void ZoneKeeper::save_next(const Moment& at) {
  const u32 index = index_of(unsaved_.pop());
  // Another zone may have come in its place.
  if (index == no_index || !std::exchange(zones_[index]->unsaved, false)) return;
  archive_->save(*zones_[index]->versions.zone(), state_of(at, index));
}

void ZoneKeeper::compact_next() {
  const dns::Name name = to_compact_.pop();
  const u32 index = index_of(name);
  if (index == no_index || !std::exchange(zones_[index]->to_compact, false)) return;
  const auto compacted = zones_[index]->versions.compact();
  if (!compacted.ok()) {
    log(Level::warning, "zone ", name, ": no memory to copy it together; raise limits/zone-memory");
    return;
  }
  retire(index);
  if (served_[index].zone.has_value()) serve(index, compacted.value());
}

void ZoneKeeper::see_next_signatures(const Moment& at) {
  --signatures_to_see_;
  if (signatures_to_see_ >= served_.size()) return;
  const auto& zone = served_[signatures_to_see_].zone;
  if (zone.has_value()) tell_signatures(*zone, at.wall);
}

}  // namespace samara::secondary
