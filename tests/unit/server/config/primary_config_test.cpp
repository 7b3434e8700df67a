#include "server/config/primary_config.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace samara::server {
namespace {

using Writer = codec::DeviceTreeWriter;

dns::Name name_of(std::string_view text) {
  return MUST(dns::Name::parse(text, dns::Name()));
}
IpPrefix prefix_of(std::string_view text) {
  return IpPrefix::parse(text).value();
}

PrimaryConfig smallest() {
  PrimaryConfig config;
  config.listen.push_back(Endpoint::parse("127.0.0.1:53").value());
  return config;
}

PrimaryConfig with_everything() {
  PrimaryConfig config = smallest();
  config.listen.push_back(Endpoint::parse("[2001:db8::1]:5353").value());
  config.workers = 64;
  config.user = 1;
  config.group = 0xfffffffe;
  config.identity = {"ns1.example", "none of yours", std::string_view("\x00\x01\xff", 3)};
  config.log_level = Level::debug;
  config.entropy_seed.emplace().fill(0x5a);
  config.boot_time = 1'795'000'000;
  config.keys = {
      {name_of("transfer.example.com"), KeyAlgorithm::hmac_sha512, "0123456789abcdef"},
      {name_of("\\000\\.odd.example"), KeyAlgorithm::hmac_sha1, std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)}};
  config.access.query = {};
  config.access.transfer = {{prefix_of("192.0.2.0/24"), 1}, {std::nullopt, 0}, {prefix_of("2001:db8::/32"), std::nullopt}};
  config.access.notify = {AccessRule{}};
  config.access.update = {{prefix_of("0.0.0.0/0"), 0}};
  config.limits = {512, 4096, 1, 65'536, 1, 128, 3600, 1, u64{1} << 33, 4096, 1};
  config.rate_limit = RateLimit{1, 100, 3600, 32, 1, 256, {prefix_of("127.0.0.0/8"), prefix_of("::1")}};
  config.cookies.enabled = false;
  config.answer_rotation = true;
  config.cookies.current.emplace().fill(1);
  config.cookies.previous.emplace().fill(2);
  runtime::NetworkConfig& network = config.network.emplace();
  network.mode = runtime::NetworkMode::xdp;
  network.interface = "eth1";
  network.mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
  network.mtu = 9216;
  network.addresses = {{*IpAddress::parse("192.0.2.2"), 24}, {*IpAddress::parse("2001:db8::2"), 128}};
  network.routes = {{prefix_of("0.0.0.0/0"), *IpAddress::parse("192.0.2.1")},
                    {prefix_of("::/0"), *IpAddress::parse("fe80::1")}};
  network.dhcp = true;
  network.dhcp_address = IpAddress::parse("192.0.2.5");
  network.address_secret.emplace().fill(9);
  network.router_advertisements = false;
  network.host_name = "primary";
  network.listen = {*Endpoint::parse("0.0.0.0:53"), *Endpoint::parse("[2001:db8::2]:5353")};
  config.notify = {{Endpoint::parse("192.0.2.2:53").value(), u16{1}}, {Endpoint::parse("[::1]:1").value(), std::nullopt}};
  config.notify_ns_records = true;
  config.history = {0, u64{1} << 32};
  config.zones = {{name_of("."), {{"root.zone", ""}}, {}},
                  {name_of("example.com"),
                   {{"a/b.zone", "@ SOA\n"}, {"a/c.inc", std::string_view("with\0zero", 9)}},
                   {AccessList{},
                    AccessList{{{}, u16{0}}},
                    AccessList{AccessRule{}},
                    PeerList{},
                    false,
                    HistoryConfig{7, 4096},
                    {},
                    ZoneLimits{8, 8'000'000'000, 3}}}};
  config.zone_limits = {
      .max_records = 1'000'000'000, .max_octets = 1, .max_records_per_rrset = 65'535, .max_types_per_name = 7};
  config.catalogs = {{name_of("all.catalog"), {}, {}, {}},
                     {name_of("some.catalog"),
                      std::vector{name_of("EXAMPLE.com"), name_of(".")},
                      {{"a group", {name_of("example.com")}}, {"", {}}},
                      {{}, {}, {}, PeerList{{Endpoint::parse("192.0.2.3:5353").value(), u16{0}}}, true, {}}},
                     {name_of("none.catalog"), std::vector<dns::Name>(), {}, {}, 1'764'500'000}};
  config.update_limits = {
      .max_records = 77, .max_octets = 7'000'000'000, .max_records_per_rrset = 65'535, .max_types_per_name = 4'096};
  config.update_rules = {UpdateRule{},
                         {prefix_of("192.0.2.0/24"),
                          u16{0},
                          {name_of("example.com")},
                          UpdateNames::subtree,
                          {name_of("dyn.example.com"), name_of("x.example.com")},
                          {dns::RrType::A, dns::RrType{65280}},
                          false,
                          true,
                          true},
                         {{}, u16{1}, {}, UpdateNames::self_subtree, {}, {}, true, false, false, 9, 8'000'000'000, 7}};
  return config;
}

std::vector<u8> blob_of(const PrimaryConfig& config) {
  Writer writer;
  write_primary_config(config, writer);
  return MUST(std::move(writer).finish());
}

// A blob with what every blob needs, and what `add` puts into the root behind it.
std::vector<u8> blob_with(const std::function<void(Writer&)>& add, bool listen = true) {
  Writer writer;
  writer.begin_node("");
  writer.string("compatible", boot_compatible);
  writer.string("role", "primary");
  if (listen) {
    writer.begin_node("listen@0");
    writer.string("endpoint", "127.0.0.1:53");
    writer.end_node();
  }
  add(writer);
  writer.end_node();
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
  const auto config = read_primary_config(tree.value());
  if (config) return "no error";
  TextBuffer<512> text;
  config.error().write_text(text.writer());
  return std::string(text.view());
}

std::string error_with(const std::function<void(Writer&)>& add) {
  return error_of(blob_with(add));
}

TEST(PrimaryConfig, SmallestConfigSurvivesTheBlob) {
  const PrimaryConfig config = smallest();
  const std::vector<u8> blob = blob_of(config);
  const auto read = read_primary_config(MUST(codec::DeviceTree::open(blob)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value(), config);
}

TEST(PrimaryConfig, EveryValueSurvivesTheBlob) {
  const PrimaryConfig config = with_everything();
  const std::vector<u8> blob = blob_of(config);
  const auto read = read_primary_config(MUST(codec::DeviceTree::open(blob)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value(), config);
}

TEST(PrimaryConfig, AbsentValuesAreTheDefaults) {
  const std::vector<u8> blob = blob_with([](Writer&) {});
  const auto read = read_primary_config(MUST(codec::DeviceTree::open(blob)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value(), smallest());
  EXPECT_EQ(read.value().limits.udp_payload_ipv4, 1232);
  EXPECT_FALSE(read.value().rate_limit.has_value());
  EXPECT_TRUE(read.value().cookies.enabled);
  EXPECT_EQ(read.value().access.query.size(), 1U);
  EXPECT_TRUE(read.value().access.transfer.empty());
}

TEST(PrimaryConfig, KeysMayStandBehindTheRulesThatNameThem) {
  const std::vector<u8> blob = blob_with([](Writer& w) {
    node(w, "acl", [&] { node(w, "update", [&] { node(w, "rule@0", [&] { w.string("key", "K.example."); }); }); });
    node(w, "key@0", [&] {
      w.string("name", "k.EXAMPLE.");
      w.string("algorithm", "hmac-sha256");
      w.bytes("secret", std::array<u8, 16>{});
    });
  });
  const auto read = read_primary_config(MUST(codec::DeviceTree::open(blob)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().access.update.at(0).key, 0);
}

TEST(PrimaryConfig, ErrorsNameNodeAndProperty) {
  EXPECT_EQ(error_with([](Writer& w) { node(w, "limits", [&] { w.u32("udp-payload-ipv4", 511); }); }),
            "/limits: property \"udp-payload-ipv4\" is out of range (expected a whole number from 512 to 4096)");
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "acl", [&] { node(w, "transfer", [&] { node(w, "rule@7", [&] { w.string("from", "10.0.0.1/8"); }); }); });
            }),
            "/acl/transfer/rule@7: property \"from\" is malformed (expected an address or a prefix without host bits)");
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "acl", [&] { node(w, "notify", [&] { node(w, "rule@0", [&] { w.string("key", "k."); }); }); });
            }),
            "/acl/notify/rule@0: property \"key\" is malformed (expected the name of a key in this blob)");
}

TEST(PrimaryConfig, AZoneMayComeWithoutItsText) {
  EXPECT_EQ(error_with([](Writer& w) { node(w, "zone@0", [&] { w.string("name", "example.com."); }); }), "no error");
}

TEST(PrimaryConfig, UnknownPropertiesAndNodesAreRefused) {
  EXPECT_EQ(error_with([](Writer& w) { node(w, "acl", [&] { node(w, "axfr"); }); }), "/acl/axfr is not known");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "cookie"); }), "/cookie is not known");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "cookies", [&] { w.flag("disabled"); }); }),
            "/cookies: property \"disabled\" is not known");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "limits@0"); }), "/limits@0 is not known");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "listen@1", [&] { node(w, "inner"); }); }), "/listen@1/inner is not known");
}

