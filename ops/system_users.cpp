#include "ops/system_users.h"

#include <grp.h>
#include <pwd.h>

#include "platform/base/ip_address.h"

namespace samara::ops {

namespace {

constexpr u64 largest_id = 0xffffffff;

std::optional<u32> as_number(const std::string& text) {
  const std::optional<u64> number = parse_decimal(text, largest_id);
  return number ? std::optional(static_cast<u32>(*number)) : std::nullopt;
}

}  // namespace

std::optional<u32> find_user(const std::string& text) {
  if (const auto number = as_number(text)) return number;
  const passwd* entry = ::getpwnam(text.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
}

std::optional<u32> find_group(const std::string& text) {
  if (const auto number = as_number(text)) return number;
  const group* entry = ::getgrnam(text.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
}

}  // namespace samara::ops
