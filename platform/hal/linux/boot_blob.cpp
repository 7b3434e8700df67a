#include "platform/hal/linux/boot_blob.h"

#include <sys/stat.h>

#include <algorithm>

#include "platform/hal/linux/descriptor.h"
#include "platform/hal/linux/system_error.h"

namespace samara::hal {
namespace {

Failure<Refusal> too_large(size_t limit) {
  return fail(Refusal(ExitCode::bad_data, "the boot configuration is larger than ", limit, " octets"));
}

Failure<Refusal> no_memory(size_t size) {
  return fail(Refusal(ExitCode::unavailable, "no memory for a boot configuration of ", size, " octets"));
}

// Octets read to the end or until `into` is full; nothing on an error.
std::optional<size_t> read_all(int fd, MutableBytes into) {
  size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t n = ::read(fd, into.data() + filled, into.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    filled += static_cast<size_t>(n);
  }
  return filled;
}

}  // namespace

Result<BootBlob, Refusal> BootBlob::read(int fd, size_t limit) {
  struct stat status{};
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    return fail(Refusal(ExitCode::usage, "no boot configuration on descriptor ", fd,
                        "; start this image with `samara run`, or pass a compiled configuration: --config-fd 3 3<boot.dtb"));
  }
  const Descriptor source(fd);
  if (S_ISREG(status.st_mode)) {
    if (status.st_size <= 0) return fail(Refusal(ExitCode::bad_data, "the boot configuration is empty"));
    const size_t size = static_cast<size_t>(status.st_size);
    if (size > limit) return too_large(limit);
    ::lseek(fd, 0, SEEK_SET);  // a memory file's writer leaves the position at the end
    auto memory = Mapping::shared(size);
    if (!memory.has_value()) return no_memory(size);
    const auto filled = read_all(fd, memory->bytes());
    if (!filled.has_value()) return fail(Refusal(ExitCode::unavailable, "reading the boot configuration: ", SystemError{}));
    if (*filled == 0) return fail(Refusal(ExitCode::bad_data, "the boot configuration is empty"));
    return BootBlob(std::move(*memory), *filled);
  }
  if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) {
    return fail(
        Refusal(ExitCode::usage, "descriptor ", fd, " is neither a file nor a pipe; a boot configuration is expected there"));
  }
  size_t filled = 0;
  size_t room = std::min(limit + 1, size_t{1} << 20);
  auto memory = Mapping::shared(room);
  for (;;) {
    if (!memory.has_value()) return no_memory(room);
    const auto n = read_all(fd, memory->bytes().subspan(filled));
    if (!n.has_value()) return fail(Refusal(ExitCode::unavailable, "reading the boot configuration: ", SystemError{}));
    filled += *n;
    if (filled > limit) return too_large(limit);
    if (filled < room) break;
    room = std::min(limit + 1, room * 2);
    auto larger = Mapping::shared(room);
    if (!larger.has_value()) return no_memory(room);
    std::ranges::copy(memory->bytes().first(filled), larger->bytes().begin());
    memory = std::move(larger);
  }
  if (filled == 0) return fail(Refusal(ExitCode::bad_data, "the boot configuration is empty"));
  return BootBlob(std::move(*memory), filled);
}

}  // namespace samara::hal
