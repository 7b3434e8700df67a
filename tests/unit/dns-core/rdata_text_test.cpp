// Presentation format of every type, by cases in tests/data/rdata.
#include <set>

#include "dns-core/rdata/descriptor.h"
#include "rdata_cases.h"

namespace samara::dns {
namespace {

using test::parse;
using test::read_cases;
using test::to_hex;
using test::write;

TEST(RdataText, ReadsAndWritesEachTypeAsItsRfcSays) {
  for (const auto& c : read_cases("valid.txt", 4)) {
    SCOPED_TRACE("valid.txt:" + std::to_string(c.line));
    const RrType type = test::type_of(c.columns[0]);
    const auto read = parse(type, c.columns[1]);
    ASSERT_TRUE(read.ok) << read.error;
    EXPECT_EQ(to_hex(read.wire), c.columns[2]);
    const std::string& expected = c.columns[3] == "=" ? c.columns[1] : c.columns[3];
    EXPECT_EQ(write(type, read.wire), expected);
    const auto again = parse(type, expected);
    ASSERT_TRUE(again.ok) << again.error;
    EXPECT_EQ(to_hex(again.wire), c.columns[2]) << "what is written reads back";
    EXPECT_TRUE(test::is_valid(type, read.wire));
  }
}

TEST(RdataText, HasACaseForEveryKnownType) {
  std::set<u16> seen;
  for (const auto& c : read_cases("valid.txt", 4)) seen.insert(code(test::type_of(c.columns[0])));
  for (const Descriptor& d : all_descriptors()) {
    const bool only_in_questions = d.type == RrType::NXNAME || (code(d.type) >= 251 && code(d.type) <= 255);
    EXPECT_TRUE(only_in_questions || seen.contains(code(d.type))) << d.mnemonic;
  }
}

TEST(RdataText, SaysWhatIsWrongAndWhere) {
  for (const auto& c : read_cases("invalid.txt", 4)) {
    SCOPED_TRACE("invalid.txt:" + std::to_string(c.line));
    const auto read = parse(test::type_of(c.columns[0]), c.columns[1]);
    ASSERT_FALSE(read.ok) << to_hex(read.wire);
    EXPECT_EQ(read.at.line, 1U);
    EXPECT_EQ(std::to_string(read.at.column), c.columns[2]);
    EXPECT_EQ(read.error, c.columns[3]);
  }
}

TEST(RdataText, WritesWhatTheFormatCannotExpressAsUnknownData) {
  for (const auto& c : read_cases("wire_only.txt", 3)) {
    SCOPED_TRACE("wire_only.txt:" + std::to_string(c.line));
    const RrType type = test::type_of(c.columns[0]);
    const auto wire = test::from_hex(c.columns[1]);
    ASSERT_TRUE(test::is_valid(type, wire));
    EXPECT_EQ(write(type, wire), c.columns[2]);
    const auto read = parse(type, c.columns[2]);
    ASSERT_TRUE(read.ok) << read.error;
    EXPECT_EQ(to_hex(read.wire), to_hex(wire));
  }
}

TEST(RdataText, InvalidDataIsShownAsItIs) {
  for (const auto& c : read_cases("invalid_wire.txt", 3)) {
    const auto wire = test::from_hex(c.columns[1]);
    EXPECT_EQ(write(test::type_of(c.columns[0]), wire).substr(0, 3), "\\# ") << c.columns[0] << " " << c.columns[1];
  }
}

TEST(RdataText, AnyTypeCanBeReadAsUnknownData) {
  for (const auto& c : read_cases("valid.txt", 4)) {
    const auto wire = test::from_hex(c.columns[2]);
    const std::string text = "\\# " + std::to_string(wire.size()) + " " + c.columns[2];
    const auto read = parse(test::type_of(c.columns[0]), text);
    EXPECT_TRUE(read.ok) << c.columns[0] << " " << text << ": " << read.error;
    EXPECT_EQ(to_hex(read.wire), c.columns[2]);
  }
}

TEST(RdataText, ReadsToTheEndOfTheLogicalLineAndNoFurther) {
  const std::string_view text = "10 ( ; priority\n mail\n) ; host\n\"next\" line\n";
  Lexer lexer(text);
  std::array<u8, 300> memory;
  ByteWriter stored(memory);
  ASSERT_TRUE(parse_rdata(RrType::MX, lexer, test::name_of("example."), stored).ok());
  EXPECT_EQ(to_hex(stored.written()), "000a046d61696c076578616d706c6500");
  EXPECT_EQ(lexer.next().value().text, "next");
}

// Types whose data goes on to the end of the line must not look beyond it.
TEST(RdataText, LeavesTheNextLineAlone) {
  for (const auto& c : read_cases("valid.txt", 4)) {
    const std::string text = c.columns[1] + " ; comment\r\nnext";
    Lexer lexer(text);
    std::vector<u8> memory(2000);
    ByteWriter stored(memory);
    ASSERT_TRUE(parse_rdata(test::type_of(c.columns[0]), lexer, test::name_of("example."), stored).ok()) << text;
    EXPECT_EQ(to_hex(stored.written()), c.columns[2]);
    EXPECT_EQ(lexer.next().value().text, "next") << c.columns[0] << " " << c.columns[1];
  }
}

TEST(RdataText, AppendsToWhatIsThere) {
  Lexer lexer("192.0.2.1\n192.0.2.2\nbad\n");
  std::array<u8, 9> memory;
  ByteWriter stored(memory);
  stored.u8(7);
  ASSERT_TRUE(parse_rdata(RrType::A, lexer, Name(), stored).ok());
  ASSERT_TRUE(parse_rdata(RrType::A, lexer, Name(), stored).ok());
  EXPECT_FALSE(parse_rdata(RrType::A, lexer, Name(), stored).ok());
  EXPECT_EQ(to_hex(stored.written()), "07c0000201c0000202");
}

TEST(RdataText, RefusesDataThatDoesNotFit) {
  for (const auto& c : read_cases("valid.txt", 4)) {
    const size_t size = c.columns[2].size() / 2;
    for (size_t room = 0; room < size; room += 1 + size / 50) {
      Lexer lexer(c.columns[1]);
      std::vector<u8> memory(room);
      ByteWriter stored(memory);
      const auto done = parse_rdata(test::type_of(c.columns[0]), lexer, test::name_of("example."), stored);
      ASSERT_FALSE(done.ok()) << c.columns[0] << " " << c.columns[1] << " in " << room;
      EXPECT_EQ(done.error().problem, "record data is too long") << c.columns[0] << " " << c.columns[1] << " in " << room;
      EXPECT_EQ(stored.size(), 0U);
      EXPECT_FALSE(stored.overflowed());
    }
  }
}

TEST(RdataText, StringsHaveAtMost255Octets) {
  const std::string longest(255, 'x');
  const auto fits = parse(RrType::TXT, longest);
  ASSERT_TRUE(fits.ok) << fits.error;
  EXPECT_EQ(fits.wire.size(), 256U);
  EXPECT_EQ(fits.wire[0], 255U);
  EXPECT_FALSE(parse(RrType::TXT, longest + "x").ok);
  EXPECT_FALSE(parse(RrType::TXT, longest + "\\120").ok);
  EXPECT_TRUE(parse(RrType::TXT, longest.substr(1) + "\\120").ok);
  EXPECT_TRUE(parse(RrType::CAA, "0 issue " + longest + longest).ok) << "but the value of CAA is not such a string";
}

TEST(RdataText, DataHasAtMost65535Octets) {
  std::string strings;
  for (size_t i = 0; i < 255; ++i) strings += std::string(255, 'x') + " ";
  EXPECT_TRUE(parse(RrType::TXT, strings + std::string(254, 'x')).ok) << "255 * 256 + 255 octets";
  EXPECT_FALSE(parse(RrType::TXT, strings + std::string(255, 'x')).ok);
  std::string hex(65535 * 2, '0');
  EXPECT_TRUE(parse(RrType{65280}, "\\# 65535 " + hex).ok);
  EXPECT_FALSE(parse(RrType{65280}, "\\# 65536 " + hex + "00").ok);
}

TEST(RdataText, SaltHasAtMost255Octets) {
  EXPECT_TRUE(parse(RrType::NSEC3PARAM, "1 0 0 " + std::string(510, 'a')).ok);
  EXPECT_FALSE(parse(RrType::NSEC3PARAM, "1 0 0 " + std::string(512, 'a')).ok);
}

TEST(RdataText, AlpnIdentifiersHaveAtMost255Octets) {
  EXPECT_TRUE(parse(RrType::SVCB, "1 . alpn=" + std::string(255, 'a') + ",h2").ok);
  EXPECT_FALSE(parse(RrType::SVCB, "1 . alpn=" + std::string(256, 'a') + ",h2").ok);
}

TEST(RdataText, ServiceParametersAreSortedWhateverTheirOrder) {
  const auto sorted = parse(RrType::SVCB, "1 . alpn=h2 port=1 ipv4hint=192.0.2.1 key100=a key200 key300=bcd");
  ASSERT_TRUE(sorted.ok);
  std::vector<std::string> parameters = {"alpn=h2", "ipv4hint=192.0.2.1", "key100=a", "key200", "key300=bcd", "port=1"};
  size_t orders = 0;
  do {
    std::string text = "1 .";
    for (const std::string& p : parameters) text += " " + p;
    EXPECT_EQ(parse(RrType::SVCB, text).wire, sorted.wire) << text;
    ++orders;
  } while (std::ranges::next_permutation(parameters).found);
  EXPECT_EQ(orders, 720U);
}

TEST(RdataText, BitmapsAreSortedWhateverTheirOrder) {
  const auto sorted = parse(RrType::NSEC, "a. A NS TYPE256 TYPE1000 TYPE2000 TYPE3000 TYPE40000 TYPE65535");
  ASSERT_TRUE(sorted.ok);
  EXPECT_EQ(parse(RrType::NSEC, "a. TYPE65535 TYPE3000 NS TYPE40000 A NS TYPE1000 TYPE256 TYPE2000 A").wire, sorted.wire);
  std::string all = "a.";
  for (u32 type = 65535; type > 0; --type) all += " TYPE" + std::to_string(type);
  const auto full = parse(RrType::NSEC, all);
  ASSERT_TRUE(full.ok) << full.error;
  EXPECT_EQ(full.wire.size(), 3U + 256 * 34);
  EXPECT_TRUE(test::is_valid(RrType::NSEC, full.wire));
}

// Each prefix of each text: either an error or data that is valid; never a crash or a read beyond the text.
TEST(RdataText, EveryPrefixOfATextIsReadSafely) {
  for (const auto& c : read_cases("valid.txt", 4)) {
    const RrType type = test::type_of(c.columns[0]);
    for (size_t size = 0; size < c.columns[1].size(); ++size) {
      const auto read = parse(type, std::string_view(c.columns[1]).substr(0, size));
      if (read.ok) {
        EXPECT_TRUE(test::is_valid(type, read.wire)) << c.columns[0] << " " << c.columns[1].substr(0, size);
      } else {
        EXPECT_FALSE(read.error.empty());
      }
    }
  }
}

}  // namespace
}  // namespace samara::dns
