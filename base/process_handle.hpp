// Processes that aren't this one's children.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>

#include "base/fd.hpp"

namespace rtenv {

/// Refers to the process that has the id when it is opened, also if another one gets the id later.
class ProcessHandle {
 public:
  explicit ProcessHandle(pid_t pid) noexcept;

  /// False if there was no such process, or no descriptor left.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(pidfd_); }
  /// Returns 0 or an errno.
  int signal(int number) const noexcept;
  /// Until it has ended and closed its files. False if the deadline comes first.
  [[nodiscard]] bool wait_for_end(std::chrono::steady_clock::time_point deadline) const noexcept;

 private:
  Fd pidfd_;
};

/// Of those that /proc shows. One that begins or ends meanwhile may be left out.
void for_each_process(const std::function<void(pid_t)>& visit);

}  // namespace rtenv