TEST(PrimaryConfig, SectionsStandOnce) {
  EXPECT_EQ(error_with([](Writer& w) {
              node(w, "limits");
              node(w, "limits");
            }),
            "/limits is there twice");
}

TEST(PrimaryConfig, ZonesAndKeysAreUniqueWhateverTheirCase) {
  const auto zone = [](Writer& w, std::string_view node_name, std::string_view name) {
    node(w, node_name, [&] {
      w.string("name", name);
      node(w, "file@0", [&] {
        w.string("path", "z");
        w.bytes("text", {});
      });
    });
  };
  EXPECT_EQ(error_with([&](Writer& w) {
              zone(w, "zone@0", "example.com.");
              zone(w, "zone@1", "example.net.");
              zone(w, "zone@2", "EXAMPLE.com.");
            }),
            "/: property \"name\" is there twice (expected zones with names of their own)");
  const auto key = [](Writer& w, std::string_view node_name) {
    node(w, node_name, [&] {
      w.string("name", "k.");
      w.string("algorithm", "hmac-sha256");
      w.bytes("secret", std::array<u8, 16>{});
    });
  };
  EXPECT_EQ(error_with([&](Writer& w) {
              key(w, "key@0");
              key(w, "key@1");
            }),
            "/: property \"name\" is there twice (expected keys with names of their own)");
}

