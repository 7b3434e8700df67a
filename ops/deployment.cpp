#include "ops/deployment.h"

#include <algorithm>

namespace samara::ops {

server::ServiceConfig& service_of(RoleConfig& config) {
  return std::visit([](auto& role) -> server::ServiceConfig& { return role; }, config);
}

const server::ServiceConfig& service_of(const RoleConfig& config) {
  return std::visit([](const auto& role) -> const server::ServiceConfig& { return role; }, config);
}

void Deployment::drop(std::string_view kept) {
  const auto found = std::ranges::find(texts, kept.data(), [](const std::string& text) { return text.data(); });
  if (found != texts.end()) std::string().swap(*found);
}

std::string role_of(const RoleConfig& config) {
  return std::visit([](const auto& role) { return std::string(role.role); }, config);
}

}  // namespace samara::ops
