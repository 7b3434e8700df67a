// A boot blob from outside: whatever the octets, reading them stays inside them and gives either an error that can be shown or
// a configuration that survives being written and read again.
#include <cstdlib>
#include <vector>

#include "platform/base/text_writer.h"
#include "server/config/primary_config.h"

namespace {

using samara::u8;

void require(bool good) {
  if (!good) std::abort();
}

std::vector<u8> write(const samara::server::PrimaryConfig& config) {
  samara::codec::DeviceTreeWriter writer;
  samara::server::write_primary_config(config, writer);
  auto blob = std::move(writer).finish();
  require(blob.ok());
  return std::move(blob).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  const std::vector<u8> blob(data, data + size);  // aligned as a blob must be
  const auto tree = samara::codec::DeviceTree::open(blob);
  if (!tree) return 0;
  const auto config = samara::server::read_primary_config(tree.value());
  if (!config) {
    samara::TextBuffer<8192> text;
    config.error().write_text(text.writer());
    require(!text.view().empty());
    return 0;
  }
  const std::vector<u8> again = write(config.value());
  const auto second = samara::server::read_primary_config(MUST(samara::codec::DeviceTree::open(again)));
  require(second.ok() && second.value() == config.value());
  return 0;
}
