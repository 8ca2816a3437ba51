#include "server/start_queue.hpp"

#include <gtest/gtest.h>

namespace rtenv::server {
namespace {

using enum StartQueue::Kind;

TEST(StartQueue, StartsInTheOrderOfSubmission) {
  StartQueue queue({.starts = 2, .setups = 2});
  queue.add(3, start, "a");
  queue.add(1, start, "a");
  queue.add(2, setup, "a");
  EXPECT_EQ(queue.take(), 1);
  EXPECT_EQ(queue.take(), 2);
  EXPECT_EQ(queue.take(), 3);
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(StartQueue, AJobWithoutASetUpDoesNotWaitForSetUps) {
  StartQueue queue({.starts = 1, .setups = 1});
  for (const int number : {1, 2, 3}) queue.add(number, setup, "a");
  queue.add(4, start, "a");
  EXPECT_EQ(queue.take(), 1);
  EXPECT_EQ(queue.take(), 4);
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(StartQueue, TheSetUpsOfOneSubmitterDoNotHoldUpAnothers) {
  StartQueue queue({.starts = 1, .setups = 1});
  queue.add(1, setup, "a");
  queue.add(2, setup, "a");
  queue.add(3, setup, "b");
  EXPECT_EQ(queue.take(), 1);
  EXPECT_EQ(queue.take(), 3);
}

TEST(StartQueue, APlaceIsFreeAgainAfterLeaving) {
  StartQueue queue({.starts = 1, .setups = 1});
  queue.add(1, start, "a");
  queue.add(2, start, "a");
  EXPECT_EQ(queue.take(), 1);
  EXPECT_EQ(queue.take(), std::nullopt);
  EXPECT_FALSE(queue.leave(1)) << "it had been taken";
  EXPECT_EQ(queue.take(), 2);
}

TEST(StartQueue, AJobThatLeavesWhileItWaitsIsNeverTaken) {
  StartQueue queue({.starts = 1, .setups = 1});
  queue.add(1, start, "a");
  queue.add(2, start, "a");
  EXPECT_EQ(queue.waiting(), 2U);
  EXPECT_EQ(queue.place_of(2), 1U);
  EXPECT_TRUE(queue.leave(1));
  EXPECT_EQ(queue.place_of(2), 0U);
  EXPECT_EQ(queue.place_of(1), std::nullopt);
  EXPECT_TRUE(queue.leave(2));
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(queue.take(), std::nullopt);
  EXPECT_FALSE(queue.leave(1)) << "it isn't known any more";
}

}  // namespace
}  // namespace rtenv::server
