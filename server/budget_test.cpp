#include "server/budget.hpp"

#include <gtest/gtest.h>

namespace rtenv::server {
namespace {

TEST(Budget, LimitsTheSumOfAllShares) {
  Budget budget(10);
  Budget::Share first(budget);
  Budget::Share second(budget);
  EXPECT_TRUE(first.grow(6));
  EXPECT_FALSE(second.grow(5));
  EXPECT_TRUE(second.grow(4));
  EXPECT_FALSE(first.grow(1));
  EXPECT_FALSE(first.grow(UINT64_MAX));
}

TEST(Budget, AShareIsGivenBackWhenItEnds) {
  Budget budget(10);
  {
    Budget::Share share(budget);
    ASSERT_TRUE(share.grow(10));
    const Budget::Share moved = std::move(share);
    EXPECT_FALSE(Budget::Share(budget).grow(1));
  }
  EXPECT_TRUE(Budget::Share(budget).grow(10));
}

TEST(Budget, AShareThatIsReplacedIsGivenBack) {
  Budget budget(10);
  Budget::Share share(budget);
  ASSERT_TRUE(share.grow(10));
  share = Budget::Share(budget);
  EXPECT_TRUE(share.grow(10));
}

}  // namespace
}  // namespace rtenv::server
