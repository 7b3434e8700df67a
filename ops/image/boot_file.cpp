#include "ops/image/boot_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

namespace samara::ops {

Result<Descriptor, int> sealed_memory_file(Bytes blob) {
  Descriptor file(::memfd_create("samara-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return fail(errno);
  for (Bytes rest = blob; !rest.empty();) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(errno);
    rest = rest.subspan(static_cast<size_t>(written));
  }
  constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(file.get(), F_ADD_SEALS, seals) != 0 || ::lseek(file.get(), 0, SEEK_SET) != 0) return fail(errno);
  return file;
}

}  // namespace samara::ops
