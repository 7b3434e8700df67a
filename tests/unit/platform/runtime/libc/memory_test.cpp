// The memory functions of the bare machine, compiled under other names (tests/CMakeLists.txt), beside the host's.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

extern "C" {
void* tested_memmove(void*, const void*, std::size_t);
void* tested_memcpy(void*, const void*, std::size_t);
void* tested_memset(void*, int, std::size_t);
int tested_memcmp(const void*, const void*, std::size_t);
int tested_bcmp(const void*, const void*, std::size_t);
void* tested_memchr(const void*, int, std::size_t);
std::size_t tested_strlen(const char*);
std::size_t tested_strnlen(const char*, std::size_t);
char* tested_strchr(const char*, int);
char* tested_strrchr(const char*, int);
}

namespace {

constexpr std::size_t longest = 100;
constexpr std::size_t longest_fill = 600;  // from 256 on another loop is at work
using Octets = std::vector<unsigned char>;

Octets counting(std::size_t size) {
  Octets octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<unsigned char>(i * 7 + 1);
  return octets;
}

TEST(LibcMemory, MoveIsRightForEveryLengthAndOverlap) {
  for (std::size_t size = 0; size <= longest; ++size) {
    for (std::size_t from = 0; from < 40; from += 3) {
      for (std::size_t to = 0; to < 40; ++to) {
        Octets ours = counting(longest + 40);
        Octets expected = ours;
        std::vector<unsigned char> source(ours.begin() + static_cast<std::ptrdiff_t>(from),
                                          ours.begin() + static_cast<std::ptrdiff_t>(from + size));
        std::copy(source.begin(), source.end(), expected.begin() + static_cast<std::ptrdiff_t>(to));
        ASSERT_EQ(tested_memmove(ours.data() + to, ours.data() + from, size), ours.data() + to);
        ASSERT_EQ(ours, expected) << size << " octets from " << from << " to " << to;
      }
    }
  }
}

TEST(LibcMemory, CopyTouchesNothingAroundIt) {
  const Octets from = counting(longest);
  for (std::size_t size = 0; size <= longest; ++size) {
    Octets to(longest + 2, 0xee);
    tested_memcpy(to.data() + 1, from.data(), size);
    ASSERT_EQ(to[0], 0xee);
    ASSERT_EQ(to[size + 1], 0xee);
    ASSERT_TRUE(std::equal(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size), to.begin() + 1));
  }
}

TEST(LibcMemory, SetFillsExactlyWhatItIsTold) {
  for (std::size_t size = 0; size <= longest_fill; ++size) {
    Octets octets(longest_fill + 2, 0xee);
    tested_memset(octets.data() + 1, 0x1a5, size);  // only the lowest octet counts
    ASSERT_EQ(octets[0], 0xee);
    ASSERT_EQ(octets[size + 1], 0xee);
    ASSERT_EQ(std::count(octets.begin(), octets.end(), 0xa5), static_cast<std::ptrdiff_t>(size));
  }
}

TEST(LibcMemory, CompareFindsTheFirstDifferenceAsUnsigned) {
  for (std::size_t size = 0; size <= longest; ++size) {
    Octets a = counting(longest);
    Octets b = a;
    ASSERT_EQ(tested_memcmp(a.data(), b.data(), size), 0);
    ASSERT_EQ(tested_bcmp(a.data(), b.data(), size), 0);
    for (std::size_t at = 0; at < size; ++at) {
      a[at] = 0x7f;
      b[at] = 0x80;
      ASSERT_LT(tested_memcmp(a.data(), b.data(), size), 0);
      ASSERT_NE(tested_bcmp(a.data(), b.data(), size), 0);
      ASSERT_GT(tested_memcmp(b.data(), a.data(), size), 0);
      ASSERT_EQ(tested_memcmp(a.data(), b.data(), at), 0);
      a[at] = b[at];
    }
  }
}

TEST(LibcMemory, FindsTheFirstOfEqualOctetsAtAnyPlace) {
  for (const int wanted : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
    for (const int other : {wanted ^ 1, wanted ^ 0x80, wanted ^ 0xff}) {
      Octets octets(longest, static_cast<unsigned char>(other));
      for (std::size_t at = 0; at < longest; ++at) {
        octets[at] = static_cast<unsigned char>(wanted);
        ASSERT_EQ(tested_memchr(octets.data(), wanted | 0x100, longest), octets.data() + at);
        ASSERT_EQ(tested_memchr(octets.data(), wanted, at + 1), octets.data() + at);
        ASSERT_EQ(tested_memchr(octets.data(), wanted, at), nullptr);
        if (at + 1 < longest) octets[at + 1] = static_cast<unsigned char>(wanted);
        ASSERT_EQ(tested_memchr(octets.data(), wanted, longest), octets.data() + at);
        if (at + 1 < longest) octets[at + 1] = static_cast<unsigned char>(other);
        octets[at] = static_cast<unsigned char>(other);
      }
    }
  }
}

TEST(LibcMemory, SearchesStopWhereTheyShould) {
  const char text[] = "a.b.c";
  EXPECT_EQ(tested_memchr(text, '.', 5), text + 1);
  EXPECT_EQ(tested_memchr(text, '.', 1), nullptr);
  EXPECT_EQ(tested_memchr(text, 0, 6), text + 5);
  EXPECT_EQ(tested_strchr(text, '.'), text + 1);
  EXPECT_EQ(tested_strrchr(text, '.'), text + 3);
  EXPECT_EQ(tested_strchr(text, 'x'), nullptr);
  EXPECT_EQ(tested_strrchr(text, 'x'), nullptr);
  EXPECT_EQ(tested_strchr(text, 0), text + 5);
  EXPECT_EQ(tested_strrchr(text, 0), text + 5);
  EXPECT_EQ(tested_strlen(text), 5U);
  EXPECT_EQ(tested_strlen(""), 0U);
  EXPECT_EQ(tested_strnlen(text, 3), 3U);
  EXPECT_EQ(tested_strnlen(text, 9), 5U);
}

}  // namespace
