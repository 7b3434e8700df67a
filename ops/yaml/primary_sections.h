// What only a primary's manifest has: zones with their files, catalogs it produces, rights to update.
#pragma once

#include "ops/deployment.h"
#include "ops/yaml/reading.h"

namespace samara::ops::yaml {

// The deployment's configuration is a primary's.
void read_primary(Fields& fields, const Reading& reading, Deployment& deployment);

}  // namespace samara::ops::yaml
