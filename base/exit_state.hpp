// How a child process ended, whoever else in this program waits for children.
#pragma once

#include <string>

#include "base/fd.hpp"

namespace rtenv {

/// How a process ended.
struct ExitState {
  int exit_code = 0;  // valid if signal is 0
  int signal = 0;     // the signal that killed it, or 0
  [[nodiscard]] bool succeeded() const noexcept { return signal == 0 && exit_code == 0; }
  /// As a shell reports it: the exit code, or 128 + the signal.
  [[nodiscard]] int shell_status() const noexcept { return signal != 0 ? 128 + signal : exit_code; }
  /// "exit code 3" or "signal 9 (Killed)".
  [[nodiscard]] std::string describe() const;
};

/// Waits for the child to end, and reaps it unless that was done already. Fails: internal (another
/// part of this program reaped it, or the kernel because SIGCHLD is ignored, and the kernel doesn't
/// tell how it ended: it does from Linux 6.15 on).
Result<ExitState> wait_for_exit(const Fd& pidfd);

}  // namespace rtenv
