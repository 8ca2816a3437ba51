// A lock between processes: flock(2) on a file. The kernel releases it when the last process that
// has the descriptor exits, so a crash can't leave it locked. A child process that
// inherits the descriptor holds the lock, too.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/cancellation.hpp"
#include "base/fd.hpp"

namespace rtenv {

/// Whether others may hold the lock at the same time, if they share it, too.
enum class LockMode : std::uint8_t { exclusive, shared };

/// How to wait for a lock that another process or thread holds.
struct WaitOptions {
  /// Ends the wait; may be null.
  const Cancellation* cancellation = nullptr;
  /// The wait ends then with the error `busy`.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// Called between the attempts; true ends the wait with the error `busy`. May be empty.
  std::function<bool()> is_needless;
  /// A shorter wait is not reported: the processes of a killed holder exit within this time.
  std::chrono::milliseconds quiet_wait{2000};
  /// Called once, after `quiet_wait`; may be empty.
  std::function<void()> on_wait;
};

class LockFile {
 public:
  /// Waits until no other process holds the lock (in a way that excludes this one). Creates the
  /// file if it doesn't exist. Fails: cancelled, busy (see WaitOptions), and as open(2).
  static Result<LockFile> acquire(const Path& path, const WaitOptions& options = {},
                                  LockMode mode = LockMode::exclusive);

  /// Returns nullopt if the lock is held. Creates the file if it doesn't exist. Fails: as open(2).
  static Result<std::optional<LockFile>> try_acquire(const Path& path,
                                                     LockMode mode = LockMode::exclusive);

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  /// The file's inode. While the lock is held, no other file has it.
  [[nodiscard]] std::uint64_t inode() const noexcept;

 private:
  explicit LockFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace rtenv
