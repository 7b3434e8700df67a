// Storage: octets that outlive the image. A fixed size, addressed from 0, read and written in whole blocks.
//
//   write()  may reach the medium at any time and in any order until flush(); a crash can leave any subset of its blocks.
//   flush()  what was written before it is on the medium when it returns.
//
// After a failed write() or flush() nobody knows what is on the medium: what was flushed before is, in places that were not
// written to since.
#pragma once

#include <string_view>

#include "platform/base/result.h"
#include "platform/base/types.h"

namespace samara::hal {

enum class StorageError : u8 {
  out_of_range,  // not whole blocks, or beyond the end: our bug
  device,        // the device reports an error
  no_space,      // what lies below (a sparse file's file system) is full
  gone,          // the device does not answer, or broke its rules: it is not asked again
};
constexpr std::string_view describe(StorageError error) {
  switch (error) {
    case StorageError::out_of_range: return "outside of the storage";
    case StorageError::device: return "the device reports an error";
    case StorageError::no_space: return "no space is left below it";
    case StorageError::gone: return "the device does not answer or broke its rules";
  }
  return "";
}

constexpr u32 min_storage_block = 512;
constexpr u32 max_storage_block = 4096;

class Storage {
 public:
  // Octets, a multiple of block_size().
  virtual u64 size() const = 0;
  // A power of two, min_storage_block to max_storage_block. A block of 512 octets is written as a whole or not at all.
  virtual u32 block_size() const = 0;
  // `offset` and the number of octets are multiples of block_size().
  virtual Result<void, StorageError> read(u64 offset, MutableBytes into) = 0;
  virtual Result<void, StorageError> write(u64 offset, Bytes from) = 0;
  virtual Result<void, StorageError> flush() = 0;

 protected:
  ~Storage() = default;
};

// Whether `size` octets from `offset` are whole blocks of `storage`.
inline bool fits(const Storage& storage, u64 offset, u64 size) {
  const u64 mask = storage.block_size() - 1;
  return ((offset | size) & mask) == 0 && offset <= storage.size() && size <= storage.size() - offset;
}

}  // namespace samara::hal
