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

// A blob that was read from `file`, decoded. What it holds are views into `blob`, which is aligned as a device tree must be:
// what operator new gives is.
std::optional<RoleConfig> decode_blob(Bytes blob, const std::string& file, Diagnostics& found);

// The same with its octets.
class DecodedBlob {
 public:
  static std::optional<DecodedBlob> decode(std::string_view octets, const std::string& file, Diagnostics& found);
  const RoleConfig& config() const { return config_; }

 private:
  std::vector<u8> octets_;
  RoleConfig config_;
};

}  // namespace samara::ops
