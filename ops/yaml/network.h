// The `network` section of a manifest: what an image with a TCP/IP of its own is told (docs/configuration.md).
#pragma once

#include "ops/deployment.h"
#include "ops/yaml/reading.h"

namespace samara::ops::yaml {

// Reports what is wrong and leaves it out.
runtime::NetworkConfig read_network(const Value& value, const Reading& reading, Deployment& deployment);
// What an image is told that has a card and no `network` section: everything from DHCP and router advertisements, port 53.
runtime::NetworkConfig automatic_network();
// As the section's lines, each indented by two; `address_secret` as it is to be shown, empty when there is none.
std::string write_network(const runtime::NetworkConfig& network, const std::string& address_secret);

}  // namespace samara::ops::yaml
