#include "dns-core/dnssec/ds.h"

#include "records_from_text.h"

namespace samara::dns {
namespace {

// RFC 4034 section 5.4.
constexpr std::string_view dskey =
    "256 3 5 ( AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7Or"
    "zKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw== )";

TEST(KeyTag, is_that_of_rfc_4034) {
  EXPECT_EQ(key_tag(rdata(RrType::DNSKEY, dskey)), KeyTag(60485));
}

TEST(KeyTag, of_rsamd5_comes_from_the_modulus) {
  std::vector<u8> key = rdata(RrType::DNSKEY, dskey);
  key[3] = 1;
  EXPECT_EQ(key_tag(key), KeyTag(static_cast<u16>((key[key.size() - 3] << 8) | key[key.size() - 2])));
}

TEST(KeyTag, of_short_or_odd_data_is_just_a_number) {
  EXPECT_EQ(key_tag({}), KeyTag(0));
  EXPECT_EQ(key_tag(std::vector<u8>{1}), KeyTag(0x0100));
  EXPECT_EQ(key_tag(std::vector<u8>{1, 2, 3}), KeyTag(0x0402));
  EXPECT_EQ(key_tag(std::vector<u8>{1, 1, 3, 1}), KeyTag(0x0402));
  EXPECT_EQ(key_tag(std::vector<u8>(65'535, 0xff)),
            KeyTag(static_cast<u16>((32'767ULL * 0xffff + 0xff00) + ((32'767ULL * 0xffff + 0xff00) >> 16))));
}

TEST(Ds, digests_are_those_of_rfc_4034_and_rfc_4509) {
  const Name owner = name("dskey.example.com.");
  const std::vector<u8> key = rdata(RrType::DNSKEY, dskey);
  EXPECT_EQ(hex(ds_digest(owner, key, DsDigest::SHA1)->bytes()), "2bb183af5f22588179a53b0a98631fad1a292118");
  EXPECT_EQ(hex(ds_digest(owner, key, DsDigest::SHA256)->bytes()),
            "d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a");
  EXPECT_FALSE(ds_digest(owner, key, DsDigest{3}).has_value());
}

TEST(Ds, digest_of_sha384_is_that_of_rfc_6605) {
  const std::vector<u8> key = rdata(
      RrType::DNSKEY,
      "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur"
      "8I/mlVNgF6W/qTI37m40");
  EXPECT_TRUE(ds_matches(rdata(RrType::DS,
                               "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0"
                               "563a9b5f4d288405c3008a946df983d6"),
                         name("example.net."), key));
}

TEST(Ds, matches_in_any_case_of_the_owner_and_only_when_all_fields_do) {
  const std::vector<u8> key = rdata(RrType::DNSKEY, dskey);
  const Name owner = name("DSkey.Example.COM.");
  EXPECT_TRUE(ds_matches(rdata(RrType::DS, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"), owner, key));
  EXPECT_FALSE(ds_matches(rdata(RrType::DS, "60486 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"), owner, key));
  EXPECT_FALSE(ds_matches(rdata(RrType::DS, "60485 8 1 2BB183AF5F22588179A53B0A98631FAD1A292118"), owner, key));
  EXPECT_FALSE(ds_matches(rdata(RrType::DS, "60485 5 9 2BB183AF5F22588179A53B0A98631FAD1A292118"), owner, key));
  EXPECT_FALSE(ds_matches(rdata(RrType::DS, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292119"), owner, key));
  EXPECT_FALSE(ds_matches(rdata(RrType::DS, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"), name("example.com."), key));
}

TEST(Ds, malformed_records_match_nothing) {
  const std::vector<u8> key = rdata(RrType::DNSKEY, dskey);
  const std::vector<u8> ds = rdata(RrType::DS, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118");
  for (size_t size = 0; size < ds.size(); ++size) {
    EXPECT_FALSE(ds_matches(Bytes(ds).first(size), name("dskey.example.com."), key)) << size;
  }
  for (size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(ds_matches(ds, name("dskey.example.com."), Bytes(key).first(size))) << size;
  }
}

}  // namespace
}  // namespace samara::dns
