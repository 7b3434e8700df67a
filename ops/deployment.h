// Deployment: a configuration together with the texts its views point into, made from a YAML manifest, from a command line or
// from a boot blob.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "ops/diagnostics.h"
#include "server/config/primary_config.h"

namespace samara::ops {

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
  server::PrimaryConfig config;
};

// Reads `path` and every file its $INCLUDE directives name, as the image will need them. Reports files that cannot be read.
// False when anything was reported.
bool add_zone(Deployment& deployment, const dns::Name& name, const std::string& path, const Place& asked_at,
              Diagnostics& found);

}  // namespace samara::ops
