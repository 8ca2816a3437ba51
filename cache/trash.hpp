// Folders that were moved out of the cache, until they are removed. A rename takes an entry away
// from its users in one step; removing a large tree takes long, and is done without locks.
#pragma once

#include <cstddef>
#include <optional>

#include "base/cancellation.hpp"
#include "base/temp_dir.hpp"

namespace rtenv::cache {

class CacheState;

class Trash {
 public:
  explicit Trash(CacheState& state) : state_(state) {}
  Trash(const Trash&) = delete;
  Trash& operator=(const Trash&) = delete;
  /// Removes no files: what `empty` didn't remove stays in tmp/ until the cache is opened after
  /// this process has ended.
  ~Trash();

  /// A free path on the cache's file system, to rename a folder to.
  Result<Path> new_path();
  /// Renames `path` to a new path; does nothing if it doesn't exist.
  Result<void> move_in(const Path& path);
  /// Removes the folders. Files that can't be removed are logged and stay in tmp/. `cancellation`
  /// may be null. Fails: cancelled.
  Result<void> empty(const Cancellation* cancellation);

 private:
  CacheState& state_;
  std::optional<TempDir> folder_;
  std::size_t count_ = 0;
};

}  // namespace rtenv::cache
