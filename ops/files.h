// Whole files in and out of memory, and what to say when that fails.
#pragma once

#include <string>
#include <string_view>

#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::ops {

struct FileError {
  int code = 0;  // errno
  // "cannot be read: No such file or directory"
  std::string problem;
  bool is_permission() const;
};

// The largest file anything here reads: a device tree's sizes have 32 bits.
constexpr u64 max_file_size = 0x7fffffff;

// A regular file, pipe or "-" for standard input.
Result<std::string, FileError> read_file(const std::string& path);
// Replaces the file's content at once: a reader sees the old or the new one. "-" is standard output.
Result<void, FileError> write_file(const std::string& path, std::string_view content, unsigned mode = 0644);
// `path` as seen from the folder that holds `from`: absolute paths stay, the others are joined and tidied.
std::string path_beside(std::string_view from, std::string_view path);

}  // namespace samara::ops
