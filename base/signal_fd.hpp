// Receives signals through a descriptor (signalfd(2)) instead of a handler.
#pragma once

#include <signal.h>

#include <initializer_list>

#include "base/fd.hpp"

namespace rtenv {

class SignalFd {
 public:
  /// Blocks the signals in the calling thread and the threads that it starts later. They stay
  /// blocked after this object is destroyed; restore `previous_mask` to unblock them. Fails:
  /// unavailable (out of file descriptors).
  static Result<SignalFd> block(std::initializer_list<int> numbers);

  /// For poll(2): readable while a signal is pending.
  [[nodiscard]] int poll_fd() const noexcept { return fd_.get(); }
  /// Takes the next pending signal and returns its number; 0 if there is none. Doesn't block.
  [[nodiscard]] int next() const noexcept;
  /// The signal mask of the calling thread before `block`.
  [[nodiscard]] const sigset_t& previous_mask() const noexcept { return previous_mask_; }

 private:
  SignalFd(Fd fd, const sigset_t& previous_mask)
      : fd_(std::move(fd)), previous_mask_(previous_mask) {}
  Fd fd_;
  sigset_t previous_mask_;
};

}  // namespace rtenv
