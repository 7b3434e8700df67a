// The file (or block device) in which an image keeps its zones over a restart: opened here, because the image opens nothing.
#pragma once

#include <string>

#include "ops/descriptor.h"
#include "ops/files.h"
#include "platform/base/result.h"

namespace samara::ops {

// Opens it for reading and writing, for its owner only. A file that is not there, or is empty, is made with `size` octets, none
// of which takes room before it is written. Another size is kept as it is: what the file holds depends on it.
Result<Descriptor, FileError> open_storage(const std::string& path, u64 size);

}  // namespace samara::ops
