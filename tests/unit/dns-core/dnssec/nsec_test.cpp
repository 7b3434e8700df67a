#include "dns-core/dnssec/nsec.h"

#include "records_from_text.h"

namespace samara::dns {
namespace {

bool covers(const char* owner, const char* next, const char* what) {
  return nsec_covers(name(owner), name(next), name(what));
}

TEST(Nsec, covers_what_is_between_and_neither_end) {
  EXPECT_TRUE(covers("b.example.", "d.example.", "c.example."));
  EXPECT_TRUE(covers("b.example.", "d.example.", "C.EXAMPLE."));
  EXPECT_TRUE(covers("b.example.", "d.example.", "a.b.example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "b.example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "d.example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "D.example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "e.example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "a.example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "example."));
  EXPECT_FALSE(covers("b.example.", "d.example.", "a.d.example."));
}

TEST(Nsec, follows_canonical_order_not_spelling) {
  // RFC 4034 section 6.1.
  constexpr const char* ordered[] = {"example.",         "a.example.",      "yljkjljk.a.example.",
                                     "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                                     "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
  for (size_t i = 0; i + 2 < std::size(ordered); ++i) {
    EXPECT_TRUE(covers(ordered[i], ordered[i + 2], ordered[i + 1])) << ordered[i + 1];
    EXPECT_FALSE(covers(ordered[i], ordered[i + 1], ordered[i + 2])) << ordered[i + 2];
    EXPECT_FALSE(covers(ordered[i + 1], ordered[i + 2], ordered[i])) << ordered[i];
  }
}

TEST(Nsec, the_last_of_a_zone_covers_what_follows_inside_the_zone) {
  EXPECT_TRUE(covers("y.example.", "example.", "z.example."));
  EXPECT_TRUE(covers("y.example.", "example.", "a.y.example."));
  EXPECT_FALSE(covers("y.example.", "example.", "x.example."));
  EXPECT_FALSE(covers("y.example.", "example.", "example."));
  EXPECT_FALSE(covers("y.example.", "example.", "y.example."));
  EXPECT_FALSE(covers("y.example.", "example.", "z.test."));
}

TEST(Nsec, the_only_one_of_a_zone_covers_all_but_its_owner) {
  EXPECT_TRUE(covers("example.", "example.", "a.example."));
  EXPECT_FALSE(covers("example.", "example.", "example."));
  EXPECT_FALSE(covers("example.", "example.", "test."));
  EXPECT_TRUE(covers(".", ".", "test."));
  EXPECT_FALSE(covers(".", ".", "."));
}

TEST(Nsec, shows_names_without_records_that_have_names_below) {
  EXPECT_TRUE(nsec_shows_empty_non_terminal(name("a.example."), name("x.b.example."), name("b.example.")));
  EXPECT_FALSE(nsec_shows_empty_non_terminal(name("a.example."), name("x.b.example."), name("aa.example.")));
  EXPECT_FALSE(nsec_shows_empty_non_terminal(name("a.example."), name("x.b.example."), name("x.b.example.")));
  EXPECT_FALSE(nsec_shows_empty_non_terminal(name("z.example."), name("example."), name("zz.example.")));
}

TEST(Nsec, the_closest_encloser_is_shared_with_either_end) {
  EXPECT_EQ(text_of(nsec_closest_encloser(name("a.example."), name("d.example."), name("x.c.example."))), "example.");
  EXPECT_EQ(text_of(nsec_closest_encloser(name("b.a.example."), name("d.example."), name("x.b.a.example."))), "b.a.example.");
  EXPECT_EQ(text_of(nsec_closest_encloser(name("a.example."), name("y.c.example."), name("x.c.example."))), "c.example.");
  EXPECT_EQ(text_of(nsec_closest_encloser(name("y.example."), name("example."), name("z.example."))), "example.");
}

TEST(Nsec, the_parent_side_of_a_cut_and_a_dname_deny_nothing_below) {
  const auto may = [](std::string_view types) {
    const std::vector<u8> data = rdata(RrType::NSEC, "next.example. " + std::string(types));
    return nsec_may_deny_below(NsecView::parse(data).value().types);
  };
  EXPECT_TRUE(may("A RRSIG NSEC"));
  EXPECT_TRUE(may("NS SOA RRSIG NSEC DNSKEY"));
  EXPECT_FALSE(may("NS RRSIG NSEC"));
  EXPECT_FALSE(may("NS DS RRSIG NSEC"));
  EXPECT_FALSE(may("DNAME RRSIG NSEC"));
  EXPECT_FALSE(may("NS SOA DNAME RRSIG NSEC"));
}

}  // namespace
}  // namespace samara::dns
