#include "server/notify_agent.h"

#include "dns-core/rdata/rdata_text.h"
#include "platform/base/log.h"

namespace samara::server {

NotifyAgent::NotifyAgent(const ServiceConfig& config, const ZoneSettings& settings, const dns::TsigKeyring& keys,
                         std::span<const u8, crypto::Drbg::seed_size> seed, std::vector<dns::Name> catalogs)
    : config_(config),
      settings_(settings),
      keys_(keys),
      rng_(seed),
      catalogs_(std::move(catalogs)),
      notifier_({.pending = config.notifies_under_way, .by_catalogs = !catalogs_.empty()}, rng_) {
  static_assert(2 * max_notify_targets <= least_notifies_under_way, "there is always room for a zone's again");
  targets_.reserve(max_notify_targets);
}

void NotifyAgent::tell(Instant now, const zone::ZoneSet& zones, const zone::Zone& zone, Notifier::Urgency urgency) {
  const dns::Name apex = zone.apex();
  const ZoneOverrides& overrides = settings_.of(apex);
  const NotifyRules rules{config_.notify_targets(overrides), config_.notifies_ns_records(overrides)};
  find_notify_targets(config_, keys_, rules, zones, zone, targets_);
  Instant not_before;
  if (is_catalog(apex)) {
    others_not_before_ = now + catalog_lead;
  } else {
    not_before = others_not_before_;
  }
  // When there is no room, all targets are notified of everything once there is: too much, but nobody is left out.
  if (!notifier_.on_zone_changed(now, apex, zone.serial(), targets_, urgency, not_before) && !told_.has_value()) told_ = 0;
}

void NotifyAgent::tell_catalogs(Instant now, const zone::ZoneSet& zones) {
  for (const dns::Name& catalog : catalogs_) {
    const auto match = zones.at(catalog);
    if (match.has_value() && match->zone.has_value()) tell(now, zones, *match->zone, Notifier::Urgency::start);
  }
}

void NotifyAgent::on_start(Instant now, const zone::ZoneSet& zones) {
  told_ = 0;
  go_on_telling_all(now, zones);
}

void NotifyAgent::go_on_telling_all(Instant now, const zone::ZoneSet& zones) {
  size_t place = 0;
  size_t told = *told_;
  bool room = true;
  if (told == 0) tell_catalogs(now, zones);
  zones.for_each_zone([&](const zone::Zone& zone) {
    if (place++ < told || !room) return;
    if (is_catalog(zone.apex())) {
      ++told;
      return;
    }
    room = notifier_.has_room(max_notify_targets);
    if (!room) return;
    tell(now, zones, zone, Notifier::Urgency::start);
    ++told;
  });
  told_ = room ? std::nullopt : std::optional(told);
}

void NotifyAgent::on_zone_changed(Instant now, const zone::ZoneSet& zones, const dns::Name& zone) {
  const auto match = zones.at(zone);
  if (match.has_value() && match->zone.has_value()) tell(now, zones, *match->zone, Notifier::Urgency::change);
}

size_t NotifyAgent::poll_datagram(Instant now, UnixTime wall, const zone::ZoneSet& zones, Endpoint& peer,
                                  MutableBytes message) {
  const size_t size = notifier_.poll_datagram(now, wall, zones, peer, message);
  // Half empty, so that the walk over all zones is seldom begun again.
  if (told_.has_value() && notifier_.pending() < config_.notifies_under_way / 2) go_on_telling_all(now, zones);
  log_events();
  return size;
}

void NotifyAgent::log_events() {
  for (auto event = notifier_.poll_event(); event.has_value(); event = notifier_.poll_event()) {
    switch (event->kind) {
      case NotifyEvent::Kind::refused:
        log(Level::warning, "zone ", event->zone, ": ", event->peer, " answers NOTIFY of serial ", event->serial.value(),
            " with ", dns::RcodeText{event->rcode}, "; is it a secondary of the zone, and does it take NOTIFY from here?");
        break;
      case NotifyEvent::Kind::given_up:
        log(Level::warning, "zone ", event->zone, ": ", event->peer, " does not answer NOTIFY of serial ",
            event->serial.value(), "; it learns of the change when its refresh time is over");
        break;
      case NotifyEvent::Kind::bad_signature:
        if (const auto refusal = dns::describe_refusal(event->rcode); !refusal.empty()) {
          log(Level::warning, "zone ", event->zone, ": ", event->peer, " does not accept the signature of NOTIFY: ", refusal);
        } else {
          log(Level::warning, "zone ", event->zone, ": ", event->peer,
              " does not sign its answer to NOTIFY with the key set for it");
        }
        break;
    }
  }
}

}  // namespace samara::server
