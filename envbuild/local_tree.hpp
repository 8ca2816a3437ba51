// Directories and files of this machine as read-only entries of the cache: what a job gets is what
// they were when it was made ready, named by its content.
#pragma once

#include "envbuild/prepare_options.hpp"

namespace rtenv::envbuild {

/// A copy of the directory's files, as its package would hold them. `top`: the folder of the entry
/// that they lie in; empty: the entry itself. Fails: as pkg::name_directory and pkg::copy_tree.
Result<cache::Lease> store_directory(const Path& directory, const std::string& top,
                                     const std::vector<std::string>& excludes, cache::Cache& cache,
                                     const PrepareOptions& options);

/// An entry that holds this one file.
Result<cache::Lease> keep_single_file(const Path& file, cache::Cache& cache,
                                      const PrepareOptions& options);

}  // namespace rtenv::envbuild
