#include "ops/storage/open_store.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "dns-core/record_image.h"
#include "ops/system_random.h"
#include "ops/text_of.h"

namespace samara::ops {

namespace {

using zone::store::RecordBatch;
using zone::store::StoreError;
using zone::store::ZoneStore;
using zone::store::ZoneSummary;
using zone::store::ZoneWriter;

// What is restored of a zone, written to another store.
class Copier final : public zone::store::ZoneVisitor {
 public:
  Copier(ZoneStore& to, const dns::Name& zone) : to_(to), zone_(zone) {}

  bool on_batch(const RecordBatch& batch) override {
    if (!writer_) {
      auto begun = batch.of == RecordBatch::Of::snapshot ? to_.begin_snapshot(zone_, batch.to)
                                                         : to_.begin_difference(zone_, batch.from, batch.to);
      if (!begun) return stop(begun.error());
      writer_.emplace(std::move(begun).value());
    }
    dns::RecordImages images(batch.records);
    for (auto image = images.next(); image; image = images.next()) {
      if (const auto added = writer_->add(image->whole); !added) return stop(added.error());
    }
    if (images.bad()) return stop(StoreError::damaged);
    if (!batch.last) return true;
    const auto committed = writer_->commit();
    writer_.reset();
    return committed ? true : stop(committed.error());
  }
  const std::optional<StoreError>& error() const { return error_; }

 private:
  bool stop(StoreError error) {
    error_ = error;
    return false;
  }
  ZoneStore& to_;
  dns::Name zone_;
  std::optional<ZoneWriter> writer_;
  std::optional<StoreError> error_;
};

}  // namespace

std::optional<OpenStore> OpenStore::open(const Descriptor& file, hal::FileAccess access, const std::string& path,
                                         Diagnostics& found) {
  auto storage = hal::FileStorage::adopt(::fcntl(file.get(), F_DUPFD_CLOEXEC, 3), access);
  if (!storage) {
    found.error({path}, std::string(storage.error().text()));
    return {};
  }
  std::array<u8, crypto::Drbg::seed_size> seed{};
  if (!fill_with_random(seed)) {
    found.error({path}, "the system has no random numbers: " + std::generic_category().message(errno));
    return {};
  }
  OpenStore opened;
  opened.storage_ = std::make_unique<hal::FileStorage>(std::move(storage).value());
  opened.rng_ = std::make_unique<crypto::Drbg>(seed);
  const auto use = access == hal::FileAccess::read ? ZoneStore::Use::read : ZoneStore::Use::write;
  auto store = ZoneStore::open(*opened.storage_, *opened.rng_, use);
  if (!store) {
    found.error({path}, std::string(zone::store::describe(store.error())));
    return {};
  }
  opened.store_ = std::move(store).value();
  return opened;
}

std::optional<OpenStore> OpenStore::to_read(const std::string& path, Diagnostics& found) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) {
    const int code = errno;
    found.unreadable_file({path}, "cannot be read: " + std::generic_category().message(code), code == EACCES || code == EPERM);
    return {};
  }
  return open(file, hal::FileAccess::read, path, found);
}

std::optional<OpenStore> OpenStore::to_write(const Descriptor& file, const std::string& path, Diagnostics& found) {
  return open(file, hal::FileAccess::read_and_write, path, found);
}

std::vector<ZoneSummary> OpenStore::zones() const {
  std::vector<ZoneSummary> zones;
  store_->each([&](const ZoneSummary& zone) { zones.push_back(zone); });
  std::ranges::sort(zones, {}, [](const ZoneSummary& zone) { return text_of(zone.name); });
  return zones;
}

bool copy_store(OpenStore& from, OpenStore& to, const std::string& path, Diagnostics& found) {
  bool whole = true;
  for (const ZoneSummary& zone : from.zones()) {
    Copier copier(to.store(), zone.name);
    const auto restored = from.store().restore(zone.name, copier);
    if (copier.error() || !restored || restored.value().damaged) {
      const StoreError why = copier.error() ? *copier.error() : restored ? StoreError::damaged : restored.error();
      found.error({path}, "zone " + text_of(zone.name) + " cannot be copied: " + std::string(zone::store::describe(why)));
      whole = false;
      continue;
    }
    if (zone.state) whole &= to.store().put_state(zone.name, *zone.state).ok();
  }
  // Of members that have not been transferred it is known whose they are.
  from.store().each_member([&](const dns::Name& name, const zone::store::ZoneState& state, bool has_content) {
    if (!has_content) whole &= to.store().put_state(name, state).ok();
  });
  if (const auto synced = to.store().sync(); !synced) {
    found.error({path}, std::string(zone::store::describe(synced.error())));
    whole = false;
  }
  return whole;
}

}  // namespace samara::ops
