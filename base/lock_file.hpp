// An exclusive lock between processes: flock(2) on a file. The kernel drops it when its last holder is gone, so a
// crash can't leave it behind. A child process that inherits the descriptor holds it too.
#pragma once

#include <optional>

#include "base/cancellation.hpp"
#include "base/fd.hpp"

namespace rtenv {

class LockFile {
 public:
  /// Waits for as long as another holds it. `on_wait` is called once, before the first wait.
  /// Fails: cancelled, and what open fails with. The file is made where it isn't there.
  template <class OnWait>
  static Result<LockFile> acquire(const Path& path, const Cancellation* cancellation, OnWait on_wait) {
    RTENV_TRY(auto taken, try_acquire(path));
    if (!taken) {
      on_wait();
      RTENV_TRY(auto waited, wait(path, cancellation));
      return waited;
    }
    return std::move(*taken);
  }

  /// Nothing where another holds it.
  static Result<std::optional<LockFile>> try_acquire(const Path& path);

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }

 private:
  explicit LockFile(Fd fd) : fd_(std::move(fd)) {}
  static Result<LockFile> wait(const Path& path, const Cancellation* cancellation);
  Fd fd_;
};

}  // namespace rtenv
