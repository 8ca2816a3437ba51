// Stands for one file in one state, without reading it: who has the same stamp has the same
// content.
//
// The stamp is the XXH3-128 of the file's device, inode, size, mtime and ctime (in nanoseconds) and
// of its path in the tree. Every write, chmod, rename and touch moves the ctime, which nobody can
// set back; a file put in its place has another inode. What remains is the racy window that git's
// index and ccache's inode cache know, too: clocks tick every few milliseconds, so a file written
// twice within a tick looks the same before and after the second write. So a file gets a stamp only
// if it was last changed some time (FileStamper) before it was looked at: whatever changes it from
// then on gives it a ctime that no stamp has yet.
//
// Not covered, as in git: a program that writes through a shared mapping it made before, whose
// changes reach the times only later; and a clock that was set back by more than the settling time.
// Only file systems that keep the times of every change themselves are trusted: no network file
// system, no FUSE.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

struct FileStamp {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  /// False for "none".
  explicit operator bool() const noexcept { return (low | high) != 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Gives stamps to the files of one tree. Immutable; safe to share between threads.
class FileStamper {
 public:
  /// Long enough for every tick and for the coarsest times (2 s, FAT).
  static constexpr std::chrono::nanoseconds k_settle_time = std::chrono::seconds(2);

  /// Nothing where the root's file system can't be trusted with it. Begin before the first file is
  /// looked at.
  static std::optional<FileStamper> begin(const Path& root,
                                          std::chrono::nanoseconds settle_time = k_settle_time);

  /// None for a file that was changed too lately, or that lies on another file system than the
  /// root.
  [[nodiscard]] FileStamp stamp(const struct stat& status, std::string_view path) const;

  /// Says which directory this is, whatever its path.
  [[nodiscard]] const FileStamp& root() const noexcept { return root_; }

 private:
  FileStamper(dev_t device, FileStamp root, timespec settled_before)
      : device_(device), root_(root), settled_before_(settled_before) {}
  dev_t device_;
  FileStamp root_;
  timespec settled_before_;
};

}  // namespace rtenv::pkg
