#include "platform/base/text_writer.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace samara {
namespace {

TEST(TextWriter, WritesIntegersOfEverySize) {
  TextBuffer<200> text;
  TextWriter& out = text.writer();
  out.put(u8{200});
  out.put(' ');
  out.put(UINT64_MAX);
  out.put(' ');
  out.put(INT64_MIN);
  out.put(' ');
  out.put(-1);
  out.put(' ');
  out.put(0U);
  EXPECT_EQ(text.view(), "200 18446744073709551615 -9223372036854775808 -1 0");
}

TEST(TextWriter, PadsDecimalAndHex) {
  TextBuffer<64> text;
  text.writer().decimal(7, 3);
  text.writer().put(' ');
  text.writer().decimal(1234, 3);
  text.writer().put(' ');
  text.writer().hex(0xbeef, 4);
  text.writer().put(' ');
  text.writer().hex(0xbeef, 8);
  text.writer().put(' ');
  text.writer().hex(0xbeef, 2);
  EXPECT_EQ(text.view(), "007 1234 beef 0000beef ef");
}

TEST(TextWriter, FillsItsMemoryExactly) {
  TextBuffer<4> text;
  text.writer().put("abcd");
  EXPECT_FALSE(text.writer().overflowed());
  text.writer().put("");
  EXPECT_FALSE(text.writer().overflowed());
  text.writer().put('e');
  EXPECT_TRUE(text.writer().overflowed());
  EXPECT_EQ(text.view(), "abcd");
}

TEST(TextWriter, LeavesOutThePieceThatDoesNotFitAndAllAfterIt) {
  TextBuffer<4> text;
  text.writer().put("ab");
  text.writer().put("cde");
  text.writer().put("f");
  EXPECT_TRUE(text.writer().overflowed());
  EXPECT_EQ(text.view(), "ab");
}

TEST(TextWriter, CutsBackAndStartsAgain) {
  TextBuffer<4> text;
  text.writer().put("abcd");
  text.writer().truncate(2);
  EXPECT_EQ(text.view(), "ab");
  text.writer().truncate(3);
  EXPECT_EQ(text.view(), "ab") << "truncate() never lengthens";
  text.writer().put("too long");
  text.writer().clear();
  EXPECT_FALSE(text.writer().overflowed());
  text.writer().put("xyz");
  EXPECT_EQ(text.view(), "xyz");
}

}  // namespace
}  // namespace samara
