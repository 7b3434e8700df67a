#include "zone/key.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "master_file_zone.h"
#include "random_names.h"

namespace samara::zone {
namespace {

std::strong_ordering compare_keys(const LookupKey& a, const LookupKey& b) {
  return std::lexicographical_compare_three_way(a.symbols().begin(), a.symbols().end(), b.symbols().begin(), b.symbols().end());
}

dns::Name name_of_key(const LookupKey& key) {
  std::array<u8, dns::max_name_size> wire{};
  const size_t labels = key_to_wire(key.symbols(), wire);
  wire[labels] = 0;
  ByteReader reader(Bytes(wire).first(labels + 1));
  const auto name = dns::Name::from_wire(reader);
  EXPECT_TRUE(name.ok());
  return name.value_or(dns::Name());
}

void expect_sound(const dns::Name& name) {
  const LookupKey key(name);
  ASSERT_LE(key.size(), max_key_size);
  ASSERT_EQ(key.label_count(), name.label_count());
  EXPECT_EQ(key.prefix_size(key.label_count()), key.size());
  const dns::Name back = name_of_key(key);
  EXPECT_TRUE(std::ranges::equal(back.wire(), name.lowercased().wire()));
  for (const u8 symbol : key.symbols()) ASSERT_LT(symbol, symbol_count);
  for (size_t labels = 0; labels <= key.label_count(); ++labels) {
    const LookupKey of_suffix(name.suffix(labels));
    ASSERT_TRUE(std::ranges::equal(of_suffix.symbols(), key.symbols().first(key.prefix_size(labels))));
    ASSERT_EQ(key.labels_within(key.prefix_size(labels)), labels);
    if (labels > 0) {
      ASSERT_EQ(key.labels_within(key.prefix_size(labels) - 1), labels - 1);
    }
  }
}

std::vector<u8> repeated(u8 octet, size_t count) {
  return std::vector<u8>(count, octet);
}

TEST(LookupKey, sorts_the_example_of_rfc4034_section_6_1) {
  std::vector<dns::Name> names;
  for (const char* text : {"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.",
                           "\\001.z.example.", "*.z.example.", "\\200.z.example."}) {
    names.push_back(name_of(text));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = 0; j < names.size(); ++j)
      EXPECT_EQ(compare_keys(LookupKey(names[i]), LookupKey(names[j])), i <=> j) << i << ' ' << j;
  }
}

TEST(LookupKey, of_the_root_is_empty) {
  const LookupKey key{dns::Name()};
  EXPECT_EQ(key.size(), 0U);
  EXPECT_EQ(key.label_count(), 0U);
  EXPECT_EQ(key.prefix_size(0), 0U);
  EXPECT_EQ(LookupKey().size(), 0U);
  expect_sound(dns::Name());
}

TEST(LookupKey, keeps_the_order_of_every_two_octets) {
  std::vector<LookupKey> keys;
  std::vector<dns::Name> names;
  for (unsigned octet = 0; octet < 256; ++octet) {
    names.push_back(dns::Name().child(repeated(static_cast<u8>(octet), 1)).value());
    expect_sound(names.back());
    keys.emplace_back(names.back());
  }
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b)
      ASSERT_EQ(compare_keys(keys[a], keys[b]), dns::canonical_compare(names[a], names[b])) << a << ' ' << b;
  }
}

TEST(LookupKey, keeps_canonical_order_of_random_names) {
  RandomNames random(1);
  for (int i = 0; i < 30'000; ++i) {
    const dns::Name a = random.name(dns::Name(), 4, 4);
    const dns::Name b = random.below(2) == 0 ? random.name(dns::Name(), 4, 4) : random.name(a.parent(), 2, 4);
    ASSERT_EQ(compare_keys(LookupKey(a), LookupKey(b)), dns::canonical_compare(a, b));
  }
}

TEST(LookupKey, round_trips_random_names_of_all_octets) {
  RandomNames random(2);
  for (int i = 0; i < 2'000; ++i) expect_sound(random.name(dns::Name(), 8, 63));
}

TEST(LookupKey, translates_labels_of_all_lengths_with_an_escape_anywhere) {
  // Sixteen octets are translated at once; an escape may stand at any place of any of them.
  for (size_t length = 1; length <= dns::max_label_size; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (const u8 octet : {u8{0}, u8{'.'}, u8{'@'}, u8{'['}, u8{'`'}, u8{'{'}, u8{0xff}, u8{'Q'}}) {
        std::vector<u8> label = repeated('x', length);
        label[at] = octet;
        const dns::Name name = name_of("example.").child(label).value();
        ASSERT_TRUE(std::ranges::equal(name_of_key(LookupKey(name)).wire(), name.lowercased().wire()))
            << length << ' ' << at << ' ' << int{octet};
      }
    }
  }
}

TEST(LookupKey, holds_the_longest_name_of_escapes_only) {
  dns::Name name;
  for (const size_t length : {63U, 63U, 63U, 61U}) name = name.child(repeated(0xff, length)).value();
  ASSERT_EQ(name.size(), dns::max_name_size);
  expect_sound(name);
  EXPECT_EQ(LookupKey(name).size(), 2U * 250 + 4);
}

TEST(LookupKey, holds_127_labels) {
  dns::Name name;
  for (size_t i = 0; i < dns::max_labels; ++i) name = name.child(repeated(i % 2 == 0 ? 0xff : 'a', 1)).value();
  ASSERT_EQ(name.size(), dns::max_name_size);
  expect_sound(name);
  LookupKey key(name);
  const size_t size = key.size();
  EXPECT_FALSE(key.append_label(repeated('a', 1)));
  EXPECT_EQ(key.size(), size);
  EXPECT_EQ(key.label_count(), dns::max_labels);
}

TEST(LookupKey, takes_a_further_label) {
  RandomNames random(3);
  for (int i = 0; i < 2'000; ++i) {
    const dns::Name parent = random.name(dns::Name(), 5, 20);
    const std::vector<u8> label = random.label(63);
    const auto child = parent.child(label);
    if (!child.ok()) continue;
    LookupKey key(parent);
    ASSERT_TRUE(key.append_label(label));
    ASSERT_TRUE(std::ranges::equal(key.symbols(), LookupKey(child.value()).symbols()));
    ASSERT_EQ(key.label_count(), child.value().label_count());
    ASSERT_EQ(key.prefix_size(parent.label_count()), LookupKey(parent).size());
  }
}

TEST(LookupKey, takes_over_the_first_labels_of_another) {
  RandomNames random(4);
  for (int i = 0; i < 500; ++i) {
    const dns::Name name = random.name(dns::Name(), 6, 30);
    const LookupKey key(name);
    for (size_t labels = 0; labels <= key.label_count(); ++labels) {
      LookupKey prefix(name_of("something.else."));
      prefix.assign_prefix(key, labels);
      ASSERT_TRUE(std::ranges::equal(prefix.symbols(), LookupKey(name.suffix(labels)).symbols()));
      ASSERT_EQ(prefix.label_count(), labels);
    }
  }
}

TEST(LookupKey, is_the_same_for_upper_and_lower_case) {
  EXPECT_TRUE(std::ranges::equal(LookupKey(name_of("WWW.ExAmPlE.")).symbols(), LookupKey(name_of("www.example.")).symbols()));
}

TEST(LookupKey, ends_in_the_wildcard_symbol_for_a_wildcard) {
  const LookupKey key(name_of("*.example."));
  EXPECT_EQ(key.symbols()[key.size() - 2], wildcard_symbol());
}

}  // namespace
}  // namespace samara::zone
