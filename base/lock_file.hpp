// An exclusive lock between processes: flock(2) on a file. The kernel drops it when its last holder
// is gone, so a crash can't leave it behind. A child process that inherits the descriptor holds it
// too.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/cancellation.hpp"
#include "base/fd.hpp"

namespace rtenv {

class LockFile {
 public:
  /// Waits for as long as another holds it. `on_wait` is called once, where the wait has lasted for
  /// `quiet_wait`. Fails: cancelled, and what open fails with. The file is made where it isn't
  /// there.
  static Result<LockFile> acquire(const Path& path, const Cancellation* cancellation,
                                  std::chrono::milliseconds quiet_wait,
                                  const std::function<void()>& on_wait);

  /// Nothing where another holds it.
  static Result<std::optional<LockFile>> try_acquire(const Path& path);

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }

 private:
  explicit LockFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace rtenv
