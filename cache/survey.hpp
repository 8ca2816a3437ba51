// Measures what is in a cache's folder. Reads the properties of all files of environments, copies
// and uv's own cache: seconds for a million files. So it is done by those who collect or ask, and
// the ledger remembers the figures. Internal to this folder.
#pragma once

#include <string_view>

#include "cache/cache_state.hpp"
#include "cache/inventory.hpp"

namespace rtenv::cache {

/// Names for Ledger::folder_size.
inline constexpr std::string_view k_uv_size = "uv";
inline constexpr std::string_view k_quarantine_size = "quarantine";

/// Records the sizes in the ledger. Entries are ordered by last use, the parts of uv's folder, too.
/// What can't be measured keeps its recorded size. `cancellation` may be null. Fails: cancelled,
/// and as the ledger.
Result<Inventory> survey(CacheState& state, const Cancellation* cancellation);

/// What is left of an inventory.
DiskUsage disk_usage(const Inventory& inventory, const SpaceLeft& space);

/// Records it. A failure is logged: on a full disk, making room is more important.
void record_sizes(CacheState& state, const Inventory& inventory, const SpaceLeft& space);

/// Records only what uv's folder takes up. Fails: cancelled, and as the ledger.
Result<void> survey_uv_folder(CacheState& state, const Cancellation* cancellation);

}  // namespace rtenv::cache
