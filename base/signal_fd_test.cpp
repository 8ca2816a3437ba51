#include "base/signal_fd.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(SignalFd, ReturnsPendingSignalsOnce) {
  const auto signals = must(SignalFd::block({SIGUSR1, SIGUSR2}));
  EXPECT_EQ(signals.next(), 0);
  ::pthread_kill(::pthread_self(), SIGUSR1);
  EXPECT_EQ(signals.next(), SIGUSR1);
  EXPECT_EQ(signals.next(), 0);
  ::pthread_sigmask(SIG_SETMASK, &signals.previous_mask(), nullptr);
}

TEST(SignalFd, KeepsThePreviousMask) {
  const auto signals = must(SignalFd::block({SIGUSR1}));
  EXPECT_EQ(::sigismember(&signals.previous_mask(), SIGUSR1), 0);
  sigset_t current;
  ::pthread_sigmask(SIG_SETMASK, &signals.previous_mask(), &current);
  EXPECT_EQ(::sigismember(&current, SIGUSR1), 1);
}

}  // namespace
}  // namespace rtenv
