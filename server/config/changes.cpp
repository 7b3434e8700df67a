#include "server/config/changes.h"

#include <array>

namespace samara::server {
namespace {

class ChangedKeys {
 public:
  void add(std::string_view key, bool changed) {
    if (changed) keys_[used_++] = key;
  }
  void write_text(TextWriter& out) const {
    for (size_t i = 0; i < used_; ++i) {
      if (i != 0) out.put(i + 1 == used_ ? " and " : ", ");
      out.put(keys_[i]);
    }
  }

 private:
  std::array<std::string_view, 24> keys_{};
  size_t used_ = 0;
};

void compare_services(const ServiceConfig& a, const ServiceConfig& b, ChangedKeys& changed) {
  // Named one by one, so that the compiler asks for each member that is added. The seed and the time are the start's, and no
  // manifest has notifies_under_way.
  const auto& [workers, listen, user, group, identity, log_level, entropy_seed, boot_time, keys, access, limits, rate_limit,
               cookies, answer_rotation, network, notify, notify_ns_records, history, zone_limits, storage,
               notifies_under_way] = a;
  static_cast<void>(entropy_seed);
  static_cast<void>(boot_time);
  static_cast<void>(notifies_under_way);
  changed.add("listen", listen != b.listen);
  changed.add("workers", workers != b.workers);
  changed.add("user", user != b.user);
  changed.add("group", group != b.group);
  changed.add("identity", identity != b.identity);
  changed.add("log", log_level != b.log_level);
  changed.add("keys", keys != b.keys);
  changed.add("acl", access != b.access);
  changed.add("limits", limits != b.limits);
  changed.add("rate-limit", rate_limit != b.rate_limit);
  changed.add("answer-rotation", answer_rotation != b.answer_rotation);
  changed.add("network", network != b.network);
  changed.add("cookies", cookies != b.cookies);
  changed.add("notify", notify != b.notify);
  changed.add("notify-ns-records", notify_ns_records != b.notify_ns_records);
  changed.add("history", history != b.history);
  changed.add("zone-limits", zone_limits != b.zone_limits);
  changed.add("storage", storage != b.storage);
}

// Zones' own settings follow the manifest, but a server that told nobody of anything cannot begin to.
template <class RoleConfig>
void compare_notifying(const RoleConfig& a, const RoleConfig& b, ChangedKeys& changed) {
  const bool same = a.notify == b.notify && a.notify_ns_records == b.notify_ns_records;
  changed.add("notify of zones", same && !notifies_anybody(a) && notifies_anybody(b));
}

}  // namespace

void write_fixed_changes(const PrimaryConfig& at_start, const PrimaryConfig& reloaded, TextWriter& out) {
  ChangedKeys changed;
  compare_services(at_start, reloaded, changed);
  compare_notifying(at_start, reloaded, changed);
  changed.add("update-policy", at_start.update_rules != reloaded.update_rules);
  changed.add("update-limits", at_start.update_limits != reloaded.update_limits);
  changed.write_text(out);
}

void write_fixed_changes(const SecondaryConfig& at_start, const SecondaryConfig& reloaded, TextWriter& out) {
  ChangedKeys changed;
  compare_services(at_start, reloaded, changed);
  compare_notifying(at_start, reloaded, changed);
  changed.add("catalogs", at_start.catalogs != reloaded.catalogs);
  changed.add("transfers-in", at_start.transfers_in != reloaded.transfers_in);
  changed.add("refresh", at_start.refresh != reloaded.refresh);
  changed.add("forward-updates", at_start.forward_updates != reloaded.forward_updates);
  changed.add("forward-updates of zones", at_start.forward_updates == reloaded.forward_updates &&
                                              !at_start.forwards_any_updates() && reloaded.forwards_any_updates());
  changed.write_text(out);
}

}  // namespace samara::server
