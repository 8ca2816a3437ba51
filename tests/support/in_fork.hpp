// For tests of what a fork of the process may do.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rtenv {

/// Calls `act` in a fork, which then ends without the destructors of this process's objects. What
/// `act` expects in vain fails this test, too.
template <class Act>
void in_fork(Act act) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    act();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << "in the fork; the reason is above";
}

}  // namespace rtenv
