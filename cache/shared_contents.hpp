// Large files that read-only entries have in common are one file on the disk: two versions of a
// working directory with the same model in it take its space once. Links, so that it works on every
// file system; only between entries that nobody writes to (jobs get copies), and only after both
// were compared byte by byte: a digest that isn't cryptographic mustn't put one job's file into
// another's tree.
#pragma once

#include <vector>

#include "cache/cache_state.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {

/// Smaller ones aren't worth a row in the ledger.
inline constexpr std::uint64_t k_share_from_bytes = 64U << 10U;

/// `folder` isn't published yet, and still writable; `spare` is a free name on its file system.
/// What can't be shared stays a file of its own. Returns the large files for the ledger. Fails: as
/// the ledger.
Result<std::vector<ContentRow>> share_contents(CacheState& state, const Path& folder,
                                               const std::vector<TreeItem>& items,
                                               const Path& spare);

}  // namespace rtenv::cache
