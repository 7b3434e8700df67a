#include "ops/deployment.h"

namespace samara::ops {

server::ServiceConfig& service_of(RoleConfig& config) {
  return std::visit([](auto& role) -> server::ServiceConfig& { return role; }, config);
}

const server::ServiceConfig& service_of(const RoleConfig& config) {
  return std::visit([](const auto& role) -> const server::ServiceConfig& { return role; }, config);
}

std::string role_of(const RoleConfig& config) {
  return std::visit([](const auto& role) { return std::string(role.role); }, config);
}

}  // namespace samara::ops
