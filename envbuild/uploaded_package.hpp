// Packages that clients uploaded to this machine's job server (gcs://NAME): cached as files, under
// their names.
#pragma once

#include <optional>
#include <string>

#include "envbuild/leased_path.hpp"
#include "envbuild/package_check.hpp"
#include "remote/uri.hpp"

namespace rtenv::envbuild {

struct UploadedPackage {
  LeasedPath file;  // always has a lease
  std::string sha256;
};

/// Returns nullopt if it wasn't uploaded or was evicted. Fails: as the cache.
Result<std::optional<UploadedPackage>> find_uploaded(const remote::Uri& uri, cache::Cache& cache);

/// Moves `file`, which is on the cache's file system, into the cache. A package with other bytes
/// under this name is replaced only by one whose name has been checked. Requires: a gcs:// URI with
/// a plain file name. Fails: already_exists (other bytes), and as the cache.
Result<UploadedPackage> store_upload(const remote::Uri& uri, const Path& file,
                                     const std::string& sha256, NameCheck check,
                                     cache::Cache& cache, const Cancellation& cancellation);

}  // namespace rtenv::envbuild
