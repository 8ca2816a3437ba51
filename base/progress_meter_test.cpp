#include "base/progress_meter.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

namespace rtenv {
namespace {

TEST(ProgressMeter, ReportsTheEndOfWhatManyThreadsDo) {
  std::uint64_t last = 0;
  bool goes_back = false;
  ProgressMeter meter([&](std::uint64_t done, std::optional<std::uint64_t> total) {
    EXPECT_EQ(total, 40'000U);
    goes_back |= done < last;
    last = done;
  });
  meter.expect(40'000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) meter.add(1);
    });
  for (std::thread& thread : threads) thread.join();
  meter.finish();
  EXPECT_EQ(last, 40'000U);
  EXPECT_FALSE(goes_back);
}

TEST(ProgressMeter, IsNeverBeyondTheTotal) {
  std::vector<std::uint64_t> reports;
  ProgressMeter meter(
      [&](std::uint64_t done, std::optional<std::uint64_t>) { reports.push_back(done); });
  meter.expect(5);
  meter.add(7);
  meter.finish();
  EXPECT_THAT(reports, testing::Each(5U));
}

TEST(ProgressMeter, NeedsNobodyWhoListens) {
  ProgressMeter meter({});
  meter.add(7);
  meter.finish();
}

}  // namespace
}  // namespace rtenv
