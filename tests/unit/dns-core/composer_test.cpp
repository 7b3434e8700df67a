#include "dns-core/compose/composer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "dns-core/rdata/rdata.h"
#include "dns-core/record_image.h"

namespace samara::dns {
namespace {

using Octets = std::vector<u8>;

Name name_of(std::string_view text) {
  const auto name = Name::parse(text, Name());
  EXPECT_TRUE(name.ok()) << text;
  return name.value();
}

Octets image(RrType type, const Octets& rdata, u32 ttl = 300) {
  Octets made(record_fixed_size);
  store_be16(made, 0, code(type));
  store_be16(made, 2, 1);
  store_be32(made, 4, ttl);
  store_be16(made, 8, static_cast<u16>(rdata.size()));
  made.insert(made.end(), rdata.begin(), rdata.end());
  return made;
}
Octets name_image(RrType type, const Name& name, Octets before = {}) {
  before.insert(before.end(), name.wire().begin(), name.wire().end());
  return image(type, before);
}

struct Composed {
  struct Record {
    Name owner;
    RrType type;
    u32 ttl;
    Octets rdata;
  };
  std::vector<Record> records;
  Octets message;
};

class ComposerTest : public testing::Test {
 protected:
  void begin(std::string_view question, size_t budget = 65'535, size_t reserved = 0, size_t memory = 65'535) {
    begin(name_of(question), budget, reserved, memory);
  }
  void begin(const Name& question, size_t budget, size_t reserved, size_t memory) {
    packet_.assign(header_size, 0);
    store_be16(packet_, 0, 0x4711);
    store_be16(packet_, 4, 1);
    packet_.insert(packet_.end(), question.wire().begin(), question.wire().end());
    for (const u8 octet : {0, 1, 0, 1}) packet_.push_back(octet);
    query_ = parse_query(packet_);
    ASSERT_EQ(query_.verdict, QueryVerdict::good);
    reply_.assign(memory, 0xee);
    out_.emplace(reply_, budget, reserved, packet_, query_, flag_qr);
  }
  bool add(const Name& owner, const Octets& images, size_t count = 1, bool compressible = false,
           Section section = Section::answer, u32 limit = Ttl::max) {
    return out_->rrset(section, Owner::name(owner.wire()), images, count, compressible, limit);
  }
  // What an independent reader makes of the message.
  Composed finish(Rcode rcode = Rcode::NOERROR) {
    Composed all;
    const size_t size = out_->finish(rcode);
    all.message.assign(reply_.begin(), reply_.begin() + static_cast<std::ptrdiff_t>(size));
    ByteReader at(all.message);
    EXPECT_EQ(at.u16().value(), 0x4711);
    EXPECT_EQ(at.u16().value(), flag_qr | (code(rcode) & 15));
    EXPECT_EQ(at.u16().value(), 1);
    size_t count = 0;
    for (int i = 0; i < 3; ++i) count += at.u16().value();
    EXPECT_EQ(Name::from_message(at).value(), question());
    EXPECT_TRUE(at.skip(4).ok());
    for (; count > 0; --count) {
      Composed::Record record;
      record.owner = Name::from_message(at).value();
      record.type = static_cast<RrType>(at.u16().value());
      EXPECT_TRUE(at.skip(2).ok());
      record.ttl = at.u32().value();
      const u16 length = at.u16().value();
      Octets stored(65'535);
      ByteWriter rdata(stored);
      EXPECT_TRUE(rdata_from_message(record.type, at, length, rdata).ok());
      record.rdata.assign(rdata.written().begin(), rdata.written().end());
      all.records.push_back(record);
    }
    EXPECT_TRUE(at.at_end());
    return all;
  }
  Name question() const {
    ByteReader at(query_.name(packet_));
    return Name::from_wire(at).value();
  }

  Octets packet_;
  Octets reply_;
  Query query_;
  std::optional<Composer> out_;
};

TEST_F(ComposerTest, points_to_the_question) {
  begin("www.example.");
  ASSERT_TRUE(add(name_of("WWW.example."), image(RrType::A, {1, 2, 3, 4})));
  ASSERT_TRUE(add(name_of("mail.EXAMPLE."), image(RrType::A, {1, 2, 3, 4})));
  const Composed all = finish();
  EXPECT_EQ(all.message.size(), header_size + 17 + (2 + 14) + (5 + 2 + 14));
  EXPECT_EQ(all.records[0].owner, name_of("www.example."));
  EXPECT_EQ(all.records[1].owner, name_of("mail.example."));
}

TEST_F(ComposerTest, points_to_names_written_before_in_rdata_too) {
  begin("example.");
  ASSERT_TRUE(add(name_of("example."), name_image(RrType::NS, name_of("ns1.provider.test.")), 1, true));
  ASSERT_TRUE(add(name_of("example."), name_image(RrType::NS, name_of("ns2.PROVIDER.test.")), 1, true));
  ASSERT_TRUE(add(name_of("ns2.provider.test."), image(RrType::A, {1, 2, 3, 4}), 1, false, Section::additional));
  const Composed all = finish();
  EXPECT_TRUE(name_of("ns2.provider.test.").equals(all.records[1].rdata));
  EXPECT_EQ(all.message.size(), header_size + 13 + (2 + 10 + 19) + (2 + 10 + 6) + (2 + 14));
}

// An SOA's rdata: two names and five numbers.
Octets soa_image(std::string_view primary, std::string_view mailbox) {
  Octets rdata;
  for (const Name& name : {name_of(primary), name_of(mailbox)})
    rdata.insert(rdata.end(), name.wire().begin(), name.wire().end());
  for (u8 i = 0; i < 20; ++i) rdata.push_back(i);
  return image(RrType::SOA, rdata);
}

TEST_F(ComposerTest, sends_a_prepared_record_as_it_would_send_the_record_itself) {
  const Name apex = name_of("Sub.Example.");
  for (const auto& [primary, mailbox] :
       {std::pair("ns1.sub.example.", "hostmaster.sub.example."), std::pair("ns.example.", "a.b.c.sub.example."),
        std::pair(".", "sub.example."), std::pair("ns.provider.test.", "host.sub.example.")}) {
    const Octets soa = soa_image(primary, mailbox);
    Octets memory(600);
    ByteWriter writer(memory);
    const auto pointers = prepare_record(apex.wire(), soa, writer);
    ASSERT_TRUE(pointers.has_value()) << primary;
    const PreparedRecord prepared{.image = writer.written(), .pointers = *pointers};

    begin("www.sUB.eXample.");
    ASSERT_TRUE(add(apex, soa, 1, true, Section::authority));
    const Octets itself = finish().message;
    begin("www.sUB.eXample.");
    ASSERT_TRUE(out_->prepared(Section::authority, header_size + 4, prepared));
    EXPECT_EQ(finish().message, itself) << primary;
    begin("www.sub.example.", itself.size() - 1);
    EXPECT_FALSE(out_->prepared(Section::authority, header_size + 4, prepared));
    EXPECT_EQ(out_->count(Section::authority), 0U);
    EXPECT_EQ(out_->size(), header_size + 17U + 4);
  }
}

TEST(PrepareRecord, leaves_alone_what_is_compressed_better_without) {
  Octets memory(600);
  ByteWriter writer(memory);
  EXPECT_FALSE(
      prepare_record(name_of("example.").wire(), soa_image("ns.provider.test.", "host.provider.test."), writer).has_value());
  ByteWriter little(MutableBytes(memory).first(40));
  EXPECT_FALSE(prepare_record(name_of("example.").wire(), soa_image("ns.example.", "host.example."), little).has_value());
}

TEST(CommonSuffix, counts_whole_labels_ignoring_case) {
  const auto common = [](std::string_view a, std::string_view b) {
    return common_suffix_size(name_of(a).wire(), name_of(b).wire());
  };
  EXPECT_EQ(common("www.example.", "WWW.Example."), 13U);
  EXPECT_EQ(common("www.example.", "example."), 9U);
  EXPECT_EQ(common("xexample.", "example."), 1U);
  EXPECT_EQ(common("a.test.", "b.example."), 1U);
  EXPECT_EQ(common(".", "example."), 1U);
  // Octets that look like labels but are inside one.
  EXPECT_EQ(common("\\003com.", "com."), 1U);
  EXPECT_EQ(common("ab\\003com.", "com."), 1U);
  EXPECT_EQ(common("com.", "\\003com."), 1U);
  EXPECT_EQ(common("x.com.", "ab\\003com."), 1U);
  EXPECT_EQ(common("y.ab\\003com.", "ab\\003com."), 8U);
  EXPECT_EQ(common("x.ab\\003com.", "y.ab\\003com."), 8U);
}

// RFC 1035 section 4.1.4: a pointer has 14 bits. A name that begins below 16 KiB may have its last labels beyond.
TEST_F(ComposerTest, never_points_to_what_lies_beyond_14_bits) {
  const Octets filler = image(RrType::TXT, Octets(250, 249));
  const std::string labels = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.";
  const Name first = name_of(labels + labels + labels + "other.test.");
  const Name second = name_of("b.other.test.");
  for (size_t padding = 0; padding < 300; ++padding) {
    SCOPED_TRACE(padding);
    begin("example.");
    for (int i = 0; i < 60; ++i)
      ASSERT_TRUE(out_->rrset(Section::answer, Owner::at(header_size, name_of("example.").wire()), filler, 1, false));
    const Octets pad = image(RrType{65280}, Octets(500 + padding, 7));
    ASSERT_TRUE(out_->rrset(Section::answer, Owner::at(header_size, name_of("example.").wire()), pad, 1, false));
    ASSERT_TRUE(add(name_of("example."), name_image(RrType::NS, first), 1, true));
    ASSERT_TRUE(add(name_of("example."), name_image(RrType::NS, second), 1, true));
    ASSERT_TRUE(add(second, image(RrType::A, {1, 2, 3, 4})));
    const Composed all = finish();
    ASSERT_EQ(all.records.size(), 64U);
    EXPECT_EQ(all.records[61].rdata, Octets(first.wire().begin(), first.wire().end()));
    EXPECT_EQ(all.records[62].rdata, Octets(second.wire().begin(), second.wire().end()));
    EXPECT_EQ(all.records[63].owner, second);
  }
}

TEST_F(ComposerTest, leaves_names_alone_that_may_not_be_compressed) {
  begin("example.");
  ASSERT_TRUE(add(name_of("example."), name_image(RrType::SRV, name_of("example."), {0, 0, 0, 0, 0, 53}), 1, false));
  EXPECT_EQ(finish().message.size(), header_size + 13 + 2 + 10 + 6 + 9);
}

TEST_F(ComposerTest, writes_the_root_as_one_octet) {
  begin(".");
  const Octets two = [] {
    Octets both = name_image(RrType::NS, name_of("."));
    const Octets second = name_image(RrType::NS, name_of("a.root."));
    both.insert(both.end(), second.begin(), second.end());
    return both;
  }();
  ASSERT_TRUE(add(Name(), two, 2, true));
  ASSERT_TRUE(out_->rrset(Section::answer, Owner::at(header_size, Name().wire()), two, 2, true));
  const Composed all = finish();
  ASSERT_EQ(all.records.size(), 4U);
  for (const auto& record : all.records) EXPECT_TRUE(record.owner.is_root());
  EXPECT_EQ(all.message.size(), header_size + 5 + (11 + 1) + (11 + 8) + (11 + 1) + (11 + 2));
}

TEST_F(ComposerTest, tells_where_the_last_target_stands) {
  begin("a.example.");
  ASSERT_TRUE(add(name_of("a.example."), name_image(RrType::CNAME, name_of("b.other.")), 1, true));
  const size_t target = out_->last_target();
  ASSERT_TRUE(
      out_->rrset(Section::answer, Owner::at(target, name_of("b.other.").wire()), image(RrType::A, {1, 2, 3, 4}), 1, false));
  ASSERT_TRUE(add(name_of("b.other."), name_image(RrType::CNAME, name_of("a.example.")), 1, true));
  EXPECT_EQ(out_->last_target(), header_size);
  const Composed all = finish();
  EXPECT_EQ(all.records[1].owner, name_of("b.other."));
}

TEST_F(ComposerTest, limits_ttls) {
  begin("example.");
  Octets images = image(RrType::A, {1, 2, 3, 4}, 3600);
  const Octets second = image(RrType::A, {1, 2, 3, 5}, 20);
  images.insert(images.end(), second.begin(), second.end());
  ASSERT_TRUE(add(name_of("example."), images, 2, false, Section::authority, 60));
  const Composed all = finish();
  EXPECT_EQ(all.records[0].ttl, 60U);
  EXPECT_EQ(all.records[1].ttl, 20U);
}

TEST_F(ComposerTest, takes_back_a_set_that_does_not_fit_whole) {
  // Every budget between none and all of it.
  for (size_t budget = header_size + 13; budget < 140; ++budget) {
    begin("example.", budget);
    Octets images;
    for (int i = 0; i < 3; ++i) {
      const Octets one = name_image(RrType::NS, name_of("ns" + std::to_string(i) + ".some.where."));
      images.insert(images.end(), one.begin(), one.end());
    }
    const bool fits = add(name_of("sub.example."), images, 3, true);
    const size_t after = out_->size();
    EXPECT_LE(after, budget);
    EXPECT_EQ(out_->empty(), !fits);
    const bool more = add(name_of("ns0.some.where."), image(RrType::A, {1, 2, 3, 4}), 1, false, Section::additional);
    EXPECT_LE(out_->size(), budget);
    const Composed all = finish();
    EXPECT_EQ(all.records.size(), (fits ? 3U : 0U) + (more ? 1U : 0U)) << budget;
    if (more) {
      EXPECT_EQ(all.records.back().owner, name_of("ns0.some.where."));
    }
  }
}

TEST_F(ComposerTest, keeps_room_for_the_opt_record) {
  begin("example.", 100, opt_fixed_size);
  while (add(name_of("example."), image(RrType::A, {1, 2, 3, 4}))) {
  }
  EXPECT_LE(out_->size(), 100 - opt_fixed_size);
  out_->begin_opt(1232, Rcode::BADVERS, true);
  out_->option(EdnsOption::nsid, Octets(60));  // does not fit and is left out
  out_->end_opt();
  EXPECT_EQ(out_->count(Section::additional), 1U);
  const Composed all = finish(Rcode::BADVERS);
  EXPECT_LE(all.message.size(), 100U);
  EXPECT_EQ(all.records.back().type, RrType::OPT);
  EXPECT_EQ(all.records.back().ttl, 0x01008000U);
  EXPECT_TRUE(all.records.back().rdata.empty());
}

TEST_F(ComposerTest, writes_options_that_fit) {
  begin("example.", 60, 30);
  out_->begin_opt(1400, Rcode::NOERROR, false);
  out_->option(EdnsOption::nsid, Octets{1, 2});
  out_->option(EdnsOption::padding, Octets(30));
  out_->option(EdnsOption::expire, Octets{1, 2, 3, 4});
  out_->end_opt();
  EXPECT_EQ(finish().records.back().rdata, (Octets{0, 3, 0, 2, 1, 2, 0, 9, 0, 4, 1, 2, 3, 4}));
}

TEST_F(ComposerTest, points_no_further_than_14_bits) {
  begin("example.");
  for (int i = 0; out_->size() < 60'000; ++i) {
    const Name owner = name_of("n" + std::to_string(i / 3) + ".z" + std::to_string(i / 50) + ".test.");
    ASSERT_TRUE(add(owner, name_image(RrType::NS, name_of("ns.n" + std::to_string(i / 2) + ".test.")), 1, true));
    const size_t target = out_->last_target();
    ASSERT_TRUE(out_->rrset(Section::answer, Owner::at(target, name_of("ns.n" + std::to_string(i / 2) + ".test.").wire()),
                            image(RrType::A, {1, 2, 3, 4}), 1, false));
  }
  const Composed all = finish();
  for (size_t i = 0; i < all.records.size(); i += 2) {
    ASSERT_EQ(all.records[i].owner, name_of("n" + std::to_string(i / 2 / 3) + ".z" + std::to_string(i / 2 / 50) + ".test."));
    ASSERT_EQ(all.records[i + 1].owner, name_of("ns.n" + std::to_string(i / 2 / 2) + ".test."));
  }
}

TEST_F(ComposerTest, writes_random_sets_that_read_back_the_same) {
  std::mt19937 random(9);
  const auto below = [&](u32 bound) { return static_cast<u32>(random() % bound); };
  // Few labels, so that names share much; up to 40 of them, so that anchors run out.
  const auto random_name = [&] {
    Name name;
    for (u32 labels = below(8) == 0 ? below(40) : below(5); labels > 0; --labels) {
      Octets label(1 + below(3));
      for (u8& octet : label) octet = static_cast<u8>(std::string_view("aAbB")[below(4)]);
      const auto child = name.child(label);
      if (!child.ok()) break;
      name = child.value();
    }
    return name;
  };
  for (int round = 0; round < 2'000; ++round) {
    const size_t budget = below(3) == 0 ? 65'535 : 300 + below(1'500);
    begin(random_name(), budget, below(2) * 11, 65'535);
    std::vector<Composed::Record> expected;
    for (u32 sets = 1 + below(below(20) == 0 ? 600 : 20); sets > 0; --sets) {
      const Name owner = random_name();
      Octets images;
      std::vector<Composed::Record> added;
      const u32 count = 1 + below(4);
      const bool compressible = below(4) != 0;
      for (u32 i = 0; i < count; ++i) {
        const Name target = random_name();
        const RrType type = compressible ? (below(2) == 0 ? RrType::NS : RrType::MX) : RrType::DNAME;
        const Octets one = name_image(type, target, type == RrType::MX ? Octets{0, 1} : Octets{});
        added.push_back({owner, type, 300, Octets(one.begin() + record_fixed_size, one.end())});
        images.insert(images.end(), one.begin(), one.end());
      }
      if (add(owner, images, count, compressible)) expected.insert(expected.end(), added.begin(), added.end());
    }
    const Composed all = finish();
    ASSERT_LE(all.message.size(), budget);
    ASSERT_EQ(all.records.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(all.records[i].owner, expected[i].owner);
      ASSERT_EQ(all.records[i].type, expected[i].type);
      ASSERT_TRUE(canonical_compare_rdata(expected[i].type, all.records[i].rdata, expected[i].rdata) == 0);
    }
  }
}

// ---- records of a transfer
// ----------------------------------------------------------------------------------------------------

// The labels of an owner below the question's name.
Bytes below(const Name& owner, const Name& question) {
  return owner.wire().first(owner.size() - question.size());
}

TEST_F(ComposerTest, points_each_owner_to_what_it_shares_with_the_one_before) {
  begin("example.");
  const Name apex = name_of("example.");
  const std::vector<std::pair<Name, size_t>> owners{
      {name_of("example."), 2},         {name_of("b.example."), 4},   {name_of("b.example."), 2},  {name_of("a.b.example."), 4},
      {name_of("x.y.a.b.example."), 6}, {name_of("z.b.example."), 4}, {name_of("B.c.example."), 6}};
  OwnerTrail trail(header_size);
  for (const auto& [owner, octets] : owners) {
    const size_t before = out_->size();
    trail.go_to(below(owner, apex));
    ASSERT_TRUE(out_->record(Section::answer, trail, image(RrType::A, {192, 0, 2, 1}), false));
    EXPECT_EQ(out_->size() - before, octets + record_fixed_size + 4);
  }
  const Composed all = finish();
  ASSERT_EQ(all.records.size(), owners.size());
  for (size_t i = 0; i < owners.size(); ++i) EXPECT_EQ(all.records[i].owner, owners[i].first);
}

TEST_F(ComposerTest, points_names_in_rdata_to_the_owner_above_the_question) {
  begin("example.");
  const Name apex = name_of("example.");
  const Name owner = name_of("a.b.example.");
  const Name target = name_of("ns.b.example.");
  OwnerTrail trail(header_size);
  trail.go_to(below(owner, apex));
  const size_t before = out_->size();
  ASSERT_TRUE(out_->record(Section::answer, trail, name_image(RrType::NS, target), true));
  EXPECT_EQ(out_->size() - before, 4 + 2 + record_fixed_size + 3 + 2);
  ASSERT_TRUE(out_->record(Section::answer, trail, name_image(RrType::NS, apex), true));
  const Composed all = finish();
  ASSERT_EQ(all.records.size(), 2U);
  EXPECT_EQ(all.records[0].rdata, Octets(target.wire().begin(), target.wire().end()));
  EXPECT_EQ(all.records[1].rdata, Octets(apex.wire().begin(), apex.wire().end()));
}

TEST_F(ComposerTest, leaves_nothing_of_a_record_of_a_transfer_that_does_not_fit) {
  begin("example.", 100);
  const Name apex = name_of("example.");
  const Name owner = name_of("a.b.example.");
  OwnerTrail trail(header_size);
  trail.go_to(below(owner, apex));
  const size_t before = out_->size();
  EXPECT_FALSE(out_->record(Section::answer, trail, image(RrType::TXT, Octets(100, 0)), false));
  EXPECT_EQ(out_->size(), before);
  // The labels that were taken back are written when something fits.
  ASSERT_TRUE(out_->record(Section::answer, trail, image(RrType::A, {192, 0, 2, 1}), false));
  ASSERT_TRUE(out_->record(Section::answer, trail, image(RrType::A, {192, 0, 2, 2}), false));
  const Composed all = finish();
  ASSERT_EQ(all.records.size(), 2U);
  EXPECT_EQ(all.records[0].owner, owner);
  EXPECT_EQ(all.records[1].owner, owner);
}

TEST_F(ComposerTest, writes_owners_again_where_no_pointer_reaches) {
  begin("example.");
  const Name apex = name_of("example.");
  const Name owner = name_of("a.b.example.");
  OwnerTrail trail(header_size);
  for (int i = 0; i < 1'200; ++i) {
    trail.go_to(below(owner, apex));
    ASSERT_TRUE(out_->record(Section::answer, trail, image(RrType::A, {192, 0, 2, 1}), false));
    trail.go_to({});
    ASSERT_TRUE(out_->record(Section::answer, trail, name_image(RrType::NS, owner), true));
  }
  const Composed all = finish();
  EXPECT_GT(all.message.size(), 0x4000U);
  ASSERT_EQ(all.records.size(), 2'400U);
  for (size_t i = 0; i < 2'400; ++i) EXPECT_EQ(all.records[i].owner, i % 2 == 0 ? owner : apex);
}

}  // namespace
}  // namespace samara::dns