TEST(PrimaryConfig, RootMustSayWhatItIs) {
  Writer empty;
  empty.begin_node("");
  empty.end_node();
  EXPECT_EQ(error_of(MUST(std::move(empty).finish())), "/: property \"compatible\" is missing (expected samara,boot-1)");
  Writer newer;
  newer.begin_node("");
  newer.string("compatible", "samara,boot-2");
  newer.string("role", "primary");
  newer.end_node();
  EXPECT_EQ(error_of(MUST(std::move(newer).finish())), "/: property \"compatible\" is malformed (expected samara,boot-1)");
  Writer resolver;
  resolver.begin_node("");
  resolver.string("compatible", boot_compatible);
  resolver.string("role", "resolver");
  resolver.end_node();
  EXPECT_EQ(error_of(MUST(std::move(resolver).finish())),
            "/: this is the configuration of a resolver (expected that of a primary)");
}

TEST(PrimaryConfig, AnotherRolesSectionsAreNotWhatIsComplainedOf) {
  Writer secondary;
  secondary.begin_node("");
  secondary.string("compatible", boot_compatible);
  secondary.string("role", "secondary");
  secondary.u32("forward-updates", 1);
  node(secondary, "storage");
  secondary.end_node();
  EXPECT_EQ(error_of(MUST(std::move(secondary).finish())),
            "/: this is the configuration of a secondary (expected that of a primary)");
}

