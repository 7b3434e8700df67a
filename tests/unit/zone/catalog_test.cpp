#include "zone/catalog.h"

#include <gtest/gtest.h>

#include "master_file_zone.h"
#include "zone/format.h"

namespace samara::zone {
namespace {

using Lines = std::vector<std::string>;
using Kind = CatalogChange::Kind;

const std::string head = "@ 0 SOA invalid. invalid. 1 3600 600 2147483646 0\n@ 0 NS invalid.\n";
const std::string version = "version 0 TXT 2\n";

std::string member(const std::string& unique, const std::string& zone) {
  return unique + ".zones 0 PTR " + zone + "\n";
}
std::string coo(const std::string& unique, const std::string& catalog) {
  return "coo." + unique + ".zones 0 PTR " + catalog + "\n";
}
std::string group(const std::string& unique, const std::string& name) {
  return "group." + unique + ".zones 0 TXT " + name + "\n";
}

std::string wire_text(Bytes wire) {
  ByteReader at(wire);
  return text_of(MUST(dns::Name::from_wire(at)));
}

struct Catalogs {
  TestZones zones{"catz."};

  Result<Catalog, CatalogError> read(const std::string& text) { return Catalog::read(zones.build(head + text)); }
  Catalog good(const std::string& text) {
    auto catalog = read(version + text);
    EXPECT_TRUE(catalog.ok()) << describe(catalog.error());
    return std::move(catalog).value();
  }
  std::string error(const std::string& text) {
    const auto catalog = read(text);
    return std::string(catalog.ok() ? "none" : describe(catalog.error()));
  }
};

std::string error_text(CatalogError error) {
  return std::string(describe(error));
}

// ---- reading (RFC 9432 section 4) -------------------------------------------------------------------------------------

TEST(Catalog, ListsItsMembersWithTheirProperties) {
  Catalogs catalogs;
  const Catalog catalog = catalogs.good(member("b", "b.example.") + member("a", "A.Example.") + coo("a", "other.") +
                                        group("a", "signed") + group("a", "\"EU\""));
  ASSERT_EQ(catalog.size(), 2u);
  EXPECT_EQ(wire_text(catalog[0].zone), "a.example.");
  EXPECT_EQ(wire_text(catalog[1].zone), "b.example.");
  EXPECT_EQ(wire_text(catalog[0].owner), "other.");
  EXPECT_EQ(std::string(catalog[0].groups.begin(), catalog[0].groups.end()),
            "\x02"
            "EU"
            "\x06"
            "signed");
  EXPECT_TRUE(catalog[1].owner.empty());
  EXPECT_TRUE(catalog[1].groups.empty());
  EXPECT_EQ(catalog.find(name_of("b.example.").wire()), 1u);
  EXPECT_EQ(catalog.find(name_of("c.example.").wire()), std::nullopt);
}

TEST(Catalog, OfVersionOneIsReadTooWithBindsOwnPropertiesIgnored) {
  Catalogs catalogs;
  const auto catalog = catalogs.read("version 0 TXT 1\nprimaries 0 A 192.0.2.1\nallow-query 0 APL 1:0.0.0.0/0\n" +
                                     member("x", "a.example.") + "primaries.x.zones 0 A 192.0.2.2\n");
  ASSERT_TRUE(catalog.ok());
  EXPECT_EQ(catalog.value().size(), 1u);
}

// RFC 9432 section 4.2.1 names version 1 as that of its drafts, which had members but neither coo nor group.
TEST(Catalog, of_version_one_has_members_and_no_properties) {
  Catalogs catalogs;
  const auto catalog =
      catalogs.read("version 0 TXT 1\n" + member("x", "a.example.") + "coo.x.zones 0 PTR other.\ngroup.x.zones 0 TXT a b\n");
  ASSERT_TRUE(catalog.ok());
  ASSERT_EQ(catalog.value().size(), 1u);
  EXPECT_TRUE(catalog.value()[0].owner.empty());
  EXPECT_TRUE(catalog.value()[0].groups.empty());
}

TEST(Catalog, IgnoresWhatItDoesNotKnow) {
  Catalogs catalogs;
  const Catalog catalog = catalogs.good(member("x", "a.example.") +
                                        "x.zones 0 TXT \"a note\"\nfoo.ext 0 TXT x\nnew.x.zones 0 TXT y\ndeep.er.x.zones 0 "
                                        "PTR c.\nzones 0 PTR d.\ncoo.y.zones 0 PTR e.\nelse 0 PTR f.\n");
  ASSERT_EQ(catalog.size(), 1u);
  EXPECT_TRUE(catalog[0].owner.empty());
}

TEST(Catalog, MayBeEmpty) {
  Catalogs catalogs;
  EXPECT_EQ(catalogs.good("").size(), 0u);
}

TEST(Catalog, ThatIsBrokenIsRefusedWhole) {
  Catalogs catalogs;
  const std::string one = member("x", "a.example.");
  EXPECT_EQ(catalogs.error(one), error_text(CatalogError::no_version));
  EXPECT_EQ(catalogs.error("version 0 A 192.0.2.1\n" + one), error_text(CatalogError::no_version));
  EXPECT_EQ(catalogs.error("version 0 TXT 1\nversion 0 TXT 2\n" + one), error_text(CatalogError::several_versions));
  for (const char* text : {"3", "\"\"", "22", "2 2", "two"}) {
    EXPECT_EQ(catalogs.error("version 0 TXT " + std::string(text) + "\n" + one), error_text(CatalogError::unknown_version))
        << text;
  }
  EXPECT_EQ(catalogs.error(version + one + member("x", "b.example.")), error_text(CatalogError::several_members));
  EXPECT_EQ(catalogs.error(version + one + member("y", "A.EXAMPLE.")), error_text(CatalogError::duplicate_member));
  EXPECT_EQ(catalogs.error(version + one + coo("x", "b.") + coo("x", "c.")), error_text(CatalogError::several_owners));
  EXPECT_EQ(catalogs.error(version + one + group("x", "a b")), error_text(CatalogError::bad_group));
  std::string groups;
  for (size_t i = 0; i <= max_member_groups; ++i) groups += group("x", std::to_string(i));
  EXPECT_EQ(catalogs.error(version + one + groups), error_text(CatalogError::bad_group));
}

// ---- membership (RFC 9432 section 5) ------------------------------------------------------------------------------------

struct Membership {
  Catalogs catalogs;
  dns::Name names[2] = {name_of("catz."), name_of("other.")};
  CatalogMembership membership{names};
  std::vector<std::string> configured;

