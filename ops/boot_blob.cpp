#include "ops/boot_blob.h"

#include "platform/base/text_writer.h"

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

template <class Config>
bool DecodedBlob::take(Result<Config, server::ConfigError> read, const std::string& file, Diagnostics& found) {
  if (!read) {
    TextBuffer<1024> text;
    read.error().write_text(text.writer());
    found.error({file}, std::string(text.view()));
    return false;
  }
  config_ = std::move(read).value();
  return true;
}

std::optional<DecodedBlob> DecodedBlob::decode(std::string_view octets, const std::string& file, Diagnostics& found) {
  DecodedBlob blob;
  blob.octets_.assign(octets.begin(), octets.end());
  const auto tree = codec::DeviceTree::open(blob.octets_);
  if (!tree) {
    found.error({file}, "not a boot configuration: " + std::string(codec::describe(tree.error())),
                "a device tree blob written by `samara config compile`");
    return {};
  }
  // Whatever is not for a secondary is for a primary, whose reader says what is wrong with it.
  const auto role = tree.value().root().string("role");
  const bool secondary = role.ok() && role.value() == server::SecondaryConfig::role;
  const bool good = secondary ? blob.take(server::read_secondary_config(tree.value()), file, found)
                              : blob.take(server::read_primary_config(tree.value()), file, found);
  if (!good) return {};
  return blob;
}

}  // namespace samara::ops
