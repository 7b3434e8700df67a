// Deployment: a configuration together with the texts its views point into, made from a YAML manifest, from a command line or
// from a boot blob.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <variant>

#include "ops/diagnostics.h"
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

  // Keeps `text` for as long as the deployment lives.
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }

  std::deque<std::string> texts;
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

// For a primary: reads `path` and every file its $INCLUDE directives name, as the image will need them. Reports files that
// cannot be read. False when anything was reported.
bool add_zone(Deployment& deployment, const dns::Name& name, const std::string& path, const Place& asked_at,
              Diagnostics& found);

}  // namespace samara::ops
