#include "dns-core/dnssec/nsec3.h"

#include "platform/crypto/hash.h"
#include "records_from_text.h"

namespace samara::dns {
namespace {

struct Vector {
  const char* name;
  const char* label;
};
// RFC 5155 appendix A: SHA-1, 12 iterations, salt aabbccdd.
constexpr Vector vectors[] = {
    {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},     {"a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
    {"ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi"},  {"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
    {"ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r"}, {"w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h"},
    {"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"}, {"x.w.example.", "b4um86eghhds6nea196smvmlo4ors995"},
    {"y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"}, {"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"},
    {"xx.example.", "t644ebqk9bibcna874givr6joj62mlhv"},
};

std::vector<u8> parameters() {
  return rdata(RrType::NSEC3PARAM, "1 0 12 aabbccdd");
}

Nsec3Hash hash_of(const char* owner) {
  const std::vector<u8> data = parameters();
  return nsec3_hash(name(owner), Nsec3ParameterView::parse(data).value(), max_served_nsec3_iterations).value();
}

TEST(Nsec3Hash, is_that_of_rfc_5155) {
  for (const Vector& v : vectors) {
    EXPECT_EQ(text_of(nsec3_owner(hash_of(v.name), name("example.")).value()), std::string(v.label) + ".example.");
  }
}

TEST(Nsec3Hash, does_not_depend_on_case) {
  EXPECT_EQ(hash_of("X.y.W.EXAMPLE."), hash_of("x.Y.w.example."));
}

TEST(Nsec3Hash, without_salt_and_iterations_is_one_sha1) {
  const std::vector<u8> data = rdata(RrType::NSEC3PARAM, "1 0 0 -");
  const Nsec3Hash hash = nsec3_hash(name("a."), Nsec3ParameterView::parse(data).value(), 0).value();
  EXPECT_EQ(hex(hash), hex(crypto::Hash::of(crypto::HashAlgorithm::sha1, std::vector<u8>{1, 'a', 0}).bytes()));
}

TEST(Nsec3Hash, refuses_more_iterations_than_the_limit_and_other_algorithms) {
  Nsec3ParameterView p;
  p.algorithm = 1;
  p.iterations = 51;
  EXPECT_EQ(nsec3_hash(Name(), p, max_validated_nsec3_iterations).error(), Nsec3Error::too_many_iterations);
  p.iterations = 50;
  EXPECT_TRUE(nsec3_hash(Name(), p, max_validated_nsec3_iterations).ok());
  p.iterations = 65'535;
  EXPECT_EQ(nsec3_hash(Name(), p, max_served_nsec3_iterations).error(), Nsec3Error::too_many_iterations);
  p.iterations = 0;
  p.algorithm = 2;
  EXPECT_EQ(nsec3_hash(Name(), p, max_validated_nsec3_iterations).error(), Nsec3Error::unknown_algorithm);
}

TEST(Nsec3Owner, is_read_back_in_either_case) {
  EXPECT_EQ(nsec3_owner_hash(name("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.")), hash_of("example."));
  EXPECT_EQ(nsec3_owner_hash(name("0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM.example.")), hash_of("example."));
}

TEST(Nsec3Owner, other_labels_are_no_hashes) {
  for (const char* owner :
       {".", "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3to.example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tomm.example.",
        "0p9mhaveqvm6t7vbl5lop2u3t2rp3tox.example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3to\\000.example."}) {
    EXPECT_FALSE(nsec3_owner_hash(name(owner)).has_value()) << owner;
  }
}

TEST(Nsec3Owner, needs_room_in_front_of_the_apex) {
  std::string apex;
  for (int i = 0; i < 110; ++i) apex += "a.";
  ASSERT_EQ(name(apex).size(), 221U);
  EXPECT_TRUE(nsec3_owner(hash_of("example."), name(apex)).ok());
  EXPECT_EQ(nsec3_owner(hash_of("example."), name("aaa." + apex)).error(), NameError::too_long);
}

TEST(Nsec3, covers_what_is_between_and_neither_end) {
  constexpr Nsec3Hash a{1};
  constexpr Nsec3Hash b{2};
  constexpr Nsec3Hash c{3};
  EXPECT_TRUE(nsec3_covers(a, c, b));
  EXPECT_FALSE(nsec3_covers(a, c, a));
  EXPECT_FALSE(nsec3_covers(a, c, c));
  EXPECT_FALSE(nsec3_covers(a, b, c));
  EXPECT_FALSE(nsec3_covers(b, c, a));
}

TEST(Nsec3, the_last_wraps_around_and_the_only_one_covers_all_but_itself) {
  constexpr Nsec3Hash a{1};
  constexpr Nsec3Hash b{2};
  constexpr Nsec3Hash c{3};
  constexpr Nsec3Hash zero{};
  EXPECT_TRUE(nsec3_covers(c, b, a));
  EXPECT_TRUE(nsec3_covers(c, b, zero));
  EXPECT_TRUE(nsec3_covers(b, a, c));
  EXPECT_FALSE(nsec3_covers(c, a, b));
  EXPECT_FALSE(nsec3_covers(c, a, c));
  EXPECT_FALSE(nsec3_covers(c, a, a));
  EXPECT_TRUE(nsec3_covers(b, b, a));
  EXPECT_TRUE(nsec3_covers(b, b, c));
  EXPECT_FALSE(nsec3_covers(b, b, b));
}

TEST(Nsec3, proves_the_name_error_of_rfc_5155_appendix_b) {
  // a.c.x.w.example.: x.w exists, c.x.w and *.x.w do not.
  const auto gap_covers = [](const char* record, const char* next, const char* owner) {
    return nsec3_covers(*nsec3_owner_hash(name(record)), *nsec3_owner_hash(name(next)), hash_of(owner));
  };
  EXPECT_EQ(nsec3_owner_hash(name("b4um86eghhds6nea196smvmlo4ors995.example.")), hash_of("x.w.example."));
  EXPECT_TRUE(gap_covers("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr.", "c.x.w.example."));
  EXPECT_TRUE(gap_covers("35mthgpgcu1qg68fab165klnsnk3dpvl.", "b4um86eghhds6nea196smvmlo4ors995.", "*.x.w.example."));
}

TEST(Nsec3, record_fields_are_read) {
  const std::vector<u8> data =
      rdata(RrType::NSEC3, "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG");
  const Nsec3View view = Nsec3View::parse(data).value();
  EXPECT_TRUE(view.is_opt_out());
  EXPECT_EQ(view.parameters.iterations, 12);
  EXPECT_EQ(hex(view.parameters.salt), "aabbccdd");
  EXPECT_EQ(nsec3_next_hash(view), hash_of("ns1.example."));
  for (size_t size = 0; size < 30; ++size) EXPECT_FALSE(Nsec3View::parse(Bytes(data).first(size)).ok()) << size;
  EXPECT_FALSE(Nsec3ParameterView::parse(data).ok());
}

}  // namespace
}  // namespace samara::dns