TEST(PrimaryConfig, AZoneHasWhatHoldsForAllUnlessItSaysOtherwise) {
  PrimaryConfig config = smallest();
  config.access.transfer = {AccessRule{}};
  config.notify = {{Endpoint::parse("192.0.2.2:53").value(), {}}};
  config.history.differences = 3;
  ZoneOverrides zone;
  EXPECT_EQ(config.transfer_access(zone), config.access.transfer);
  EXPECT_EQ(config.notify_targets(zone), config.notify);
  EXPECT_FALSE(config.notifies_ns_records(zone));
  EXPECT_EQ(config.history_of(zone).differences, 3U);
  zone.transfer.emplace();
  zone.notify.emplace();
  zone.notify_ns_records = true;
  zone.history = HistoryConfig{0, 0};
  EXPECT_TRUE(config.transfer_access(zone).empty());
  EXPECT_TRUE(config.update_access(zone).empty());
  EXPECT_TRUE(config.notify_targets(zone).empty());
  EXPECT_TRUE(config.notifies_ns_records(zone));
  EXPECT_EQ(config.history_of(zone), (HistoryConfig{0, 0}));
}

void zone_and_catalog(Writer& w, std::string_view catalog, const std::function<void()>& content) {
  node(w, "zone@0", [&] { w.string("name", "example.com."); });
  node(w, "catalog@0", [&] {
    w.string("name", catalog);
    content();
  });
}

TEST(PrimaryConfig, ACatalogIsNoZoneAndItsMembersAre) {
  const auto with = [](std::string_view catalog, const std::function<void(Writer&)>& content) {
    return error_with([&](Writer& w) { zone_and_catalog(w, catalog, [&] { content(w); }); });
  };
  EXPECT_EQ(with("catalog.", [](Writer&) {}), "no error");
  EXPECT_EQ(with("EXAMPLE.com.", [](Writer&) {}),
            "/: property \"name\" is there twice (expected catalogs with names that no zone has)");
  EXPECT_EQ(with("catalog.", [](Writer& w) { w.string("members", "example.com."); }),
            "/catalog@0: property \"members\" is not known");
  const auto some = [](std::string_view member) {
    return [member](Writer& w) {
      w.u32("all", 0);
      w.string("members", member);
    };
  };
  EXPECT_EQ(with("catalog.", some("Example.COM.")), "no error");
  EXPECT_EQ(with("catalog.", some("example.net.")),
            "/: property \"members\" is malformed (expected names of zones in this blob)");
  EXPECT_EQ(with("catalog.",
                 [](Writer& w) {
                   w.u32("all", 0);
                   w.strings("members", std::array<std::string_view, 2>{"example.com.", "EXAMPLE.com."});
                 }),
            "/: property \"members\" is there twice (expected each zone once)");
  EXPECT_EQ(with("catalog.",
                 [](Writer& w) {
                   w.u32("all", 0);
                   node(w, "group@0", [&] {
                     w.string("name", "g");
                     w.string("members", "example.com.");
                   });
                 }),
            "/: property \"members\" is malformed (expected groups of members of their catalog)");
}

