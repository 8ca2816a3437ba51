// Identifies one state of a file without reading it.
//
// The stamp is the XXH3-128 of the file system's and the device's id, the file's inode, size, mtime
// and ctime (in nanoseconds) and its path in the tree. Every write, chmod, rename and touch updates
// the ctime, which no program can set back; a file that replaces it has another inode. What remains
// is the race known from git's index and ccache's inode cache: clocks tick every few milliseconds,
// so a file written twice within a tick has the same times after both writes; and a write updates
// the times before it copies its data. Therefore a stamp is settled only if the file's last change
// is older than the settling time (see FileStamper): any later change gives it a ctime that no
// stamp has yet. Equal settled stamps mean equal content. With others, only different stamps tell:
// that the file has changed.
//
// Not covered, as in git: a program that writes through a shared mapping, whose changes update the
// times at most once until the next writeback, and on a tmpfs not at all if the page was read
// before; ioctls that exchange the blocks of files; a single write that takes longer than the
// settling time; and a clock that was set back by more than that. Only file systems that record the
// times of every other change themselves are trusted: no network file system, no FUSE. On others,
// no stamp is settled.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct FileStamp {
  static constexpr std::uint64_t k_settled = 1;  // a bit of `low`
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  /// For an entry that isn't a file: a digest of its type, path and link target.
  static FileStamp of_name(char type, std::string_view path, std::string_view link_target);

  /// False for no stamp.
  explicit operator bool() const noexcept { return (low | high) != 0; }
  [[nodiscard]] bool is_settled() const noexcept { return (low & k_settled) != 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
  /// The sum of several doesn't depend on their order.
  FileStamp& operator+=(const FileStamp& other) noexcept {
    low += other.low;
    high += other.high;
    return *this;
  }
};

/// Stamps the files of one tree. Immutable; safe to share between threads.
class FileStamper {
 public:
  /// Longer than every clock tick, and as long as the coarsest time stamps (2 s, FAT).
  static constexpr std::chrono::nanoseconds k_settle_time = std::chrono::seconds(2);

  /// Call before the first file is examined. Fails: as fstat(2).
  static Result<FileStamper> begin(const Fd& root,
                                   std::chrono::nanoseconds settle_time = k_settle_time);

  [[nodiscard]] FileStamp stamp(const struct stat& status, std::string_view path) const;

  /// Whether stamps of the tree's files can be settled.
  [[nodiscard]] bool is_trusted() const noexcept { return trusted_; }
  /// Identifies the directory, by its file system and inode.
  [[nodiscard]] const FileStamp& root() const noexcept { return root_; }

 private:
  FileStamper(dev_t device, std::uint64_t file_system, bool trusted, FileStamp root,
              timespec settled_before)
      : device_(device),
        file_system_(file_system),
        trusted_(trusted),
        root_(root),
        settled_before_(settled_before) {}
  dev_t device_;
  std::uint64_t file_system_;
  bool trusted_;
  FileStamp root_;
  timespec settled_before_;
};

}  // namespace rtenv::pkg
