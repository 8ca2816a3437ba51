#include "remote/backoff.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

TEST(Backoff, ResetAllowsAllAttemptsAgain) {
  Backoff backoff(nullptr);
  backoff.reset();
  EXPECT_TRUE(must(backoff.pause()));
  EXPECT_TRUE(must(backoff.pause()));
  backoff.reset();
  int pauses = 0;
  while (must(backoff.pause())) ++pauses;
  EXPECT_EQ(pauses, Backoff::k_max_attempts - 1);
}

}  // namespace
}  // namespace rtenv::remote
