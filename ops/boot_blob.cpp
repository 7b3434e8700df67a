#include "ops/boot_blob.h"

#include "platform/base/text_writer.h"

namespace samara::ops {

std::optional<std::vector<u8>> compile_blob(const server::PrimaryConfig& config, const std::string& file, Diagnostics& found) {
  codec::DeviceTreeWriter writer;
  server::write_primary_config(config, writer);
  Result<std::vector<u8>, codec::DeviceTreeError> blob = std::move(writer).finish();
  if (!blob) {
    found.error({file}, "the boot configuration cannot be written: " + std::string(codec::describe(blob.error())),
                "zone texts of less than 1 GiB together");
    return {};
  }
  return std::move(blob).value();
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
  Result<server::PrimaryConfig, server::ConfigError> config = server::read_primary_config(tree.value());
  if (!config) {
    TextBuffer<1024> text;
    config.error().write_text(text.writer());
    found.error({file}, std::string(text.view()));
    return {};
  }
  blob.config_ = std::move(config).value();
  return blob;
}

}  // namespace samara::ops
