#include "job/setup_thread.hpp"

#include <poll.h>

#include <atomic>

#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

using namespace std::chrono_literals;

bool is_readable(int fd, std::chrono::milliseconds wait) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(wait.count())) == 1;
}

Result<PreparedJob> wait_for_cancellation(const Cancellation& cancellation) {
  is_readable(cancellation.poll_fd(), 10s);
  return fail(Errc::cancelled, "cancelled");
}

TEST(SetupThread, ReturnsTheResult) {
  auto setup =
      must(SetupThread::start([](const Cancellation&) { return PreparedJob(); }, std::nullopt));
  EXPECT_FALSE(setup.deadline().has_value());
  ASSERT_TRUE(is_readable(setup.done_fd(), 10s));
  EXPECT_THAT(setup.take(), IsOk());
}

TEST(SetupThread, ReturnsTheError) {
  auto setup = must(SetupThread::start(
      [](const Cancellation&) -> Result<PreparedJob> {
        return fail(Errc::installer_failed, "no such package");
      },
      60s));
  ASSERT_TRUE(is_readable(setup.done_fd(), 10s));
  EXPECT_THAT(setup.take(), IsError(Errc::installer_failed, "no such package"));
}

TEST(SetupThread, CanBeCancelled) {
  auto setup = must(SetupThread::start(wait_for_cancellation, 60s));
  EXPECT_FALSE(is_readable(setup.done_fd(), 10ms));
  setup.cancel();
  ASSERT_TRUE(is_readable(setup.done_fd(), 10s));
  EXPECT_THAT(setup.take(), IsError(Errc::cancelled));
}

TEST(SetupThread, ReportsATimeoutIfItIsCancelledAfterTheDeadline) {
  auto setup = must(SetupThread::start(wait_for_cancellation, 0s));
  ASSERT_TRUE(setup.deadline().has_value());
  std::this_thread::sleep_until(*setup.deadline());
  setup.cancel();
  ASSERT_TRUE(is_readable(setup.done_fd(), 10s));
  EXPECT_THAT(setup.take(), IsError(Errc::unavailable, "Timeout"));
}

TEST(SetupThread, DestructionCancelsWithoutWaiting) {
  const auto released = std::make_shared<std::atomic<bool>>(false);
  const auto finished = std::make_shared<std::atomic<bool>>(false);
  {
    const auto setup = must(SetupThread::start(
        [released, finished](const Cancellation& cancellation) {
          while (!released->load()) std::this_thread::sleep_for(1ms);
          auto result = wait_for_cancellation(cancellation);
          finished->store(cancellation.requested());
          return result;
        },
        std::nullopt));
  }
  EXPECT_FALSE(finished->load());
  released->store(true);
  for (int i = 0; i < 10'000 && !finished->load(); ++i) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(finished->load());
}

}  // namespace
}  // namespace rtenv::job
