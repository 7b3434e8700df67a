// A boot blob from outside: whatever the octets, reading them stays inside them and gives either an error that can be shown or
// a configuration that survives being written and read again, for either role.
#include <cstdlib>
#include <vector>

#include "platform/base/text_writer.h"
#include "server/config/blob_checksum.h"
#include "server/config/primary_config.h"
#include "server/config/secondary_config.h"

namespace {

using samara::u8;

void require(bool good) {
  if (!good) std::abort();
}

void write(const samara::server::PrimaryConfig& config, samara::codec::DeviceTreeWriter& out) {
  samara::server::write_primary_config(config, out);
}
void write(const samara::server::SecondaryConfig& config, samara::codec::DeviceTreeWriter& out) {
  samara::server::write_secondary_config(config, out);
}

template <class Read>
void read_write_read(const samara::codec::DeviceTree& tree, Read read) {
  const auto config = read(tree);
  if (!config) {
    samara::TextBuffer<8192> text;
    config.error().write_text(text.writer());
    require(!text.view().empty());
    return;
  }
  samara::codec::DeviceTreeWriter writer;
  write(config.value(), writer);
  const std::vector<u8> again = MUST(std::move(writer).finish());
  const auto second = read(MUST(samara::codec::DeviceTree::open(again)));
  require(second.ok() && second.value() == config.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  const std::vector<u8> blob(data, data + size);  // aligned as a blob must be
  const auto tree = samara::codec::DeviceTree::open(blob);
  if (!tree) return 0;
  samara::server::is_intact(tree.value());
  read_write_read(tree.value(), samara::server::read_primary_config);
  read_write_read(tree.value(), samara::server::read_secondary_config);
  return 0;
}