TEST(PrimaryConfig, update_rules_count_only_at_names_of_their_own) {
  const auto rule = [](std::string_view match, std::string_view limit) {
    return error_with([&](Writer& w) {
      node(w, "update-policy", [&] {
        node(w, "rule@0", [&] {
          w.string("match", match);
          if (match == "subtree") w.string("names", "a.example.");
          w.u32(limit, 70'000);
        });
      });
    });
  };
  EXPECT_EQ(rule("subtree", "max-records"), "no error");
  EXPECT_EQ(rule("zone", "max-records"), "/update-policy/rule@0: property \"names\" is missing");
  EXPECT_EQ(rule("subtree", "max-octets"),
            "/update-policy/rule@0: property \"max-octets\" is malformed (expected a 64-bit number)");
  EXPECT_EQ(
      rule("zone", "max-records-per-rrset"),
      "/update-policy/rule@0: property \"max-records-per-rrset\" is out of range (expected a whole number from 1 to 65535)");
}

TEST(PrimaryConfig, UpdateRulesListNamesWhereTheirKindHasSome) {
  const auto rule = [](std::string_view match, bool names) {
    return error_with([&](Writer& w) {
      node(w, "update-policy", [&] {
        node(w, "rule@0", [&] {
          w.string("match", match);
          if (names) w.string("names", "a.example.");
        });
      });
    });
  };
  EXPECT_EQ(rule("zone", false), "no error");
  EXPECT_EQ(rule("exact", true), "no error");
  EXPECT_EQ(rule("zone", true), "/update-policy/rule@0: property \"names\" is not known");
  EXPECT_EQ(rule("subtree", false), "/update-policy/rule@0: property \"names\" is missing");
  EXPECT_EQ(rule("self", false), "/update-policy/rule@0: property \"key\" is missing");
  EXPECT_EQ(rule("below", true),
            "/update-policy/rule@0: property \"match\" is malformed (expected zone, exact, subtree, self "
            "or self-subtree)");
}

TEST(PrimaryConfig, PeersHaveAPort) {
  EXPECT_EQ(error_with(
                [](Writer& w) { node(w, "notify", [&] { node(w, "peer@0", [&] { w.string("endpoint", "192.0.2.1:0"); }); }); }),
            "/notify/peer@0: property \"endpoint\" is malformed (expected ADDRESS:PORT)");
}

TEST(PrimaryConfig, SomethingMustBeListenedOn) {
  EXPECT_EQ(error_of(blob_with([](Writer&) {}, false)), "/ is missing (expected at least one listen@N)");
}

TEST(PrimaryConfig, NumbersAreCheckedAtBothEnds) {
  struct Bound {
    std::string_view property;
    u32 low;
    u32 high;
  };
  for (const Bound& bound : {Bound{"udp-payload-ipv6", 512, 4096}, Bound{"tcp-clients", 1, 65'536},
                             Bound{"tcp-prefix-ipv4", 1, 32}, Bound{"tcp-prefix-ipv6", 1, 128}, Bound{"tcp-idle", 1, 3600}}) {
    const auto with = [&](u32 value) {
      return error_with([&](Writer& w) { node(w, "limits", [&] { w.u32(bound.property, value); }); });
    };
    EXPECT_EQ(with(bound.low), "no error") << bound.property;
    EXPECT_EQ(with(bound.high), "no error") << bound.property;
    EXPECT_NE(with(bound.low - 1), "no error") << bound.property;
    EXPECT_NE(with(bound.high + 1), "no error") << bound.property;
    EXPECT_NE(with(0xffffffff), "no error") << bound.property;
  }
}

TEST(PrimaryConfig, NumbersHaveTheirOwnWidth) {
  EXPECT_EQ(error_with([](Writer& w) { node(w, "limits", [&] { w.u64("tcp-idle", 1); }); }),
            "/limits: property \"tcp-idle\" is malformed (expected a 32-bit number)");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "limits", [&] { w.u32("zone-memory", 1U << 30); }); }),
            "/limits: property \"zone-memory\" is malformed (expected a 64-bit number)");
}

TEST(PrimaryConfig, RootIsNoUserToBecome) {
  Writer writer;
  writer.begin_node("");
  writer.string("compatible", boot_compatible);
  writer.string("role", "primary");
  writer.u32("user", 0);
  writer.end_node();
  EXPECT_EQ(error_of(MUST(std::move(writer).finish())),
            "/: property \"user\" is out of range (expected a whole number from 1 to 4294967294)");
}

