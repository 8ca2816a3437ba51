// While it lives, writing to a pipe or socket that nobody reads, or more than a file may hold, is
// an error of write(2) on this thread, and on threads that it starts meanwhile, not a signal that
// ends the program.
#pragma once

#include <signal.h>
#include <time.h>

#include <initializer_list>

namespace rtenv {

class BrokenPipesAreErrors {
 public:
  BrokenPipesAreErrors() noexcept {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGPIPE);
    ::sigaddset(&signals_, SIGXFSZ);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  /// Takes the signals that came meanwhile, unless they were blocked before.
  ~BrokenPipesAreErrors() {
    for (const int number : {SIGPIPE, SIGXFSZ})
      if (::sigismember(&before_, number) == 1) ::sigdelset(&signals_, number);
    const timespec at_once{};
    while (::sigtimedwait(&signals_, nullptr, &at_once) > 0) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  BrokenPipesAreErrors(const BrokenPipesAreErrors&) = delete;
  BrokenPipesAreErrors& operator=(const BrokenPipesAreErrors&) = delete;

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace rtenv
