// Unmodified files in the cache, by content and name: fetched objects, and local wheels, which
// installers keep unpacked by the path that they see.
#pragma once

#include "envbuild/leased_path.hpp"

namespace rtenv::envbuild {

/// A file's digests, in hex.
struct FileDigests {
  std::string sha256;
  std::string xxh3 = {};  // XXH3-128; may be empty: then a new file is read once more
};

/// Leases the file `name` with this content; `make` creates it, with this content, if it isn't
/// there. Fails: as `make` and Cache::get_or_build.
Result<LeasedPath> file_entry(const std::string& name, const FileDigests& digests,
                              cache::Cache& cache, const WaitOptions& wait,
                              const std::function<Result<void>(const Path&)>& make);

/// The file `name` with this SHA-256, if it is there. Fails: as Cache::find.
Result<std::optional<LeasedPath>> find_file_entry(const std::string& name,
                                                  const std::string& sha256, cache::Cache& cache);

}  // namespace rtenv::envbuild
