// ReloadedSettings: what zones have of their own once a reload has changed it, on both sides: the loader makes a blob of it
// (blob_of_settings) and sends that to every worker (put_settings), which puts it together (on_message). The blob is the role's
// configuration (docs/configuration.md) as it was at start, in which only those zones stand that have settings of their own.
#pragma once

#include <optional>
#include <vector>

#include "platform/codec/device_tree.h"
#include "platform/runtime/application.h"
#include "server/config/service_config.h"
#include "server/loader_messages.h"
#include "server/outbox.h"

namespace samara::server {

// The largest blob that is handed on: 40,000 zones with a list of their own each.
constexpr size_t max_settings = size_t{4} << 20;
// Octets of heap that a worker may need for it: the parts as they come, the blob, and what is read from it, which is ten times
// as large, beside all of that from the reload before.
constexpr u64 memory_for_settings = 32 * max_settings;

// `zones` and `catalogs`: those to be had from now on; all else is `start`'s. Returns nothing when it is larger than
// max_settings.
template <class RoleConfig, class Zones, class Catalogs>
std::optional<std::vector<u8>> blob_of_settings(const RoleConfig& start, const Zones& zones, const Catalogs& catalogs,
                                                void (*write)(const RoleConfig&, codec::DeviceTreeWriter&)) {
  RoleConfig settings = start;
  settings.zones.clear();
  for (const auto& zone : zones) {
    if (zone.overrides == ZoneOverrides{}) continue;
    settings.zones.push_back(zone);
    // Their texts are the loader's.
    if constexpr (requires { zone.files; }) settings.zones.back().files.clear();
  }
  settings.catalogs.assign(catalogs.begin(), catalogs.end());
  for (auto& catalog : settings.catalogs) {
    if constexpr (requires { catalog.groups; }) {
      catalog.members.reset();
      catalog.groups.clear();
    }
  }
  codec::DeviceTreeWriter out;
  write(settings, out);
  auto blob = std::move(out).finish();
  if (!blob.ok() || blob.value().size() > max_settings) return std::nullopt;
  return std::move(blob).value();
}

// Each message: the kind, whether it is the last, and a part of the blob.
inline void put_settings(Bytes blob, Outbox& outbox) {
  constexpr size_t head = 2;
  for (bool last = false; !last;) {
    const Bytes part = blob.first(std::min(blob.size(), runtime::max_message / 2));
    blob = blob.subspan(part.size());
    last = blob.empty();
    std::vector<u8> message(head + part.size());
    ByteWriter out(message);
    out.u8(static_cast<u8>(LoaderMessage::zone_settings));
    out.u8(last ? 1 : 0);
    out.bytes(part);
    outbox.put(Outbox::everybody, std::move(message));
  }
}

template <class RoleConfig>
class ReloadedSettings {
 public:
  using Read = Result<RoleConfig, ConfigError> (*)(const codec::DeviceTree&);

  explicit ReloadedSettings(Read read) : read_(read) {}
  ReloadedSettings(const ReloadedSettings&) = delete;
  ReloadedSettings& operator=(const ReloadedSettings&) = delete;

  // A message of the kind zone_settings. The settings, when it was the last of them and they can be read; what refers to those
  // before must do so no longer.
  const RoleConfig* on_message(Bytes message) {
    ByteReader at(message);
    if (!at.skip(1).ok()) return nullptr;
    const bool last = at.u8().value_or(0) != 0;
    const Bytes part = at.rest();
    coming_.insert(coming_.end(), part.begin(), part.end());
    return last ? take(std::exchange(coming_, {})) : nullptr;
  }
  const RoleConfig* take(std::vector<u8> blob) {
    const auto tree = codec::DeviceTree::open(blob);
    if (!tree.ok()) return nullptr;
    auto read = read_(tree.value());
    if (!read.ok()) return nullptr;
    blob_ = std::move(blob);  // its octets stay where they are
    config_ = std::move(read).value();
    return &*config_;
  }

 private:
  Read read_;
  std::vector<u8> coming_;
  std::vector<u8> blob_;
  std::optional<RoleConfig> config_;
};

}  // namespace samara::server
