#include <gtest/gtest.h>

#include <vector>

#include "platform/base/rng.h"
#include "platform/net/wire/address_kind.h"
#include "platform/net/wire/arp.h"
#include "platform/net/wire/checksum.h"
#include "platform/net/wire/ethernet.h"
#include "platform/net/wire/icmp.h"
#include "platform/net/wire/ipv4.h"
#include "platform/net/wire/ipv6.h"
#include "platform/net/wire/udp.h"

namespace samara::net {
namespace {

class FixedRng final : public Rng {
 public:
  void fill(MutableBytes out) override {
    for (u8& octet : out) octet = static_cast<u8>((state_ = state_ * 6364136223846793005U + 1442695040888963407U) >> 56);
  }

 private:
  u64 state_ = 9;
};

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
using Octets = std::vector<u8>;

// Random octets that are good for the format are, parsed and written again, the same; and whatever was written is parsed again.
template <class Format, class Repair>
void round_trip(size_t size, Repair repair) {
  FixedRng rng;
  int good = 0;
  for (int i = 0; i < 5000; ++i) {
    Octets octets(size);
    rng.fill(octets);
    repair(octets);
    const auto parsed = Format::parse(octets);
    if (!parsed.ok()) continue;
    ++good;
    Octets again(size, 0xaa);
    parsed.value().write(again);
    ASSERT_EQ(again, octets);
    ASSERT_EQ(Format::parse(again).value(), parsed.value());
    for (size_t shorter = 0; shorter < size; ++shorter) {
      ASSERT_FALSE(Format::parse(Bytes(octets).first(shorter)).ok());
    }
  }
  EXPECT_GT(good, 1000);
}

TEST(Formats, EthernetRoundTrip) {
  round_trip<EthernetHeader>(14, [](Octets& o) { o[12] |= 0x08; });
}
TEST(Formats, ArpRoundTrip) {
  round_trip<ArpMessage>(28, [](Octets& o) {
    store_be32(o, 0, 0x00010800);
    store_be16(o, 4, 0x0604);
    store_be16(o, 6, static_cast<u16>(1 + (o[7] & 1)));
  });
}
TEST(Formats, Ipv4RoundTrip) {
  round_trip<Ipv4Header>(20, [](Octets& o) {
    o[0] = 0x45;
    store_be16(o, 2, 20);
    o[6] &= 0x7f;
    store_be16(o, 10, 0);
    store_be16(o, 10, internet_checksum(o));
  });
}
TEST(Formats, Ipv6RoundTrip) {
  round_trip<Ipv6Header>(40, [](Octets& o) {
    o[0] = static_cast<u8>(0x60 | (o[0] & 15));
    store_be16(o, 4, 0);
  });
}
TEST(Formats, Ipv6FragmentRoundTrip) {
  round_trip<Ipv6FragmentHeader>(8, [](Octets& o) {
    o[1] = 0;
    o[3] &= 0xf9;
  });
}
TEST(Formats, UdpRoundTrip) {
  round_trip<UdpHeader>(8, [](Octets& o) { store_be16(o, 4, 8); });
}
TEST(Formats, IcmpRoundTrip) {
  FixedRng rng;
  for (int i = 0; i < 100; ++i) {
    Octets octets(8);
    rng.fill(octets);
    store_be16(octets, 2, 0);
    Octets again(8, 0xaa);
    IcmpHeader::parse(octets).value().write(again);
    EXPECT_EQ(again, octets);
  }
}

TEST(Checksum, ExampleOfRfc1071) {
  ChecksumSum sum;
  sum.add(Octets{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7});
  EXPECT_EQ(sum.folded(), 0xddf2);
}

TEST(Checksum, PartsAddUpWhereverTheyAreSplitAtAWord) {
  for (size_t size = 0; size <= 200; ++size) {
    Octets octets(size + 3);
    // Many 0xff: every carry there can be.
    for (size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<u8>(i % 3 == 0 ? i * 37 + size : 0xff);
    // Begins at each of four alignments.
    for (size_t start = 0; start < 4; ++start) {
      const Bytes part = Bytes(octets).subspan(start, size);
      u64 plain = 0;
      for (size_t i = 0; i < size; ++i) plain += u64{part[i]} << (i % 2 == 0 ? 8 : 0);
      while (plain > 0xffff) plain = (plain >> 16) + (plain & 0xffff);
      for (const size_t split : {size_t{0}, size / 3 & ~size_t{1}, size / 2 & ~size_t{1}, size & ~size_t{1}}) {
        ChecksumSum sum;
        sum.add(part.first(split));
        sum.add(part.subspan(split));
        EXPECT_EQ(sum.folded(), plain) << size << " from " << start << " split at " << split;
      }
    }
  }
}

TEST(Checksum, HeadersOfAFixedSizeAddUpTheSame) {
  const Octets header(20, 0xfd);
  ChecksumSum fixed, plain;
  fixed.add(Bytes(header).first<20>());
  plain.add(Bytes(header));
  EXPECT_EQ(fixed.finish(), plain.finish());
}

TEST(Checksum, AgreesWithTheDefinitionAtEveryLength) {
  FixedRng rng;
  for (size_t size = 0; size < 300; ++size) {
    Octets octets(size);
    rng.fill(octets);
    u64 plain = 0;
    for (size_t i = 0; i < size; ++i) plain += i % 2 == 0 ? u64{octets[i]} << 8 : octets[i];
    while (plain > 0xffff) plain = (plain >> 16) + (plain & 0xffff);
    EXPECT_EQ(internet_checksum(octets), static_cast<u16>(~plain)) << size;
  }
  EXPECT_EQ(internet_checksum(Octets(65535, 0xff)), 0x00ff);
}

TEST(AddressKind, WhoCanSendToUs) {
  for (const char* good :
       {"192.0.2.1", "1.0.0.1", "223.255.255.255", "169.254.1.1", "2001:db8::1", "fe80::1", "fd00::1", "::2"}) {
    EXPECT_TRUE(is_peer_unicast(ip(good))) << good;
  }
  for (const char* bad : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
                          "::", "::1", "ff02::1", "::ffff:1.2.3.4"}) {
    EXPECT_FALSE(is_peer_unicast(ip(bad))) << bad;
  }
}

TEST(AddressKind, DirectedBroadcastIsTheLastOfItsBlock) {
  EXPECT_TRUE(is_directed_broadcast(ip("192.0.2.255"), ip("192.0.2.1"), 24));
  EXPECT_FALSE(is_directed_broadcast(ip("192.0.3.255"), ip("192.0.2.1"), 24));
  EXPECT_TRUE(is_directed_broadcast(ip("192.0.2.3"), ip("192.0.2.1"), 30));
  EXPECT_FALSE(is_directed_broadcast(ip("192.0.2.1"), ip("192.0.2.0"), 31));  // RFC 3021
  EXPECT_FALSE(is_directed_broadcast(ip("192.0.2.1"), ip("192.0.2.1"), 32));
}

TEST(AddressKind, SameBlockAtEveryLength) {
  const IpAddress a = ip("2001:db8::ffff:1");
  for (u8 length = 0; length <= 128; ++length) {
    EXPECT_TRUE(same_block(a, a, length));
    if (length == 0) continue;
    std::array<u8, 16> other{};
    std::ranges::copy(a.octets(), other.begin());
    other[(length - 1U) / 8] ^= static_cast<u8>(0x80 >> ((length - 1U) % 8));
    EXPECT_FALSE(same_block(a, IpAddress::v6(other), length)) << int{length};
    EXPECT_TRUE(same_block(a, IpAddress::v6(other), static_cast<u8>(length - 1))) << int{length};
  }
  EXPECT_FALSE(same_block(ip("0.0.0.0"), ip("::"), 0));
}

TEST(AddressKind, SolicitedNodeGroup) {
  EXPECT_EQ(solicited_node_group(ip("4037::1:800:200e:8c6c")), ip("ff02::1:ff0e:8c6c"));  // RFC 4291 section 2.7.1
}

TEST(MacAddress, MulticastMapping) {
  EXPECT_EQ(MacAddress::multicast(ip("239.129.2.3")), (MacAddress{{1, 0, 0x5e, 1, 2, 3}}));
  EXPECT_EQ(MacAddress::multicast(ip("ff02::1:ff0e:8c6c")), (MacAddress{{0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c}}));
}

}  // namespace
}  // namespace samara::net
