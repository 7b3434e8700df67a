#include "ops/boot_blob.h"

#include "platform/base/text_writer.h"
#include "server/config/blob_checksum.h"

namespace samara::ops {

std::optional<std::vector<u8>> compile_blob(const RoleConfig& config, const std::string& file, Diagnostics& found) {
  codec::DeviceTreeWriter writer;
  if (const auto* primary = std::get_if<server::PrimaryConfig>(&config)) {
    server::write_primary_config(*primary, writer);
  } else {
    server::write_secondary_config(std::get<server::SecondaryConfig>(config), writer);
  }
  Result<std::vector<u8>, codec::DeviceTreeError> blob = std::move(writer).finish();
  if (!blob) {
    found.error({file}, "the boot configuration cannot be written: " + std::string(codec::describe(blob.error())),
                "zone texts of less than 1 GiB together");
    return {};
  }
  return std::move(blob).value();
}

namespace {

template <class Config>
std::optional<RoleConfig> decoded(Result<Config, server::ConfigError> read, const std::string& file, Diagnostics& found) {
  if (read) return RoleConfig(std::move(read).value());
  TextBuffer<1024> text;
  read.error().write_text(text.writer());
  found.error({file}, std::string(text.view()));
  return {};
}

}  // namespace

std::optional<RoleConfig> decode_blob(Bytes blob, const std::string& file, Diagnostics& found) {
  const auto tree = codec::DeviceTree::open(blob);
  if (!tree) {
    found.error({file}, "not a boot configuration: " + std::string(codec::describe(tree.error())),
                "a device tree blob written by `samara config compile`");
    return {};
  }
  if (!server::is_intact(tree.value())) {
    found.error({file}, "the boot configuration is damaged: its checksum is another",
                "what `samara config compile` has written; compile it again");
    return {};
  }
  // Whatever is not for a secondary is for a primary, whose reader says what is wrong with it.
  const auto role = tree.value().root().string("role");
  const bool secondary = role.ok() && role.value() == server::SecondaryConfig::role;
  return secondary ? decoded(server::read_secondary_config(tree.value()), file, found)
                   : decoded(server::read_primary_config(tree.value()), file, found);
}

std::optional<DecodedBlob> DecodedBlob::decode(std::string_view octets, const std::string& file, Diagnostics& found) {
  DecodedBlob blob;
  blob.octets_.assign(octets.begin(), octets.end());
  std::optional<RoleConfig> config = decode_blob(blob.octets_, file, found);
  if (!config) return {};
  blob.config_ = std::move(*config);
  return blob;
}

}  // namespace samara::ops
