// uv's own cache, a folder in this one. Environments are hard links to its files, so what it takes
// up is counted and limited with the entries. It is removed in parts, which uv fetches and builds
// again when it needs them. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/lock_file.hpp"
#include "cache/inventory.hpp"

namespace rtenv::cache {

class Trash;

/// Shared by the processes that run uv in this folder, see Cache::use_uv_folder; exclusive for the
/// one that removes parts of it.
inline constexpr const char* k_uv_folder_lock = "uv-folder";

class UvFolder {
 public:
  UvFolder(Path folder, Path locks) : folder_(std::move(folder)), locks_(std::move(locks)) {}

  struct Content {
    std::vector<Part> parts;        // an unpacked wheel, an index, a source distribution, …
    std::uint64_t other_bytes = 0;  // of the folders above them, and of uv's own small files
  };
  /// The parts aren't measured. What is removed in the meantime isn't listed.
  [[nodiscard]] Content content() const;

  /// Removes parts while it exists: no process uses the folder.
  class Pruner {
   public:
    /// Leaves a part that has been used since it was measured. Returns whether it was removed.
    /// Fails: as rename(2) and tree_usage.
    Result<bool> remove(const Part& part, Trash& trash);

   private:
    friend class UvFolder;
    Pruner(Path folder, LockFile ours, LockFile uvs)
        : folder_(std::move(folder)), ours_(std::move(ours)), uvs_(std::move(uvs)) {}
    struct Pointer {
      Path path;
      std::string text;  // contains the names of archives
    };
    void remove_pointers(std::string_view archive);
    void read_pointers();
    Path folder_;
    LockFile ours_;
    LockFile uvs_;
    std::optional<std::vector<Pointer>> pointers_;  // once an archive was removed
  };
  /// Nullopt if a process uses the folder: doesn't wait for it. Fails: as LockFile::try_acquire.
  [[nodiscard]] Result<std::optional<Pruner>> try_prune() const;

 private:
  Path folder_;
  Path locks_;
};

}  // namespace rtenv::cache
