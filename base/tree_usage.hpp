// The disk space of a directory tree, and the part of it that it shares with other trees by hard
// links.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

class Cancellation;

/// A file that has further names outside of a tree.
struct SharedFile {
  dev_t device = 0;
  ino_t inode = 0;
  nlink_t links = 0;       // all its names
  nlink_t links_here = 0;  // those in the tree
  std::uint64_t bytes = 0;
};

struct TreeUsage {
  std::uint64_t own_bytes = 0;     // of folders, and of files without names outside of the tree
  std::vector<SharedFile> shared;  // in no particular order
  /// When a file was last changed, or got or lost a name: Unix time. 0: there are no files.
  std::int64_t changed_ms = 0;

  /// As du(1) counts.
  [[nodiscard]] std::uint64_t all_bytes() const {
    std::uint64_t sum = own_bytes;
    for (const SharedFile& file : shared) sum += file.bytes;
    return sum;
  }
};

/// Measures a file or a directory tree of any depth; nothing if it doesn't exist. What is removed
/// in the meantime doesn't count. `cancellation` may be null. Fails: cancelled, unavailable (a
/// folder was moved in the meantime), permission_denied.
Result<TreeUsage> tree_usage(const Path& path, const Cancellation* cancellation = nullptr);

/// The disk space used by a file or a directory tree, in bytes. A file with several hard links
/// within the tree counts once.
Result<std::uint64_t> disk_usage_bytes(const Path& path);

/// The disk space of a file or a folder itself, without what is in the folder. 0 if it can't be
/// read.
std::uint64_t own_disk_bytes(const Path& path);

}  // namespace rtenv
