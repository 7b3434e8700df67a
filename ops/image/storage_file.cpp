#include "ops/image/storage_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "ops/files.h"
#include "ops/storage/growth.h"

namespace samara::ops {

namespace {

Failure<FileError> failure(int code) {
  return fail(FileError{code, "cannot be opened as storage: " + std::generic_category().message(code)});
}

}  // namespace

Result<Descriptor, FileError> open_storage(const std::string& path, u64 size) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, owner_only));
  if (!file.is_open()) return failure(errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failure(errno);
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) return failure(ENOTBLK);
  const bool fresh = S_ISREG(status.st_mode) && status.st_size == 0;
  if (fresh && ::ftruncate(file.get(), static_cast<off_t>(size)) != 0) return failure(errno);
  return file;
}

std::optional<Descriptor> open_storage_of(const Deployment& deployment, const std::string& source, ExitCode& why) {
  const std::optional<server::StorageConfig>& configured = deployment.service().storage;
  if (!configured) return Descriptor();
  const std::string path(configured->file);
  grow_storage(path, configured->size, deployment.service().user, deployment.service().group);
  Result<Descriptor, FileError> storage = open_storage(path, configured->size);
  if (storage) return std::move(storage).value();
  complain(source + ": storage " + in_quotes(path, longest_path) + " " + storage.error().problem);
  why = storage.error().is_permission() ? ExitCode::no_permission : ExitCode::unavailable;
  return {};
}

}  // namespace samara::ops
