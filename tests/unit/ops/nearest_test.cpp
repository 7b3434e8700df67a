#include "ops/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace samara::ops {
namespace {

const std::vector<std::string> words{"workers", "listen", "zones", "rate-limit", "acl"};

TEST(NearestWord, FindsOneMistake) {
  EXPECT_EQ(nearest_word("worker", words), "workers");
  EXPECT_EQ(nearest_word("wrokers", words), "workers");
  EXPECT_EQ(nearest_word("ratelimit", words), "rate-limit");
  EXPECT_EQ(nearest_word("Zones", words), "zones");
  EXPECT_EQ(nearest_word("acls", words), "acl");
}

TEST(NearestWord, FarWordsAreNotSuggested) {
  EXPECT_EQ(nearest_word("colour", words), "");
  EXPECT_EQ(nearest_word("x", words), "");
  EXPECT_EQ(nearest_word("", words), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 'w'), words), "");
  EXPECT_EQ(nearest_word("listen", {}), "");
}

}  // namespace
}  // namespace samara::ops
