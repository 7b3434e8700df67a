// What changes in a boot configuration after it was written is noticed, wherever it is.
#include "server/config/blob_checksum.h"

#include <gtest/gtest.h>

#include "server/config/primary_config.h"

namespace samara::server {
namespace {

std::vector<u8> blob() {
  PrimaryConfig config;
  config.listen = {*Endpoint::parse("192.0.2.1:53")};
  config.zones = {{MUST(dns::Name::parse("example.com", dns::Name())),
                   {{"example.zone", "@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"}},
                   {}}};
  codec::DeviceTreeWriter writer;
  write_primary_config(config, writer);
  return MUST(std::move(writer).finish());
}

bool is_served(const std::vector<u8>& octets) {
  const auto tree = codec::DeviceTree::open(octets);
  return tree.ok() && is_intact(tree.value()) && read_primary_config(tree.value()).ok();
}

TEST(BlobChecksum, is_not_asked_for_where_nobody_has_computed_it) {
  EXPECT_TRUE(is_served(blob()));
}

TEST(BlobChecksum, is_good_as_it_was_written_and_with_more_behind_the_tree) {
  std::vector<u8> octets = blob();
  seal_blob(octets);
  EXPECT_NE(octets, blob());
  EXPECT_TRUE(is_served(octets));
  octets.resize(octets.size() + 4096);
  EXPECT_TRUE(is_served(octets));
}

TEST(BlobChecksum, notices_every_bit) {
  std::vector<u8> octets = blob();
  seal_blob(octets);
  for (size_t at = 0; at < octets.size(); ++at) {
    for (u32 bit = 0; bit < 8; ++bit) {
      octets[at] ^= static_cast<u8>(1U << bit);
      EXPECT_FALSE(is_served(octets)) << "octet " << at << ", bit " << bit;
      octets[at] ^= static_cast<u8>(1U << bit);
    }
  }
}

TEST(BlobChecksum, of_another_length_is_none) {
  codec::DeviceTreeWriter writer;
  writer.begin_node("");
  writer.u64(checksum_property, 0);
  writer.end_node();
  std::vector<u8> octets = MUST(std::move(writer).finish());
  seal_blob(octets);
  EXPECT_FALSE(is_intact(MUST(codec::DeviceTree::open(octets))));
}

}  // namespace
}  // namespace samara::server
