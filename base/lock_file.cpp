#include "base/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace rtenv {
namespace {

// A lock file is removed only by the process that holds its lock. A lock on a file that was removed
// in the meantime protects nothing: the next process creates and locks a new file.
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

Result<std::optional<LockFile>> LockFile::try_acquire(const Path& path, LockMode mode) {
  const int operation = mode == LockMode::exclusive ? LOCK_EX : LOCK_SH;
  for (;;) {
    RTENV_TRY(auto fd, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (::flock(fd.get(), operation | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::optional<LockFile>();
      return fail_errno("lock", path.native());
    }
    RTENV_TRY(const bool named, is_still_named(fd, path));
    if (named) return std::optional<LockFile>(LockFile(std::move(fd)));
  }
}

std::uint64_t LockFile::inode() const noexcept {
  struct stat status {};
  return ::fstat(fd_.get(), &status) == 0 ? status.st_ino : 0;
}

Result<LockFile> LockFile::acquire(const Path& path, const WaitOptions& options, LockMode mode) {
  // Polls, because a blocking flock can't be cancelled. The average loss is half a poll interval,
  // which is small against builds that take a second or more.
  const auto begin = std::chrono::steady_clock::now();
  bool reported = false;
  for (auto pause = std::chrono::milliseconds(2);;
       pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
    RTENV_TRY(auto lock, try_acquire(path, mode));
    if (lock) return std::move(*lock);
    if (!reported && std::chrono::steady_clock::now() - begin >= options.quiet_wait) {
      reported = true;
      if (options.on_wait) options.on_wait();
    }
    RTENV_TRY(check_not_cancelled(options.cancellation, "waiting for", path.native()));
    if (options.is_needless && options.is_needless())
      return fail(Errc::busy, "the lock {} isn't needed any more", path.native());
    if (options.deadline && std::chrono::steady_clock::now() >= *options.deadline)
      return fail(Errc::busy, "Timeout: waited too long for the process that holds {}",
                  path.native());
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace rtenv
