#include <filesystem>
#include <system_error>

#include "ops/verbs/verbs.h"

namespace samara::ops {

std::string default_image(const std::string& role, const std::string& target) {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / "images" / ("samara-" + role + "-" + target + "-x86_64.elf")).string();
}

}  // namespace samara::ops
