// Deployment: a configuration together with the texts its views point into, made from a YAML manifest, from a command line or
// from a boot blob.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ops/diagnostics.h"
#include "ops/zone_folders.h"
#include "server/config/primary_config.h"
#include "server/config/secondary_config.h"

namespace samara::ops {

using RoleConfig = std::variant<server::PrimaryConfig, server::SecondaryConfig>;
// What every role is told.
server::ServiceConfig& service_of(RoleConfig& config);
const server::ServiceConfig& service_of(const RoleConfig& config);
// "primary"
std::string role_of(const RoleConfig& config);

struct Deployment {
  Deployment() = default;
  // Views into `texts` survive a move of the deque, but not a copy.
  Deployment(Deployment&&) noexcept = default;
  Deployment& operator=(Deployment&&) noexcept = default;
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  // Keeps `text` for as long as the deployment lives, or until it is dropped.
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
  void drop(std::string_view kept);

  std::deque<std::string> texts;
  std::vector<u8> blob;  // where `config` comes from, when it was decoded
  u64 zone_octets = 0;   // of zones' texts and what belongs to them in a boot blob
  // Where zones' files may lie.
  ZoneFolders folders;
  std::vector<std::string> zone_folders;  // those that the manifest names
  std::string target = "linux";
  RoleConfig config;

  server::ServiceConfig& service() { return service_of(config); }
  const server::ServiceConfig& service() const { return service_of(config); }
  // Null when it is of the other role.
  server::PrimaryConfig* primary() { return std::get_if<server::PrimaryConfig>(&config); }
  const server::PrimaryConfig* primary() const { return std::get_if<server::PrimaryConfig>(&config); }
  server::SecondaryConfig* secondary() { return std::get_if<server::SecondaryConfig>(&config); }
  const server::SecondaryConfig* secondary() const { return std::get_if<server::SecondaryConfig>(&config); }
};

// The zones' texts of a deployment together, with what they need in its blob: below a device tree's largest, so that whatever
// zone there is too much of, the others find room.
constexpr u64 max_zone_octets = codec::max_device_tree_size / 16 * 15;

// For a primary: reads `path` and every file its $INCLUDE directives name, as the image will need them, where the deployment's
// folders allow it. What is wrong with them is reported and costs this zone only, by `found`'s rule: nothing comes of the
// whole, or the zone has no texts. Where all together are too large, the largest goes in the same way. False when the whole is
// lost.
bool add_zone(Deployment& deployment, const dns::Name& name, const std::string& path, const Place& asked_at,
              Diagnostics& found);

}  // namespace samara::ops
