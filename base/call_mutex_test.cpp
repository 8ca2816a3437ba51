#include "base/call_mutex.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "support/in_fork.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(CallMutex, IsHeldByOneThreadAtATime) {
  CallMutex mutex;
  int count = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 1000; ++j) {
          const auto lock = must(mutex.lock("it"));
          ++count;
        }
      });
  }
  EXPECT_EQ(count, 4000);
}

TEST(CallMutex, WaitingForItEndsWithTheCall) {
  CallMutex mutex;
  std::optional lock = must(mutex.lock("it"));
  const auto cancellation = must(Cancellation::create());
  std::jthread stop([&] { cancellation.request(); });
  {
    const WaitScope scope(&cancellation);
    EXPECT_THAT(mutex.lock("it"), IsError(Errc::cancelled, "waiting for it"));
    const WaitScope clean_up(std::chrono::milliseconds(1));
    EXPECT_THAT(mutex.lock("it"), IsError(Errc::unavailable, "locked for too long"));
  }
  lock.reset();
  EXPECT_THAT(mutex.lock("it"), IsOk());
}

TEST(CallMutex, IsRefusedInAForkAlsoIfAThreadHasItLockedThatIsNotThere) {
  CallMutex mutex;
  const auto lock = must(mutex.lock("it"));
  in_fork([&] { EXPECT_THAT(mutex.lock("it"), IsError(Errc::invalid_argument, "forked")); });
}

}  // namespace
}  // namespace rtenv
