// Whole files in and out of memory, and what to say when that fails.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ops/descriptor.h"
#include "ops/exit_code.h"
#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::ops {

struct FileError {
  int code = 0;  // errno
  // "cannot be read: No such file or directory"
  std::string problem;
  bool is_permission() const;
  // Of a command that cannot write its result: 77 when the system does not let it, else 69.
  ExitCode exit_code() const { return is_permission() ? ExitCode::no_permission : ExitCode::unavailable; }
};

// The largest file anything here reads: a device tree's sizes have 32 bits.
constexpr u64 max_file_size = 0x7fffffff;

// The longest path the system takes, and the longest that a link holds.
constexpr size_t max_path_octets = 4096;

// "cannot be read: No such file or directory"
FileError unreadable(int code);

// A regular file, pipe or "-" for standard input, of at most `most` octets.
Result<std::string, FileError> read_file(const std::string& path, u64 most = max_file_size);

// A file that somebody else's text names. Whatever is there is looked at before it is opened, so that nothing but a regular
// file ever is: a pipe would be waited for, and opening a device may do anything.
class RegularFile {
 public:
  static Result<RegularFile, FileError> find(const std::string& path);
  // Of the file that was found, whatever its path leads to by now.
  const Descriptor& descriptor() const { return found_; }
  std::pair<dev_t, ino_t> identity() const { return identity_; }
  // At most `most` octets: a larger file is an error, before any of it is read where its size says so.
  Result<std::string, FileError> read(u64 most) const;

 private:
  RegularFile(Descriptor found, std::pair<dev_t, ino_t> identity) : found_(std::move(found)), identity_(identity) {}
  Descriptor found_;
  std::pair<dev_t, ino_t> identity_;
};
// By this path the system opens what a descriptor stands for.
std::string path_of_descriptor(const Descriptor& file);

// When the file at `path` came to be as it is, in seconds since 1970: its content, name or place. Nothing for what is no
// regular file.
std::optional<u64> changed_at(const std::string& path);
// The mode of what is nobody else's business: secrets, and zones.
constexpr unsigned owner_only = 0600;
// Where `path` leads: what takes a file's place takes it there, and links to it stay links.
std::string end_of_links(const std::string& path);
// Replaces the file's content at once: a reader sees the old or the new one. "-" is standard output.
Result<void, FileError> write_file(const std::string& path, std::string_view content, unsigned mode = 0644);
// `path` as seen from the folder that holds `from`: absolute paths stay, the others are joined and tidied.
std::string path_beside(std::string_view from, std::string_view path);

}  // namespace samara::ops
