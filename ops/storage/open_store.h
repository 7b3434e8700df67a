// A store of zones (docs/storage.md) in a file or on a block device, opened by the command rather than by an image.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ops/descriptor.h"
#include "ops/diagnostics.h"
#include "platform/crypto/drbg.h"
#include "platform/hal/linux/file_storage.h"
#include "zone/store/zone_store.h"

namespace samara::ops {

class OpenStore {
 public:
  // To be looked at: nothing is written. Nothing, and what is wrong is reported, when it cannot be had: also while an image
  // uses it, since what lies there changes under the reader then.
  static std::optional<OpenStore> to_read(const std::string& path, Diagnostics& found);
  // The same for an open file, to be written to as well, also once the descriptor is closed; a file of zeros becomes an empty
  // store.
  static std::optional<OpenStore> to_write(const Descriptor& file, const std::string& path, Diagnostics& found);

  zone::store::ZoneStore& store() { return *store_; }
  hal::Storage& storage() { return *storage_; }
  Rng& rng() { return *rng_; }
  // Every zone, by name.
  std::vector<zone::store::ZoneSummary> zones() const;

 private:
  OpenStore() = default;
  static std::optional<OpenStore> open(const Descriptor& file, hal::FileAccess access, const std::string& path,
                                       Diagnostics& found);

  // Where they are stays when this is moved.
  std::unique_ptr<hal::FileStorage> storage_;
  std::unique_ptr<crypto::Drbg> rng_;
  std::unique_ptr<zone::store::ZoneStore> store_;
};

// All that `from` has, with its history, in `to`, which has nothing. False: something did not fit or could not be read, and was
// reported.
bool copy_store(OpenStore& from, OpenStore& to, const std::string& path, Diagnostics& found);

}  // namespace samara::ops
