#include "platform/net/ipv6/multicast_listener.h"

#include <algorithm>
#include <utility>

namespace samara::net::ipv6 {
namespace {

// RFC 3810 section 9.
constexpr u8 default_robustness = 2;
constexpr Duration query_response_interval = Duration::seconds(10);
constexpr Duration unsolicited_report_interval = Duration::seconds(1);
// Queries come a second apart at the least (RFC 3810 section 9.8); whoever asks faster is not answered faster, whatever maximum
// delay the query says.
constexpr Duration response_interval = Duration::seconds(1);
// RFC 2710 section 7.
constexpr Duration unsolicited_report_interval_v1 = Duration::seconds(10);

// RFC 3810 section 6: never about all nodes, nor about groups that do not leave this interface.
bool is_reported(const IpAddress& group) {
  return group != all_nodes && multicast_scope(group) > 1;
}

}  // namespace

std::optional<WrittenMessage> write(const ListenerOutput& output, MutableBytes out) {
  if (const auto* report = std::get_if<SendListenerReport>(&output)) return write(report->report, report->source, out);
  const auto& message = *std::get_if<SendListenerMessageV1>(&output);
  return write_listener_message_v1(message.type, message.group, message.source, out);
}

Instant MulticastListener::next_deadline() const {
  Instant next = general_response_at_;
  if (version() == 1) next = std::min(next, version_1_until_);
  for (const Group& group : groups_) next = std::min({next, group.change_at, group.response_at});
  return next;
}

bool MulticastListener::listens_to(const IpAddress& group) const {
  return group == all_nodes || std::ranges::any_of(groups_, [&](const Group& g) { return g.group == group && g.users > 0; });
}

MulticastListener::Group* MulticastListener::find(const IpAddress& group) {
  const auto found = std::ranges::find(groups_, group, &Group::group);
  return found == groups_.end() ? nullptr : &*found;
}

Instant MulticastListener::soon(Instant now, Duration at_most) {
  const auto milliseconds = static_cast<u32>(std::clamp<i64>(at_most.milliseconds(), 0, INT32_MAX));
  return now + Duration::milliseconds(rng_.below(milliseconds + 1));
}

// RFC 3810 section 6.1: a change is reported at once, and again until as many reports were sent as the link may lose.
void MulticastListener::announce(Instant at, Group& group) {
  if (!is_reported(group.group)) return;
  group.changes_left = robustness_;
  group.change_at = at;
}

bool MulticastListener::join(Instant now, const IpAddress& group, Duration report_delay) {
  if (!is_multicast(group)) return false;
  Group* known = find(group);
  if (known != nullptr && known->users > 0) {
    if (known->users == UINT16_MAX) return false;
    ++known->users;
    return true;
  }
  if (known == nullptr) {
    // What was left gives way, even if the routers learn of it only when they ask.
    if (groups_.full()) {
      const auto left = std::ranges::find(groups_, u16{0}, &Group::users);
      if (left == groups_.end()) return false;
      groups_.remove_at(static_cast<size_t>(left - groups_.begin()));
    }
    Group fresh;
    fresh.group = group;
    groups_.add(fresh);
    known = find(group);
  }
  known->users = 1;
  announce(now + report_delay, *known);
  return true;
}

void MulticastListener::leave(Instant now, const IpAddress& group) {
  Group* known = find(group);
  if (known == nullptr || known->users == 0) return;
  if (--known->users > 0) return;
  known->response_at = Instant::never();
  known->asked.clear();
  if (version() == 1) {
    // RFC 2710 section 4: said once, by who was the last to report; others are still there otherwise.
    known->changes_left = known->last_reporter ? 1 : 0;
    known->change_at = known->last_reporter ? now : Instant::never();
  } else {
    announce(now, *known);
  }
  if (known->changes_left == 0) groups_.remove_if([&](const Group& g) { return g.users == 0 && g.changes_left == 0; });
}

void MulticastListener::on_link_local(Instant now, const std::optional<IpAddress>& address) {
  const bool news = address.has_value() && address != link_local_;
  link_local_ = address;
  if (!news) return;
  announce_all(now);  // RFC 3590 section 4: routers may have ignored what came from the unspecified address.
}

void MulticastListener::on_link_up(Instant now) {
  announce_all(now);
}

void MulticastListener::announce_all(Instant now) {
  for (Group& group : groups_) {
    if (group.users > 0) announce(std::min(group.change_at, now), group);
  }
}

void MulticastListener::on_query(Instant now, const ListenerQuery& query) {
  if (query.version == 1) {
    // RFC 3810 section 8.2.1.
    if (version() == 2) cancel_pending();
    version_1_until_ = now + query_interval_ * robustness_ + query_response_interval;
  } else {
    robustness_ = query.robustness == 0 ? default_robustness : query.robustness;
    if (query.query_interval > Duration()) query_interval_ = query.query_interval;
  }
  if (!query.is_general()) {
    Group* group = find(query.group);
    if (group != nullptr) schedule_response(now, query, *group);
    return;
  }
  if (version() == 2) {
    // RFC 3810 section 6.2 rules 1 and 2.
    const Instant at = std::max(soon(now, query.max_response), general_again_at_);
    general_response_at_ = std::min(general_response_at_, at);
    return;
  }
  for (Group& group : groups_) schedule_response(now, query, group);
}

void MulticastListener::schedule_response(Instant now, const ListenerQuery& query, Group& group) {
  if (group.users == 0 || !is_reported(group.group)) return;
  const Instant at = std::max(soon(now, query.max_response), group.response_again_at);
  if (version() == 2 && general_response_at_ <= at) return;  // RFC 3810 section 6.2 rule 1
  const bool pending = group.response_at != Instant::never();
  // Rules 3 to 5: about the sources of all queries that wait for an answer, unless one was about all sources.
  const bool about_all = query.sources.empty() || (pending && group.asked.empty());
  if (about_all) {
    group.asked.clear();
  } else {
    for (const IpAddress& address : query.sources) {
      if (std::ranges::find(group.asked, address) != group.asked.end()) continue;
      if (group.asked.add(address)) continue;
      group.asked.clear();  // too many to name
      break;
    }
  }
  group.response_at = std::min(group.response_at, at);
}

void MulticastListener::on_report_v1(const IpAddress& group) {
  // RFC 2710 section 4: somebody else has said it.
  Group* known = find(group);
  if (version() == 2 || known == nullptr || known->users == 0) return;
  known->response_at = known->change_at = Instant::never();
  known->changes_left = 0;
  known->last_reporter = false;
}

void MulticastListener::on_deadline(Instant now) {
  if (version() == 2 || now < version_1_until_) return;
  version_1_until_ = {};
  cancel_pending();
}

// RFC 3810 section 8.2.1: when the version changes, all that was pending is forgotten.
void MulticastListener::cancel_pending() {
  general_response_at_ = Instant::never();
  groups_.remove_if([](const Group& group) { return group.users == 0; });
  for (Group& group : groups_) {
    group.change_at = group.response_at = Instant::never();
    group.changes_left = 0;
    group.asked.clear();
    group.last_reporter = false;
  }
}

std::optional<ListenerOutput> MulticastListener::poll(Instant now) {
  if (version() == 1) return poll_version_1(now);
  auto report = changes_report(now);
  if (!report.has_value()) report = general_response(now);
  if (!report.has_value()) report = group_response(now);
  if (!report.has_value()) return std::nullopt;
  return SendListenerReport{source(), *report};
}

std::optional<ListenerReport> MulticastListener::changes_report(Instant now) {
  if (std::ranges::none_of(groups_, [&](const Group& group) { return group.change_at <= now; })) return std::nullopt;
  // One report tells all changes that are still to be told (RFC 3810 section 6.1), those that wait for their first not.
  const Instant again = soon(now, unsolicited_report_interval);
  ListenerReport report;
  for (Group& group : groups_) {
    const bool first = group.changes_left == robustness_;
    if (group.changes_left == 0 || (first && group.change_at > now)) continue;
    report.records.add(
        {group.users > 0 ? ListenerRecordType::change_to_exclude : ListenerRecordType::change_to_include, group.group, 0});
    --group.changes_left;
    group.change_at = group.changes_left > 0 ? again : Instant::never();
  }
  groups_.remove_if([](const Group& group) { return group.users == 0 && group.changes_left == 0; });
  return report;
}

std::optional<ListenerReport> MulticastListener::general_response(Instant now) {
  if (general_response_at_ > now) return std::nullopt;
  general_response_at_ = Instant::never();
  general_again_at_ = now + response_interval;
  ListenerReport report;
  for (const Group& group : groups_) {
    if (group.users > 0 && is_reported(group.group)) report.records.add({ListenerRecordType::mode_is_exclude, group.group, 0});
  }
  if (report.records.empty()) return std::nullopt;
  return report;
}

std::optional<ListenerReport> MulticastListener::group_response(Instant now) {
  const auto due = std::ranges::find_if(groups_, [&](const Group& group) { return group.response_at <= now; });
  if (due == groups_.end()) return std::nullopt;
  ListenerReport report;
  // RFC 3810 section 5.2.12: everything, or that of what was asked about everything is wanted.
  const auto type = due->asked.empty() ? ListenerRecordType::mode_is_exclude : ListenerRecordType::mode_is_include;
  report.records.add({type, due->group, static_cast<u16>(due->asked.size())});
  report.sources = due->asked;
  due->response_at = Instant::never();
  due->response_again_at = now + response_interval;
  due->asked.clear();
  return report;
}

std::optional<ListenerOutput> MulticastListener::poll_version_1(Instant now) {
  for (size_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    if (group.change_at > now && group.response_at > now) continue;
    const IpAddress address = group.group;
    if (group.users == 0) {
      groups_.remove_at(i);
      return SendListenerMessageV1{source(), MessageType::listener_done, address};
    }
    group.response_at = Instant::never();
    group.response_again_at = now + response_interval;
    group.last_reporter = true;
    if (group.change_at <= now) {
      --group.changes_left;
      group.change_at = group.changes_left > 0 ? soon(now, unsolicited_report_interval_v1) : Instant::never();
    }
    return SendListenerMessageV1{source(), MessageType::listener_report, address};
  }
  return std::nullopt;
}

}  // namespace samara::net::ipv6
