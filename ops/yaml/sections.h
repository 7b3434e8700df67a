// The sections of a manifest, one function each. All report what is wrong and leave the default where a value is unusable.
#pragma once

#include "ops/deployment.h"
#include "ops/yaml/reading.h"

namespace samara::ops::yaml {

void read_user_and_group(const Value* user, const Value* group, const Reading& reading, server::ServiceConfig& config);
void read_identity(const Value& value, const Reading& reading, Deployment& deployment);
void read_log(const Value& value, const Reading& reading, server::ServiceConfig& config);
void read_keys(const Value& value, const Reading& reading, Deployment& deployment);
void read_limits(const Value& value, const Reading& reading, server::Limits& limits);
void read_storage(const Value& value, const Reading& reading, Deployment& deployment);
server::RateLimit read_rate_limit(const Value& value, const Reading& reading);
void read_cookies(const Value& value, const Reading& reading, server::Cookies& cookies);

}  // namespace samara::ops::yaml
