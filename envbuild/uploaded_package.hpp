// runtime_env::Packages that somebody uploaded to this machine's job server, gcs://NAME: kept in
// the cache as they came, under their name.
#pragma once

#include <optional>
#include <string>

#include "cache/cache.hpp"
#include "remote/uri.hpp"

namespace rtenv::envbuild {

struct UploadedPackage {
  cache::Lease lease;  // of the folder that holds it
  Path file;
  std::string sha256;
};

Result<std::optional<UploadedPackage>> find_uploaded(const remote::Uri& uri, cache::Cache& cache);

/// Moves the file, on the cache's file system, into the cache. A package that is there already
/// stays as it is. Requires: the URI is gcs:// and a plain name.
Result<UploadedPackage> store_upload(const remote::Uri& uri, const Path& file,
                                     const std::string& sha256, cache::Cache& cache);

}  // namespace rtenv::envbuild
