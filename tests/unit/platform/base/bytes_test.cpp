// ByteReader, ByteWriter and the loads and stores below them.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "platform/base/byte_reader.h"
#include "platform/base/byte_writer.h"

namespace samara {
namespace {

const std::vector<u8> eight = {1, 2, 3, 4, 5, 6, 7, 8};

TEST(ByteOrder, LoadsAndStoresAtAnOffset) {
  EXPECT_EQ(load_be16(eight, 1), 0x0203u);
  EXPECT_EQ(load_be32(eight, 4), 0x05060708u);
  EXPECT_EQ(load_be64(eight), 0x0102030405060708u);
  EXPECT_EQ(load_le32(eight, 4), 0x08070605u);
  EXPECT_EQ(load_le64(eight), 0x0807060504030201u);
  std::array<u8, 8> out{};
  store_be64(out, 0, 0x0102030405060708);
  EXPECT_EQ(load_be64(out), 0x0102030405060708u);
  store_le64(out, 0, 0x0102030405060708);
  EXPECT_EQ(out[0], 8);
  store_be16(out, 6, 0xfffe);
  EXPECT_EQ(out[6], 0xff);
  EXPECT_EQ(out[7], 0xfe);
}

TEST(ByteReader, ReadsUpToTheLastOctet) {
  ByteReader at(eight);
  EXPECT_EQ(at.u8().value(), 1);
  EXPECT_EQ(at.u16().value(), 0x0203);
  EXPECT_EQ(at.u32().value(), 0x04050607u);
  EXPECT_EQ(at.position(), 7u);
  EXPECT_EQ(at.remaining(), 1u);
  EXPECT_EQ(at.expect_end().error(), ReadError::trailing);
  EXPECT_EQ(at.u8().value(), 8);
  EXPECT_TRUE(at.at_end());
  EXPECT_TRUE(at.expect_end().ok());
  EXPECT_EQ(at.u8().error(), ReadError::truncated);
  EXPECT_EQ(ByteReader(eight).u64().value(), 0x0102030405060708u);
  EXPECT_EQ(ByteReader(eight).u48().value(), 0x010203040506u);
}

// Every read one octet short of what it needs fails and leaves the position alone.
TEST(ByteReader, DoesNotMoveWhenTooLittleIsLeft) {
  const auto short_by_one = [](size_t size) { return std::vector<u8>(size - 1, 0xee); };
  const auto check = [](const std::vector<u8>& bytes, auto read) {
    ByteReader at(bytes);
    const auto result = read(at);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error(), ReadError::truncated);
    EXPECT_EQ(at.position(), 0u);
  };
  check(short_by_one(1), [](ByteReader& r) { return r.u8(); });
  check(short_by_one(2), [](ByteReader& r) { return r.u16(); });
  check(short_by_one(4), [](ByteReader& r) { return r.u32(); });
  check(short_by_one(6), [](ByteReader& r) { return r.u48(); });
  check(short_by_one(8), [](ByteReader& r) { return r.u64(); });
  check(short_by_one(9), [](ByteReader& r) { return r.bytes(9); });
  check(short_by_one(9), [](ByteReader& r) { return r.skip(9); });
  check(short_by_one(9), [](ByteReader& r) { return r.sub(9); });
  check(eight, [](ByteReader& r) { return r.bytes(SIZE_MAX); });
  check(eight, [](ByteReader& r) { return r.skip(SIZE_MAX); });
}

TEST(ByteReader, ConfinesANestedLength) {
  ByteReader at(eight);
  ByteReader body = at.sub(3).value();
  EXPECT_EQ(at.position(), 3u);
  EXPECT_EQ(body.remaining(), 3u);
  EXPECT_EQ(body.u32().error(), ReadError::truncated) << "cannot see the octets behind";
  EXPECT_EQ(body.bytes(3).value().size(), 3u);
  EXPECT_TRUE(body.expect_end().ok());
  EXPECT_EQ(at.rest().size(), 5u);
  EXPECT_EQ(at.rest()[0], 4);
  EXPECT_EQ(at.whole().size(), 8u);
  EXPECT_TRUE(at.sub(0).value().at_end());
}

TEST(ByteWriter, FillsItsMemoryExactly) {
  std::array<u8, 21> memory{};
  ByteWriter out(memory);
  out.u8(1);
  out.u16(0x0203);
  out.u32(0x04050607);
  out.u48(0x08090a0b0c0d);
  out.u64(0x0e0f101112131415);
  EXPECT_FALSE(out.overflowed());
  EXPECT_EQ(out.remaining(), 0u);
  for (size_t i = 0; i < memory.size(); ++i) EXPECT_EQ(out.written()[i], i + 1);
  out.bytes({});
  EXPECT_FALSE(out.overflowed()) << "nothing always fits";
  out.u8(0);
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(out.size(), 21u);
}

TEST(ByteWriter, WritesNothingAfterAnOverflow) {
  std::array<u8, 4> memory = {9, 9, 9, 9};
  ByteWriter out(memory);
  out.u8(1);
  out.u32(0);
  EXPECT_TRUE(out.overflowed());
  out.u8(2);  // would fit, but comes after what did not
  EXPECT_EQ(out.size(), 1u);
  EXPECT_EQ(memory[1], 9);
}

TEST(ByteWriter, EachKindChecksItsSize) {
  const auto overflows = [](size_t room, auto write) {
    std::vector<u8> memory(room, 7);
    ByteWriter out(memory);
    write(out);
    EXPECT_EQ(out.size(), 0u);
    for (const u8 octet : memory) EXPECT_EQ(octet, 7);
    return out.overflowed();
  };
  EXPECT_TRUE(overflows(0, [](ByteWriter& w) { w.u8(1); }));
  EXPECT_TRUE(overflows(1, [](ByteWriter& w) { w.u16(1); }));
  EXPECT_TRUE(overflows(3, [](ByteWriter& w) { w.u32(1); }));
  EXPECT_TRUE(overflows(5, [](ByteWriter& w) { w.u48(1); }));
  EXPECT_TRUE(overflows(7, [](ByteWriter& w) { w.u64(1); }));
  EXPECT_TRUE(overflows(7, [](ByteWriter& w) { w.bytes(eight); }));
  EXPECT_TRUE(overflows(2, [](ByteWriter& w) { w.text("abc"); }));
  EXPECT_TRUE(overflows(2, [](ByteWriter& w) { w.zeros(3); }));
  EXPECT_TRUE(overflows(2, [](ByteWriter& w) { w.zeros(SIZE_MAX); }));
}

TEST(ByteWriter, RollsBackToAMarkAndForgetsTheOverflow) {
  std::array<u8, 4> memory{};
  ByteWriter out(memory);
  out.u16(0x0102);
  const auto mark = out.mark();
  out.u32(1);
  EXPECT_TRUE(out.overflowed());
  out.rollback(mark);
  EXPECT_FALSE(out.overflowed());
  out.u16(0x0304);
  EXPECT_EQ(load_be32(out.written()), 0x01020304u);
}

TEST(ByteWriter, KeepsALimitInsideItsMemory) {
  std::array<u8, 8> memory{};
  ByteWriter out(memory);
  out.u16(1);
  out.set_limit(4);
  EXPECT_EQ(out.remaining(), 2u);
  out.set_limit(1);
  EXPECT_EQ(out.limit(), 2u) << "never below what is written";
  out.set_limit(100);
  EXPECT_EQ(out.limit(), 8u) << "never beyond the memory";
  out.zeros(6);
  EXPECT_FALSE(out.overflowed());
}

TEST(ByteWriter, PatchesALengthAfterwards) {
  std::array<u8, 8> memory{};
  ByteWriter out(memory);
  out.u16(0);
  out.text("abc");
  out.patch_u16(0, 3);
  EXPECT_EQ(load_be16(out.written()), 3);
}

}  // namespace
}  // namespace samara
