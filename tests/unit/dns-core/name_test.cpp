#include "dns-core/name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace samara::dns {
namespace {

std::string text_of(const Name& name) {
  std::array<char, max_name_text> memory;
  TextWriter out(memory);
  name.write_text(out);
  EXPECT_FALSE(out.overflowed());
  return std::string(out.view());
}

Name name(std::string_view text, std::string_view origin = ".") {
  const auto base = Name::parse(origin, Name());
  EXPECT_TRUE(base.ok()) << origin;
  const auto parsed = Name::parse(text, base.value());
  EXPECT_TRUE(parsed.ok()) << text << ": " << describe(parsed.ok() ? NameError::truncated : parsed.error());
  return parsed.value();
}

NameError parse_error(const std::string& text, std::string_view origin = ".") {
  const auto parsed = Name::parse(text, name(origin));
  EXPECT_FALSE(parsed.ok()) << text;
  return parsed.error();
}

std::vector<u8> octets(std::string_view text) {
  return {text.begin(), text.end()};
}
std::vector<u8> wire_of(const Name& n) {
  return {n.wire().begin(), n.wire().end()};
}

std::string repeat(std::string_view piece, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += piece;
  return all;
}

// The octets lie in an allocation of exactly their size, so that ASan sees a step beyond.
Result<Name, NameError> from_wire(const std::vector<u8>& wire) {
  ByteReader at(wire);
  return Name::from_wire(at);
}

Result<Name, NameError> from_message(const std::vector<u8>& message, size_t position, size_t* after = nullptr) {
  ByteReader at(message);
  EXPECT_TRUE(at.skip(position).ok());
  auto result = Name::from_message(at);
  if (after != nullptr) *after = at.position();
  return result;
}

TEST(Name, IsTheRootByDefault) {
  const Name root;
  EXPECT_TRUE(root.is_root());
  EXPECT_EQ(root.size(), 1u);
  EXPECT_EQ(root.label_count(), 0u);
  EXPECT_EQ(text_of(root), ".");
  EXPECT_EQ(root.parent(), root);
  constexpr Name at_compile_time;
  EXPECT_EQ(at_compile_time, root);
}

TEST(NameParse, MakesRelativeNamesAbsolute) {
  EXPECT_EQ(text_of(name("www", "example.com.")), "www.example.com.");
  EXPECT_EQ(text_of(name("a.b", "example.com.")), "a.b.example.com.");
  EXPECT_EQ(text_of(name("@", "example.com.")), "example.com.");
  EXPECT_EQ(text_of(name("www.example.net.", "example.com.")), "www.example.net.");
  EXPECT_EQ(text_of(name(".", "example.com.")), ".");
  EXPECT_EQ(text_of(name("com")), "com.");
}

TEST(NameParse, KeepsCase) {
  EXPECT_EQ(text_of(name("WwW.ExAmPlE.")), "WwW.ExAmPlE.");
}

TEST(NameParse, ReadsEscapes) {
  EXPECT_EQ(wire_of(name("a\\.b.")), octets(std::string_view("\3a.b\0", 5)));
  EXPECT_EQ(wire_of(name("\\000\\255.")), octets(std::string_view("\2\0\xff\0", 4)));
  EXPECT_EQ(wire_of(name("\\@.")), octets(std::string_view("\1@\0", 3)));
  EXPECT_EQ(wire_of(name("\\@")), octets(std::string_view("\1@\0", 3))) << "an escaped @ is a label, not the origin";
  EXPECT_EQ(wire_of(name("\\\\x.")), octets(std::string_view("\2\\x\0", 4)));
  EXPECT_EQ(wire_of(name("\\0651.")), octets(std::string_view("\2A1\0", 4))) << "three digits, then an ordinary one";
  EXPECT_EQ(wire_of(name("a\\.")), octets(std::string_view("\2a.\0", 4))) << "an escaped final dot leaves it relative";
}

TEST(NameParse, RefusesBadEscapes) {
  for (const char* text : {"\\", "a\\", "\\256.", "\\999", "\\1", "\\12", "\\12x", "\\1x2.", "a.b\\2"}) {
    EXPECT_EQ(parse_error(text), NameError::bad_escape) << text;
  }
}

TEST(NameParse, RefusesEmptyLabels) {
  for (const char* text : {"", "..", ".a", "a..", "a..b", "www..example.com."}) {
    EXPECT_EQ(parse_error(text), NameError::empty_label) << text;
  }
}

TEST(NameParse, LimitsLabelsTo63Octets) {
  EXPECT_EQ(name(repeat("x", 63) + ".").size(), 65u);
  EXPECT_EQ(name(repeat("x", 63)).size(), 65u);
  EXPECT_EQ(name(repeat("\\120", 63)).size(), 65u);
  EXPECT_EQ(parse_error(repeat("x", 64) + "."), NameError::label_too_long);
  EXPECT_EQ(parse_error(repeat("x", 64)), NameError::label_too_long);
  EXPECT_EQ(parse_error(repeat("\\120", 64)), NameError::label_too_long);
  EXPECT_EQ(parse_error(repeat("x", 100000)), NameError::label_too_long);
}

TEST(NameParse, LimitsNamesTo255Octets) {
  const std::string l63 = repeat("x", 63) + ".";
  // 3 * 64 + 62 + 1 = 255
  const std::string longest = l63 + l63 + l63 + repeat("y", 61) + ".";
  EXPECT_EQ(name(longest).size(), 255u);
  EXPECT_EQ(name(longest.substr(0, longest.size() - 1)).size(), 255u);
  EXPECT_EQ(text_of(name(longest)), longest);
  EXPECT_EQ(parse_error(l63 + l63 + l63 + repeat("y", 62) + "."), NameError::too_long);
  EXPECT_EQ(parse_error(l63 + l63 + l63 + repeat("y", 62)), NameError::too_long);
  EXPECT_EQ(parse_error(l63 + l63 + l63 + l63), NameError::too_long);
  EXPECT_EQ(parse_error(repeat("a.", 10000)), NameError::too_long);
}

TEST(NameParse, CountsTheOriginIntoTheLimit) {
  const std::string l63 = repeat("x", 63) + ".";
  const std::string origin = l63 + l63 + l63;  // 193 octets
  EXPECT_EQ(name(repeat("z", 61), origin).size(), 255u);
  EXPECT_EQ(parse_error(repeat("z", 62), origin), NameError::too_long);
}

TEST(NameParse, Takes127LabelsAndNoMore) {
  const Name most = name(repeat("a.", 127));
  EXPECT_EQ(most.label_count(), 127u);
  EXPECT_EQ(most.size(), 255u);
  EXPECT_EQ(parse_error(repeat("a.", 128)), NameError::too_long);
}

TEST(NameText, EscapesWhatMasterFilesTreatSpecially) {
  EXPECT_EQ(text_of(name("a\\.b.c.")), "a\\.b.c.");
  EXPECT_EQ(text_of(name("\\032\\009\\127\\200.")), "\\032\\009\\127\\200.");
  EXPECT_EQ(text_of(name("\\\"\\;\\(\\)\\@\\$\\\\.")), "\\\"\\;\\(\\)\\@\\$\\\\.");
  EXPECT_EQ(text_of(name("_sip._tcp.*.")), "_sip._tcp.*.");
}

TEST(NameText, RoundTripsEveryOctet) {
  for (unsigned c = 0; c < 256; ++c) {
    const std::vector<u8> wire = {3, 'a', static_cast<u8>(c), 'b', 1, static_cast<u8>(c), 0};
    const Name n = from_wire(wire).value();
    EXPECT_EQ(wire_of(name(text_of(n))), wire) << c;
  }
}

TEST(NameText, LongestTextFitsTheConstant) {
  std::vector<u8> wire;
  for (const size_t length : {63, 63, 63, 61}) {
    wire.push_back(static_cast<u8>(length));
    wire.insert(wire.end(), length, 0xff);
  }
  wire.push_back(0);
  const std::string text = text_of(from_wire(wire).value());
  EXPECT_EQ(text.size(), max_name_text);
  EXPECT_EQ(wire_of(name(text)), wire);
}

TEST(NameText, SaysWhenTheMemoryIsTooSmall) {
  std::array<char, 3> memory;
  TextWriter out(memory);
  name("abc.").write_text(out);
  EXPECT_TRUE(out.overflowed());
}

TEST(NameFromWire, ReadsAndMovesPastTheName) {
  const std::vector<u8> wire = {1, 'a', 0, 0xff};
  ByteReader at(wire);
  EXPECT_EQ(text_of(Name::from_wire(at).value()), "a.");
  EXPECT_EQ(at.position(), 3u);
}

TEST(NameFromWire, RefusesEveryTruncation) {
  const std::vector<u8> wire = {3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
  EXPECT_TRUE(from_wire(wire).ok());
  for (size_t size = 0; size < wire.size(); ++size) {
    const std::vector<u8> cut(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size));
    ByteReader at(cut);
    const auto result = Name::from_wire(at);
    ASSERT_FALSE(result.ok()) << size;
    EXPECT_EQ(result.error(), NameError::truncated) << size;
    EXPECT_EQ(at.position(), 0u) << "a failed read leaves the reader where it was";
  }
}

TEST(NameFromWire, RefusesOtherLabelTypesAndPointers) {
  for (const int length : {64, 65, 127, 128, 191, 192, 255}) {
    const auto result = from_wire({static_cast<u8>(length), 0, 0, 0});
    ASSERT_FALSE(result.ok()) << length;
    EXPECT_EQ(result.error(), NameError::bad_label_type) << length;
  }
}

TEST(NameFromWire, LimitsTheSize) {
  std::vector<u8> wire;
  for (int i = 0; i < 127; ++i) wire.insert(wire.end(), {1, 'a'});
  std::vector<u8> longest = wire;
  longest.push_back(0);
  EXPECT_EQ(from_wire(longest).value().label_count(), 127u);
  wire.insert(wire.end(), {1, 'a', 0});
  EXPECT_EQ(from_wire(wire).error(), NameError::too_long);
}

TEST(NameFromMessage, FollowsPointersBackwards) {
  // 0: example. | 9: www + pointer to 0 | 15: pointer to 9 | 17: end
  std::vector<u8> message = octets(std::string_view("\7example\0", 9));
  for (const u8 c : {3, 'w' + 0, 'w' + 0, 'w' + 0, 0xc0, 0, 0xc0, 9}) message.push_back(static_cast<u8>(c));
  size_t after = 0;
  EXPECT_EQ(text_of(from_message(message, 0, &after).value()), "example.");
  EXPECT_EQ(after, 9u);
  EXPECT_EQ(text_of(from_message(message, 9, &after).value()), "www.example.");
  EXPECT_EQ(after, 15u);
  EXPECT_EQ(text_of(from_message(message, 15, &after).value()), "www.example.");
  EXPECT_EQ(after, 17u) << "the reader goes on behind the first pointer";
}

TEST(NameFromMessage, RefusesPointersThatDoNotLeadBackwards) {
  // to itself, forwards, to the middle of the part it ends, and a loop of two
  EXPECT_EQ(from_message({0xc0, 0x00, 0}, 0).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message({0xc0, 0x02, 0}, 0).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message({1, 'a', 0xc0, 0x00, 0}, 0).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message({1, 'a', 0xc0, 0x01, 0}, 0).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message({0xc0, 0x02, 0xc0, 0x00}, 0).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message({0xc0, 0x02, 0xc0, 0x00}, 2).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message({0xff, 0xff}, 0).error(), NameError::bad_pointer) << "far behind the end of the message";
}

TEST(NameFromMessage, RefusesEndlessPointerChains) {
  // Each pointer leads to the one before it; only the first octet is a name. A name needs at most 127 of them.
  std::vector<u8> message = {0};
  message.insert(message.end(), {0xc0, 0});
  for (size_t at = 3; at + 2 < 16384; at += 2) {
    const size_t target = at - 2;
    message.push_back(static_cast<u8>(0xc0 | (target >> 8)));
    message.push_back(static_cast<u8>(target));
  }
  EXPECT_TRUE(from_message(message, 1 + 2 * 126).value().is_root());
  EXPECT_EQ(from_message(message, 1 + 2 * 127).error(), NameError::bad_pointer);
  EXPECT_EQ(from_message(message, message.size() - 2).error(), NameError::bad_pointer);
}

TEST(NameFromMessage, LimitsTheSizeThroughPointers) {
  // 127 octets of labels and the root, then the same again pointing at them: 254 + 1 octets is the most.
  std::vector<u8> message;
  const auto add = [&message](size_t length) {
    message.push_back(static_cast<u8>(length));
    message.insert(message.end(), length, 'x');
  };
  add(63);
  add(62);
  message.push_back(0);  // 128 octets
  const size_t fits = message.size();
  add(63);
  add(62);
  message.insert(message.end(), {0xc0, 0});
  const size_t too_long = message.size();
  add(63);
  add(63);
  message.insert(message.end(), {0xc0, 0});
  EXPECT_EQ(from_message(message, fits).value().size(), 255u);
  EXPECT_EQ(from_message(message, too_long).error(), NameError::too_long);
}

TEST(NameFromMessage, RefusesTruncationAndBadLabelTypes) {
  EXPECT_EQ(from_message({}, 0).error(), NameError::truncated);
  EXPECT_EQ(from_message({3, 'a', 'b'}, 0).error(), NameError::truncated);
  EXPECT_EQ(from_message({1, 'a'}, 0).error(), NameError::truncated);
  EXPECT_EQ(from_message({0, 0xc0}, 1).error(), NameError::truncated);
  EXPECT_EQ(from_message({0x40, 0}, 0).error(), NameError::bad_label_type);
  EXPECT_EQ(from_message({0xbf, 0}, 0).error(), NameError::bad_label_type);
}

TEST(NameCompare, IgnoresTheCaseOfAsciiLettersOnly) {
  EXPECT_EQ(name("www.EXAMPLE.com."), name("WWW.example.COM."));
  EXPECT_NE(name("www.example.com."), name("www.example.con."));
  EXPECT_NE(name("a."), name("a.a."));
  // '@' 'Z' '[' and '`' 'z' '{' stand at the edges of the letters; 0xC4 is no letter here
  for (unsigned x = 0; x < 256; ++x) {
    for (unsigned y = 0; y < 256; ++y) {
      const auto lower = [](unsigned c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
      const Name a = from_wire({1, static_cast<u8>(x), 0}).value();
      const Name b = from_wire({1, static_cast<u8>(y), 0}).value();
      EXPECT_EQ(a == b, lower(x) == lower(y)) << x << " " << y;
      // the same within a word of eight octets
      const Name c = from_wire({11, '0', '1', '2', static_cast<u8>(x), '4', '5', '6', '7', '8', '9', 'a', 0}).value();
      const Name d = from_wire({11, '0', '1', '2', static_cast<u8>(y), '4', '5', '6', '7', '8', '9', 'A', 0}).value();
      EXPECT_EQ(c == d, lower(x) == lower(y)) << x << " " << y;
    }
  }
}

TEST(NameCompare, SeesADifferenceAtEveryPositionAndSize) {
  for (size_t size = 1; size <= 63; ++size) {
    const std::string text = repeat("q", size);
    EXPECT_EQ(name(text), name(repeat("Q", size)));
    for (size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = 'r';
      EXPECT_NE(name(text), name(other));
      EXPECT_EQ(canonical_compare(name(text), name(other)), std::strong_ordering::less);
      EXPECT_EQ(canonical_compare(name(other), name(text)), std::strong_ordering::greater);
    }
  }
}

TEST(NameCompare, TellsLabelBoundariesApart) {
  EXPECT_NE(name("ab.c."), name("a.bc."));
  EXPECT_NE(name("a\\.b."), name("a.b."));
}

TEST(NameCanonicalOrder, IsThatOfRfc4034Section6_1) {
  const std::vector<std::string> sorted = {"example.",         "a.example.",      "yljkjljk.a.example.",
                                           "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                                           "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
  for (size_t i = 0; i < sorted.size(); ++i) {
    for (size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(canonical_compare(name(sorted[i]), name(sorted[j])), i <=> j) << sorted[i] << " and " << sorted[j];
    }
  }
}

TEST(NameCanonicalOrder, PutsTheShorterLabelFirst) {
  EXPECT_EQ(canonical_compare(name("a."), name("aa.")), std::strong_ordering::less);
  EXPECT_EQ(canonical_compare(name("a."), name("a\\000.")), std::strong_ordering::less);
  EXPECT_EQ(canonical_compare(name("abcdefgh."), name("abcdefghi.")), std::strong_ordering::less);
  EXPECT_EQ(canonical_compare(Name(), name("\\000.")), std::strong_ordering::less);
  EXPECT_EQ(canonical_compare(name("A.B."), name("a.b.")), std::strong_ordering::equal);
}

TEST(NameCanonicalOrder, ComparesOctetsUnsignedAfterLowering) {
  EXPECT_EQ(canonical_compare(name("\\200."), name("z.")), std::strong_ordering::greater);
  EXPECT_EQ(canonical_compare(name("_."), name("A.")), std::strong_ordering::less) << "'_' lies between 'Z' and 'a'";
}

TEST(NameTree, KnowsAncestors) {
  const Name www = name("www.Example.com.");
  EXPECT_TRUE(www.is_at_or_below(name("eXAMPLE.com.")));
  EXPECT_TRUE(www.is_at_or_below(www));
  EXPECT_TRUE(www.is_at_or_below(Name()));
  EXPECT_FALSE(www.is_below(www));
  EXPECT_TRUE(www.is_below(name("com.")));
  EXPECT_FALSE(name("com.").is_at_or_below(www));
  EXPECT_FALSE(name("wwwexample.com.").is_at_or_below(name("example.com."))) << "a label's tail is no label";
  // the octets of "\7example\3com\0" inside a label
  EXPECT_FALSE(name("x\\007example.com.").is_at_or_below(name("example.com.")));
}

TEST(NameTree, CountsCommonLabels) {
  const Name www = name("www.example.com.");
  EXPECT_EQ(www.common_labels(name("ftp.EXAMPLE.com.")), 2u);
  EXPECT_EQ(www.common_labels(www), 3u);
  EXPECT_EQ(www.common_labels(Name()), 0u);
  EXPECT_EQ(www.common_labels(name("www.example.net.")), 0u);
  EXPECT_EQ(www.common_labels(name("a.b.c.www.example.com.")), 3u);
  EXPECT_EQ(www.common_labels(name("www.other.com.")), 1u) << "an agreement to the left of a difference does not count";
}

TEST(NameTree, TakesLabelsOff) {
  const Name www = name("www.example.com.");
  EXPECT_EQ(www.label_count(), 3u);
  EXPECT_EQ(text_of(www.suffix(3)), "www.example.com.");
  EXPECT_EQ(text_of(www.suffix(1)), "com.");
  EXPECT_EQ(text_of(www.suffix(0)), ".");
  EXPECT_EQ(text_of(www.parent()), "example.com.");
  EXPECT_EQ(text_of(name("com.").parent()), ".");
}

TEST(NameTree, PutsALabelInFront) {
  const Name com = name("com.");
  EXPECT_EQ(text_of(com.child(octets("example")).value()), "example.com.");
  EXPECT_EQ(com.child({}).error(), NameError::empty_label);
  EXPECT_TRUE(com.child(std::vector<u8>(63, 'x')).ok());
  EXPECT_EQ(com.child(std::vector<u8>(64, 'x')).error(), NameError::label_too_long);
  const Name full = name(repeat("a.", 126));  // 253 octets
  EXPECT_EQ(full.child(octets("x")).value().size(), 255u);
  EXPECT_EQ(full.child(octets("xy")).error(), NameError::too_long);
  EXPECT_EQ(name(repeat("a.", 127)).child(octets("x")).error(), NameError::too_long);
}

TEST(NameTree, ReplacesASuffixAsDnameDoes) {
  const Name www = name("www.Example.com.");
  EXPECT_EQ(text_of(www.replace_suffix(name("example.com."), name("example.net.")).value()), "www.example.net.");
  EXPECT_EQ(text_of(www.replace_suffix(name("com."), Name()).value()), "www.Example.");
  EXPECT_EQ(text_of(www.replace_suffix(www, name("a.")).value()), "a.");
  EXPECT_EQ(text_of(www.replace_suffix(Name(), name("x.")).value()), "www.Example.com.x.");
  const std::string l63 = repeat("x", 63) + ".";
  const Name target = name(l63 + l63 + l63 + repeat("y", 57) + ".");  // 251 octets
  EXPECT_EQ(name("www.a.").replace_suffix(name("a."), target).value().size(), 255u);
  EXPECT_EQ(name("wwww.a.").replace_suffix(name("a."), target).error(), NameError::too_long);
}

TEST(NameTree, KnowsWildcards) {
  EXPECT_TRUE(name("*.example.").is_wildcard());
  EXPECT_TRUE(name("*.").is_wildcard());
  EXPECT_TRUE(name("\\042.example.").is_wildcard()) << "an escaped asterisk is the same octet";
  EXPECT_FALSE(name("*a.example.").is_wildcard());
  EXPECT_FALSE(name("a.*.example.").is_wildcard());
  EXPECT_FALSE(Name().is_wildcard());
}

TEST(Name, LowersCaseAndNothingElse) {
  std::vector<u8> wire = {63};
  for (unsigned c = 0x3f; c < 0x3f + 63; ++c) wire.push_back(static_cast<u8>(c));
  wire.push_back(63);
  for (unsigned c = 0xc0; c < 0xc0 + 63; ++c) wire.push_back(static_cast<u8>(c));
  wire.push_back(0);
  std::vector<u8> lowered = wire;
  for (size_t i = 1; i < 64; ++i) lowered[i] = to_lower(lowered[i]);
  EXPECT_EQ(wire_of(from_wire(wire).value().lowercased()), lowered);
  EXPECT_EQ(text_of(name("WWW.eXample.").lowercased()), "www.example.");
  EXPECT_TRUE(Name().lowercased().is_root());
}

// copy_lowered() takes 16, 8 or single octets at a time: each octet in each place must come out as to_lower() says.
TEST(Name, LoweringACopyChangesUpperCaseLettersAlone) {
  for (size_t size = 0; size <= 70; ++size) {
    for (unsigned first = 0; first < 256; ++first) {
      std::vector<u8> from(size);
      for (size_t i = 0; i < size; ++i) from[i] = static_cast<u8>(first + i * 37);
      std::vector<u8> to(size + 1, 0xee);
      copy_lowered(from, to);
      for (size_t i = 0; i < size; ++i) ASSERT_EQ(to[i], to_lower(from[i])) << "octet " << i << " of " << size;
      ASSERT_EQ(to[size], 0xee) << "beyond " << size;
    }
  }
}

TEST(Name, MeasuresAWireName) {
  const std::vector<u8> wire = {1, 'a', 2, 'b', 'c', 0, 9, 9};
  EXPECT_EQ(wire_name_size(wire), 6u);
  EXPECT_EQ(wire_name_size(Bytes(wire).subspan(5)), 1u);
}

TEST(Name, DescribesItsErrors) {
  for (const NameError error : {NameError::truncated, NameError::too_long, NameError::label_too_long, NameError::empty_label,
                                NameError::bad_label_type, NameError::bad_pointer, NameError::bad_escape}) {
    EXPECT_FALSE(describe(error).empty());
  }
  EXPECT_EQ(describe(NameError::label_too_long), "label is longer than 63 octets");
}

}  // namespace
}  // namespace samara::dns
