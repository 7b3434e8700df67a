#include "server/config/secondary_config.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "server/config/primary_config.h"

namespace samara::server {
namespace {

using Writer = codec::DeviceTreeWriter;

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}
Endpoint endpoint_of(std::string_view text) {
  return Endpoint::parse(text).value();
}

SecondaryConfig smallest() {
  SecondaryConfig config;
  config.listen.push_back(endpoint_of("127.0.0.1:53"));
  return config;
}

SecondaryConfig with_everything() {
  SecondaryConfig config = smallest();
  config.keys = {{name_of("a.key"), KeyAlgorithm::hmac_sha256, "0123456789abcdef"},
                 {name_of("b.key"), KeyAlgorithm::hmac_sha512, "0123456789abcdef"}};
  config.access.notify = {{std::nullopt, u16{0}}};
  config.notify = {{endpoint_of("192.0.2.9:53"), u16{1}}};
  config.zones = {{name_of("example.com"),
                   {{endpoint_of("192.0.2.1:53"), u16{1}}, {endpoint_of("[2001:db8::1]:5353"), std::nullopt}},
                   {AccessList{{{}, u16{0}}}, {}, AccessList{}, PeerList{}, true, HistoryConfig{1, 2}}},
                  {name_of("example.net"), {{endpoint_of("192.0.2.1:53"), u16{0}}}, {}}};
  config.catalogs = {{name_of("catalog.example"), {{endpoint_of("192.0.2.1:53"), u16{0}}}, {}, {}},
                     {name_of("more.example"),
                      {{endpoint_of("192.0.2.1:53"), u16{0}}},
                      PeerList{{endpoint_of("192.0.2.2:53"), u16{1}}, {endpoint_of("192.0.2.3:53"), {}}},
                      {{}, {}, {}, PeerList{{endpoint_of("192.0.2.4:53"), {}}}, {}, {}, false}}};
  config.transfers_in = {1024, 1, 4096, 2, 0, 604'800};
  config.refresh = {1, 2, 3, 4, 5, 0x7fffffff};
  config.storage = StorageConfig{"/var/lib/samara/secondary.store", u64{1} << 40};
  config.forward_updates = true;
  return config;
}

std::vector<u8> blob_of(const SecondaryConfig& config) {
  Writer writer;
  write_secondary_config(config, writer);
  return MUST(std::move(writer).finish());
}

void node(Writer& writer, std::string_view name, const std::function<void()>& content = [] {}) {
  writer.begin_node(name);
  content();
  writer.end_node();
}

std::string error_of(const std::vector<u8>& blob) {
  const auto tree = codec::DeviceTree::open(blob);
  if (!tree) return "not a device tree";
  const auto config = read_secondary_config(tree.value());
  if (config) return "no error";
  TextBuffer<512> text;
  config.error().write_text(text.writer());
  return std::string(text.view());
}

std::string error_with(const std::function<void(Writer&)>& add) {
  Writer writer;
  writer.begin_node("");
  writer.string("compatible", boot_compatible);
  writer.string("role", "secondary");
  node(writer, "listen@0", [&] { writer.string("endpoint", "127.0.0.1:53"); });
  add(writer);
  writer.end_node();
  return error_of(MUST(std::move(writer).finish()));
}

TEST(SecondaryConfig, EveryValueSurvivesTheBlob) {
  for (const SecondaryConfig& config : {smallest(), with_everything()}) {
    const std::vector<u8> blob = blob_of(config);
    const auto read = read_secondary_config(MUST(codec::DeviceTree::open(blob)));
    ASSERT_TRUE(read.ok()) << error_of(blob);
    EXPECT_EQ(read.value(), config);
  }
}

TEST(SecondaryConfig, EachRoleRefusesTheOthersBlobAndSaysWhose) {
  EXPECT_EQ(error_of([] {
              PrimaryConfig primary;
              primary.listen.push_back(endpoint_of("127.0.0.1:53"));
              primary.zones = {{name_of("example.com"), {{"z", ""}}, {}}};
              Writer writer;
              write_primary_config(primary, writer);
              return MUST(std::move(writer).finish());
            }()),
            "/: this is the configuration of a primary (expected that of a secondary)");
}

TEST(SecondaryConfig, AZoneAndACatalogNeedAPrimary) {
  EXPECT_EQ(error_with([](Writer& w) { node(w, "zone@0", [&] { w.string("name", "example.com."); }); }),
            "/zone@0 is missing (expected at least one primary@N)");
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "catalog@3", [&] {
                w.string("name", "example.com.");
                node(w, "member-primary@0", [&] { w.string("endpoint", "192.0.2.1:53"); });
              });
            }),
            "/catalog@3 is missing (expected at least one primary@N)");
}

