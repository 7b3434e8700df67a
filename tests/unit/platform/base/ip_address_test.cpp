#include "platform/base/ip_address.h"

#include <gtest/gtest.h>

#include <string>

namespace samara {
namespace {

template <class T>
std::string text_of(const T& value) {
  TextBuffer<80> text;
  value.write_text(text.writer());
  return std::string(text.view());
}

TEST(IpAddress, RoundTripsIpv4) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "10.0.0.10"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_TRUE(address->is_v4());
    EXPECT_EQ(address->octets().size(), 4u);
    EXPECT_EQ(text_of(*address), text);
  }
}

TEST(IpAddress, RefusesWhatIsNoIpv4Address) {
  for (const char* text :
       {"", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5", "256.0.0.1", "1.2.3.256", "01.2.3.4",
        "1.2.3.010", "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", "1.2.3.a", "99999999999999999999.1.1.1"}) {
    EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
  }
}

// RFC 5952 section 4: what is read in any form is written in one.
TEST(IpAddress, WritesIpv6AsRfc5952Says) {
  const std::array<std::array<const char*, 2>, 17> cases = {{
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:0db8::0001", "2001:db8::1"},                // 4.1 leading zeros
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},         // 4.2.1 as short as possible
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2 not for one field
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},   // the same, read from "::"
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3 the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // 4.2.3 the first of equals
      {"2001:DB8::ABCD", "2001:db8::abcd"},              // 4.3 lower case
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:1:0:0:0:0:0", "0:0:1::"},
      {"::ffff:192.0.2.1", "::ffff:c000:201"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  }};
  for (const auto& [in, out] : cases) {
    const auto address = IpAddress::parse(in);
    ASSERT_TRUE(address.has_value()) << in;
    EXPECT_EQ(text_of(*address), out);
    EXPECT_EQ(IpAddress::parse(out), address);
  }
}

TEST(IpAddress, RefusesWhatIsNoIpv6Address) {
  for (const char* text : {":",
                           ":::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8:",
                           ":1:2:3:4:5:6:7:8",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "::1.2.3",
                           "::1.2.3.4.5",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1:2:3:4:5:6:7::8",
                           "::1%eth0",
                           "::1/64",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           ":1::",
                           "1:",
                           "2001:db8::1 "}) {
    EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
  }
}

TEST(IpAddress, ReadsASingleZeroFieldFromADoubleColon) {
  EXPECT_EQ(text_of(IpAddress::parse("1:2:3:4:5:6:7::").value()), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(text_of(IpAddress::parse("::2:3:4:5:6:7:8").value()), "0:2:3:4:5:6:7:8");
}

TEST(IpAddress, KeepsTheFamiliesApart) {
  EXPECT_NE(IpAddress::parse("0.0.0.0"), IpAddress::parse("::"));
  EXPECT_NE(IpAddress::parse("192.0.2.1"), IpAddress::parse("::ffff:192.0.2.1"));
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_FALSE(IpAddress::parse("::1")->is_unspecified());
  EXPECT_LT(IpAddress::parse("255.255.255.255").value(), IpAddress::parse("::").value());
}

TEST(Endpoint, RoundTripsBothFamilies) {
  for (const char* text : {"192.0.2.1:53", "0.0.0.0:0", "[2001:db8::1]:53", "[::]:65535"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(text_of(*endpoint), text);
  }
}

TEST(Endpoint, RefusesWhatIsAmbiguousOrOutOfRange) {
  for (const char* text :
       {"", ":53", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:053", "192.0.2.1:-1", "[192.0.2.1]:53",
        "2001:db8::1:53", "[2001:db8::1]", "[2001:db8::1]53", "[2001:db8::1:53", "[]:53", "[:53", "]:53"}) {
    EXPECT_FALSE(Endpoint::parse(text).has_value()) << text;
  }
}

TEST(IpPrefix, RoundTripsAndContains) {
  const auto block = IpPrefix::parse("192.0.2.0/25").value();
  EXPECT_EQ(text_of(block), "192.0.2.0/25");
  EXPECT_TRUE(block.contains(*IpAddress::parse("192.0.2.0")));
  EXPECT_TRUE(block.contains(*IpAddress::parse("192.0.2.127")));
  EXPECT_FALSE(block.contains(*IpAddress::parse("192.0.2.128")));
  EXPECT_FALSE(block.contains(*IpAddress::parse("::")));
  const auto wide = IpPrefix::parse("2001:db8:8000::/33").value();
  EXPECT_TRUE(wide.contains(*IpAddress::parse("2001:db8:ffff::1")));
  EXPECT_FALSE(wide.contains(*IpAddress::parse("2001:db8:7fff::1")));
}

TEST(IpPrefix, TakesALoneAddressAsABlockOfOne) {
  EXPECT_EQ(text_of(IpPrefix::parse("192.0.2.1").value()), "192.0.2.1/32");
  EXPECT_EQ(text_of(IpPrefix::parse("2001:db8::1").value()), "2001:db8::1/128");
}

TEST(IpPrefix, OfLengthZeroContainsItsWholeFamily) {
  EXPECT_TRUE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.255.255.255")));
  EXPECT_FALSE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
  EXPECT_TRUE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("ffff::")));
  EXPECT_EQ(IpPrefix(), IpPrefix::parse("0.0.0.0/0"));
}

TEST(IpPrefix, RefusesHostBitsAndWrongLengths) {
  for (const char* text : {"192.0.2.1/24", "192.0.2.0/33", "2001:db8::/129", "2001:db8::1/127", "192.0.2.0/", "/24",
                           "192.0.2.0/024", "192.0.2.0/-1", "192.0.2.0/24/24", "192.0.2/24"}) {
    EXPECT_FALSE(IpPrefix::parse(text).has_value()) << text;
  }
}

TEST(IpPrefix, MasksEveryLength) {
  const IpAddress ones = *IpAddress::parse("255.255.255.255");
  for (unsigned length = 0; length <= 32; ++length) {
    const u32 expected = length == 0 ? 0 : 0xffffffffU << (32 - length);
    EXPECT_EQ(load_be32(masked(ones, static_cast<u8>(length)).octets()), expected) << length;
  }
}

TEST(Decimal, IsStrict) {
  EXPECT_EQ(parse_decimal("0", 9), 0u);
  EXPECT_EQ(parse_decimal("18446744073709551615", UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(parse_decimal("18446744073709551616", UINT64_MAX), std::nullopt);
  EXPECT_EQ(parse_decimal("99999999999999999999", UINT64_MAX), std::nullopt);
  EXPECT_EQ(parse_decimal("65535", 65535), 65535u);
  EXPECT_EQ(parse_decimal("65536", 65535), std::nullopt);
  for (const char* text : {"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "0x1", "100000000000000000000"}) {
    EXPECT_EQ(parse_decimal(text, UINT64_MAX), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace samara
