#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/numbers.h"
#include "rdata_cases.h"

namespace samara::dns {
namespace {

std::string text_of(RrType type) {
  TextBuffer<40> text;
  write_type(type, text.writer());
  return std::string(text.view());
}
std::string text_of(RrClass rr_class) {
  TextBuffer<40> text;
  write_class(rr_class, text.writer());
  return std::string(text.view());
}
std::optional<u32> seconds(std::string_view text) {
  const auto ttl = parse_ttl(text);
  if (!ttl.has_value()) return std::nullopt;
  return ttl->seconds();
}

TEST(TypeMnemonics, EveryTypeReadsBack) {
  for (u32 c = 0; c <= 65535; ++c) {
    const auto type = RrType{static_cast<u16>(c)};
    const auto read = parse_type(text_of(type));
    ASSERT_TRUE(read.has_value()) << c;
    ASSERT_EQ(*read, type) << c;
    ASSERT_EQ(parse_type("type" + std::to_string(c)), type);
  }
}

TEST(TypeMnemonics, CaseDoesNotMatter) {
  EXPECT_EQ(parse_type("aaaa"), RrType::AAAA);
  EXPECT_EQ(parse_type("Nsap-Ptr"), RrType::NSAP_PTR);
  EXPECT_EQ(parse_type("nsec3param"), RrType::NSEC3PARAM);
  EXPECT_EQ(parse_type("tYpE65535"), RrType{65535});
}

TEST(TypeMnemonics, RefusesWhatIsNoType) {
  for (const std::string_view text : {"", "AAA", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "1", "A ", "nsap\rptr",
                                      "TYPE99999999999999999999", "NSEC3PARAMNSEC3PARAMNSEC3PARAM", "CLASS1"}) {
    EXPECT_FALSE(parse_type(text).has_value()) << text;
  }
}

TEST(TypeMnemonics, UnknownTypesAreWrittenAsTypeWithNumber) {
  EXPECT_EQ(text_of(RrType{65280}), "TYPE65280");
  EXPECT_EQ(text_of(RrType{0}), "TYPE0");
  EXPECT_EQ(text_of(RrType::HTTPS), "HTTPS");
  EXPECT_EQ(text_of(RrType::DLV), "DLV");
}

TEST(TypeMnemonics, SuggestsTheNearest) {
  EXPECT_EQ(nearest_type("AAA"), "AAAA");
  EXPECT_EQ(nearest_type("cnmae"), "CNAME");
  EXPECT_EQ(nearest_type("TEXT"), "TXT");
  EXPECT_EQ(nearest_type("MXX"), "MX");
  EXPECT_EQ(nearest_type("DNSKYE"), "DNSKEY");
  EXPECT_EQ(nearest_type("OPENPGPKY"), "OPENPGPKEY");
  EXPECT_EQ(nearest_type("hello-world"), "");
  EXPECT_EQ(nearest_type(""), "");
  EXPECT_EQ(nearest_type(std::string(10000, 'A')), "");
}

TEST(ClassMnemonics, ReadAndWrite) {
  EXPECT_EQ(parse_class("in"), RrClass::IN);
  EXPECT_EQ(parse_class("CHAOS"), RrClass::CH);
  EXPECT_EQ(parse_class("class255"), RrClass::ANY);
  EXPECT_EQ(text_of(RrClass::CH), "CH");
  EXPECT_EQ(text_of(RrClass{7}), "CLASS7");
  for (const std::string_view text : {"", "I", "CLASS", "CLASS65536", "1"}) EXPECT_FALSE(parse_class(text).has_value()) << text;
}

TEST(RcodeNames, AreThoseOfTheRegistry) {
  EXPECT_EQ(rcode_name(Rcode::NXDOMAIN), "NXDOMAIN");
  EXPECT_EQ(rcode_name(Rcode::BADVERS), "BADVERS");
  EXPECT_EQ(rcode_name(Rcode::BADCOOKIE), "BADCOOKIE");
  EXPECT_EQ(rcode_name(Rcode{12}), "");
  TextBuffer<16> nameless;
  RcodeText{Rcode{12}}.write_text(nameless.writer());
  EXPECT_EQ(nameless.view(), "RCODE12");
}

TEST(TtlText, TakesSecondsAndUnits) {
  EXPECT_EQ(seconds("0"), 0U);
  EXPECT_EQ(seconds("003600"), 3600U);
  EXPECT_EQ(seconds("2147483647"), 2147483647U);
  EXPECT_EQ(seconds("1w2d3h4m5s"), 788645U);
  EXPECT_EQ(seconds("1H"), 3600U);
  EXPECT_EQ(seconds("5s1h"), 3605U);
  EXPECT_EQ(seconds("3550w"), 2147040000U);
}

TEST(TtlText, RefusesTheRest) {
  for (const std::string_view text : {"", "h", "1h30", "1x", "-1", "+1", "1 h", "2147483648", "3551w", "1hh",
                                      "18446744073709551616", "99999999999999999999s", "1.5h"}) {
    EXPECT_FALSE(parse_ttl(text).has_value()) << text;
  }
}

TEST(TimeText, EveryDayFrom1970To2106ReadsBack) {
  for (u64 second = 0; second <= UINT32_MAX; second += 86'400 - 1) {
    TextBuffer<20> text;
    write_time(static_cast<u32>(second), text.writer());
    ASSERT_EQ(text.view().size(), 14U);
    ASSERT_EQ(parse_time(text.view()), static_cast<u32>(second)) << text.view();
  }
}

TEST(TimeText, KnowsTheCalendar) {
  EXPECT_EQ(parse_time("20240229123456"), 1709210096U);
  EXPECT_EQ(parse_time("20000229000000"), 951782400U);
  EXPECT_FALSE(parse_time("20230229000000").has_value());
  EXPECT_FALSE(parse_time("21000229000000").has_value());
  EXPECT_FALSE(parse_time("20241301000000").has_value());
  EXPECT_FALSE(parse_time("20240100000000").has_value());
  EXPECT_FALSE(parse_time("20240101006000").has_value());
  EXPECT_FALSE(parse_time("2024010100000x").has_value());
  EXPECT_EQ(parse_time("19691231235959"), UINT32_MAX) << "the count is modulo 2^32";
}

TEST(EditDistance, CountsEditsAndNeighboursSwapped) {
  EXPECT_EQ(edit_distance("abc", "abc", 3), 0U);
  EXPECT_EQ(edit_distance("abc", "ABC", 3), 0U);
  EXPECT_EQ(edit_distance("abc", "acb", 3), 1U);
  EXPECT_EQ(edit_distance("abc", "ab", 3), 1U);
  EXPECT_EQ(edit_distance("", "abc", 5), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 5), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 1), 2U);
}

TEST(Descriptors, AreInOrderAndFoundByNumberAndMnemonic) {
  int previous = -1;
  for (const Descriptor& d : all_descriptors()) {
    EXPECT_GT(static_cast<int>(code(d.type)), previous);
    previous = code(d.type);
    EXPECT_EQ(find_descriptor(d.type), &d);
    EXPECT_EQ(find_descriptor(d.mnemonic), &d);
    EXPECT_FALSE(d.used_fields().empty());
  }
  EXPECT_EQ(find_descriptor(RrType{0}), nullptr);
  EXPECT_EQ(find_descriptor(RrType{65535}), nullptr);
}

TEST(Descriptors, KnowMetaTypes) {
  for (const RrType type : {RrType::OPT, RrType::TSIG, RrType::TKEY, RrType::ANY, RrType::AXFR, RrType{200}}) {
    EXPECT_TRUE(is_meta_type(type)) << code(type);
  }
  for (const RrType type : {RrType::A, RrType::RRSIG, RrType::URI, RrType{300}, RrType{65280}}) {
    EXPECT_FALSE(is_meta_type(type)) << code(type);
  }
}

}  // namespace
}  // namespace samara::dns