TEST(PrimaryConfig, SecretsHaveTheirSize) {
  const auto secret_of = [](size_t size) {
    return error_with([&](Writer& w) {
      node(w, "key@0", [&] {
        w.string("name", "k.");
        w.string("algorithm", "hmac-sha256");
        w.bytes("secret", std::vector<u8>(size));
      });
    });
  };
  EXPECT_NE(secret_of(15), "no error");
  EXPECT_EQ(secret_of(16), "no error");
  EXPECT_EQ(secret_of(512), "no error");
  EXPECT_NE(secret_of(513), "no error");
  EXPECT_EQ(error_with([](Writer& w) { node(w, "cookies", [&] { w.bytes("current", std::array<u8, 15>{}); }); }),
            "/cookies: property \"current\" is out of range (expected 16 octets)");
}

TEST(PrimaryConfig, NamesAreAbsolute) {
  const auto named = [](std::string_view name) {
    return error_with([&](Writer& w) {
      node(w, "zone@0", [&] {
        w.string("name", name);
        node(w, "file@0", [&] {
          w.string("path", "z");
          w.bytes("text", {});
        });
      });
    });
  };
  EXPECT_EQ(named("example.com."), "no error");
  EXPECT_EQ(named("."), "no error");
  for (const std::string_view bad : {"", "@", "example.com", "a..b.", ".a.", "\\"}) EXPECT_NE(named(bad), "no error") << bad;
}

TEST(PrimaryConfig, ListsAreBounded) {
  const auto listen = [](u32 count) {
    return error_with([&](Writer& w) {
      for (u32 i = 0; i < count; ++i) node(w, "listen@" + std::to_string(i), [&] { w.string("endpoint", "127.0.0.1:53"); });
    });
  };
  EXPECT_EQ(listen(63), "no error");  // and the one every blob here has
  EXPECT_EQ(listen(64), "/listen@63 is one too many (expected at most 64 endpoints)");
}

// A blob cut short or with octets changed is either refused or read within the ranges; it is never more than it is.
TEST(PrimaryConfig, DamagedBlobsAreReadSafely) {
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

TEST(PrimaryConfig, TablesShrinkWithTheRoomForClientsToALeastSize) {
  PrimaryConfig config;
  config.limits.tcp_clients = 1024;
  config.rate_limit.emplace().table_size = 65'536;
  const u32 notifies = config.notifies_under_way;
  config.fit_tables(1024);
  EXPECT_EQ(config.notifies_under_way, notifies);
  EXPECT_EQ(config.rate_limit->table_size, 65'536U);
  config.fit_tables(512);
  EXPECT_EQ(config.notifies_under_way, notifies / 2);
  EXPECT_EQ(config.rate_limit->table_size, 32'768U);
  config.fit_tables(1);
  EXPECT_EQ(config.notifies_under_way, least_notifies_under_way);
  EXPECT_EQ(config.rate_limit->table_size, least_rate_table_size);
  config.rate_limit.reset();
  config.fit_tables(1);
  EXPECT_EQ(config.notifies_under_way, least_notifies_under_way);
}

TEST(PrimaryConfig, AlgorithmNamesAreTheirOwnInverse) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::hmac_sha1, KeyAlgorithm::hmac_sha224, KeyAlgorithm::hmac_sha256,
                                       KeyAlgorithm::hmac_sha384, KeyAlgorithm::hmac_sha512}) {
    EXPECT_EQ(parse_key_algorithm(key_algorithm_name(algorithm)), algorithm);
  }
  EXPECT_FALSE(parse_key_algorithm("hmac-md5").has_value());
  EXPECT_FALSE(parse_key_algorithm("").has_value());
}

}  // namespace
}  // namespace samara::server
