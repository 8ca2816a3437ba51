#include "base/parallel.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "base/ordered_pipeline.hpp"
#include "base/parallel_tree.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

struct NoState {};

TEST(ParallelFor, ProcessesEveryItemOnceWithAnyNumberOfThreads) {
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

TEST(ParallelFor, ReturnsTheErrorOfAnItem) {
  EXPECT_THAT(parallel_for(
                  100, 4, [] { return NoState(); },
                  [](NoState&, std::size_t i) -> Result<void> {
                    if (i == 50) return fail(Errc::corrupt, "item {}", i);
                    return {};
                  }),
              IsError(Errc::corrupt, "item 50"));
}

TEST(ParallelForEach, ThrowsTheExceptionOfAnItem) {
  for (const unsigned threads : {1U, 4U}) {
    std::vector<std::atomic<int>> done(100);
    parallel_for_each(done.size(), threads, [&](std::size_t i) { ++done[i]; });
    for (const auto& count : done) EXPECT_EQ(count, 1);
    EXPECT_THROW(parallel_for_each(done.size(), threads,
                                   [](std::size_t i) {
                                     if (i == 50) throw std::bad_alloc();
                                   }),
                 std::bad_alloc);
  }
}

TEST(ParallelTree, ProcessesEveryTaskOnceWithAnyNumberOfThreads) {
  // Task n finds 2n and 2n+1: the numbers below the limit, each once.
  constexpr std::size_t k_limit = 5000;
  for (const unsigned threads : {1U, 2U, 7U}) {
    std::vector<std::atomic<int>> done(k_limit);
    EXPECT_THAT(
        parallel_tree(
            std::size_t{1}, threads, [] { return NoState(); },
            [&](NoState&, std::size_t task, std::vector<std::size_t>& found) -> Result<void> {
              ++done[task];
              for (const std::size_t next : {2 * task, 2 * task + 1})
                if (next < k_limit) found.push_back(next);
              return {};
            }),
        IsOk());
    for (std::size_t i = 1; i < k_limit; ++i) ASSERT_EQ(done[i], 1) << i;
  }
}

TEST(ParallelTree, AnErrorStopsAllThreads) {
  for (const unsigned threads : {1U, 4U})
    EXPECT_THAT(parallel_tree(
                    0, threads, [] { return NoState(); },
                    [](NoState&, int depth, std::vector<int>& found) -> Result<void> {
                      if (depth == 12) return fail(Errc::corrupt, "at depth {}", depth);
                      found.assign(2, depth + 1);
                      return {};
                    }),
                IsError(Errc::corrupt, "at depth 12"));
}

TEST(OrderedPipeline, ConsumesInOrderWithAtMostAWindowOfItemsInFlight) {
  constexpr std::size_t k_window = 3;
  std::atomic<std::size_t> in_flight{0};
  std::size_t expected = 0;
  const auto done = ordered_pipeline<std::size_t>(
      500, 4, k_window, [] { return NoState(); },
      [&](NoState&, std::size_t i) -> Result<std::size_t> {
        EXPECT_LE(++in_flight, k_window);
        if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
        return i;
      },
      [&](std::size_t i) -> Result<void> {
        EXPECT_EQ(i, expected++);
        --in_flight;
        return {};
      });
  EXPECT_THAT(done, IsOk());
  EXPECT_EQ(expected, 500U);
}

TEST(OrderedPipeline, StopsAtTheFirstErrorInTheOrderOfItems) {
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

TEST(OrderedPipeline, StopsWhenTheConsumerFails) {
  const auto done = ordered_pipeline<int>(
      1000, 3, 4, [] { return NoState(); }, [](NoState&, std::size_t) -> Result<int> { return 0; },
      [&](int) -> Result<void> { return fail(Errc::out_of_space, "full"); });
  EXPECT_THAT(done, IsError(Errc::out_of_space, "full"));
}

// A step of the work throws, as the standard library does without memory.
enum class Throwing { state, item, consumer };

Result<void> run_with_exception(Throwing step, unsigned threads, int way) {
  const auto make_state = [step] {
    if (step == Throwing::state) throw std::bad_alloc();
    return NoState();
  };
  const auto work = [step](std::size_t i) {
    if (step == Throwing::item && i == 30) throw std::bad_alloc();
  };
  if (way == 0)
    return parallel_for(100, threads, make_state, [&](NoState&, std::size_t i) -> Result<void> {
      work(i);
      return {};
    });
  if (way == 1)
    return parallel_tree(
        std::size_t{1}, threads, make_state,
        [&](NoState&, std::size_t task, std::vector<std::size_t>& found) -> Result<void> {
          work(task);
          if (task < 100) found.assign({2 * task, 2 * task + 1});
          return {};
        });
  return ordered_pipeline<int>(
      100, threads, 4, make_state,
      [&](NoState&, std::size_t i) -> Result<int> {
        work(i);
        return 0;
      },
      [&](int) -> Result<void> {
        if (step == Throwing::consumer) throw std::bad_alloc();
        return {};
      });
}

TEST(Parallel, AnExceptionInAnyThreadEndsTheWorkAsAnError) {
  for (const unsigned threads : {0U, 1U, 4U})
    for (const int way : {0, 1, 2})
      for (const Throwing step : {Throwing::state, Throwing::item, Throwing::consumer}) {
        if (way != 2 && step == Throwing::consumer) continue;
        EXPECT_THAT(run_with_exception(step, threads, way),
                    IsError(Errc::unavailable, "out of memory"));
      }
}

}  // namespace
}  // namespace rtenv
