// Operations on whole files and directory trees: read, replace atomically, remove, copy, measure.
// A failed system call gives the code for its errno (system_error); `Fails:` names the usual ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/origin.hpp"

namespace rtenv {

class Cancellation;

/// Fails: not_found, permission_denied, invalid_argument (not a regular file).
Result<std::string> read_file(const Path& path);
/// The same of a file that somebody else wrote. Fails also: invalid_argument (it is larger).
Result<std::string> read_file(const Path& path, std::uint64_t max_bytes);

/// Creates the directory and its parents; succeeds if it already exists.
Result<void> make_directories(const Path& path);

/// Creates the directory; succeeds if it already exists. Fails: not_found (its parent).
Result<void> make_directory(const Path& path);

/// Removes a file or a directory tree, including read-only directories. Succeeds if it doesn't
/// exist. Doesn't follow symbolic links. `cancellation` may be null. Fails: cancelled, with a part
/// of the tree left; permission_denied (a file system is mounted there), and by errno.
Result<void> remove_tree(const Path& path, const Cancellation* cancellation = nullptr);

/// Removes the write permissions of everything below a directory. The directory itself stays
/// writable: otherwise only root could move it to another parent.
Result<void> make_read_only(const Path& path);

/// Gives the owner all permissions for everything in a directory tree, except to execute files.
Result<void> make_owner_writable(const Path& path);

struct CloneOptions {
  unsigned threads = 0;  // 0: one for each processor, up to a limit
  const Cancellation* cancellation = nullptr;
};

/// Makes a copy of a directory tree that its owner can write to, with the modification times and
/// the permissions of the files. Folders get the default permissions, or 0700 if others may not
/// enter them. Shares blocks if the file system supports it (reflink), never hard links. Fails:
/// already_exists (`to`), invalid_argument (a device, a pipe or a socket), cancelled.
Result<void> clone_tree(const Path& from, const Path& to, const CloneOptions& options = {});

/// Makes changes to the directory's entries (a rename, a new file) durable.
Result<void> sync_directory(const Path& path);

/// Makes everything written so far to the file system of `path` durable.
Result<void> sync_file_system(const Path& path);

/// rename(2). Fails: not_found, already_exists (`to` is a directory that isn't empty).
Result<void> rename_path(const Path& from, const Path& to);

/// The same, but never replaces anything: fails with already_exists.
Result<void> rename_to_new(const Path& from, const Path& to);

enum class Durability : std::uint8_t {
  power_loss,  // survives a power loss
  process,     // survives a crash of this process; may be empty or truncated after a power loss
};

/// Files and folders with such names are being written, or were when a process was killed.
inline constexpr std::string_view k_unfinished_prefix = ".rtenv-unfinished-";

/// A file that appears under its name completely or not at all. It is written next to the target
/// under a temporary name; `commit` renames it, replacing an existing file. Without a commit it is
/// removed by the process that made it.
class AtomicFile {
 public:
  static Result<AtomicFile> create(Path target, mode_t mode = 0666);
  AtomicFile(AtomicFile&&) noexcept = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  [[nodiscard]] const Path& target() const noexcept { return target_; }
  Result<void> write(std::string_view text);
  Result<void> commit(Durability durability = Durability::power_loss) {
    return commit_as(target_, durability);
  }
  /// Commits under another name in the same directory, if the name depends on the content.
  Result<void> commit_as(const Path& target, Durability durability = Durability::power_loss);

 private:
  AtomicFile(Path target, Path staged, Fd fd)
      : target_(std::move(target)), staged_(std::move(staged)), fd_(std::move(fd)) {}

  Path target_;
  Path staged_;  // empty once committed or moved from
  Fd fd_;
  Origin origin_;
};

}  // namespace rtenv
