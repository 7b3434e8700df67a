// Reading what people write - a manifest in YAML, zone files and what they include - in a process of its own, which has nothing
// but the right to read, and gives back a boot configuration. Whoever finds a fault in a reader by a zone file has that
// process, for as long as it reads, and not the supervisor, which is root.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ops/deployment.h"
#include "ops/diagnostics.h"

namespace samara::ops {

using ReadDeployment = std::function<std::optional<Deployment>(Diagnostics&)>;

// Calls `read` in a child and makes the deployment anew of its boot configuration: paths and places in files are in `found`
// alone. A reader that ends by itself, or gives what cannot be, is an error. `source`: what the configuration comes from, for
// messages.
std::optional<Deployment> read_confined(const ReadDeployment& read, const std::string& source, Diagnostics& found);

}  // namespace samara::ops
