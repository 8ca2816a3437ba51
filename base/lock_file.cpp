#include "base/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace rtenv {
namespace {

// Whoever removes a lock file does so while holding it; so a lock on a file that has lost its name
// is worthless.
Result<bool> is_still_named(const Fd& fd, const Path& path) {
  struct stat held {};
  struct stat named {};
  if (::fstat(fd.get(), &held) != 0) return fail_errno("read", path.native());
  if (::stat(path.c_str(), &named) != 0) {
    if (errno == ENOENT) return false;
    return fail_errno("read", path.native());
  }
  return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

}  // namespace

Result<std::optional<LockFile>> LockFile::try_acquire(const Path& path) {
  for (;;) {
    RTENV_TRY(auto fd, open_file(path, O_RDWR | O_CREAT, 0600));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::optional<LockFile>();
      return fail_errno("lock", path.native());
    }
    RTENV_TRY(const bool named, is_still_named(fd, path));
    if (named) return std::optional<LockFile>(LockFile(std::move(fd)));
  }
}

Result<LockFile> LockFile::acquire(const Path& path, const Cancellation* cancellation,
                                   std::chrono::milliseconds quiet_wait,
                                   const std::function<void()>& on_wait) {
  // Polling rather than a blocking flock: a wait must end when it is cancelled. Half of a poll is
  // what is lost against builds that take a second or more.
  const auto begin = std::chrono::steady_clock::now();
  bool said = false;
  for (auto pause = std::chrono::milliseconds(2);;
       pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
    RTENV_TRY(auto taken, try_acquire(path));
    if (taken) return std::move(*taken);
    if (!said && std::chrono::steady_clock::now() - begin >= quiet_wait) {
      said = true;
      if (on_wait) on_wait();
    }
    if (cancellation != nullptr && cancellation->requested())
      return fail(Errc::cancelled, "interrupted while waiting for {}", path.native());
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace rtenv
