#include "remote/retry.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

using std::chrono::seconds;

const Retry::Clock::time_point k_tomorrow = Retry::Clock::now() + std::chrono::hours(24);

Environment of(const std::map<std::string, std::string>& variables) {
  Environment environment;
  for (const auto& [name, value] : variables) environment.set(name, value);
  return environment;
}

// How often an attempt is made that transfers this much, and then fails.
int attempts(Retry retry, std::uint64_t bytes_of_each, int at_most = 1000) {
  int made = 0;
  const auto done = retry.run([&]() -> Attempt<void> {
    if (++made == at_most) return {Result<void>()};
    retry.add_progress(bytes_of_each);
    return {fail(Errc::unavailable, "down"), Setback{"down", std::nullopt}};
  });
  EXPECT_EQ(done.has_value(), made == at_most);
  return made;
}

TEST(Retry, RepeatsUntilTheOutcomeIsFinal) {
  Retry retry({}, k_tomorrow, nullptr);
  int made = 0;
  EXPECT_EQ(must(retry.run([&]() -> Attempt<int> {
              if (++made < 3) return {fail(Errc::unavailable, "down"), Setback{"down", {}}};
              return {made};
            })),
            3);
  made = 0;
  EXPECT_THAT(retry.run([&]() -> Attempt<int> {
    ++made;
    return {fail(Errc::not_found, "no such object")};
  }),
              IsError(Errc::not_found));
  EXPECT_EQ(made, 1);
}

TEST(Retry, EndsAfterATimeWithoutProgress) {
  const TransferLimits limits{.timeout = seconds(1), .min_bytes_per_second = 1000};
  const auto begin = Retry::Clock::now();
  const int made = attempts({limits, k_tomorrow, nullptr}, 0);
  EXPECT_GE(made, 2);
  EXPECT_LE(made, 10);
  EXPECT_GE(Retry::Clock::now() - begin, seconds(1));
}

TEST(Retry, MakesItsLastAttemptAtTheEndOfTheTime) {
  const TransferLimits limits{.timeout = seconds(1), .min_bytes_per_second = 1000};
  const auto begin = Retry::Clock::now();
  attempts({limits, begin + std::chrono::milliseconds(1200), nullptr}, 0);
  EXPECT_GE(Retry::Clock::now() - begin, seconds(1)) << "a pause ends with the time";
}

TEST(Retry, TakesNoByteNowAndThenForProgress) {
  const TransferLimits limits{.timeout = seconds(1), .min_bytes_per_second = 1000};
  EXPECT_LE(attempts({limits, k_tomorrow, nullptr}, 1), 10);
}

TEST(Retry, GoesOnForAsLongAsTheLeastRateIsKept) {
  const TransferLimits limits{.timeout = seconds(1), .min_bytes_per_second = 1000};
  EXPECT_EQ(attempts({limits, k_tomorrow, nullptr}, 1000, 20), 20) << "more than 1 s of pauses";
}

TEST(Retry, EndsAtTheDeadlineWhateverTheProgress) {
  const TransferLimits limits{.timeout = seconds(1), .min_bytes_per_second = 1};
  EXPECT_LE(attempts({limits, Retry::Clock::now() + seconds(1), nullptr}, 1000), 11);
}

TEST(Retry, MakesASecondAttemptHoweverLongTheFirstTook) {
  Retry retry({.timeout = seconds(1)}, k_tomorrow, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(must(retry.pause({"slow", std::nullopt})));
  EXPECT_FALSE(must(retry.pause({"slow", std::nullopt})));
}

TEST(Retry, WaitsAsLongAsTheServerAsksButNoLongerThanTheTimeout) {
  const auto begin = Retry::Clock::now();
  EXPECT_TRUE(must(Retry({}, k_tomorrow, nullptr).pause({"busy", seconds(1)})));
  EXPECT_GE(Retry::Clock::now() - begin, seconds(1));
  EXPECT_FALSE(must(Retry({}, k_tomorrow, nullptr).pause({"busy", seconds(31)})));
}

TEST(Retry, APauseEndsWithTheCancellation) {
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(Retry({}, k_tomorrow, &cancellation).pause({"the store is down", seconds(20)}),
              IsError(Errc::cancelled, "the store is down; interrupted"));
}

TEST(TransferLimits, AreReadFromTheEnvironment) {
  const auto limits = must(transfer_limits(of({{"RTENV_NETWORK_TIMEOUT", "5"},
                                               {"RTENV_NETWORK_MIN_RATE", "4096"},
                                               {"RTENV_NETWORK_DEADLINE", "60"}})));
  EXPECT_EQ(limits.timeout, seconds(5));
  EXPECT_EQ(limits.min_bytes_per_second, 4096U);
  EXPECT_EQ(limits.total, seconds(60));
  EXPECT_EQ(must(transfer_limits({})).timeout, seconds(30));
  for (const char* wrong : {"0", "-1", "5s", "99999999999"})
    EXPECT_THAT(transfer_limits(of({{"RTENV_NETWORK_TIMEOUT", wrong}})),
                IsError(Errc::invalid_argument, "RTENV_NETWORK_TIMEOUT"))
        << wrong;
}

}  // namespace
}  // namespace rtenv::remote
