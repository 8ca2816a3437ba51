// A path in the cache together with the lease that keeps it there.
#pragma once

#include <optional>
#include <utility>

#include "cache/cache.hpp"

namespace rtenv::envbuild {

/// Valid for as long as it lives. Move-only.
struct LeasedPath {
  Path path;
  /// Nullopt if the path isn't in the cache: a local directory or program that is used in place.
  std::optional<cache::Lease> lease;
};

/// The leased entry, or the file or folder `below` in it.
inline LeasedPath leased_path(cache::Lease lease, const Path& below = {}) {
  Path path = below.empty() ? lease.path() : lease.path() / below;
  return {.path = std::move(path), .lease = std::move(lease)};
}

}  // namespace rtenv::envbuild
