#include "base/parallel.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "base/ordered_pipeline.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

struct NoState {};

TEST(ParallelFor, DoesEveryItemOnceWithAnyNumberOfThreads) {
  for (const unsigned threads : {1U, 2U, 7U}) {
    std::vector<std::atomic<int>> done(1000);
    EXPECT_THAT(parallel_for(
                    done.size(), threads, [] { return NoState(); },
                    [&](NoState&, std::size_t i) -> Result<void> {
                      ++done[i];
                      return {};
                    }),
                IsOk());
    for (const auto& count : done) EXPECT_EQ(count, 1);
  }
}

TEST(ParallelFor, ReturnsAnError) {
  EXPECT_THAT(parallel_for(
                  100, 4, [] { return NoState(); },
                  [](NoState&, std::size_t i) -> Result<void> {
                    if (i == 50) return fail(Errc::corrupt, "item {}", i);
                    return {};
                  }),
              IsError(Errc::corrupt, "item 50"));
}

TEST(OrderedPipeline, ConsumesInOrderAndNeverHasMoreThanTheWindowUnderWay) {
  constexpr std::size_t k_window = 3;
  std::atomic<std::size_t> under_way{0};
  std::size_t expected = 0;
  const auto done = ordered_pipeline<std::size_t>(
      500, 4, k_window, [] { return NoState(); },
      [&](NoState&, std::size_t i) -> Result<std::size_t> {
        EXPECT_LE(++under_way, k_window);
        if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
        return i;
      },
      [&](std::size_t i) -> Result<void> {
        EXPECT_EQ(i, expected++);
        --under_way;
        return {};
      });
  EXPECT_THAT(done, IsOk());
  EXPECT_EQ(expected, 500U);
}

TEST(OrderedPipeline, TheFirstErrorInTheOrderOfItemsEndsIt) {
  std::size_t consumed = 0;
  const auto done = ordered_pipeline<int>(
      100, 3, 8, [] { return NoState(); },
      [](NoState&, std::size_t i) -> Result<int> {
        if (i >= 20) return fail(Errc::not_found, "item {}", i);
        return 0;
      },
      [&](int) -> Result<void> {
        ++consumed;
        return {};
      });
  EXPECT_THAT(done, IsError(Errc::not_found, "item 20"));
  EXPECT_EQ(consumed, 20U);
}

TEST(OrderedPipeline, AConsumerThatFailsEndsIt) {
  const auto done = ordered_pipeline<int>(
      1000, 3, 4, [] { return NoState(); }, [](NoState&, std::size_t) -> Result<int> { return 0; },
      [&](int) -> Result<void> { return fail(Errc::out_of_space, "full"); });
  EXPECT_THAT(done, IsError(Errc::out_of_space, "full"));
}

}  // namespace
}  // namespace rtenv
