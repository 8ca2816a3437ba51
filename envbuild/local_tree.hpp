// Snapshots of local directories and files: read-only cache entries with a key of their content.
#pragma once

#include "envbuild/leased_path.hpp"
#include "envbuild/prepare_options.hpp"

namespace rtenv::envbuild {

/// Copies the files that the directory's package would have. `top`: the folder in the entry for
/// them; empty: the entry itself. Fails: as pkg::name_directory and pkg::copy_tree.
Result<LeasedPath> store_directory(const Path& directory, const std::string& top,
                                   const std::vector<std::string>& excludes, cache::Cache& cache,
                                   const PrepareOptions& options);

/// Copies one file into an entry of its own and returns the entry. Fails: changed (the file
/// changed meanwhile), as read and written.
Result<LeasedPath> store_single_file(const Path& file, cache::Cache& cache,
                                     const PrepareOptions& options);

}  // namespace rtenv::envbuild
