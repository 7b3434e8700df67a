// The file (or block device) in which an image keeps its zones over a restart: opened here, because the image opens nothing.
#pragma once

#include <optional>
#include <string>

#include "ops/deployment.h"
#include "ops/descriptor.h"
#include "ops/exit_code.h"
#include "ops/files.h"
#include "platform/base/result.h"

namespace samara::ops {

// Opens it for reading and writing, for its owner only. A file that is not there, or is empty, is made with `size` octets, none
// of which takes room before it is written. Another size is kept as it is: what the file
// holds depends on it.
Result<Descriptor, FileError> open_storage(const std::string& path, u64 size);

// The storage that a deployment asks for, grown to the size it names where it is smaller (storage/growth.h); a descriptor that
// is not open when it asks for none. Nothing, and what is wrong is said, when it cannot be had. `source`: what the
// configuration comes from, for the message.
std::optional<Descriptor> open_storage_of(const Deployment& deployment, const std::string& source, ExitCode& why);

}  // namespace samara::ops
