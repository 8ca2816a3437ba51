// Removes stray files from the cache's folders: leftovers of crashed processes, folders
// that aren't in the ledger, unused lock files. Internal to this folder.
#pragma once

#include "cache/cache_state.hpp"
#include "cache/trash.hpp"

namespace rtenv::cache {

/// Held by the process that evicts.
inline constexpr const char* k_collector_lock = "collector";
/// A file beside it: another process wants to evict, too.
inline constexpr const char* k_collector_note = "collector-note";

class Sweeper {
 public:
  explicit Sweeper(CacheState& state) : state_(state) {}

  /// Temporary folders, leases and unfinished entries of processes that have died. The cost doesn't
  /// depend on the number of entries. Temporary folders that can't be removed are logged. Ends
  /// with the call, see WaitScope. Fails: as the ledger and remove_tree.
  Result<void> remove_crash_leftovers();

  /// Moves entry folders without a row to the trash: another program created them. Requires: the
  /// collector's lock. Fails: as the ledger and rename(2).
  Result<void> remove_unknown_folders(Trash& trash);
  /// Lock files whose lock is free. Requires: the collector's lock. Fails: as
  /// LockFile::try_acquire.
  Result<void> remove_free_locks();
  /// Keeps the folders of logs, digests and the like within limits. Requires: the collector's lock.
  /// Fails: as remove_free_locks.
  Result<void> limit_folders();

 private:
  Result<void> remove_temporary(const std::vector<Path>& folders);
  Result<void> remove_unfinished(const EntryRow& row);
  Result<void> remove_unknown(Kind kind, const Path& path, Trash& trash);

  CacheState& state_;
};

}  // namespace rtenv::cache
