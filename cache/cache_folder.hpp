// The folder of a cache: whose it is, who may read it, and the space that is kept for making room.
// Internal to this folder.
#pragma once

#include "base/fd.hpp"

namespace rtenv::cache {

enum class Readers : std::uint8_t { owner, everybody };

/// What the cache was opened with last, `owner` if never.
Readers remembered_readers(const Path& root);

/// Creates the cache's folder, those below it, and the ledger's file. Only their owner
/// may write to them, and only `readers`, which are remembered, may read them. Fails:
/// invalid_argument (the folder has other content), permission_denied (it is another user's, or
/// others may write to it), corrupt (its ledger isn't a file), out_of_space.
Result<void> prepare_cache_folder(const Path& root, Readers readers);

enum class DiskSpace : std::uint8_t {
  none,    // nothing can be begun
  little,  // less than the reserve, twice
  enough,
};
DiskSpace disk_space(const Path& root);

// The reserve: a little space and a few inodes on the cache's disk, for making room when it is
// full. Removing entries takes some itself, and whatever is free may be taken by others at once.

/// Creates the reserve if there is plenty of space.
void keep_reserve(const Path& root);
/// Creates what is missing of the reserve, as far as there is space.
void restore_reserve(const Path& root);
/// Gives the ledger a write-ahead log out of the reserve, unless it has one: no space is free
/// meanwhile.
void put_reserved_log(const Path& root);
/// Frees the rest of the reserve.
void use_reserve(const Path& root);

}  // namespace rtenv::cache
