// The folder of a cache: whose it is, who may read it, and the space that is kept for making room.
// Internal to this folder.
#pragma once

#include "base/fd.hpp"

namespace rtenv::cache {

enum class Readers : std::uint8_t { owner, everybody };

/// What the cache was opened with last, `owner` if never.
Readers remembered_readers(const Path& root);

/// A little space and a few inodes on the cache's disk, for making room when it is full: removing
/// entries takes some itself.
enum class Reserve : std::uint8_t { keep, use_if_full };

/// Creates the cache's folder, those below it, the ledger's file and the reserve. Only their owner
/// may write to them, and only `readers`, which are remembered, may read them. Fails:
/// invalid_argument (the folder has other content), permission_denied (it is another user's, or
/// others may write to it), corrupt (its ledger isn't a file), out_of_space.
Result<void> prepare_cache_folder(const Path& root, Readers readers, Reserve reserve);

/// Whether there is less space or there are fewer inodes than the reserve has, twice.
bool is_nearly_full(const Path& root);

/// Frees the reserve. Requires: `root` is a cache of this user.
void use_reserve(const Path& root);

/// Creates what is missing of the reserve, as far as there is space.
void restore_reserve(const Path& root);

}  // namespace rtenv::cache
