#include "ops/yaml/manifest.h"

#include <algorithm>
#include <array>

#include "ops/files.h"
#include "ops/text_of.h"
#include "ops/yaml/access.h"
#include "ops/yaml/consistency.h"
#include "ops/yaml/network.h"
#include "ops/yaml/peers.h"
#include "ops/yaml/primary_sections.h"
#include "ops/yaml/secondary_sections.h"
#include "ops/yaml/sections.h"

namespace samara::ops::yaml {

namespace {

const std::array<std::string, 2> roles{std::string(server::PrimaryConfig::role), std::string(server::SecondaryConfig::role)};
const std::array<std::string, 2> targets{"linux", "virtio"};

// A port of all addresses is each address's.
bool overlap(const Endpoint& a, const Endpoint& b) {
  return a.port == b.port && a.address.is_v4() == b.address.is_v4() &&
         (a.address.is_unspecified() || b.address.is_unspecified());
}

void read_listen(const Value& value, const Reading& reading, server::ServiceConfig& config) {
  if (!value.is_sequence() || value.items.empty()) {
    reading.error(value,
                  value.is_sequence() ? "an empty list of endpoints" : std::string(kind_name(value)) + " where a list belongs",
                  "a list of endpoints such as [\"192.0.2.1:53\", \"[2001:db8::1]:53\"]");
    return;
  }
  if (value.items.size() > server::max_listen) {
    reading.error(value.items.at(server::max_listen), "too many endpoints", "at most " + std::to_string(server::max_listen));
    return;
  }
  for (const Value& item : value.items) {
    const std::optional<Endpoint> endpoint = reading.endpoint(item);
    if (!endpoint) continue;
    if (std::ranges::find(config.listen, *endpoint) != config.listen.end()) {
      reading.error(item, in_quotes(item.text) + " stands twice in the list", "each endpoint once");
      continue;
    }
    const auto other = std::ranges::find_if(config.listen, [&](const Endpoint& before) { return overlap(before, *endpoint); });
    if (other != config.listen.end()) {
      reading.error(item, in_quotes(item.text) + " and " + text_of(*other) + " are the same port of the same address",
                    "either all addresses of this machine, or some of them");
      continue;
    }
    config.listen.push_back(*endpoint);
  }
}

void read_root(const Value& root, const Reading& reading, Deployment& deployment) {
  Fields fields(root, reading, "the manifest");
  if (!root.is_mapping()) return;
  if (const Value* value = fields.require("role", "role: primary or secondary")) {
    if (reading.choice(*value, roles, "role") == 1) deployment.config = server::SecondaryConfig();
  }
  server::ServiceConfig& config = deployment.service();
  if (const Value* value = fields.find("target")) {
    if (const auto target = reading.choice(*value, targets, "target")) deployment.target = targets.at(*target);
  }
  if (const Value* value = fields.require("listen", "listen: a list of endpoints such as [\"192.0.2.1:53\"]")) {
    read_listen(*value, reading, config);
  }
  if (const Value* value = fields.find("workers")) {
    config.workers = reading.number(*value, server::worker_count).value_or(config.workers);
  }
  // One after the other: the order of these calls is the order in which an error lists the known keys.
  const Value* user = fields.find("user");
  const Value* group = fields.find("group");
  read_user_and_group(user, group, reading, config);
  if (const Value* value = fields.find("identity")) read_identity(*value, reading, deployment);
  if (const Value* value = fields.find("log")) read_log(*value, reading, config);
  // Access rules name keys.
  if (const Value* value = fields.find("keys")) read_keys(*value, reading, deployment);
  if (const Value* value = fields.find("acl")) read_access(*value, reading, config);
  if (const Value* value = fields.find("limits")) read_limits(*value, reading, config.limits);
  if (const Value* value = fields.find("rate-limit")) config.rate_limit = read_rate_limit(*value, reading);
  if (const Value* value = fields.find("answer-rotation")) {
    config.answer_rotation = reading.truth(*value).value_or(config.answer_rotation);
  }
  if (const Value* value = fields.find("network")) config.network = read_network(*value, reading, deployment);
  if (const Value* value = fields.find("cookies")) read_cookies(*value, reading, config.cookies);
  if (const Value* value = fields.find("notify")) config.notify = read_peers(*value, reading, config, nullptr);
  read_truth(fields.find("notify-ns-records"), reading, config.notify_ns_records);
  if (const Value* value = fields.find("history")) config.history = read_history(*value, reading);
  if (const Value* value = fields.find("zone-limits")) {
    config.zone_limits = read_zone_limits(*value, "zone-limits", reading, config.zone_limits);
  }
  if (const Value* value = fields.find("storage")) read_storage(*value, reading, deployment);
  if (deployment.primary() != nullptr) {
    read_primary(fields, reading, deployment);
  } else {
    read_secondary(root, fields, reading, deployment);
  }
  fields.finish();
}

}  // namespace

std::optional<Deployment> read_manifest(std::string_view text, const std::string& path, Diagnostics& found) {
  const size_t errors_before = found.error_count();
  const std::optional<Value> root = parse(text, path, found);
  if (!root) return {};
  const Reading reading(path, found);
  Deployment deployment;
  if (root->is_null()) {
    reading.error(*root, "an empty manifest", "role, listen and zones at least");
  } else {
    read_root(*root, reading, deployment);
  }
  if (found.error_count() != errors_before) return {};
  if (auto* primary = deployment.primary(); primary != nullptr && !primary->catalogs.empty()) {
    const auto written = changed_at(path);
    for (server::ProducedCatalog& catalog : primary->catalogs) catalog.written = written;
  }
  check_consistency(*root, reading, deployment);
  return deployment;
}

}  // namespace samara::ops::yaml
