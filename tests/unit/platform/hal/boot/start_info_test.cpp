// What a PVH loader tells, as QEMU tells it and as no loader should.
#include "platform/hal/boot/start_info.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "platform/base/byte_order.h"

namespace samara::hal {
namespace {

std::vector<u8> low_memory;  // all that there is to be read

Bytes read_memory(u64 address, size_t size) {
  EXPECT_LE(address + size, low_memory.size());
  return Bytes(low_memory).subspan(address, size);
}

constexpr u64 info = 0x1000, modules = 0x1100, command_line = 0x1200, map = 0x2000;

class StartInfoTest : public ::testing::Test {
 protected:
  StartInfoTest() {
    low_memory.assign(0x4000, 0);
    store_le32(low_memory, info, 0x336ec578);
    store_le32(low_memory, info + 4, 1);
    store_le32(low_memory, info + 12, 1);
    put(info + 16, modules);
    put(info + 24, command_line);
    put(info + 32, 0xe0010);
    put(info + 40, map);
    module(0x1f00000, 0x1234);
    ram({{0, 0x9fc00}, {0x100000, 0x2000000}});
  }
  static void put(u64 at, u64 value) { store_le64(low_memory, at, value); }
  static void module(u64 begin, u64 size) {
    put(modules, begin);
    put(modules + 8, size);
  }
  static void ram(const std::vector<PhysicalRange>& ranges) { memory(ranges, std::vector<u32>(ranges.size(), 1)); }
  static void memory(const std::vector<PhysicalRange>& ranges, const std::vector<u32>& types) {
    store_le32(low_memory, info + 48, static_cast<u32>(ranges.size()));
    for (size_t i = 0; i < ranges.size(); ++i) {
      put(map + 24 * i, ranges[i].begin);
      put(map + 24 * i + 8, ranges[i].end - ranges[i].begin);
      store_le32(low_memory, map + 24 * i + 16, types[i]);
    }
  }
  StartInfo start_;
};

TEST_F(StartInfoTest, TakesWhatTheLoaderSays) {
  std::ranges::copy(std::string_view("a=1 b"), low_memory.begin() + command_line);
  ASSERT_TRUE(start_.read(info, read_memory));
  EXPECT_EQ(start_.command_line(), "a=1 b");
  EXPECT_EQ(start_.acpi_root(), 0xe0010U);
  EXPECT_EQ(start_.module(), (PhysicalRange{0x1f00000, 0x1f01234}));
  ASSERT_EQ(start_.ram().size(), 2U);
  EXPECT_EQ(start_.ram()[1], (PhysicalRange{0x100000, 0x2000000}));
}

TEST_F(StartInfoTest, WithoutTheMagicNumberThereWasNoLoader) {
  store_le32(low_memory, info, 0x336ec579);
  EXPECT_FALSE(start_.read(info, read_memory));
  EXPECT_FALSE(start_.read(0, read_memory));
  EXPECT_FALSE(start_.read(UINT64_MAX - 8, read_memory));
}

TEST_F(StartInfoTest, AModuleOutsideOfMemoryIsNone) {
  for (const auto& [begin, size] : std::vector<std::pair<u64, u64>>{
           {0x1fff000, 0x2000}, {0x200000, UINT64_MAX - 0x200000}, {UINT64_MAX, 2}, {u64{1} << 40, 5}}) {
    module(begin, size);
    StartInfo start;
    ASSERT_TRUE(start.read(info, read_memory));
    EXPECT_EQ(start.module().size(), 0U) << begin;
    if (size < (u64{1} << 32) && begin != UINT64_MAX) {
      EXPECT_EQ(start.impossible_module(), (PhysicalRange{begin, begin + size}));
    }
  }
}

TEST_F(StartInfoTest, AModuleMayLieInMemoryThatFirmwareReserved) {
  memory({{0x1ff0000, 0x2000000}, {0, 0x9fc00}, {0x100000, 0x1fd7000}, {0x1fd7000, 0x1ff0000}}, {4, 1, 1, 2});
  for (const auto& [begin, size] :
       std::vector<std::pair<u64, u64>>{{0x1fd6000, 0x1fff}, {0x1fd7000, 0x1000}, {0x1fd6fff, 0x19002}, {0x1ff0000, 0x10000}}) {
    module(begin, size);
    StartInfo start;
    ASSERT_TRUE(start.read(info, read_memory));
    EXPECT_EQ(start.module(), (PhysicalRange{begin, begin + size}));
    EXPECT_EQ(start.impossible_module().size(), 0U);
    ASSERT_EQ(start.ram().size(), 2U);
    FreeMemory free(start, {0x100000, 0x200000});
    for (const PhysicalRange& piece : free.pieces()) EXPECT_TRUE(piece.end <= page_down(begin) || piece.begin >= begin + size);
  }
}

TEST_F(StartInfoTest, AModuleInRegistersOrInAHoleIsNone) {
  memory({{0x100000, 0x1000000}, {0x1000000, 0x1100000}, {0x1200000, 0x2000000}}, {1, 5, 1});
  for (const auto& [begin, size] :
       std::vector<std::pair<u64, u64>>{{0x1000000, 0x1000}, {0xfff000, 0x1001}, {0x11ff000, 0x2000}}) {
    module(begin, size);
    StartInfo start;
    ASSERT_TRUE(start.read(info, read_memory));
    EXPECT_EQ(start.module().size(), 0U);
    EXPECT_EQ(start.impossible_module(), (PhysicalRange{begin, begin + size}));
  }
}

TEST_F(StartInfoTest, MemoryThatNoProcessorCouldAddressIsNone) {
  ram({{0x100000, 0x2000000}, {0x100000, UINT64_MAX}, {u64{1} << 53, (u64{1} << 53) + 4096}});
  ASSERT_TRUE(start_.read(info, read_memory));
  ASSERT_EQ(start_.ram().size(), 1U);
}

TEST_F(StartInfoTest, FreeMemoryLeavesOutImageAndModule) {
  module(0x1000800, 0x1000);
  ASSERT_TRUE(start_.read(info, read_memory));
  FreeMemory free(start_, {0x100000, 0x280001});
  std::vector<PhysicalRange> pieces(free.pieces().begin(), free.pieces().end());
  std::erase_if(pieces, [](const PhysicalRange& piece) { return piece.size() == 0; });
  std::ranges::sort(pieces, {}, &PhysicalRange::begin);
  EXPECT_EQ(pieces, (std::vector<PhysicalRange>{{0x281000, 0x1000000}, {0x1002000, 0x2000000}}));
  ASSERT_NE(free.largest(), nullptr);
  EXPECT_EQ(free.largest()->begin, 0x1002000U);
  EXPECT_EQ(free.reachable(u64{1} << 40), nullptr);
}

TEST_F(StartInfoTest, PiecesAboveTheFirstGigabyteAreOutOfReachAtFirst) {
  ram({{u64{1} << 32, u64{1} << 33}});
  module(u64{1} << 32, 4096);
  ASSERT_TRUE(start_.read(info, read_memory));
  FreeMemory free(start_, {0x100000, 0x200000});
  EXPECT_EQ(free.largest()->end, u64{1} << 33);
  EXPECT_EQ(free.reachable(4096), nullptr);
}

}  // namespace
}  // namespace samara::hal
