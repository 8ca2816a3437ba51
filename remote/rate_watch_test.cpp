#include "remote/rate_watch.hpp"

#include <gtest/gtest.h>

namespace rtenv::remote {
namespace {

using std::chrono::seconds;

class RateWatchTest : public testing::Test {
 protected:
  static constexpr TransferLimits k_limits{.timeout = seconds(10), .min_bytes_per_second = 100};
  [[nodiscard]] RateWatch::Clock::time_point at(int second) const {
    return begin_ + seconds(second);
  }
  RateWatch::Clock::time_point begin_ = RateWatch::Clock::now();
  RateWatch watch_{k_limits, begin_};
};

TEST_F(RateWatchTest, AByteNowAndThenIsTooSlow) {
  for (int second = 1; second < 10; ++second) {
    EXPECT_FALSE(watch_.is_too_slow(at(second)));
    watch_.add(1, at(second));
  }
  EXPECT_TRUE(watch_.is_too_slow(at(10)));
}

TEST_F(RateWatchTest, TheLeastRateIsFastEnough) {
  for (int second = 1; second < 100; ++second) {
    watch_.add(100, at(second));
    EXPECT_FALSE(watch_.is_too_slow(at(second))) << second;
  }
  EXPECT_TRUE(watch_.is_too_slow(at(110)));
}

TEST_F(RateWatchTest, TheFirstResponseAloneBeginsAWindow) {
  watch_.begin_response(at(9));
  EXPECT_FALSE(watch_.is_too_slow(at(18)));
  watch_.begin_response(at(18));
  EXPECT_TRUE(watch_.is_too_slow(at(19)));
}

TEST_F(RateWatchTest, TimeOfThisProgramDoesNotCount) {
  watch_.exclude(seconds(60));
  EXPECT_FALSE(watch_.is_too_slow(at(69)));
  EXPECT_TRUE(watch_.is_too_slow(at(70)));
}

}  // namespace
}  // namespace rtenv::remote
