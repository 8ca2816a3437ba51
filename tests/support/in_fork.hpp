// For tests of what a fork of the process may do.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rtenv {

/// Calls `act` in a fork, which it must end. Returns the status of waitpid(2); -1 if there is none.
template <class Act>
int status_of_fork(Act act) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    act();
    ::_exit(127);  // `act` has not ended it
  }
  int status = 0;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid ? status : -1;
}

/// Calls `act` in a fork, which then ends without the destructors of this process's objects. What
/// `act` expects in vain fails this test, too.
template <class Act>
void in_fork(Act act) {
  const int status = status_of_fork([&] {
    act();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  });
  EXPECT_EQ(status, 0) << "in the fork; the reason is above";
}

}  // namespace rtenv
