#include "dns-core/message/message_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "dns-core/rdata/soa.h"

namespace samara::dns {
namespace {

using Octets = std::vector<u8>;

// A header, then `body`.
Octets message(std::initializer_list<unsigned> body) {
  Octets octets(header_size);
  for (const unsigned octet : body) octets.push_back(static_cast<u8>(octet));
  return octets;
}

Name name_of(std::string_view text) {
  return Name::parse(text, Name()).value();
}

TEST(MessageReader, ReadsFieldsInOrder) {
  // a. TXT IN 0x01020304 "hi", then a record of the same owner by pointer.
  const Octets octets =
      message({1, 'a', 0, 0, 16, 0, 1, 1, 2, 3, 4, 0, 3, 2, 'h', 'i', 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 0});
  MessageReader at(octets);
  EXPECT_EQ(at.peek(), 1);
  EXPECT_EQ(at.name(), name_of("a."));
  const RecordFields text = at.fields();
  EXPECT_EQ(text.type, RrType::TXT);
  EXPECT_EQ(text.rr_class, RrClass::IN);
  EXPECT_EQ(text.ttl, 0x01020304U);
  EXPECT_EQ(text.size, 3);
  std::array<u8, 8> memory{};
  ByteWriter stored(memory);
  EXPECT_TRUE(at.rdata(text, stored).ok());
  EXPECT_EQ(stored.size(), 3U);
  EXPECT_EQ(at.name(), name_of("a."));
  EXPECT_EQ(at.fields().size, 0);
  EXPECT_TRUE(at.at_end());
  EXPECT_FALSE(at.failed());
}

TEST(MessageReader, StepsOverNamesAsItReadsThem) {
  const Octets octets = message({1, 'a', 1, 'b', 0, 0xc0, 14, 2, 'c', 'd', 0xc0, 12, 0});
  MessageReader read(octets);
  MessageReader skipped(octets);
  for (int i = 0; i < 4; ++i) {
    read.name();
    skipped.skip_name();
    EXPECT_EQ(read.position(), skipped.position()) << i;
  }
  EXPECT_TRUE(skipped.at_end());
  EXPECT_FALSE(skipped.failed());
}

TEST(MessageReader, NamesEndWithinTheirLimits) {
  Octets longest = message({});
  for (int i = 0; i < 127; ++i) longest.insert(longest.end(), {1, 'x'});
  longest.push_back(0);
  MessageReader good(longest);
  good.skip_name();
  EXPECT_FALSE(good.failed());
  EXPECT_EQ(good.position(), header_size + max_name_size);

  Octets longer = message({1, 'y'});
  longer.insert(longer.end(), longest.begin() + header_size, longest.end());
  MessageReader bad(longer);
  bad.skip_name();
  EXPECT_TRUE(bad.failed());
  for (const unsigned kind : {0x40U, 0x80U}) {
    const Octets octets = message({kind, 0});
    MessageReader other(octets);
    other.skip_name();
    EXPECT_TRUE(other.failed()) << kind;
  }
}

TEST(MessageReader, TheFirstErrorSticks) {
  const Octets octets = message({0, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2});  // an address of which one octet is missing
  for (size_t size = header_size; size <= octets.size(); ++size) {
    MessageReader at(Bytes(octets).first(size));
    EXPECT_TRUE(at.name().is_root());
    EXPECT_EQ(at.fields().size, 0);
    EXPECT_TRUE(at.failed()) << size;
    EXPECT_TRUE(at.at_end());
    EXPECT_EQ(at.u16_value(), 0);
    EXPECT_TRUE(at.bytes(1).empty());
    EXPECT_TRUE(at.name().is_root());
    EXPECT_EQ(at.peek(), 0);
    EXPECT_EQ(at.position(), size);
  }
  EXPECT_TRUE(MessageReader(Bytes(octets).first(header_size - 1)).failed());
}

TEST(MessageReader, DataThatBreaksItsRulesIsSteppedOver) {
  const Octets octets = message({0, 0, 1, 0, 1, 0, 0, 0, 5, 0, 3, 192, 0, 2, 7});  // an address of three octets
  MessageReader at(octets);
  at.skip_name();
  const RecordFields address = at.fields();
  std::array<u8, 8> memory{};
  ByteWriter stored(memory);
  EXPECT_FALSE(at.rdata(address, stored).ok());
  EXPECT_FALSE(at.failed());
  EXPECT_EQ(at.peek(), 7);
}

TEST(SoaNumbers, StandBehindTheTwoNames) {
  Octets rdata{1, 'a', 0, 0};
  for (unsigned number = 1; number <= 5; ++number) rdata.insert(rdata.end(), {0, 0, static_cast<u8>(number), 0});
  EXPECT_EQ(SoaNumbers::of(rdata), (SoaNumbers{Serial(256), 512, 768, 1024, 1280}));
}

}  // namespace
}  // namespace samara::dns
