// Blocks signals in the calling thread for a while. A thread that is started meanwhile keeps them
// blocked: handlers of this program run in its other threads, and SIGPIPE, which is the writing
// thread's, is an error of write(2) only.
#pragma once

#include <signal.h>

#include <initializer_list>

namespace rtenv {

class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    // What the thread itself causes, and profilers.
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF})
      ::sigdelset(&blocked, number);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &previous_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t previous_;
};

}  // namespace rtenv
