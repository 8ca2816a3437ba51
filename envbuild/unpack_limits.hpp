// How much an archive may unpack to in a cache.
#pragma once

#include "pkg/unpack.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::envbuild {

/// The default limits, lowered to the cache's own limit and to the free space of its disk. Fails:
/// as statvfs(3).
Result<pkg::UnpackLimits> unpack_limits(const cache::Cache& cache);

}  // namespace rtenv::envbuild
