// Folders that were moved out of the cache, until they are removed. A rename takes an entry away
// from its users in one step; removing a large tree takes long, and is done without locks.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

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

  /// A free path on the cache's file system, to rename a folder to. On a full disk it is in tmp/
  /// itself and has a name that tells whose it is: see is_trash_of_a_process.
  Result<Path> new_path();
  /// Renames `path` to a new path; does nothing if it doesn't exist.
  Result<void> move_in(const Path& path);
  /// Removes the folders. Files that can't be removed are logged and stay in tmp/. `cancellation`
  /// may be null. Fails: cancelled; the rest is left to whoever cancelled it.
  Result<void> empty(const Cancellation* cancellation);

 private:
  CacheState& state_;
  std::optional<TempDir> folder_;
  std::vector<Path> moved_;
};

/// Whether this is the name of a folder in tmp/ that a process moved there, which may still run.
bool is_trash_of_a_process(std::string_view name);

}  // namespace rtenv::cache
