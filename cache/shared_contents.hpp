// Read-only entries share large files as hard links: two versions of a working directory with the
// same model take its space once. Only entries that are never written to share files (jobs get
// copies), and only after a comparison byte by byte: the digests aren't cryptographic, and a
// collision must not put one job's file into another job's tree.
#pragma once

#include <vector>

#include "cache/cache_state.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {

/// Smaller files aren't worth a row in the ledger.
inline constexpr std::uint64_t k_share_from_bytes = 64U << 10U;

/// Replaces large files in `folder` by links to equal files of other entries. `folder` must be
/// unpublished and writable; `spare` is a free path on its file system. A file that can't be shared
/// stays as it is. Returns the large files, for the ledger. Fails: as the ledger.
Result<std::vector<ContentRow>> share_contents(CacheState& state, const Path& folder,
                                               const std::vector<TreeItem>& items,
                                               const Path& spare);

}  // namespace rtenv::cache
