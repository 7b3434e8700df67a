// Boot blobs on the host: made from a configuration, handed to an image, read back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/deployment.h"
#include "ops/diagnostics.h"

namespace samara::ops {

// The blob of a configuration. Nothing (and an error in `found`) when it is too large for a device tree.
std::optional<std::vector<u8>> compile_blob(const RoleConfig& config, const std::string& file, Diagnostics& found);

// A blob that was read from `file`, decoded; keeps its octets.
class DecodedBlob {
 public:
  static std::optional<DecodedBlob> decode(std::string_view octets, const std::string& file, Diagnostics& found);
  const RoleConfig& config() const { return config_; }

 private:
  template <class Config>
  bool take(Result<Config, server::ConfigError> read, const std::string& file, Diagnostics& found);

  std::vector<u8> octets_;  // what operator new gives is aligned as a device tree must be
  RoleConfig config_;
};

}  // namespace samara::ops
