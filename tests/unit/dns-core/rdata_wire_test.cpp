// The wire side: checks, decompression, canonical form and order, names; with hostile data.
#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/type_bitmap.h"
#include "rdata_cases.h"
#include "rdata_random.h"

namespace samara::dns {
namespace {

using test::from_hex;
using test::is_valid;
using test::parse;
using test::read_cases;
using test::to_hex;
using test::write;

struct Received {
  std::optional<RdataError> error;
  std::vector<u8> stored;
  size_t position = 0;
};

Received receive(RrType type, Bytes message, size_t at, size_t length, size_t room = 70000) {
  ByteReader reader(message);
  EXPECT_TRUE(reader.skip(at).ok());
  std::vector<u8> memory(room);
  ByteWriter stored(memory);
  const auto done = rdata_from_message(type, reader, static_cast<u16>(length), stored);
  if (!done.ok()) {
    EXPECT_EQ(stored.size(), 0U);
    EXPECT_FALSE(stored.overflowed());
    return {done.error(), {}, reader.position()};
  }
  return {std::nullopt, {stored.written().begin(), stored.written().end()}, reader.position()};
}

std::vector<u8> canonical(RrType type, Bytes stored) {
  std::vector<u8> memory(stored.size());
  ByteWriter out(memory);
  write_canonical_rdata(type, stored, out);
  EXPECT_FALSE(out.overflowed());
  return memory;
}

std::string names_of(RrType type, Bytes stored) {
  std::string names;
  for (size_t i = 0;; ++i) {
    const auto name = rdata_name(type, stored, i);
    if (!name.has_value()) return names;
    names += std::to_string(name->offset) + "+" + std::to_string(name->size) + (name->compressible ? "c " : " ");
  }
}

TEST(RdataWire, RefusesWhatBreaksTheRulesOfItsType) {
  for (const auto& c : read_cases("invalid_wire.txt", 3)) {
    SCOPED_TRACE("invalid_wire.txt:" + std::to_string(c.line));
    const RrType type = test::type_of(c.columns[0]);
    const auto wire = from_hex(c.columns[1]);
    const auto checked = check_rdata(type, wire);
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(describe(checked.error()), c.columns[2]);
    EXPECT_TRUE(receive(type, wire, 0, wire.size()).error.has_value()) << "from a message too";
  }
}

// A zone that comes from another server is served as it is there, whatever rules for publishers its data breaks; what cannot be
// copied is what the other functions of this header could not work on.
TEST(RdataWire, copies_whatever_it_can_find_the_names_of_and_names_the_rule_that_is_broken) {
  for (const auto& c : read_cases("copied.txt", 4)) {
    SCOPED_TRACE("copied.txt:" + std::to_string(c.line));
    const RrType type = test::type_of(c.columns[0]);
    const auto wire = from_hex(c.columns[1]);
    const bool copied = check_copied_rdata(type, wire).ok();
    EXPECT_EQ(copied ? "copied" : "refused", c.columns[2]);
    const std::string_view broken = broken_rule(type, wire);
    EXPECT_EQ(broken.empty() ? "no rule" : broken, c.columns[3]);
    EXPECT_EQ(check_rdata(type, wire).ok(), broken.empty());
  }
}

// What may be copied is safe to walk, to put in canonical form and to sort: the order of any three is consistent.
TEST(RdataWire, whatever_is_copied_has_names_inside_a_canonical_form_and_an_order) {
  test::RandomRdata random(7);
  size_t broken = 0;
  for (const Descriptor& d : all_descriptors()) {
    std::vector<std::vector<u8>> copied;
    for (int i = 0; i < 300; ++i) {
      auto wire =
          copied.empty() || random.below(2) == 0 ? random.data(d) : copied[random.below(static_cast<u32>(copied.size()))];
      for (u32 edits = random.below(4); edits > 0; --edits) {
        if (!wire.empty())
          wire[random.below(static_cast<u32>(wire.size()))] ^= static_cast<u8>(random.below(2) == 0 ? 0x20 : random.below(256));
        if (random.below(3) == 0) wire.resize(random.below(static_cast<u32>(wire.size() + 3)));
      }
      if (!check_copied_rdata(d.type, wire).ok()) {
        ASSERT_FALSE(is_valid(d.type, wire)) << d.mnemonic << " " << to_hex(wire);
        continue;
      }
      ASSERT_EQ(broken_rule(d.type, wire).empty(), is_valid(d.type, wire)) << d.mnemonic << " " << to_hex(wire);
      if (!is_valid(d.type, wire)) ++broken;
      names_of(d.type, wire);
      ASSERT_EQ(canonical(d.type, wire).size(), wire.size());
      ASSERT_EQ(canonical_compare_rdata(d.type, wire, canonical(d.type, wire)), std::strong_ordering::equal);
      copied.push_back(wire);
    }
    for (size_t i = 0; i + 2 < copied.size(); ++i) {
      const auto less = [&](size_t a, size_t b) { return canonical_compare_rdata(d.type, copied[a], copied[b]) < 0; };
      for (const size_t other : {i + 1, i + 2}) ASSERT_FALSE(less(i, other) && less(other, i)) << d.mnemonic;
      ASSERT_FALSE(less(i, i + 1) && less(i + 1, i + 2) && !less(i, i + 2)) << d.mnemonic;
    }
  }
  EXPECT_GT(broken, 3000U);
}

// In types whose fields all say where they end, no part of valid data is valid data.
TEST(RdataWire, RefusesDataCutAtAnyOctet) {
  size_t types_cut = 0;
  for (const auto& c : read_cases("valid.txt", 4)) {
    const RrType type = test::type_of(c.columns[0]);
    const Descriptor* d = find_descriptor(type);
    const auto wire = from_hex(c.columns[2]);
    const bool self_delimiting = d != nullptr && std::ranges::all_of(d->used_fields(), [](Field f) {
                                   return fixed_size(f) != 0 || f == Field::name || f == Field::string || f == Field::digits ||
                                          f == Field::tag || f == Field::salt || f == Field::hash || f == Field::sized_base64 ||
                                          f == Field::location || f == Field::amt_relay || f == Field::a6_address;
                                 });
    for (size_t size = 0; size < wire.size(); ++size) {
      const Bytes cut = Bytes(wire).first(size);
      const bool valid = is_valid(type, cut);
      if (self_delimiting) {
        EXPECT_FALSE(valid) << c.columns[0] << " " << to_hex(cut);
      }
      if (!valid) continue;
      const auto read = parse(type, write(type, cut));
      EXPECT_TRUE(read.ok) << c.columns[0] << " " << to_hex(cut) << ": " << read.error;
      EXPECT_EQ(to_hex(read.wire), to_hex(cut));
    }
    if (!self_delimiting) continue;
    ++types_cut;
    auto more = wire;
    more.push_back(0);
    EXPECT_FALSE(is_valid(type, more)) << c.columns[0] << " " << to_hex(more);
  }
  EXPECT_GT(types_cut, 60U);
}

TEST(RdataWire, RandomDataOfEachTypeIsValidAndSurvivesText) {
  test::RandomRdata random(1);
  for (const Descriptor& d : all_descriptors()) {
    for (int i = 0; i < 200; ++i) {
      const auto wire = random.data(d);
      ASSERT_TRUE(is_valid(d.type, wire)) << d.mnemonic << " " << to_hex(wire);
      const std::string text = write(d.type, wire);
      const auto read = parse(d.type, text);
      ASSERT_TRUE(read.ok) << d.mnemonic << " " << text << ": " << read.error;
      ASSERT_EQ(to_hex(read.wire), to_hex(wire)) << d.mnemonic << " " << text;
      if (d.used_fields()[0] != Field::opaque && !is_written_by_number(d.type)) {
        ASSERT_NE(text.substr(0, 3), "\\# ") << d.mnemonic << " " << to_hex(wire);
      }
    }
  }
}

// Flipped, cut and lengthened data: whatever the check lets through must survive text and have names inside the data.
TEST(RdataWire, DamagedDataIsRefusedOrConsistent) {
  test::RandomRdata random(2);
  size_t accepted = 0;
  for (const Descriptor& d : all_descriptors()) {
    for (int i = 0; i < 400; ++i) {
      auto wire = random.data(d);
      for (u32 edits = 1 + random.below(3); edits > 0; --edits) {
        if (!wire.empty()) wire[random.below(static_cast<u32>(wire.size()))] = static_cast<u8>(random.below(256));
        if (random.below(3) == 0) wire.resize(random.below(static_cast<u32>(wire.size() + 3)));
      }
      if (!is_valid(d.type, wire)) continue;
      ++accepted;
      const std::string text = write(d.type, wire);
      const auto read = parse(d.type, text);
      ASSERT_TRUE(read.ok) << d.mnemonic << " " << text << ": " << read.error;
      ASSERT_EQ(to_hex(read.wire), to_hex(wire)) << d.mnemonic << " " << text;
      for (size_t n = 0;; ++n) {
        const auto name = rdata_name(d.type, wire, n);
        if (!name.has_value()) break;
        ASSERT_LE(size_t{name->offset} + name->size, wire.size());
        ASSERT_EQ(wire_name_size(Bytes(wire).subspan(name->offset)), name->size);
      }
      ASSERT_EQ(canonical_compare_rdata(d.type, wire, wire), std::strong_ordering::equal);
    }
  }
  EXPECT_GT(accepted, 1000U);
}

TEST(RdataWire, UnknownTypesAreOpaque) {
  for (const RrType type : {RrType{65280}, RrType{0}, RrType{1000}}) {
    EXPECT_TRUE(is_valid(type, {}));
    EXPECT_TRUE(is_valid(type, from_hex("c00c")));
    EXPECT_FALSE(has_compressible_names(type));
    EXPECT_EQ(names_of(type, from_hex("0161 00")), "");
    const auto received = receive(type, from_hex("ffc00cff"), 1, 2);
    EXPECT_EQ(to_hex(received.stored), "c00c");
    EXPECT_EQ(received.position, 3U);
  }
}

TEST(RdataWire, DataLongerThan65535OctetsIsRefused) {
  EXPECT_TRUE(is_valid(RrType::NULL_, std::vector<u8>(65535)));
  EXPECT_FALSE(is_valid(RrType::NULL_, std::vector<u8>(65536)));
}

TEST(RdataDecompression, FollowsPointersWhereTheTypeMayHaveThem) {
  // Offset 0: example. at 0; a.example. at 9.
  const std::string names = "076578616d706c6500 0161c000";
  const size_t start = 13;
  const auto message_with = [&](std::string_view rdata) { return from_hex(names + std::string(rdata) + "ff"); };
  struct Sample {
    RrType type;
    std::string_view rdata;
    std::string_view stored;
  };
  const std::string a = "0161076578616d706c6500";
  const std::string example = "076578616d706c6500";
  const std::vector<std::pair<Sample, std::string>> samples = {
      {{RrType::NS, "c009", {}}, a},
      {{RrType::NS, "0162c009", {}}, "0162" + a},
      {{RrType::MX, "000ac009", {}}, "000a" + a},
      {{RrType::SOA, "c009c0000000000100000002000000030000000400000005", {}},
       a + example + "0000000100000002000000030000000400000005"},
      {{RrType::MINFO, "c009c000", {}}, a + example},
      {{RrType::RP, "c009c000", {}}, a + example},
      {{RrType::SRV, "000100020003c009", {}}, "000100020003" + a},
      {{RrType::PX, "0001c009c000", {}}, "0001" + a + example},
      {{RrType::NAPTR, "00010002 0161 00 026263 c009", {}},
       "000100020161"
       "00026263" +
           a},
      {{RrType::NXT, "c00940000001", {}}, a + "40000001"},
      {{RrType::SIG, "00010501000000010000000200000003 0004 c000 ff", {}},
       "000105010000000100000002000000030004" + example + "ff"},
  };
  for (const auto& [sample, stored] : samples) {
    const auto message = message_with(sample.rdata);
    const auto received = receive(sample.type, message, start, message.size() - start - 1);
    ASSERT_FALSE(received.error.has_value()) << code(sample.type) << " " << describe(*received.error);
    EXPECT_EQ(to_hex(received.stored), stored) << code(sample.type);
    EXPECT_EQ(received.position, message.size() - 1);
  }
}

TEST(RdataDecompression, RefusesPointersWhereTheTypeMayNotHaveThem) {
  for (const Descriptor& d : all_descriptors()) {
    if (d.used_fields()[0] != Field::name || d.names >= NameRule::decompressed) continue;
    EXPECT_EQ(receive(d.type, from_hex("0161 00 c000"), 3, 2).error, RdataError::bad_name) << d.mnemonic;
  }
  EXPECT_EQ(receive(RrType::DNAME, from_hex("016100c000"), 3, 2).error, RdataError::bad_name);
}

TEST(RdataDecompression, NamesMustEndInsideTheData) {
  EXPECT_EQ(receive(RrType::NS, from_hex("0161 00"), 0, 2).error, RdataError::truncated);
  EXPECT_EQ(receive(RrType::NS, from_hex("0161 00"), 0, 0).error, RdataError::truncated);
  EXPECT_EQ(receive(RrType::NS, from_hex("00 0161 c000"), 1, 3).error, RdataError::truncated);
  EXPECT_EQ(receive(RrType::NS, from_hex("0161 00 c000 00"), 3, 3).error, RdataError::trailing);
  EXPECT_EQ(receive(RrType::NS, from_hex("c000"), 0, 2).error, RdataError::bad_name) << "a pointer to itself";
  EXPECT_EQ(receive(RrType::NS, from_hex("c004 0000 0161 00"), 0, 2).error, RdataError::bad_name) << "a pointer forwards";
  EXPECT_EQ(receive(RrType::A, from_hex("c0000201"), 0, 5).error, RdataError::truncated) << "length beyond the message";
  EXPECT_EQ(receive(RrType::NAPTR, from_hex("00010002 05 6162"), 0, 7).error, RdataError::truncated);
}

TEST(RdataDecompression, RefusesWhatDoesNotFit) {
  const auto message = from_hex("076578616d706c6500 000ac000");
  EXPECT_EQ(receive(RrType::MX, message, 9, 4, 10).error, RdataError::too_long);
  EXPECT_FALSE(receive(RrType::MX, message, 9, 4, 11).error.has_value());
  EXPECT_EQ(receive(RrType::A, from_hex("c0000201"), 0, 4, 3).error, RdataError::too_long);
}

TEST(RdataNames, AreFoundInEachType) {
  const auto names = [](RrType type, std::string_view text) { return names_of(type, parse(type, text, ".").wire); };
  EXPECT_EQ(names(RrType::NS, "a."), "0+3c ");
  EXPECT_EQ(names(RrType::MX, "1 a.b."), "2+5c ");
  EXPECT_EQ(names(RrType::SOA, "a. bc. 1 2 3 4 5"), "0+3c 3+4c ");
  EXPECT_EQ(names(RrType::SRV, "1 2 3 a."), "6+3 ");
  EXPECT_EQ(names(RrType::PX, "1 a. bc."), "2+3 5+4 ");
  EXPECT_EQ(names(RrType::NAPTR, "1 2 a bc \"\" d."), "10+3 ");
  EXPECT_EQ(names(RrType::RRSIG, "A 8 1 2 3 4 5 a. AQ=="), "18+3 ");
  EXPECT_EQ(names(RrType::NSEC, "a. A"), "0+3 ");
  EXPECT_EQ(names(RrType::SVCB, "1 a. alpn=h2"), "2+3 ");
  EXPECT_EQ(names(RrType::DSYNC, "CDS NOTIFY 1 a."), "5+3 ");
  EXPECT_EQ(names(RrType::IPSECKEY, "1 3 2 a. AQ=="), "3+3 ");
  EXPECT_EQ(names(RrType::IPSECKEY, "1 1 2 1.2.3.4 AQ=="), "");
  EXPECT_EQ(names(RrType::AMTRELAY, "1 1 3 a."), "2+3 ");
  EXPECT_EQ(names(RrType::AMTRELAY, "1 0 0 ."), "");
  EXPECT_EQ(names(RrType::A6, "64 ::1 a."), "9+3 ");
  EXPECT_EQ(names(RrType::A6, "0 ::1"), "");
  EXPECT_EQ(names(RrType::HIP, "2 00 AQ== a. bc. def."), "6+3 9+4 13+5 ");
  EXPECT_EQ(names(RrType::HIP, "2 00 AQ=="), "");
  EXPECT_EQ(names(RrType::TXT, "a."), "");
  EXPECT_EQ(names(RrType::A, "1.2.3.4"), "");
}

TEST(RdataNames, OnlyTypesOfRfc1035AreCompressed) {
  std::string types;
  for (const Descriptor& d : all_descriptors()) {
    if (has_compressible_names(d.type)) types += std::string(d.mnemonic) + " ";
  }
  EXPECT_EQ(types, "NS MD MF CNAME SOA MB MG MR PTR MINFO MX ");
}

TEST(RdataCanonical, LowersNamesInTheTypesOfRfc4034AndNoOthers) {
  std::string lowered;
  for (const Descriptor& d : all_descriptors()) {
    if (d.names >= NameRule::lowered) lowered += std::string(d.mnemonic) + " ";
  }
  EXPECT_EQ(lowered, "NS MD MF CNAME SOA MB MG MR PTR MINFO MX RP AFSDB RT SIG PX NXT SRV NAPTR KX A6 DNAME RRSIG ");
}

TEST(RdataCanonical, LowersNamesAndNothingElse) {
  const auto text = [](RrType type, std::string_view t) { return write(type, canonical(type, parse(type, t, ".").wire)); };
  EXPECT_EQ(text(RrType::MX, "10 MAIL.Example."), "10 mail.example.");
  EXPECT_EQ(text(RrType::SOA, "A. B. 1 2 3 4 5"), "a. b. 1 2 3 4 5");
  EXPECT_EQ(text(RrType::NAPTR, "1 2 S SIP \"\" A.B."), "1 2 \"S\" \"SIP\" \"\" a.b.");
  EXPECT_EQ(text(RrType::RRSIG, "A 8 1 2 0 0 5 A. QUJD"), "A 8 1 2 19700101000000 19700101000000 5 a. QUJD");
  EXPECT_EQ(text(RrType::A6, "64 ::4142 A."), "64 ::4142 a.");
  EXPECT_EQ(text(RrType::NSEC, "A.B. A"), "A.B. A") << "RFC 6840 section 5.1";
  EXPECT_EQ(text(RrType::SVCB, "1 A.B. alpn=H2"), "1 A.B. alpn=\"H2\"") << "RFC 3597 section 7";
  EXPECT_EQ(text(RrType::HINFO, "A B"), "\"A\" \"B\"");
  EXPECT_EQ(text(RrType::TXT, "A"), "\"A\"");
}

TEST(RdataCanonical, OrderIsThatOfTheCanonicalForms) {
  test::RandomRdata random(3);
  for (const Descriptor& d : all_descriptors()) {
    for (int i = 0; i < 100; ++i) {
      const auto a = random.data(d);
      auto b = random.below(2) == 0 ? random.data(d) : a;
      if (a == b) {
        // The same in another case, then perhaps another octet.
        for (u8& octet : b) {
          if (octet >= 'a' && octet <= 'z' && random.below(2) == 0) octet = static_cast<u8>(octet - 32);
        }
        if (!b.empty() && random.below(2) == 0) b[random.below(static_cast<u32>(b.size()))] ^= 1;
        if (!is_valid(d.type, b)) continue;
      }
      const auto ca = canonical(d.type, a);
      const auto cb = canonical(d.type, b);
      const auto expected = std::lexicographical_compare_three_way(ca.begin(), ca.end(), cb.begin(), cb.end());
      ASSERT_EQ(canonical_compare_rdata(d.type, a, b), expected) << d.mnemonic << " " << to_hex(a) << " " << to_hex(b);
      ASSERT_EQ(canonical_compare_rdata(d.type, b, a), 0 <=> expected);
    }
  }
}

TEST(TypeBitmap, KnowsItsTypes) {
  const auto nsec = parse(RrType::NSEC, "a. A NS RRSIG TYPE256 TYPE65535").wire;
  const Bytes bitmap = Bytes(nsec).subspan(3);
  for (u32 type = 0; type <= 65535; ++type) {
    const bool expected = type == 1 || type == 2 || type == 46 || type == 256 || type == 65535;
    ASSERT_EQ(type_bitmap_contains(bitmap, RrType{static_cast<u16>(type)}), expected) << type;
  }
  EXPECT_FALSE(type_bitmap_contains({}, RrType::A));
}

}  // namespace
}  // namespace samara::dns
