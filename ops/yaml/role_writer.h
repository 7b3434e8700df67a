// What a manifest has of one role only, written back.
#pragma once

#include "ops/yaml/writing.h"
#include "server/config/primary_config.h"
#include "server/config/secondary_config.h"

namespace samara::ops::yaml {

void write_role(const server::PrimaryConfig& config, YamlLines& out);
void write_role(const server::SecondaryConfig& config, YamlLines& out);

}  // namespace samara::ops::yaml
