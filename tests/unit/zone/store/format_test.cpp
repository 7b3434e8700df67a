#include "zone/store/format.h"

#include <gtest/gtest.h>

#include "store_model.h"

namespace samara::zone::store {
namespace {

constexpr EntryPlace place{.key = {1, 2, 3}, .instance = 77, .offset = 4'096};

std::vector<u8> entry() {
  const EntryHeader header{.kind = Kind::snapshot, .zone = name_of("a.example."), .payload_size = 5, .sequence = 9};
  std::vector<u8> block(hal::min_storage_block);
  write_entry_header(header, place, block);
  return block;
}

TEST(StoreFormat, AnEntryIsReadWhereItWasWritten) {
  const auto read = read_entry_header(entry(), place);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->header.sequence, 9U);
  EXPECT_EQ(read->header.payload_size, 5U);
  EXPECT_EQ(read->header.zone, name_of("a.example."));
}

TEST(StoreFormat, AnEntryIsNoneInAnotherPlaceAnotherHalfOrAnotherStore) {
  EntryPlace moved = place;
  moved.offset += 512;
  EXPECT_FALSE(read_entry_header(entry(), moved).has_value());
  EntryPlace older = place;
  older.instance += 1;
  EXPECT_FALSE(read_entry_header(entry(), older).has_value());
  const EntryPlace foreign{.key = {1, 2, 4}, .instance = place.instance, .offset = place.offset};
  EXPECT_FALSE(read_entry_header(entry(), foreign).has_value());
}

TEST(StoreFormat, AnyBitOfAnEntrysHeaderCounts) {
  const std::vector<u8> good = entry();
  const size_t size = EntryHeader::fixed_size + name_of("a.example.").size();
  for (size_t at = 0; at < size; ++at) {
    std::vector<u8> bad = good;
    bad[at] ^= 1;
    EXPECT_FALSE(read_entry_header(bad, place).has_value()) << at;
  }
}

TEST(StoreFormat, AnyBitOfAHalfsHeaderCounts) {
  HalfHeader half{.generation = 2, .instance = 3, .size = 1 << 20, .block = 512, .reach = 4, .solid = 5, .key = {9}};
  std::vector<u8> block(512);
  half.write(block);
  ASSERT_TRUE(HalfHeader::read(block).has_value());
  EXPECT_EQ(HalfHeader::read(block)->reach, 4U);
  EXPECT_EQ(HalfHeader::read(block)->key, half.key);
  for (size_t at = 0; at < HalfHeader::wire_size - 8; ++at) {
    std::vector<u8> bad = block;
    bad[at] ^= 1;
    EXPECT_FALSE(HalfHeader::read(bad).has_value()) << at;
  }
  // A size of blocks that no storage has, rightly signed.
  for (const u32 size : {256U, 513U, 3U * 512U, 2 * hal::max_storage_block}) {
    half.block = size;
    half.write(block);
    EXPECT_FALSE(HalfHeader::read(block).has_value()) << size;
  }
}

}  // namespace
}  // namespace samara::zone::store
