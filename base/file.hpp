// Whole files and folders: read, replace atomically, remove, measure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

/// Fails: not_found, permission_denied, invalid_argument (a folder).
Result<std::string> read_file(const Path& path);

/// Makes the folder and its parents; one that is there already is fine.
Result<void> make_directories(const Path& path);

/// Removes a file or a folder with all in it, read-only folders included; nothing there is fine.
/// Never follows a link.
Result<void> remove_tree(const Path& path);

/// The space that a file or folder takes, in bytes: a file with several links inside it counts
/// once.
Result<std::uint64_t> disk_usage_bytes(const Path& path);

/// Takes the write permission from all in a folder, links aside. The folder itself keeps it: else
/// only root could still rename it into another one.
Result<void> make_read_only(const Path& path);

/// A writable copy of a folder, for one user alone: blocks are shared where the file system can
/// (reflink), never links. Requires: `to` isn't there.
Result<void> clone_tree(const Path& from, const Path& to);

/// Makes the folder's entries (a rename, a new file) survive a power cut.
Result<void> sync_directory(const Path& path);

/// Makes everything written so far to the file system of `path` survive a power cut.
Result<void> sync_file_system(const Path& path);

/// rename(2). Fails: already_exists where `to` is a folder with something in it.
Result<void> rename_path(const Path& from, const Path& to);

enum class Durability : std::uint8_t {
  power_cut,  // survives one
  process,    // survives the end of this process; after a power cut the file may be empty or cut
              // short
};

/// A file that appears under its name whole or not at all. Written beside its target under another
/// name; `commit` renames it over whatever was there; without a commit it is removed.
class AtomicFile {
 public:
  static Result<AtomicFile> create(Path target, mode_t mode = 0666);
  AtomicFile(AtomicFile&&) noexcept = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  [[nodiscard]] const Path& target() const noexcept { return target_; }
  Result<void> write(std::string_view text);
  Result<void> commit(Durability durability = Durability::power_cut) {
    return commit_as(target_, durability);
  }
  /// Under another name in the same folder: one that was known only at the end.
  Result<void> commit_as(const Path& target, Durability durability = Durability::power_cut);

 private:
  AtomicFile(Path target, Path staged, Fd fd)
      : target_(std::move(target)), staged_(std::move(staged)), fd_(std::move(fd)) {}

  Path target_;
  Path staged_;  // empty once committed or moved from
  Fd fd_;
};

}  // namespace rtenv
