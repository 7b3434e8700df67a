#include "server/config/changes.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace samara::server {
namespace {

template <class Config>
std::string changes(const Config& a, const Config& b) {
  TextBuffer<300> text;
  write_fixed_changes(a, b, text.writer());
  EXPECT_FALSE(text.writer().overflowed());
  return std::string(text.view());
}

// Each key of a manifest but zones, and a change of its value.
struct Change {
  std::string_view key;
  std::function<void(ServiceConfig&)> make;
};
const std::vector<Change> service_changes{
    {"listen", [](ServiceConfig& c) { c.listen.emplace_back(); }},
    {"workers", [](ServiceConfig& c) { c.workers = 3; }},
    {"user", [](ServiceConfig& c) { c.user = 7; }},
    {"group", [](ServiceConfig& c) { c.group = 7; }},
    {"identity", [](ServiceConfig& c) { c.identity.version = "2"; }},
    {"log", [](ServiceConfig& c) { c.log_level = Level::debug; }},
    {"keys", [](ServiceConfig& c) { c.keys.emplace_back(); }},
    {"acl", [](ServiceConfig& c) { c.access.update.emplace_back(); }},
    {"limits", [](ServiceConfig& c) { c.limits.tcp_clients = 9; }},
    {"rate-limit", [](ServiceConfig& c) { c.rate_limit.emplace(); }},
    {"answer-rotation", [](ServiceConfig& c) { c.answer_rotation = true; }},
    {"network", [](ServiceConfig& c) { c.network.emplace(); }},
    {"cookies", [](ServiceConfig& c) { c.cookies.required = true; }},
    {"notify", [](ServiceConfig& c) { c.notify.emplace_back(); }},
    {"notify-ns-records", [](ServiceConfig& c) { c.notify_ns_records = true; }},
    {"history", [](ServiceConfig& c) { c.history.differences = 1; }},
    {"zone-limits", [](ServiceConfig& c) { c.zone_limits.max_records = 1; }},
    {"storage", [](ServiceConfig& c) { c.storage.emplace(); }},
};

TEST(FixedChanges, NameEachKeyThatChanged) {
  for (const Change& change : service_changes) {
    PrimaryConfig primary;
    change.make(primary);
    EXPECT_EQ(changes(PrimaryConfig(), primary), change.key);
    SecondaryConfig secondary;
    change.make(secondary);
    EXPECT_EQ(changes(SecondaryConfig(), secondary), change.key);
  }
}

TEST(FixedChanges, NameWhatOnlyOneRoleHas) {
  PrimaryConfig primary;
  primary.update_rules.emplace_back();
  primary.update_limits.max_records = 1;
  EXPECT_EQ(changes(PrimaryConfig(), primary), "update-policy and update-limits");
  SecondaryConfig secondary;
  secondary.catalogs.emplace_back();
  secondary.transfers_in.concurrent = 1;
  secondary.refresh.retry_min = 1;
  secondary.forward_updates = true;
  EXPECT_EQ(changes(SecondaryConfig(), secondary), "catalogs, transfers-in, refresh and forward-updates");
}

TEST(FixedChanges, AreNoneWhereOnlyZonesOrTheStartDiffer) {
  PrimaryConfig primary;
  primary.zones.emplace_back();
  primary.catalogs.emplace_back();
  primary.entropy_seed.emplace();
  primary.boot_time = 5;
  EXPECT_EQ(changes(PrimaryConfig(), primary), "");
  SecondaryConfig secondary;
  secondary.zones.emplace_back();
  EXPECT_EQ(changes(SecondaryConfig(), secondary), "");
}

TEST(FixedChanges, NameWhatTheFirstZoneWithSettingsCannotHave) {
  PrimaryConfig plain;
  PrimaryConfig primary;
  primary.zones.emplace_back().overrides.notify.emplace().emplace_back();
  EXPECT_EQ(changes(plain, primary), "notify of zones");
  EXPECT_EQ(changes(primary, plain), "");
  PrimaryConfig other = primary;
  other.zones.emplace_back().overrides.notify_ns_records = true;
  EXPECT_EQ(changes(primary, other), "");
  SecondaryConfig secondary;
  secondary.zones.emplace_back().overrides.forward_updates = true;
  EXPECT_EQ(changes(SecondaryConfig(), secondary), "forward-updates of zones");
}

TEST(FixedChanges, AllTogetherFitIntoALine) {
  PrimaryConfig primary;
  for (const Change& change : service_changes) change.make(primary);
  primary.update_rules.emplace_back();
  primary.update_limits.max_records = 1;
  EXPECT_EQ(
      changes(PrimaryConfig(), primary),
      "listen, workers, user, group, identity, log, keys, acl, limits, rate-limit, answer-rotation, network, cookies, notify, "
      "notify-ns-records, history, zone-limits, storage, update-policy and update-limits");
}

}  // namespace
}  // namespace samara::server
