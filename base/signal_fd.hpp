// Signals as data: blocked, and read from a descriptor (signalfd(2)) instead of handled.
#pragma once

#include <signal.h>

#include <initializer_list>

#include "base/fd.hpp"

namespace rtenv {

class SignalFd {
 public:
  /// Blocks the signals for the calling thread, and so for the threads that it starts later. They
  /// stay blocked when this is gone: whoever wants them back restores `previous_mask`. Fails:
  /// unavailable (no descriptor left).
  static Result<SignalFd> block(std::initializer_list<int> numbers);

  /// Readable while a signal waits.
  [[nodiscard]] int poll_fd() const noexcept { return fd_.get(); }
  /// The number of the next signal that waits; 0 where none does.
  [[nodiscard]] int next() const noexcept;
  [[nodiscard]] const sigset_t& previous_mask() const noexcept { return previous_mask_; }

 private:
  SignalFd(Fd fd, const sigset_t& previous_mask)
      : fd_(std::move(fd)), previous_mask_(previous_mask) {}
  Fd fd_;
  sigset_t previous_mask_;
};

}  // namespace rtenv
