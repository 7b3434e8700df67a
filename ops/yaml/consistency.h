// What a manifest says that can be read but cannot work, or not as its writer thinks: names that nothing is called, rights that
// anybody can take, servers that are told of their own changes. These are warnings: a manifest changes piece by piece, and a
// server is not kept from starting by what does no harm.
#pragma once

#include "ops/deployment.h"
#include "ops/yaml/reading.h"

namespace samara::ops::yaml {

// `root` is the manifest that `deployment` was read from, without errors.
void check_consistency(const Value& root, const Reading& reading, const Deployment& deployment);

}  // namespace samara::ops::yaml
