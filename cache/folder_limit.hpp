// Keeps a folder of small files or of rarely needed ones from growing without end. Internal to this
// folder.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/fd.hpp"

namespace rtenv::cache {

struct FolderLimit {
  std::chrono::hours max_age;  // since the last change
  std::size_t max_count;
  std::uint64_t max_bytes;
};

/// Removes what is too old, then the oldest until the rest keeps the limit. What can't be removed
/// is logged. `now_ms` is the Unix time.
void limit_folder(const Path& folder, const FolderLimit& limit, std::int64_t now_ms);

}  // namespace rtenv::cache
