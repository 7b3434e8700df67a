#include "platform/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "platform/base/panic.h"

namespace samara {
namespace {

enum class Fault { odd, negative };
enum class OuterFault { inner_failed };

Result<int, Fault> half(int value) {
  if (value < 0) return fail(Fault::negative);
  if (value % 2 != 0) return fail(Fault::odd);
  return value / 2;
}
Result<int, Fault> quarter(int value) {
  return TRY(half(TRY(half(value))));
}
Result<void, Fault> check(int value) {
  TRY(half(value));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_TRUE(half(4).ok());
  EXPECT_EQ(half(4).value(), 2);
  EXPECT_FALSE(half(3).ok());
  EXPECT_EQ(half(3).error(), Fault::odd);
  EXPECT_TRUE(static_cast<bool>(half(2)));
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error(), Fault::odd);
  EXPECT_EQ(quarter(-8).error(), Fault::negative);
}

TEST(Result, OfVoidCarriesOnlyTheError) {
  EXPECT_TRUE(check(2).ok());
  check(2).value();
  EXPECT_EQ(check(1).error(), Fault::odd);
}

TEST(Result, MapsValuesAndErrors) {
  EXPECT_EQ(half(8).map([](int v) { return std::to_string(v); }).value(), "4");
  EXPECT_EQ(half(7).map([](int v) { return std::to_string(v); }).error(), Fault::odd);
  EXPECT_EQ(half(7).map_error([](Fault) { return OuterFault::inner_failed; }).error(), OuterFault::inner_failed);
  EXPECT_EQ(half(8).map_error([](Fault) { return OuterFault::inner_failed; }).value(), 4);
  EXPECT_EQ(check(7).map_error([](Fault) { return OuterFault::inner_failed; }).error(), OuterFault::inner_failed);
  EXPECT_TRUE(check(8).map_error([](Fault) { return OuterFault::inner_failed; }).ok());
}

TEST(Result, FallsBackToAnotherValue) {
  EXPECT_EQ(half(8).value_or(9), 4);
  EXPECT_EQ(half(7).value_or(9), 9);
}

TEST(Result, MovesWhatCannotBeCopied) {
  const auto make = [](bool good) -> Result<std::unique_ptr<int>, Fault> {
    if (!good) return fail(Fault::odd);
    return std::make_unique<int>(5);
  };
  const auto use = [&make](bool good) -> Result<int, Fault> {
    const std::unique_ptr<int> held = TRY(make(good));
    return *held;
  };
  EXPECT_EQ(use(true).value(), 5);
  EXPECT_EQ(use(false).error(), Fault::odd);
}

TEST(ResultDeathTest, StopsWhenAskedForWhatItDoesNotHold) {
  EXPECT_DEATH((void)half(3).value(), "");
  EXPECT_DEATH((void)half(2).error(), "");
  EXPECT_DEATH(check(3).value(), "");
  EXPECT_DEATH((void)check(2).error(), "");
  EXPECT_DEATH(MUST(half(3)), "");
}

TEST(PanicDeathTest, TellsTheHandlerOnce) {
  EXPECT_DEATH(
      {
        set_panic_handler([](std::string_view message) {
          fprintf(stderr, "last words: %.*s\n", static_cast<int>(message.size()), message.data());
          panic("inside the handler");
        });
        panic("broken");
      },
      "last words: broken");
}

}  // namespace
}  // namespace samara