  // "KIND CATALOG ZONE" for each change.
  Lines update(u16 catalog, const std::string& text) {
    return lines(membership.update(catalog, catalogs.good(text), [&](const dns::Name& zone) {
      return std::ranges::find(configured, text_of(zone)) != configured.end();
    }));
  }
  static Lines lines(const CatalogChanges& changes) {
    constexpr std::string_view kinds[] = {"added", "removed", "reset", "moved", "changed", "configured", "claimed"};
    Lines result;
    for (const CatalogChange change : changes) {
      result.push_back(std::string(kinds[static_cast<size_t>(change.kind)]) + " " + std::to_string(change.catalog) + " " +
                       text_of(change.zone));
    }
    return result;
  }
  int owner(std::string_view zone) const {
    const auto found = membership.owner(name_of(zone));
    return found.has_value() ? found->catalog : -1;
  }
};

TEST(CatalogMembership, TellsWhatWasAddedAndRemoved) {
  Membership m;
  EXPECT_EQ(m.update(0, member("a", "a.") + member("b", "b.")), (Lines{"added 0 a.", "added 0 b."}));
  EXPECT_EQ(m.update(0, member("a", "a.") + member("b", "b.")), Lines{});
  EXPECT_EQ(m.update(0, member("b", "b.") + member("c", "c.")), (Lines{"added 0 c.", "removed 0 a."}));
  EXPECT_EQ(m.owner("a."), -1);
  EXPECT_EQ(m.owner("B."), 0);
}

TEST(CatalogMembership, ResetsAMemberWhoseLabelChanges) {
  Membership m;
  m.update(0, member("a", "a."));
  EXPECT_EQ(m.update(0, member("other", "a.")), Lines{"reset 0 a."});
}

TEST(CatalogMembership, TellsWhenGroupsChange) {
  Membership m;
  m.update(0, member("a", "a."));
  EXPECT_EQ(m.update(0, member("a", "a.") + group("a", "signed")), Lines{"changed 0 a."});
  EXPECT_EQ(m.update(0, member("a", "a.") + group("a", "signed")), Lines{});
  EXPECT_EQ(m.update(0, member("a", "a.") + group("a", "Signed")), Lines{"changed 0 a."});
}

TEST(CatalogMembership, IgnoresZonesThatAreConfiguredOtherwise) {
  Membership m;
  m.configured = {"a.", "catz."};
  EXPECT_EQ(m.update(0, member("a", "a.") + member("b", "b.") + member("c", "catz.")),
            (Lines{"added 0 b.", "configured 0 a.", "configured 0 catz."}));
  EXPECT_EQ(m.owner("a."), -1);
  EXPECT_EQ(m.update(0, ""), Lines{"removed 0 b."});
}

TEST(CatalogMembership, DoesNotLetOneCatalogTakeTheZoneOfAnother) {
  Membership m;
  m.update(0, member("a", "a."));
  EXPECT_EQ(m.update(1, member("a", "a.")), Lines{"claimed 1 a."});
  EXPECT_EQ(m.owner("a."), 0);
  EXPECT_EQ(m.update(0, member("a", "a.") + coo("a", "third.")), Lines{});  // to somebody else
  EXPECT_EQ(m.update(1, member("a", "a.")), Lines{"claimed 1 a."});
  EXPECT_EQ(m.update(1, ""), Lines{});
  EXPECT_EQ(m.owner("a."), 0);
}

TEST(CatalogMembership, MovesAZoneWhoseOwnerAgreesAndKeepsItsStateWithTheLabel) {
  for (const bool same_label : {true, false}) {
    Membership m;
    m.update(0, member("a", "a."));
    m.update(0, member("a", "a.") + coo("a", "OTHER."));
    EXPECT_EQ(m.update(1, member(same_label ? "a" : "z", "a.")), Lines{same_label ? "moved 1 a." : "reset 1 a."});
    EXPECT_EQ(m.owner("a."), 1);
    EXPECT_EQ(m.update(0, ""), Lines{});  // the old owner's entry goes without a word
    EXPECT_EQ(m.owner("a."), 1);
  }
}

TEST(CatalogMembership, MovesAZoneToWhoHadNamedItBeforeItsOwnerAgreed) {
  for (const bool same_label : {true, false}) {
    Membership m;
    m.update(0, member("a", "a."));
    EXPECT_EQ(m.update(1, member(same_label ? "a" : "z", "a.")), Lines{"claimed 1 a."});
    EXPECT_EQ(m.update(0, member("a", "a.") + coo("a", "other.")), Lines{same_label ? "moved 1 a." : "reset 1 a."});
    EXPECT_EQ(m.owner("a."), 1);
    EXPECT_EQ(m.update(0, ""), Lines{});
    EXPECT_EQ(m.owner("a."), 1);
  }
}

TEST(CatalogMembership, RemembersWhoHadAZoneBeforeAVersionIsRead) {
  Membership m;
  const KnownMember known[] = {{name_of("b."), {'b'}}, {name_of("a."), {'a'}}};
  m.membership.remember(1, known);
  EXPECT_EQ(m.owner("A."), 1);
  EXPECT_EQ(m.update(0, member("a", "a.")), Lines{"claimed 0 a."});
  EXPECT_EQ(m.update(1, member("a", "a.") + member("z", "b.") + member("c", "c.")), (Lines{"reset 1 b.", "added 1 c."}));
  EXPECT_EQ(m.update(1, ""), (Lines{"removed 1 a.", "added 0 a.", "removed 1 b.", "removed 1 c."}));
}

TEST(CatalogMembership, GivesAZoneThatIsLetGoToWhoClaimedIt) {
  Membership m;
  m.update(0, member("a", "a."));
  m.update(1, member("z", "a."));
  EXPECT_EQ(m.update(0, ""), (Lines{"removed 0 a.", "added 1 a."}));
  EXPECT_EQ(m.owner("a."), 1);
}

TEST(CatalogMembership, OfADroppedCatalogIsGone) {
  Membership m;
  m.update(0, member("a", "a.") + member("b", "b."));
  EXPECT_EQ(Membership::lines(m.membership.drop(0)), (Lines{"removed 0 a.", "removed 0 b."}));
  EXPECT_EQ(m.owner("a."), -1);
}

// ---- producing ----------------------------------------------------------------------------------------------------------

Zone produce(ZoneMemory& memory, u32 serial, std::span<const CatalogEntry> entries) {
  ZoneBuilder builder(memory, name_of("catz."));
  EXPECT_TRUE(add_catalog(builder, name_of("catz."), dns::Serial(serial), entries).ok());
  return MUST(builder.finish());
}

TEST(ProducedCatalog, IsReadAsItWasMeant) {
  TestRegion region;
  ZoneMemory memory(region.bytes());
  const CatalogEntry entries[] = {{name_of("b.example."), "signed"}, {name_of("."), {}}, {name_of("A.example."), {}}};
  const Zone zone = produce(memory, 7, entries);
  EXPECT_EQ(zone.serial(), dns::Serial(7));
  const auto catalog = Catalog::read(zone);
  ASSERT_TRUE(catalog.ok());
  ASSERT_EQ(catalog.value().size(), 3u);
  EXPECT_EQ(wire_text(catalog.value()[0].zone), ".");
  EXPECT_EQ(wire_text(catalog.value()[1].zone), "a.example.");
  const Bytes groups = catalog.value()[2].groups;
  EXPECT_EQ(std::string(groups.begin(), groups.end()),
            "\x06"
            "signed");
}

TEST(ProducedCatalog, IsAsTheRfcShowsIt) {
  TestRegion region;
  ZoneMemory memory(region.bytes());
  const CatalogEntry entries[] = {{name_of("example."), "g"}};
  std::string text;
  write_zone(produce(memory, 7, entries), [&text](std::string_view line) { text += line; });
  EXPECT_EQ(text,
            "catz. 0 IN SOA invalid. invalid. 7 3600 600 2147483646 0\n"
            "catz. 0 IN NS invalid.\n"
            "version.catz. 0 IN TXT \"2\"\n"
            "ac024e73b5a777b1b8c501183914d51c.zones.catz. 0 IN PTR example.\n"
            "group.ac024e73b5a777b1b8c501183914d51c.zones.catz. 0 IN TXT \"g\"\n");
}

TEST(ProducedCatalog, KeepsTheLabelOfAZoneUnlessToldToForgetIt) {
  TestRegion region;
  ZoneMemory memory(region.bytes());
  const auto label = [&](const CatalogEntry& entry) {
    const auto catalog = Catalog::read(produce(memory, 1, std::span(&entry, 1)));
    const Bytes unique = catalog.value()[0].unique;
    return std::string(unique.begin(), unique.end());
  };
  const std::string first = label({name_of("example."), {}});
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(label({name_of("EXAMPLE."), "group"}), first);
  EXPECT_NE(label({name_of("example."), {}, 1}), first);
  EXPECT_NE(label({name_of("example.org."), {}}), first);
}

}  // namespace
}  // namespace samara::zone
