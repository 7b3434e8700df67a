// Access lists of a manifest, and the keys that are named in it.
#pragma once

#include "ops/yaml/reading.h"
#include "server/config/service_config.h"

namespace samara::ops::yaml {

// The key of that name among the manifest's; reports when there is none.
std::optional<u16> read_key_name(const Value& value, const Reading& reading, const server::ServiceConfig& config);
// Leaves `list` alone when there is no value.
void read_access_list(const Value* value, const Reading& reading, const server::ServiceConfig& config,
                      server::AccessList& list);
// The section `acl`.
void read_access(const Value& value, const Reading& reading, server::ServiceConfig& config);

}  // namespace samara::ops::yaml