TEST(SecondaryConfig, MembersComeFromTheCatalogsPrimariesUnlessSaidOtherwise) {
  const SecondaryConfig config = with_everything();
  EXPECT_EQ(config.catalogs[0].primaries_of_members(), config.catalogs[0].primaries);
  EXPECT_EQ(config.catalogs[1].primaries_of_members().size(), 2U);
}

TEST(SecondaryConfig, ZonesHaveNoTextsOfTheirOwn) {
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "zone@0", [&] {
                w.string("name", "example.com.");
                node(w, "file@0", [&] { w.string("path", "z"); });
              });
            }),
            "/zone@0/file@0 is not known");
}

TEST(SecondaryConfig, KeysOfPrimariesAreThoseOfTheBlob) {
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "zone@0", [&] {
                w.string("name", "example.com.");
                node(w, "primary@0", [&] {
                  w.string("endpoint", "192.0.2.1:53");
                  w.string("key", "nobodys.");
                });
              });
            }),
            "/zone@0/primary@0: property \"key\" is malformed (expected the name of a key in this blob)");
}

TEST(SecondaryConfig, NamesAreUniqueAmongZonesAndCatalogs) {
  const auto both = [](std::string_view first, std::string_view second) {
    return error_with([&](Writer& w) {
      for (const std::string_view name : {first, second}) {
        node(w, name.substr(0, name.find(' ')), [&] {
          w.string("name", name.substr(name.find(' ') + 1));
          node(w, "primary@0", [&] { w.string("endpoint", "192.0.2.1:53"); });
        });
      }
    });
  };
  EXPECT_EQ(both("zone@0 a.example.", "catalog@0 b.example."), "no error");
  EXPECT_EQ(both("zone@0 a.example.", "zone@1 A.example."),
            "/: property \"name\" is there twice (expected zones with names of their own)");
  EXPECT_EQ(both("catalog@0 a.example.", "catalog@1 A.example."),
            "/: property \"name\" is there twice (expected catalogs with names of their own)");
  EXPECT_EQ(both("zone@0 a.example.", "catalog@0 A.example."),
            "/: property \"name\" is there twice (expected catalogs with names that no zone has)");
}

TEST(SecondaryConfig, NumbersAreCheckedAtBothEnds) {
  struct Bound {
    std::string_view section;
    std::string_view property;
    u32 low;
    u32 high;
  };
  for (const Bound& bound : {Bound{"transfers-in", "concurrent", 1, 1024}, Bound{"transfers-in", "per-primary", 1, 1024},
                             Bound{"transfers-in", "minimum-rate", 0, 1 << 30}, Bound{"transfers-in", "total-time", 1, 604'800},
                             Bound{"refresh", "refresh-min", 1, 28 * 86'400}, Bound{"refresh", "refresh-max", 10, 0x7fffffff},
                             Bound{"refresh", "retry-max", 5, 0x7fffffff}, Bound{"refresh", "expire-max", 60, 0x7fffffff}}) {
    const auto with = [&](u32 value) {
      return error_with([&](Writer& w) { node(w, bound.section, [&] { w.u32(bound.property, value); }); });
    };
    EXPECT_EQ(with(bound.low), "no error") << bound.property;
    EXPECT_EQ(with(bound.high), "no error") << bound.property;
    if (bound.low != 0) EXPECT_NE(with(bound.low - 1), "no error") << bound.property;
    EXPECT_NE(with(bound.high + 1), "no error") << bound.property;
  }
}

TEST(SecondaryConfig, ALeastTimeAboveTheGreatestIsRefused) {
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "refresh", [&] {
                w.u32("retry-min", 100);
                w.u32("retry-max", 99);
              });
            }),
            "/refresh: property \"retry-max\" is out of range (expected a whole number from 100 to 2147483647)");
}

TEST(SecondaryConfig, SectionsStandOnceAndUnknownOnesAreRefused) {
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "storage", [&] { w.string("file", "a"); });
              node(w, "storage", [&] { w.string("file", "b"); });
            }),
            "/storage is there twice");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "update-policy"); }), "/update-policy is not known");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "refresh@0"); }), "/refresh@0 is not known");
}

// A blob cut short or with octets changed is either refused or read within the ranges.
TEST(SecondaryConfig, DamagedBlobsAreReadSafely) {
  const std::vector<u8> good = blob_of(with_everything());
  for (size_t size = 0; size < good.size(); ++size) {
    const std::vector<u8> cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(error_of(cut), "no error") << size;
  }
  size_t refused = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const u8 flip : {u8{1}, u8{0x80}, u8{0xff}}) {
      std::vector<u8> damaged = good;
      damaged[i] ^= flip;
      if (error_of(damaged) != "no error") ++refused;
    }
  }
  EXPECT_GT(refused, good.size());
}

}  // namespace
}  // namespace samara::server
