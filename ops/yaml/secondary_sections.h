// What only a secondary's manifest has: whom it follows, in which zones and catalogs, and within which limits.
#pragma once

#include "ops/deployment.h"
#include "ops/yaml/reading.h"

namespace samara::ops::yaml {

// The deployment's configuration is a secondary's.
void read_secondary(const Value& root, Fields& fields, const Reading& reading, Deployment& deployment);

}  // namespace samara::ops::yaml
