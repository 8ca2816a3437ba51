// The folder of a cache: whose it is, who may read it, and the space that is kept for making room.
// Internal to this folder.
#pragma once

#include "base/fd.hpp"

namespace rtenv::cache {

enum class Readers : std::uint8_t { owner, everybody };

/// Creates the cache's folder and those below it. Only their owner may write to them, and only
/// `readers` may read them. Fails: permission_denied (the folder is another user's, or others may
/// write to it), out_of_space.
Result<void> prepare_cache_folder(const Path& root, Readers readers);

/// Keeps a little space and a few inodes on the cache's disk, if there are enough. Logs failures.
void keep_reserve(const Path& root);
/// Frees them if the disk is full: removing entries takes some space itself. Logs failures.
void use_reserve_if_full(const Path& root);

}  // namespace rtenv::cache
