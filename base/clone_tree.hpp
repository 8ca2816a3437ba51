// Copies single entries of a directory tree by descriptor. For a whole tree see clone_tree in
// base/file.hpp.
#pragma once

#include <sys/stat.h>

#include <vector>

#include "base/cancellation.hpp"

namespace rtenv {

/// An entry of an open folder.
struct EntryAt {
  int folder = -1;
  const char* name = nullptr;
};

/// Sets the mode of a folder. Never follows a link: another process may put one in its place.
/// Fails: invalid_argument (not a folder), and by the errno of open(2) and chmod(2).
Result<void> set_folder_mode(EntryAt folder, mode_t mode, const Path& shown);

/// Not thread-safe; use one per thread.
class EntryCloner {
 public:
  /// `cancellation` may be null, and must outlive this.
  explicit EntryCloner(const Cancellation* cancellation) : cancellation_(cancellation) {}

  /// Copies a file or a symbolic link with its permissions, to which it adds the owner's permission
  /// to write, and its modification time. `status` is the source's. Errors name it as `shown` /
  /// `from.name`. Fails: invalid_argument (a device, a pipe or a socket), already_exists (`to`),
  /// cancelled, and by errno.
  Result<void> clone(EntryAt from, EntryAt to, const struct stat& status, const Path& shown);

 private:
  Result<void> clone_link(EntryAt from, EntryAt to, const Path& shown);
  Result<void> copy_content(const Fd& from, const Fd& to, off_t size, const Path& shown);

  const Cancellation* cancellation_;
  std::vector<std::byte> buffer_;
  bool can_share_blocks_ = true;  // until the file system refuses
};

/// Creates a folder that its owner can use, whatever the umask is, and opens it. Fails:
/// already_exists, and by errno.
Result<Fd> create_folder(EntryAt folder, mode_t permissions, const Path& shown);

/// Sets a modification time; leaves the access time alone. Doesn't follow symbolic links. Fails: by
/// errno.
Result<void> set_modification_time(EntryAt entry, const timespec& time, const Path& shown);

}  // namespace rtenv
